"""Starts git as lightly as Python can: `posix_spawn`, no shell, one `cat-file --batch` for all contents.

`subprocess` costs a hook 30 ms before anything is scanned; this costs none. It only reads, and never over a network:
what a partial clone lacks is said to be missing. Objects are those that their ids name, neither replaced nor grafted.
The environment that Git gives its hooks (GIT_DIR, GIT_INDEX_FILE, ...) is passed on: we run where Git started us.
"""

from __future__ import annotations

import os

from sealer.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import BinaryIO, Self

SNIFF = 8000
"""Git's own measure: a NUL within so many bytes means that a file is binary."""

MISSING_WAY_OUT = "git fetch --refetch --no-filter (CI: clone without --filter), or git fsck"
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotepath=off")
_ELSEWHERE = ("-c", "safe.bareRepository=explicit")
_PATHSPECS = ("GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
_PLACES = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
_SET = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # as the one before, where Git is older than 2.44
}


class NoRepository(SourceError):
    """The place is not inside of a repository, or not of one that has what is asked for."""


def output(*args: str, folder: str = "", stdin: int | None = None) -> bytes:
    """What a git command prints, started in a folder. Raises SourceError (NoRepository outside of a repository)."""
    text, code = _result(args, folder, stdin)
    if code:
        raise failure(args, folder)
    return text


def lines(*args: str) -> Generator[bytes, None, None]:
    """The lines that a git command prints, each with its end; who closes this early stops it. Raises SourceError."""
    reader, writer = os.pipe()
    process = spawn(args, None, writer)
    os.close(writer)
    try:
        with open(reader, "rb", buffering=1 << 16) as stream:
            yield from stream
    finally:
        code = ended(process)
    if code:
        raise failure(args)


def output_and_warnings(*args: str, folder: str = "") -> tuple[bytes, bytes]:
    """What a git command prints, and what it says beside. Raises SourceError (NoRepository outside of a repository)."""
    import select

    reader, writer = os.pipe()
    beside, aside = os.pipe()
    process = spawn(args, None, writer, folder=folder, stderr=aside)
    os.close(writer)
    os.close(aside)
    parts: dict[int, list[bytes]] = {reader: [], beside: []}
    left = [reader, beside]
    while left:
        for descriptor in select.select(left, (), ())[0]:
            if data := os.read(descriptor, 1 << 16):
                parts[descriptor].append(data)
            else:
                left.remove(descriptor)
                os.close(descriptor)
    if ended(process):
        raise failure(args, folder)
    return b"".join(parts[reader]), b"".join(parts[beside])


def answer(*args: str) -> bytes | None:
    """What a git command prints; None if it failed, which may be an answer as well. Raises NoRepository."""
    text, code = _result(args, "")
    if code > 1 and isinstance(error := failure(args), NoRepository):
        raise error
    return None if code else text


def piped(first: Sequence[str], second: Sequence[str]) -> bytes:
    """What the second git command prints when it reads what the first one prints. Raises SourceError."""
    return b"".join(streamed(first, second))


def streamed(first: Sequence[str], second: Sequence[str]) -> Generator[bytes, None, None]:
    """The same as it comes, in pieces of any size; who closes this early stops both. Raises SourceError at the end."""
    middle_reader, middle_writer = os.pipe()
    reader, writer = os.pipe()
    processes = [spawn(first, None, middle_writer), spawn(second, middle_reader, writer)]
    for descriptor in (middle_reader, middle_writer, writer):
        os.close(descriptor)
    try:
        with open(reader, "rb", buffering=0) as stream:
            while data := stream.read(1 << 20):
                yield data
    finally:
        codes = [ended(process) for process in processes]
    if codes[1] and codes[0] <= 0:  # a first one that was not listened to ends by a signal
        raise SourceError(f"git {second[0]} failed with exit code {codes[1]}", way_out=MISSING_WAY_OUT)
    if codes[0]:
        raise failure(first)


class Contents:
    """The contents of objects by id, from one git process; a context manager."""

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def size(self, oid: str) -> int:
        """The size of a blob, which `take` then gives. Raises SourceError if the object can't be read."""
        try:
            os.write(self._ask, oid.encode("ascii") + b"\n")
            head = self._stream.readline().split()
        except OSError:
            head = []
        if len(head) == 3 and head[1] == b"blob":
            return int(head[2])
        if len(head) == 3 or not head:
            # It can't be read, or is of another kind. Git gives up altogether where a partial clone lacks it.
            self._stop()
            self._start()
        raise missing(oid)

    def take(self, size: int) -> bytes:
        """The next bytes of it."""
        data = self._stream.read(size)
        if len(data) < size:
            self._stop()
            self._start()
            raise SourceError("git cat-file stopped before its answer was complete", way_out="git fsck")
        return data

    def _start(self) -> None:
        wanted, self._ask = os.pipe()
        answers, answered = os.pipe()
        self._process = spawn(("cat-file", "--batch"), wanted, answered)
        os.close(wanted)
        os.close(answered)
        self._stream: BinaryIO = open(answers, "rb", buffering=1 << 16)  # noqa: SIM115 - as long as git

    def _stop(self) -> None:
        os.close(self._ask)
        self._stream.close()
        ended(self._process)


def is_binary(head: bytes) -> bool:
    """Whether the first bytes of a file say that it is no text. UTF-16 is text: PowerShell writes it."""
    return head.find(b"\0", 0, SNIFF) >= 0 and head[:2] not in (b"\xff\xfe", b"\xfe\xff")


def missing(oid: str) -> SourceError:
    """What is said of an object that is not there."""
    return SourceError(f"object {oid[:12]} is missing from the repository", way_out=MISSING_WAY_OUT)


def is_shallow() -> bool:
    """Whether the repository has only the newest part of its history."""
    return output("rev-parse", "--is-shallow-repository").strip() == b"true"


def spawn(args: Sequence[str], stdin: int | None, stdout: int, *, folder: str = "", stderr: int | None = None) -> int:
    """Start a git command; the number of its process. Raises SourceError where there is no git."""
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0) if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0) if stderr is None else (os.POSIX_SPAWN_DUP2, stderr, 2),
    ]
    environment = {name: value for name, value in os.environ.items() if name not in _PATHSPECS}
    environment.update(_SET)
    where: tuple[str, ...] = ()
    if folder:
        # A folder that somebody committed can look like a bare repository, with a configuration of its own.
        where = ("-C", folder, *_ELSEWHERE)
        for name in _PLACES:
            if environment.get(name):
                environment[name] = os.path.abspath(environment[name])
    try:
        return os.posix_spawnp("git", ["git", *where, *_OPTIONS, *args], environment, file_actions=actions)
    except OSError:
        raise SourceError("git is not installed, or not in PATH") from None


def ended(process: int) -> int:
    """Wait for a process; its exit code, negative after a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def failure(args: Sequence[str], folder: str = "") -> SourceError:
    """Why a git command failed, in our words: it is run again for its message."""
    reader, writer = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    process = spawn(args, None, nowhere, folder=folder, stderr=writer)
    os.close(writer)
    os.close(nowhere)
    with open(reader, "rb") as stream:
        text = stream.read().decode("utf-8", "replace")
    ended(process)
    owned = text.partition("dubious ownership in repository at '")[2].partition("'")[0]
    if owned:
        return SourceError(
            "this Git repository belongs to another user, so Git refuses to read it",
            where=owned,
            way_out=f"git config --global --add safe.directory '{owned}'",
        )
    if any(word in text for word in ("ot a git repository", "in a work tree", "use bare repository")):
        return NoRepository("not in the work tree of a Git repository", where=folder or ".")
    last = (text.strip().splitlines() or ["no message"])[-1].removeprefix("fatal: ")
    return SourceError(f"git {args[0]} failed: {last}", where=folder or ".")


def _result(args: Sequence[str], folder: str, stdin: int | None = None) -> tuple[bytes, int]:
    reader, writer = os.pipe()
    process = spawn(args, stdin, writer, folder=folder)
    os.close(writer)
    with open(reader, "rb") as stream:
        text = stream.read()
    return text, ended(process)
