"""What became of an effect, by what stands there now (DELIVERY section 4)."""

from __future__ import annotations

from typing import Literal

import pytest

from controller.model import Observed, Ref
from controller.resolve import End, moved, recorded, resolve, withdrawn
from tests.controller.samples import NOW, delivery, intent

REF = Ref("payments", "db")
PUT = intent(REF, expect="3")
DELETE = intent(REF, op="delete", expect="3")
Presence = Literal["absent", "present", "deleted"]


def seen(presence: Presence, version: str = "", fingerprint: str = "") -> Observed:
    return Observed(PUT.target, presence, version, fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("there", "end"),
    [
        (seen("present", "3"), "again"),  # nothing happened
        (seen("present", "4", PUT.fingerprint), "record"),  # it did
        (seen("present", "4", "01234567:other"), "conflict"),  # somebody else wrote
        (seen("present", "4"), "conflict"),  # what stands there can't be read
        (seen("absent"), "conflict"),  # somebody took it away
        (seen("deleted", "4"), "conflict"),
        (None, "ask"),
    ],
)
def test_a_put_over_a_version(there: Observed | None, end: End) -> None:
    assert resolve(PUT, there) == end


@pytest.mark.parametrize(
    ("there", "end"),
    [(seen("absent"), "again"), (seen("present", "1", PUT.fingerprint), "record"), (seen("present", "1"), "conflict")],
)
def test_a_first_put(there: Observed, end: End) -> None:
    assert resolve(intent(REF, expect="", fingerprint=PUT.fingerprint), there) == end


def test_a_put_over_a_deleted_one_that_did_not_happen() -> None:
    assert resolve(PUT, seen("deleted", "3")) == "again"


@pytest.mark.parametrize(
    ("there", "end"),
    [
        (seen("absent"), "record"),
        (seen("deleted", "3"), "record"),
        (seen("present", "3"), "drop"),
        (seen("present", "4"), "conflict"),
        (None, "ask"),
    ],
)
def test_a_delete(there: Observed | None, end: End) -> None:
    assert resolve(DELETE, there) == end


@pytest.mark.parametrize("outcome", ["failed", "unchanged", "refused", "abandoned"])
def test_what_the_log_says_did_not_happen_is_not_looked_for(outcome: str) -> None:
    assert resolve(PUT, seen("present", "4", PUT.fingerprint), outcome) == "drop"


def test_what_the_log_says_happened_is_recorded() -> None:
    assert resolve(PUT, seen("present", "4", PUT.fingerprint), "done") == "record"


def test_a_value_is_read_only_where_the_version_moved() -> None:
    assert moved(PUT, seen("present", "4"))
    assert not moved(PUT, seen("present", "3"))
    assert not moved(PUT, seen("deleted", "4"))
    assert not moved(PUT, None)
    assert not moved(DELETE, seen("present", "4"))


def test_what_is_recorded_is_what_was_planned() -> None:
    found = recorded(PUT, delivery(REF), "4", NOW + 1)
    assert found is not None
    assert (found.version, found.seq, found.input, found.fingerprint) == ("4", PUT.seq, PUT.input, PUT.fingerprint)
    assert (found.state, found.keys, found.changed_at) == ("delivered", PUT.keys, NOW + 1)


def test_a_delete_withdraws_what_was_recorded() -> None:
    before = delivery(REF)
    assert recorded(DELETE, before, "", NOW + 1) == withdrawn(before, NOW + 1)
    assert recorded(DELETE, None, "", NOW) is None
    assert withdrawn(before, NOW + 1).state == "withdrawn"


def test_after_a_rotation_the_token_tells_and_the_value_is_compared_when_it_is_opened() -> None:
    """A fingerprint of a former state key says nothing about one of the key of now."""
    by_now = "89abcdef:" + PUT.fingerprint.partition(":")[2]
    ours = Observed(PUT.target, "present", "4", token=PUT.token, fingerprint=by_now)
    assert resolve(PUT, ours) == "record"
    assert resolve(PUT, seen("present", "4", by_now)) == "conflict"
    found = recorded(PUT, delivery(REF), "4", NOW, unsure=True)
    assert found is not None
    assert found.input == ""
