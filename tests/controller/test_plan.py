"""Plan: which steps, after opening (DELIVERY section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model import Delivery, Desired, Observed, Step, Triage
from controller.plan import plan
from tests.controller.test_triage import AT, DB, OWNER, delivery, seen, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

OPEN = Triage(DB, "open")


def desired(fingerprint: str = "fp:2") -> Desired:
    return Desired(AT, DB, wanted("d2"), fingerprint, "ff", ("aa",), 8, ("k",))


def steps(
    triage: Triage, want: Iterable[Desired], observed: Observed, *deliveries: Delivery
) -> list[tuple[str, str, str]]:
    found = plan([triage], want, {each.target: each for each in deliveries}, {AT: observed}, 10)
    return [(step.op, step.expect, step.reason) for step in found]


def test_new_is_put_where_nothing_was_seen() -> None:
    assert steps(OPEN, [desired()], Observed(AT, "absent")) == [("put", "", "")]


def test_another_value_is_put_over_the_version_that_was_seen() -> None:
    assert steps(OPEN, [desired()], seen(version="4"), delivery("d1", "4")) == [("put", "4", "")]


def test_a_deleted_target_is_put_with_its_last_version() -> None:
    assert steps(OPEN, [desired()], seen("deleted", "3", ""), delivery("d1", "3")) == [("put", "3", "")]


def test_the_same_value_sealed_anew_is_recorded() -> None:
    assert steps(OPEN, [desired("fp:1")], seen(), delivery("d1")) == [("record", "1", "")]


def test_a_value_of_ours_that_state_had_lost_is_adopted() -> None:
    assert steps(OPEN, [desired()], seen(version="9", fingerprint="fp:2")) == [("adopt", "9", "")]


def test_an_unknown_value_is_put() -> None:
    assert steps(OPEN, [desired()], seen(version="9")) == [("put", "9", "")]
    assert steps(OPEN, [desired("")], seen(version="9")) == [("put", "9", "")]


def test_drift_back_to_the_wanted_value_is_recorded() -> None:
    assert steps(OPEN, [desired()], seen(version="2", fingerprint="fp:2"), delivery("d1")) == [("record", "2", "")]


def test_drift_to_another_value_is_put() -> None:
    assert steps(OPEN, [desired("fp:1")], seen(version="2", fingerprint="fp:9"), delivery("d1")) == [("put", "2", "")]


def test_what_is_skipped_takes_no_step_but_for_a_new_version_id() -> None:
    skip = Triage(DB, "skip")
    assert steps(skip, [], seen(), delivery()) == []
    assert steps(skip, [], seen(version="2", fingerprint="fp:1"), delivery()) == [("record", "2", "")]


def test_what_is_kept_or_refused_is_only_said() -> None:
    assert steps(Triage(DB, "keep", "why"), [], seen(), delivery()) == [("keep", "1", "why")]
    assert steps(Triage(DB, "refuse", "why"), [], seen(), delivery("d1", "")) == [("refuse", "", "why")]
    assert steps(Triage(DB, "refuse", "why"), [], Observed(AT, "absent")) == []


def test_a_step_shows_no_fingerprint() -> None:
    (step,) = plan([OPEN], [desired()], {}, {AT: Observed(AT, "absent")}, 10)
    assert isinstance(step, Step)
    assert "fp:2" not in repr(step)
    assert OWNER not in repr(step)
