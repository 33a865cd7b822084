"""What Git lists as changed: entries with their modes, what was only renamed, and paths as seen from here."""

from __future__ import annotations

import os

from hooks import gitpipe
from sealer.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    Entry = tuple[str, str, str]
    """Path, object id or "", commit or ""."""

REGULAR = ("100644", "100755")
"""Modes of files."""
RAW = ("-z", "--raw", "-M100%", "--no-abbrev", "--no-relative", "--ignore-submodules=all")
"""How `raw` wants its list."""
BARE_WAY_OUT = "sealer-scan --history, or a work tree of it"


class Listing:
    """A git command that lists names, and runs while we do something else."""

    def __init__(self, args: Sequence[str]) -> None:
        self._args = args
        reader, writer = os.pipe()
        self._process = gitpipe.spawn(args, None, writer)
        os.close(writer)
        self._code = 0
        self._stream: BinaryIO = open(reader, "rb")  # noqa: SIM115 - until `stop`

    def output(self) -> bytes:
        """What it prints. Raises SourceError (NoRepository outside of a repository)."""
        text = self._stream.read()
        if self.stop():
            raise gitpipe.failure(self._args)
        return text

    def stop(self) -> int:
        """Listen no more, and wait for its end; its exit code, which can be asked for again."""
        if self._process:
            self._stream.close()
            self._process, self._code = 0, gitpipe.ended(self._process)
        return self._code


def raw(listed: bytes, renamed: dict[tuple[str, str], str] | None = None) -> Iterator[tuple[str, str, str, str, str]]:
    """(path, mode, object id, status, commit) of what `git diff --raw -z` lists, less the deletions.

    What was renamed and not changed is put into `renamed`: the former path of (path, object id).

    A merge has a colon, a mode and an id for each parent; only files that differ from all parents are listed. With
    `--stdin` each commit's id stands before its files.
    """
    commit = ""
    fields = iter(listed.split(b"\0")[:-1])
    for field in fields:
        head = field.decode("ascii")
        if not head.startswith(":"):
            commit = head
            continue
        words = head.lstrip(":").split(" ")
        parents = len(head) - len(head.lstrip(":"))
        path, status, oid = os.fsdecode(next(fields)), words[-1], words[2 * parents + 1]
        if parents == 1 and status[:1] == "R":
            old, path = path, os.fsdecode(next(fields))
            if renamed is not None and oid == words[2]:
                renamed[path, oid] = old
        if status == "U" or oid.strip("0"):
            yield path, words[parents], oid, status, commit


def regular(listed: bytes, renamed: dict[tuple[str, str], str]) -> list[Entry]:
    """The files of such a list, but no symlinks and submodules; what is not merged yet has no object id."""
    entries: list[Entry] = []
    for path, mode, oid, status, _ in raw(listed, renamed):
        if status == "U":
            entries.append((path, "", ""))
        elif mode in REGULAR:
            entries.append((path, oid, ""))
    return entries


def below(entries: Iterable[Entry], only: Sequence[str], here: str | None = None) -> list[Entry]:
    """Entries as seen from here (Git counts from the top), less what is outside of the paths that were asked for."""
    if here := prefix() if here is None else here:
        entries = [(os.path.relpath(path, here), oid, commit) for path, oid, commit in entries]
    return [entry for entry in entries if within(entry[0], only)]


def seen_from(here: str, renamed: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Former paths, and those that they are the former ones of, as seen from here."""
    if not here:
        return renamed
    return {(os.path.relpath(path, here), oid): os.path.relpath(old, here) for (path, oid), old in renamed.items()}


def within(path: str, only: Sequence[str]) -> bool:
    """Whether a path is one of these, or below one; without any, all are."""
    return not only or any(one in (".", path) or path.startswith(one + "/") for one in map(os.path.normpath, only))


def prefix(*, bare: bool = True) -> str:
    """Where we are below the top of the work tree; asked for only where it can matter, since asking costs 3 ms.

    Raises UsageError in a bare repository that may not be one.
    """
    if os.path.lexists(".git") and "GIT_WORK_TREE" not in os.environ:
        return ""
    is_bare, _, here = gitpipe.output("rev-parse", "--is-bare-repository", "--show-prefix").partition(b"\n")
    if is_bare == b"true" and not bare:
        raise UsageError("is a bare repository: nothing is staged here", where=".", way_out=BARE_WAY_OUT)
    return os.fsdecode(here.removesuffix(b"\n"))


def commit_id(name: str) -> str:
    """The id of a commit; "" if there is none of that name."""
    if name.startswith("-"):
        return ""
    found = gitpipe.answer("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return (found or b"").decode("ascii").strip()
