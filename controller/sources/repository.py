"""One repository, to read: which commit a name stands for, what a commit holds, what follows what.

Objects only: no work tree, no index, no filter, no hook; nothing is replaced, grafted or fetched. Paths are those of
the commit, from its top, and are never followed on disk.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.sources.names import MARK, SEARCHED
from sealer import files, git
from sealer.errors import SourceError, UsageError
from sealer.git import Blobs

LINK, FOLDER = "120000", "040000"
FILES = ("100644", "100755", "100664")
MAX_FILES = 1_000_000
"""Entries of one commit that are looked at: a few small trees can name each other to billions of paths."""

_HEX = re.compile(r"[0-9a-f]{4,64}", re.ASCII)
_SHORT = 7


class Damaged(SourceError):
    """An object is missing or can't be read."""


@dataclass(frozen=True, slots=True)
class Object:
    """One entry of a commit."""

    mode: str
    oid: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by a folder to start git in, and git's environment there."""

    start: Path
    env: Mapping[str, str]

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """The repository of a work tree, or of a folder in it."""
        return cls(folder, git.apart())

    @classmethod
    def bare(cls, directory: Path) -> Repository:
        """A bare repository."""
        return cls(directory, git.apart(directory))

    def resolve(self, ref: str) -> str:
        """The full id of the commit that a name stands for. Raises UsageError or SourceError."""
        check_ref(ref)
        if not is_id(ref) and len(self._refs(f"refs/heads/{ref}", f"refs/tags/{ref}")) > 1:
            raise ambiguous(ref)
        found = self._commit(ref)
        if found is None:
            exists = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{object}}") is not None
            what = "is not a commit" if exists else "no such branch, tag or commit here"
            raise SourceError(what, where=f"--ref {ref}", way_out="" if exists else "git fetch; then again")
        return found

    def entries(self, commit: str, paths: Sequence[str]) -> dict[str, Object]:
        """Those of some paths that a commit has."""
        listed = git.run(self.start, "ls-tree", "-z", "--full-tree", commit, "--", *paths, env=self.env)
        return dict(map(_entry, listed.split(b"\0")[:-1]))

    def below(self, commit: str, folder: str) -> Iterator[tuple[str, Object]]:
        """All entries below a folder, by their path from it; folders themselves are left out. Raises SourceError."""
        process = subprocess.Popen(
            [*git.command(), "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", f"{commit}:{folder}"],
            cwd=self.start,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process:
            try:
                assert process.stdout is not None  # noqa: S101  # a pipe was asked for
                for number, line in enumerate(_lines(process.stdout.fileno())):
                    if number >= MAX_FILES:
                        raise SourceError(f"holds more than {MAX_FILES:,} files", where=commit[:_SHORT])
                    yield _entry(line)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise Damaged(
                "can't be listed: an object is missing", where=f"commit {commit[:_SHORT]}", way_out="git fsck"
            )

    def descends(self, recorded: str, commit: str) -> bool | None:
        """Whether a commit is a recorded one (or its beginning, `-dirty` or not) or follows it; None: not known."""
        recorded = recorded.removesuffix("-dirty")
        if not commit or not _HEX.fullmatch(recorded):
            return None
        if commit.startswith(recorded):
            return True
        try:
            before = self._commit(recorded)
            if before is not None:
                git.run(self.start, "merge-base", "--is-ancestor", before, commit, env=self.env)
                return True
        except git.NoRepository:
            return None
        except SourceError:
            pass  # it is no ancestor, or can't be seen to be one
        return None if self._shallow() or self._commit(commit) is None else False

    def why(self, damage: Damaged) -> Damaged:
        """What is damaged may be what a partial clone never had."""
        if self._run("config", "--get-regexp", r"^remote\..*\.promisor$") is None:
            return damage
        way_out = "git fetch --refetch --no-filter"
        return Damaged("is a partial clone, and lacks objects of this commit", where=str(self.start), way_out=way_out)

    def blobs(self) -> Blobs:
        """Many objects by their ids."""
        return Blobs(self.start, self.env)

    def has(self, commit: str) -> bool:
        """Whether a commit is here."""
        return self._commit(commit) is not None

    def _commit(self, name: str) -> str | None:
        return self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def _shallow(self) -> bool:
        return self._run("rev-parse", "--is-shallow-repository") != "false"

    def _refs(self, *names: str) -> list[str]:
        found = self._run("for-each-ref", "--format=%(refname)", *names) or ""
        return [each for each in found.splitlines() if each in names]

    def _run(self, *words: str) -> str | None:
        try:
            return os.fsdecode(git.run(self.start, *words, env=self.env)).strip()
        except git.NoRepository:
            raise
        except SourceError:
            return None


def stream(blobs: Blobs, oids: Sequence[str]) -> Iterator[bytes | SourceError]:
    """The bytes of blobs, in order; b"" for one that is too large and holds no sealed document.

    They are asked for in a thread, so that git is never idle. Raises SourceError if git stops; what is left of the
    answers is then of no use, nor if the caller does not take all.
    """
    thread = threading.Thread(target=_ask, args=(blobs, oids), daemon=True)
    thread.start()
    for _ in oids:
        try:
            head = blobs.head()
        except SourceError as error:
            raise Damaged(f"{error.what}: an object is missing or damaged", way_out="git fsck") from None
        if head is None:
            yield Damaged("can't be read: its object is not here", way_out="git fsck")
            continue
        kind, size = head
        if size <= files.MAX_DOCUMENT or kind != b"blob":
            yield b"".join(blobs.take(size))
        elif size > SEARCHED:
            blobs.pass_over(size)
            yield _too_large()
        else:
            yield _too_large() if _holds(blobs.take(size)) else b""
    thread.join()


def check_ref(ref: str) -> None:
    """Refuse what can't be the name of a commit, or would be an option to git."""
    if not ref or ref.startswith("-") or not ref.isprintable() or ref != ref.strip():
        raise UsageError("is no branch, tag or commit", where="--ref")


def ambiguous(ref: str) -> UsageError:
    """A name of two commits: whoever may push a tag must not choose what is read instead of a branch."""
    return UsageError(
        "is a branch and a tag", where=f"--ref {ref}", way_out=f"--ref refs/heads/{ref}, or --ref refs/tags/{ref}"
    )


def is_id(ref: str) -> bool:
    """Whether a name is the full id of a commit."""
    return len(ref) in (40, 64) and _HEX.fullmatch(ref) is not None


def _ask(blobs: Blobs, oids: Sequence[str]) -> None:
    try:
        blobs.ask(oids)
    except SourceError:
        return  # whoever reads the answers finds out


def _lines(descriptor: int) -> Iterator[bytes]:
    rest = b""
    while piece := os.read(descriptor, 1 << 20):
        *lines, rest = (rest + piece).split(b"\0")
        yield from lines


def _entry(line: bytes) -> tuple[str, Object]:
    # `mode type oid TAB path`
    head, _, path = line.partition(b"\t")
    mode, _, oid = head.decode("ascii").split(" ")
    return os.fsdecode(path), Object(mode, oid)


def _holds(pieces: Iterator[bytes]) -> bool:
    """Whether the mark stands in what is given; all of it is taken."""
    tail, found = b"", False
    for piece in pieces:
        found = found or MARK in tail + piece
        tail = piece[1 - len(MARK) :]
    return found


def _too_large() -> SourceError:
    return SourceError(f"is larger than {files.MAX_DOCUMENT // 1024:,} KiB")
