"""Starts git as lightly as Python can: `posix_spawn`, no shell, one `cat-file --batch` for all contents.

`subprocess` and what `sealer.git` imports cost a hook 30 ms before anything is scanned; this costs none. It only reads.
The environment that Git gives its hooks (GIT_DIR, GIT_INDEX_FILE, ...) is passed on: we run where Git started us.
When git fails, `sealer.git` runs the command again to say why in our words.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealer.errors import SourceError

if TYPE_CHECKING:
    from typing import Self

MAX_BYTES = 64 * 1024 * 1024
"""Largest text that is scanned. Larger ones are reported as not scanned, which is exit 2, never passed over."""

SNIFF = 8000
"""Git's own measure: a NUL within so many bytes means that a file is binary."""

_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotepath=off")
_PATHSPECS = ("GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")


class TooLarge(SourceError):
    """A text above MAX_BYTES: it was not scanned."""


def output(*args: str) -> bytes:
    """What a git command prints. Raises SourceError (NoRepository outside of a repository)."""
    reader, writer = os.pipe()
    process = _spawn(args, None, writer)
    os.close(writer)
    with open(reader, "rb") as stream:
        text = stream.read()
    if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0:
        return text
    from pathlib import Path

    from sealer import git

    return git.run(Path(), *args, literal=True)


def piped(first: Sequence[str], second: Sequence[str]) -> bytes:
    """What the second git command prints when it reads what the first one prints. Raises SourceError."""
    middle_reader, middle_writer = os.pipe()
    reader, writer = os.pipe()
    processes = [_spawn(first, None, middle_writer), _spawn(second, middle_reader, writer)]
    for descriptor in (middle_reader, middle_writer, writer):
        os.close(descriptor)
    with open(reader, "rb") as stream:
        text = stream.read()
    codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
    if any(codes):
        failed = first if codes[0] else second
        raise SourceError(f"git {failed[0]} failed with exit code {max(codes)}")
    return text


class Contents:
    """The contents of objects by id, from one git process; a context manager."""

    def __enter__(self) -> Self:
        wanted, self._ask = os.pipe()
        self._answer, answered = os.pipe()
        self._process = _spawn(("cat-file", "--batch"), wanted, answered)
        os.close(wanted)
        os.close(answered)
        self._stream = open(self._answer, "rb", buffering=1 << 16)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ask)
        self._stream.close()
        os.waitpid(self._process, 0)

    def read(self, oid: str) -> bytes | None:
        """The bytes of a blob; None if it is binary. Raises TooLarge, and SourceError if the object can't be read."""
        try:
            os.write(self._ask, oid.encode("ascii") + b"\n")
            head = self._stream.readline().split()
        except OSError:
            head = []
        if len(head) != 3 or head[1] != b"blob":
            raise SourceError(f"object {oid[:12]} is missing from the repository", way_out="git fsck")
        size = int(head[2])
        data = self._take(min(size, SNIFF))
        wanted = not is_binary(data) and size <= MAX_BYTES
        if wanted:
            data += self._take(size - len(data))
            self._take(1)
            return data
        rest = size + 1 - len(data)
        while rest > 0:
            rest -= len(self._take(min(rest, 1 << 20)))
        if is_binary(data):
            return None
        raise TooLarge(too_large(size))

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise SourceError("git cat-file stopped before its answer was complete")
        return data


def is_binary(head: bytes) -> bool:
    """Whether the first bytes of a file say that it is no text. UTF-16 is text: PowerShell writes it."""
    return b"\0" in head[:SNIFF] and head[:2] not in (b"\xff\xfe", b"\xfe\xff")


def too_large(size: int) -> str:
    """What is said of a text above MAX_BYTES."""
    return f"is text of {size >> 20:,} MiB; more than {MAX_BYTES >> 20} MiB are not scanned"


def _spawn(args: Sequence[str], stdin: int | None, stdout: int) -> int:
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0) if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    environment = {name: value for name, value in os.environ.items() if name not in _PATHSPECS}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1"}
    try:
        return os.posix_spawnp("git", ["git", *_OPTIONS, *args], environment, file_actions=actions)
    except OSError:
        raise SourceError("git is not installed, or not in PATH") from None
