"""Which records a query finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from controller.audit.query import Found, Wanted, moment, select
from controller.audit.record import ZEROS, Entry, chain, stamp
from sealer.errors import UsageError
from tests.controller.audit.samples import ACTOR, NOW, intent, outcome

CLOCK = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def lines() -> list[bytes]:
    """Nine records, an hour apart."""
    entries = [
        intent("payments/db"),
        outcome(1, "payments/db"),
        intent("web/app"),
        Entry("outcome", "put", "web/app", "shop", "", "0123456789abcdef", "failed", "timeout", 3),
        Entry("event", "get", "payments/db", outcome="done", reason="item password"),
        Entry("event", "get", "web/none", outcome="refused"),
        Entry("intent", "generate"),
        Entry("outcome", "generate", outcome="done", intent=7),
        Entry("event", "refuse", 'odd/"name\\é', "other", outcome="refused"),
    ]
    found: list[bytes] = []
    prev = ZEROS
    for number, entry in enumerate(entries):
        text, hashes = chain([entry], ACTOR, time=stamp(NOW + number * 3_600_000), after=number, prev=prev)
        found.append(text[0] + b"\n")
        prev = hashes[0]
    return found


def numbers(wanted: Wanted, limit: int | None = None) -> list[int]:
    return [each.sequence for each in select(lines(), wanted, limit).records]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Wanted(ref="payments/db"), [1, 2, 5]),
        (Wanted(ref="payments/d"), []),
        (Wanted(ref='odd/"name\\é'), [9]),
        (Wanted(verbs=frozenset({"get"})), [5, 6]),
        (Wanted(verbs=frozenset({"get", "generate"})), [5, 6, 7, 8]),
        (Wanted(outcome="refused"), [6, 9]),
        (Wanted(outcome="refused", verbs=frozenset({"get"})), [6]),
        (Wanted(source="shop"), [1, 2, 3, 4]),
        (Wanted(since=stamp(NOW + 6 * 3_600_000)), [7, 8, 9]),
        (Wanted(until=stamp(NOW + 3_600_000)), [1, 2]),
        (Wanted(since=stamp(NOW + 3_600_001), until=stamp(NOW + 2 * 3_600_000)), [3]),
    ],
)
def test_filters(wanted: Wanted, expected: list[int]) -> None:
    assert numbers(wanted) == expected


def test_of_many_the_last() -> None:
    assert numbers(Wanted(), 2) == [8, 9]
    assert numbers(Wanted(ref="payments/db"), 2) == [2, 5]


def test_lines_that_are_no_records_are_counted() -> None:
    text = [*lines()[:2], b"{}\n", b'{"torn', *lines()[2:]]
    found = select(text, Wanted())
    assert (len(found.records), found.unreadable) == (9, 2)
    assert select([], Wanted()) == Found()


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("90s", False, "2026-09-21T14:11:50.000Z"),
        ("2h", False, "2026-09-21T12:13:20.000Z"),
        ("3d", False, "2026-09-18T14:13:20.000Z"),
        ("1w", True, "2026-09-14T14:13:20.000Z"),
        ("2026-09-01", False, "2026-09-01T00:00:00.000Z"),
        ("2026-09-01", True, "2026-09-01T23:59:59.999Z"),
        ("2026-09-01T10:00:00Z", False, "2026-09-01T10:00:00.000Z"),
        ("2026-09-01T10:00:00Z", True, "2026-09-01T10:00:00.999Z"),
        ("2026-09-01T10:00:00.250Z", True, "2026-09-01T10:00:00.250Z"),
        ("2026-09-01T10:00:00+02:00", False, "2026-09-01T08:00:00.000Z"),
        ("2026-09-01 10:00", False, "2026-09-01T10:00:00.000Z"),
        ("999999w", False, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times(text: str, end: bool, expected: str) -> None:
    assert moment(text, CLOCK.astimezone(timezone(timedelta(hours=5))), option="--since", end=end) == expected


@pytest.mark.parametrize("text", ["", "h", "2", "2y", "yesterday", "-2h", "2026-13-01", "0001-01-01T00:00:00+14:00"])
def test_no_times(text: str) -> None:
    with pytest.raises(UsageError, match="--since: is not a time"):
        moment(text, CLOCK, option="--since")
