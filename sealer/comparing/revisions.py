"""Two sides of a comparison and the files that differ between them, for `sealer diff`.

Revisions are found through GitPython (see `sealer.git` for why here and not there). What differs is read from Git
itself: GitPython loses files whose names hold a line break, and strangers choose names. Contents come from one
`git cat-file --batch`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sealer.errors import UsageError
from sealer.files import read
from sealer.git import OPTIONS, REGULAR, Blobs, environment, real, root, run, untracked

if TYPE_CHECKING:
    import git


@dataclass(frozen=True, slots=True)
class Span:
    """Two sides to compare, as commit ids; `new` None is the work tree."""

    old: str
    new: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One file that differs between two sides; bytes are None on a side that lacks it. `path` is from the root."""

    path: str
    old: bytes | None
    new: bytes | None


def span(start: Path, text: str) -> Span:
    """The sides that `REV`, `A..B` or `A...B` name; an empty side is HEAD. Raises UsageError: no such revision.

    Before the first commit HEAD is Git's empty tree: all is new.
    """
    left, dots, right = (*re.split(r"(\.{2,3})", text, maxsplit=1), "", "")[:3]
    with _repo(start) as repo:
        if text in ("", "HEAD") and not repo.head.is_valid():
            return Span(run(start, "hash-object", "-t", "tree", os.devnull).decode("ascii").strip(), None)
        old = _commit(repo, left or "HEAD")
        if not dots:
            return Span(old, None)
        new = _commit(repo, right or "HEAD")
        if dots == "..":
            return Span(old, new)
        bases = repo.merge_base(old, new)
        if not bases:
            raise UsageError(
                f"{text}: no common ancestor is in this clone", way_out="git fetch --unshallow (CI: fetch-depth 0)"
            )
        return Span(bases[0].hexsha, new)


def changes(start: Path, between: Span, paths: Sequence[Path], suffixes: Sequence[str]) -> Iterator[Change]:
    """Files with these suffixes that differ, below any of `paths` (all, if none), sorted by path.

    Against the work tree, untracked files count as new: a file that was just sealed is shown before `git add`.
    """
    top = root(start)
    only = [_below(top, start / path) for path in paths]
    with Blobs(start) as blobs:
        listed = dict(_differ(top, between, only))
        if between.new is None:
            listed |= {name: (None, None) for name in untracked(top, only) if name not in listed}
        for name in sorted(listed):
            if not name.lower().endswith(tuple(suffixes)):
                continue
            before, after = listed[name]
            now = _in_work_tree(top / name) if between.new is None else blobs.read(after) if after else None
            yield Change(name, blobs.read(before) if before else None, now)


def _differ(top: Path, between: Span, only: Sequence[str]) -> Mapping[str, tuple[str | None, str | None]]:
    """Blob ids on both sides of each path that differs; None for what is no regular file, or not in Git."""
    raw = ("--raw", "-z", "--no-renames", "--no-abbrev")
    if between.new is None:
        listed = run(top, "diff", *raw, "--no-ext-diff", between.old, "--", *only, literal=True)
    else:
        listed = run(top, "diff-tree", "-r", *raw, between.old, between.new, "--", *only, literal=True)
    words = listed.split(b"\0")[:-1]
    found: dict[str, tuple[str | None, str | None]] = {}
    # `:mode mode id id letter`, then the path; an unmerged path comes twice, once without ids.
    for head, path in zip(words[::2], words[1::2], strict=True):
        old_mode, new_mode, old, new, _ = head.removeprefix(b":").split(b" ")
        sides = _blob(old_mode, old), _blob(new_mode, new)
        before = found.get(os.fsdecode(path), (None, None))
        found[os.fsdecode(path)] = sides[0] or before[0], sides[1] or before[1]
    return found


def _below(top: Path, path: Path) -> str:
    relative = os.path.relpath(real(path), top)
    if relative == ".." or relative.startswith("../"):
        raise UsageError("is outside this repository", where=str(path))
    return relative


def _in_work_tree(path: Path) -> bytes | None:
    return read(path) if path.is_file() and not path.is_symlink() else None


def _repo(start: Path) -> git.Repo:
    top = root(start)
    import git

    repo = git.Repo(None if os.environ.get("GIT_DIR") else top, expand_vars=False)
    repo.git.set_persistent_git_options(c=list(OPTIONS))
    repo.git.update_environment(**environment())
    return repo


def _commit(repo: git.Repo, text: str) -> str:
    import git

    try:
        if text.startswith("-"):
            raise ValueError
        return str(repo.git.rev_parse("--verify", "--quiet", f"{text}^{{commit}}"))
    except (git.GitCommandError, ValueError):
        raise UsageError(f"{text}: not a revision of this repository", way_out="git fetch, or name another") from None


def _blob(mode: bytes, oid: bytes) -> str | None:
    return oid.decode("ascii") if mode in REGULAR and oid.strip(b"0") else None
