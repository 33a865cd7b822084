"""Whether Git already holds in plaintext what is about to be sealed: then sealing it is not enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sealer import git

_PATHS_A_CALL = 500

Holds = Callable[[bytes, str], bool]


def plaintext_in_history(paths: Iterable[Path], *, holds: Holds | None = None) -> dict[Path, str]:
    """Which of these files HEAD or the index hold in plaintext: path -> HEAD's short commit, or "" if only staged.

    `holds` decides on bytes and path; by default whether a plaintext Secret stands in them. Older commits are not
    searched (that is `sealer scan --history`), and outside Git nothing is in history.
    """
    if holds is None:
        from sealer.checking.lint import holds_plaintext

        holds = holds_plaintext
    found: dict[Path, str] = {}
    for top, names in _by_repository(paths).items():
        committed = dict(_ls(top, ("ls-tree", "-z", "--full-tree", "HEAD"), list(names)))
        staged = dict(_ls(top, ("ls-files", "-z", "--stage"), list(names)))
        if not committed and not staged:
            continue
        with git.Blobs(top) as blobs:
            head = {name for name, oid in committed.items() if holds(blobs.read(oid) or b"", name)}
            index = {n for n, oid in staged.items() if committed.get(n) != oid and holds(blobs.read(oid) or b"", n)}
        commit = git.head(top, "--short") if head else ""
        found |= {names[name]: commit if name in head else "" for name in names if name in head | index}
    return found


def _ls(top: Path, command: tuple[str, ...], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, blob id) of regular files, from ls-tree or ls-files --stage; nothing before the first commit."""
    for start in range(0, len(names), _PATHS_A_CALL):
        try:
            listed = git.run(top, *command, "--", *names[start : start + _PATHS_A_CALL], literal=True)
        except git.NoRepository:
            return
        for oid, path in git.staged(listed):
            yield os.fsdecode(path), oid


def _by_repository(paths: Iterable[Path]) -> Mapping[Path, Mapping[str, Path]]:
    groups: dict[Path, dict[str, Path]] = {}
    for path in paths:
        resolved = git.real(path)
        top = _top(resolved.parent)
        if top is not None:
            groups.setdefault(top, {})[os.path.relpath(resolved, top)] = path
    return groups


def _top(directory: Path) -> Path | None:
    """The top of the work tree. Without GIT_DIR it is looked up here: a process for each directory would be slow."""
    if os.environ.get("GIT_DIR"):
        try:
            return git.root(directory)
        except git.NoRepository:
            return None
    return next((folder for folder in (directory, *directory.parents) if (folder / ".git").exists()), None)
