"""The files of an audit log, for reading: which there are, the last line, the line of a sequence.

`<state>/audit/<first sequence, 20 digits>.jsonl`. Nothing here writes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.audit.record import MAX_LINE, ZEROS, digest, parse
from sealer import files
from sealer.errors import FormatError, SourceError

FOLDER = "audit"

_NAME = re.compile(r"\d{20}\.jsonl", re.ASCII)
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a log. No line yet: sequence 0.

    `file` is the one that is written on, of `size` bytes; `torn` of them follow its last LF, of a writer that was
    killed. The last line begins at `offset` of `last`, which is the file before where `file` was just begun.
    """

    file: str = ""
    size: int = 0
    torn: int = 0
    sequence: int = 0
    hash: str = ZEROS
    last: str = ""
    offset: int = 0


def name(sequence: int) -> str:
    """The file that begins with this sequence."""
    return f"{sequence:020d}.jsonl"


def first(file: str) -> int:
    """The sequence that a file's name promises."""
    return int(file[:20])


def is_name(text: str) -> bool:
    """Whether a file of this name belongs to a log."""
    return _NAME.fullmatch(text) is not None


def names(directory: Path) -> list[str]:
    """The files of a log, oldest first; none where there is no such directory."""
    try:
        return sorted(each for each in os.listdir(directory) if is_name(each))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceError(f"can't be read: {files.reason(error)}", where=str(directory)) from None


def tail(directory: Path) -> Tail:
    """The end of a log. FormatError if the last line is no record, or not where it should be."""
    found = names(directory)
    if not found:
        return Tail()
    newest = found[-1]
    size, line, torn = _end(directory / newest)
    if line is not None:
        record = _parsed(directory / newest, line)
        offset = size - torn - len(line) - 1
        return Tail(newest, size, torn, record, digest(line), newest, offset)
    # A file that was just begun: its name has to go on with the one before.
    before = Tail()
    if len(found) > 1:
        size_before, line, torn_before = _end(directory / found[-2])
        if line is None or torn_before:
            raise FormatError("doesn't end with a record", where=str(directory / found[-2]))
        sequence = _parsed(directory / found[-2], line)
        before = Tail("", 0, 0, sequence, digest(line), found[-2], size_before - len(line) - 1)
    if first(newest) != before.sequence + 1:
        raise FormatError("is empty, and its name doesn't go on with the file before", where=str(directory / newest))
    return Tail(newest, size, torn, before.sequence, before.hash, before.last, before.offset)


def last_bytes(directory: Path) -> bytes:
    """The last line of a log, whatever it is, a torn one too; empty if there is none."""
    for each in reversed(names(directory)):
        data = _read(directory / each, -MAX_LINE - 1)
        if data:
            return data.removesuffix(b"\n").rpartition(b"\n")[2]
    return b""


def line_at(path: Path, offset: int) -> bytes | None:
    """The whole line that begins at an offset, without LF; None if there is none."""
    try:
        with open(path, "rb") as stream:
            if offset:
                stream.seek(offset - 1)
                if stream.read(1) != b"\n":
                    return None
            line = stream.readline(MAX_LINE + 1)
    except OSError:
        return None
    return line[:-1] if line.endswith(b"\n") else None


def lines(path: Path, offset: int = 0) -> Iterator[bytes]:
    """The lines from an offset to the last LF, without LF."""
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    return  # torn, or being written just now
                yield line[:-1]
    except OSError as error:
        raise SourceError(f"can't be read: {files.reason(error)}", where=str(path)) from None


def begins_with(found: Sequence[str], sequence: int) -> int:
    """The index of the file that a sequence stands in, if it stands anywhere."""
    index = len(found) - 1
    while index > 0 and first(found[index]) > sequence:
        index -= 1
    return index


def seek(path: Path, sequence: int) -> int:
    """The offset of the first line of a file that is not before `sequence`, by halving; its size if there is none."""
    low, high = 0, os.stat(path).st_size
    with open(path, "rb") as stream:
        while low < high:
            middle = (low + high) // 2
            stream.seek(max(0, middle - 1))
            if middle:
                stream.readline()  # to where the next line begins
            start = stream.tell()
            line = stream.readline()
            if start >= high or not line.endswith(b"\n"):
                high = middle
            elif parse(line[:-1]).sequence < sequence:
                low = start + len(line)
            else:
                high = middle
        # `low` is now the beginning of a line: each step moved it to the end of one.
    return low


def _end(path: Path) -> tuple[int, bytes | None, int]:
    """The size of a file, its last whole line without LF, and how many bytes follow that."""
    files.check_private(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = os.fstat(descriptor).st_size
        data, start = b"", size
        while start > 0 and size - start <= 2 * MAX_LINE:
            step = min(_BLOCK, start)
            start -= step
            data = os.pread(descriptor, step, start) + data
            end = data.rfind(b"\n")
            if end >= 0 and ((begin := data.rfind(b"\n", 0, end)) >= 0 or start == 0):
                return size, data[begin + 1 : end], len(data) - end - 1
    finally:
        os.close(descriptor)
    if start > 0:
        raise FormatError("ends with a line that is longer than any record", where=str(path))
    return size, None, size


def _parsed(path: Path, line: bytes) -> int:
    try:
        return parse(line).sequence
    except FormatError as error:
        raise FormatError(f"its last line {error.what}", where=str(path)) from None


def _read(path: Path, offset: int) -> bytes:
    with open(path, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() + offset))
        return stream.read()
