"""How far a state vouches for a log, and the records from there on. Reads; nothing here writes."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from controller.audit import folder
from controller.audit.record import Entry, Record, digest, parse
from sealer.errors import FormatError
from sealer.formats.wire import canonical_json

_PHASE = re.compile(rb'"intent":(\d+),"node":.*"phase":"(intent|outcome|event)".*"sequence":(\d+),"source":')
"""Members in the order of a line. In a text of it each quotation mark has a backslash before it."""


@dataclass(frozen=True, slots=True)
class Head:
    """A line that a state vouches for: where it begins, its sequence and hash. Of an empty log: sequence 0."""

    file: str
    offset: int
    sequence: int
    hash: str

    def dump(self) -> str:
        """The text that the state keeps."""
        members = {"file": self.file, "offset": self.offset, "sequence": self.sequence, "hash": self.hash}
        return canonical_json(members).decode("ascii")

    @classmethod
    def load(cls, text: str) -> Head:
        """The head of a text that `dump` wrote. FormatError for another."""
        try:
            value = json.loads(text)
            head = cls(value["file"], value["offset"], value["sequence"], value["hash"])
            if head.dump() == text and (head.sequence == 0 or folder.is_name(head.file)) and head.offset >= 0:
                return head
        except (ValueError, KeyError, TypeError):
            pass
        raise FormatError("audit_head of the state is damaged")


@dataclass(frozen=True, slots=True)
class Scan:
    """Intents without an outcome, and outcomes by the sequence of their intent.

    Those of key operations are left out: they don't hold the state's lock, and may be going on.
    """

    open: dict[int, Entry] = field(default_factory=dict)
    closed: dict[int, Entry] = field(default_factory=dict)


def holds(directory: Path, head: Head) -> bool:
    """Whether the line of a head stands where it was written. One read, however long the log is."""
    line = folder.line_at(directory / head.file, head.offset)
    return line is not None and digest(line) == head.hash


def records(directory: Path, since: int, checked: Head | None) -> Iterator[Record]:
    """The records from sequence `since` on; behind `checked`, a line that is known to be whole, if that is enough.

    Raises FormatError where the chain is broken on the way.
    """
    sequence, prev = 0, ""
    if checked is not None and since > checked.sequence:
        line = folder.line_at(directory / checked.file, checked.offset) or b""
        file, offset = checked.file, checked.offset + len(line) + 1
        sequence, prev = checked.sequence, checked.hash
    else:
        file, offset = _place(directory, since)
    for name in [each for each in folder.names(directory) if each >= file]:
        for line in folder.lines(directory / name, offset):
            record = _parsed(line, directory / name)
            follows = not sequence or (record.sequence == sequence + 1 and record.prev == prev)
            if not follows and record.entry.verb != "restart":
                raise FormatError(f"the chain is broken at record {record.sequence}", where=str(directory / name))
            sequence, prev = record.sequence, digest(line)
            if sequence >= since:
                yield record
        offset = 0


def unended(directory: Path, files: int = 2) -> dict[int, Entry]:
    """The intents of the newest files that have no outcome there, by sequence, whatever their verb.

    For who keeps no head: only lines that are left over are parsed, which takes a second for two files of 64 MiB.
    One that is damaged is left to `audit verify`: it must not keep the log, whose end is whole, from going on.
    """
    begun: dict[int, tuple[bytes, Path]] = {}
    for name in folder.names(directory)[-files:]:
        for line in folder.lines(directory / name):
            found = _PHASE.search(line)
            if found is None:
                continue
            if found[2] == b"intent":
                begun[int(found[3])] = line, directory / name
            elif found[2] == b"outcome":
                begun.pop(int(found[1]), None)
    found_open = {}
    for sequence, (line, path) in begun.items():
        with contextlib.suppress(FormatError):
            found_open[sequence] = _parsed(line, path).entry
    return found_open


def _place(directory: Path, since: int) -> tuple[str, int]:
    """The file and offset where `since` stands. What was damaged before a restart is not looked at."""
    found = folder.names(directory)
    if not found:
        return "", 0
    at = folder.begins_with(found, since)
    for index in range(len(found) - 1, at, -1):
        line = folder.line_at(directory / found[index], 0)
        if line is not None and _parsed(line, directory / found[index]).entry.verb == "restart":
            return found[index], 0
    try:
        return found[at], folder.seek(directory / found[at], since)
    except FormatError as error:
        raise FormatError(f"a line {error.what}", where=str(directory / found[at])) from None


def _parsed(line: bytes, path: Path) -> Record:
    try:
        return parse(line)
    except FormatError as error:
        raise FormatError(f"a line {error.what}", where=str(path)) from None
