"""Which records are asked for. Pure: lines in, records out."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from controller.audit.record import Record, parse, stamp
from sealer.errors import FormatError, UsageError
from sealer.formats.wire import canonical_json

_AGO = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters; an empty one takes all. `since` and `until` are times as in a record, both included."""

    ref: str = ""
    verbs: frozenset[str] = frozenset()
    outcome: str = ""
    since: str = ""
    until: str = ""
    source: str = ""

    def takes(self, record: Record) -> bool:
        """Whether a record passes every filter."""
        said = record.entry
        return (
            (not self.ref or said.ref == self.ref)
            and (not self.verbs or said.verb in self.verbs)
            and (not self.outcome or said.outcome == self.outcome)
            and (not self.source or said.source == self.source)
            and self.since <= record.time
            and (not self.until or record.time <= self.until)
        )


@dataclass(slots=True)
class Found:
    """What a query found; `unreadable` lines are no records, and `audit verify` names them."""

    records: list[Record] = field(default_factory=list)
    unreadable: int = 0


def select(lines: Iterable[bytes], wanted: Wanted, limit: int | None = None) -> Found:
    """The records that are wanted, in the order of the log; of more than `limit` the last ones."""
    found = Found()
    kept: deque[Record] = deque(maxlen=limit)
    for record in _records(lines, wanted, found):
        if wanted.takes(record):
            kept.append(record)
    found.records.extend(kept)
    return found


def moment(text: str, now: datetime, *, option: str, end: bool = False) -> str:
    """The time of `2h` (ago), a day, or an ISO time (UTC unless it says another zone), as in a record.

    With `end` a day or second is meant to its end.
    """
    if ago := _AGO.fullmatch(text):
        try:
            return _text(now.astimezone(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
        except OverflowError:
            return stamp(0)
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        way_out = f"{option} 2h (also s, m, d, w), {option} 2026-03-02, or {option} 2026-03-02T14:05:00Z"
        raise UsageError("is not a time", where=option, way_out=way_out) from None
    if end and len(text) == len("2026-03-02"):
        found += timedelta(days=1, milliseconds=-1)
    elif end and not found.microsecond:
        found += timedelta(milliseconds=999)
    return _text(found)


def _text(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def _records(lines: Iterable[bytes], wanted: Wanted, found: Found) -> Iterator[Record]:
    # Most lines are left out without being parsed: a record has one text, so that its members can be looked for.
    ref = b'"ref":' + canonical_json(wanted.ref) if wanted.ref else b""
    for line in lines:
        if ref and ref not in line and line.endswith(b"}\n"):
            continue
        try:
            yield parse(line.removesuffix(b"\n"))
        except FormatError:
            found.unreadable += 1
