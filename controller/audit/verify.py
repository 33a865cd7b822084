"""Whether a log is what was written: every line is read again, and held against the line before it. Pure.

The log alone shows a line that was changed, removed, repeated or moved, but not that its end is missing or written
anew: that takes the head that the state keeps, or that was copied elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from controller.audit import folder
from controller.audit.record import ZEROS, Entry, Record, digest, parse
from sealer.errors import FormatError

if TYPE_CHECKING:
    from controller.audit.log import Head

Kind = Literal[
    "malformed", "rewritten", "deleted", "reordered", "repeated", "replaced", "gap", "torn", "truncated", "outcome"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and the line where it shows (0: the file as a whole)."""

    kind: Kind
    file: str
    line: int
    what: str

    @property
    def where(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands, and what it says."""

    file: str
    line: int
    record: Record

    @property
    def where(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `open` are intents without an outcome: of a run that is still going on, or was killed."""

    problems: tuple[Problem, ...]
    open: tuple[Place, ...]
    restarts: tuple[Place, ...]
    files: int
    records: int
    last: Record | None
    beyond: int | None
    """Records after the head that was given; None without one."""


@dataclass(frozen=True, slots=True)
class File:
    """The name and the lines of one file, without LF; the last is torn if the file doesn't end with one."""

    name: str
    lines: Iterable[bytes]


def split(data: bytes) -> Iterator[bytes]:
    """The lines of a file as `File` takes them: whole ones with their LF, a torn one without."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start : end + 1]
        start = end + 1
    if start < len(data):
        yield data[start:]


def verify(files: Iterable[File], head: Head | None = None) -> Report:
    """Check a whole log, oldest file first, and against a head if there is one. Lines come with their LF."""
    walk = _Walk(head)
    for each in files:
        walk.file(each)
    return walk.report()


@dataclass(slots=True)
class _Hole:
    """Sequences that were passed over before a line: removed, or standing elsewhere."""

    sequences: set[int]
    file: str
    line: int
    before: str


@dataclass(slots=True)
class _Walk:
    """The chain as far as it was followed."""

    head: Head | None
    problems: list[Problem] = field(default_factory=list)
    restarts: list[Place] = field(default_factory=list)
    begun: dict[int, Place] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    holes: list[_Hole] = field(default_factory=list)
    changed: tuple[str, int, str, int] | None = None  # a run of lines that don't fit: first file:line, last file:line
    files: int = 0
    records: int = 0
    sequence: int = 0  # the highest in order
    hash: str = ZEROS  # of its line; empty: not known
    last: Record | None = None
    place: tuple[str, int] = ("", 0)
    lowest: int = 0  # below it nothing is expected: a log that was restarted, its former files put away
    found: bool = False  # the head's record, and it stands elsewhere
    moved: bool = False
    offset: int = 0

    def file(self, file: File) -> None:
        self.files += 1
        self.offset = 0
        number, first = 0, True
        for number, line in enumerate(file.lines, 1):
            if not line.endswith(b"\n"):
                what = "its last line was never finished: the program was killed, or the file cut; the next run cuts it"
                self._say("torn", file.name, number, what)
                self.hash = ""
                break
            self._line(file.name, number, line[:-1], first)
            first = False
            self.offset += len(line)
        if not number and folder.first(file.name) != self.sequence + 1:
            self._say("replaced", file.name, 0, f"is empty; its name says that it begins with {_first(file.name)}")

    def _line(self, name: str, number: int, line: bytes, first: bool) -> None:
        self.records += 1
        try:
            record = parse(line)
        except FormatError as error:
            self._say("malformed", name, number, error.what)
            # Most likely it was the next one.
            self.sequence, self.hash, self.place = self.sequence + 1, "", (name, number)
            self._check_head(self.sequence, name, "")
            return
        here = Place(name, number, record)
        if first and record.sequence != folder.first(name):
            what = f"its name says that it begins with {_first(name)}, and it begins with {record.sequence}"
            self._say("replaced", name, number, what)
        hashed = digest(line)
        self._check_head(record.sequence, name, hashed)
        if sequence := self._place(here, first):
            self._link(here, first)
            known = hashed if sequence == record.sequence else ""
            self.sequence, self.hash, self.last, self.place = sequence, known, record, (name, number)
            self._pair(here)

    def _place(self, here: Place, first: bool) -> int:
        """The sequence of a record that stands in order, be it behind a hole; else 0."""
        record, expected = here.record, self.sequence + 1
        if first and record.entry.verb == "restart" and record.sequence >= expected:
            self.restarts.append(here)
            self.lowest = self.lowest or (record.sequence if self.last is None and not self.sequence else 1)
            return record.sequence
        self.lowest = self.lowest or 1
        if record.sequence != expected and self.hash == record.prev and self.sequence:
            what = f"was written after record {self.sequence}, and its sequence is {record.sequence}"
            self._say("rewritten", here.file, here.line, what)
            return expected
        if record.sequence > expected:
            hole = set(range(expected, min(record.sequence, expected + _MOST)))
            at = f"{self.place[0]}:{self.place[1]}" if self.sequence else ""
            self.holes.append(_Hole(hole, here.file, here.line, at if first or not at else ""))
            self.hash = ""
        if record.sequence >= expected:
            return record.sequence
        for hole_ in self.holes:
            if record.sequence in hole_.sequences:
                hole_.sequences.discard(record.sequence)
                what = f"record {record.sequence} stands after record {self.sequence}"
                self._say("reordered", here.file, here.line, what)
                return 0
        self._say("repeated", here.file, here.line, f"record {record.sequence} stands here again")
        return 0

    def _link(self, here: Place, first: bool) -> None:
        """Hold a record against the line before it."""
        if not self.hash or here.record.prev == self.hash:
            self._flush()
            return
        if not self.place[0]:
            self._say("rewritten", here.file, here.line, "is not how a log begins")
            return
        if first:
            what = f"doesn't go on from {self.place[0]}:{self.place[1]}: one of them was replaced or rewritten"
            self._say("replaced", here.file, here.line, what)
            return
        start = self.changed[:2] if self.changed else self.place
        self.changed = (*start, here.file, here.line)

    def _flush(self) -> None:
        """Say which lines were rewritten. The last of a run is whole: the line after it fits."""
        if self.changed is None:
            return
        file, line, _, last = self.changed
        self.changed = None
        if last - line <= 1:
            self._say("rewritten", file, line, "is not the line that the next one was written after")
        else:
            self._say("rewritten", file, line, f"lines {line} to {last - 1} are not those that were written here")

    def _pair(self, here: Place) -> None:
        said, record = here.record.entry, here.record
        if said.phase == "intent":
            self.begun[record.sequence] = here
        elif said.phase == "outcome":
            begun = self.begun.pop(said.intent, None)
            if begun is not None:
                self.ended.add(said.intent)
                if not _same(begun.record.entry, said):
                    self._say("outcome", here.file, here.line, f"closes intent {said.intent}, which is about another")
            elif said.intent in self.ended:
                self._say("outcome", here.file, here.line, f"closes intent {said.intent} a second time")
            elif said.intent >= self.lowest and not self.problems and not self.holes:
                self._say("outcome", here.file, here.line, f"closes intent {said.intent}, which there isn't")

    def _check_head(self, sequence: int, name: str, hashed: str) -> None:
        head = self.head
        if head is not None and sequence == head.sequence and hashed == head.hash:
            self.found = True
            self.moved = (name, self.offset) != (head.file, head.offset)

    def _say(self, kind: Kind, file: str, line: int, what: str) -> None:
        self.problems.append(Problem(kind, file, line, what))

    def _holes(self) -> None:
        for each in self.holes:
            if not each.sequences:
                continue
            which = _runs(each.sequences)
            if each.before:
                what = f"{which} missing after {each.before}: a file was removed, or the end of that one"
                self._say("gap", each.file, each.line, what)
            else:
                self._say("deleted", each.file, each.line, f"{which} missing before this line")

    def _head(self) -> None:
        head = self.head
        if head is None or head.sequence == 0 or (self.found and not (self.moved and not self.problems)):
            return
        file, line = self.place
        if self.sequence < head.sequence:
            what = f"the log ends with record {self.sequence}, and the state knows it up to {head.sequence}"
            self._say("truncated", file or head.file, line, what)
        else:
            what = f"record {head.sequence} is not the one that the state knows, or not where it was written"
            self._say("rewritten", head.file, 0, what)

    def report(self) -> Report:
        # A run that reaches the end of the log: its last line may be the changed one.
        self._flush()
        self._holes()
        self._head()
        beyond = None if self.head is None else max(0, self.sequence - self.head.sequence)
        order = tuple(sorted(self.problems, key=lambda each: (each.file, each.line)))
        opened = tuple(self.begun[sequence] for sequence in sorted(self.begun))
        return Report(order, opened, tuple(self.restarts), self.files, self.records, self.last, beyond)


_MOST = 10_000_000  # of one hole: a sequence that was rewritten must not fill the memory


def _first(name: str) -> str:
    return str(folder.first(name))


def _same(begun: Entry, ended: Entry) -> bool:
    return (begun.verb, begun.ref, begun.store) == (ended.verb, ended.ref, ended.store)


def _runs(sequences: set[int]) -> str:
    low, high = min(sequences), max(sequences)
    if low == high:
        return f"record {low} is"
    if high - low + 1 == len(sequences):
        return f"records {low} to {high} are"
    return f"{len(sequences)} records between {low} and {high} are"
