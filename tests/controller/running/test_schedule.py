"""When a source is polled and applied, on a clock of the test's own."""

from __future__ import annotations

import random

from controller.running.schedule import CAP, Pace, Schedule


def plain(low: float, high: float) -> float:
    return (low + high) / 2


def schedule() -> Schedule:
    return Schedule(Pace(30, 600), plain)


def test_a_new_one_has_all_due() -> None:
    assert schedule().polls(0)
    assert schedule().applies(0, "a")


def test_what_is_unchanged_is_not_applied() -> None:
    found = schedule()
    assert found.ended(0, "done", "a") == 0
    assert not found.polls(29.9)
    assert found.polls(30)
    assert not found.applies(30, "a")
    assert found.applies(30, "b")
    found.idle(30)
    assert found.next == 60


def test_what_can_t_be_told_is_applied_at_each_poll() -> None:
    found = schedule()
    found.ended(0, "done", None)
    assert found.applies(30, None)


def test_the_resync_applies_what_looks_unchanged() -> None:
    found = schedule()
    found.ended(0, "done", "a")
    for now in range(30, 600, 30):
        assert not found.applies(now, "a")
        found.idle(now)
    assert found.polls(600)
    assert found.applies(600, "a")


def test_what_failed_is_tried_again_later_and_later() -> None:
    found, now, waits = schedule(), 0.0, []
    for _ in range(2000):
        waits.append(found.ended(now, "failed", "a"))
        assert not found.polls(now + waits[-1] - 0.01)
        now += waits[-1]
        assert found.polls(now)
        assert found.applies(now, "a")
    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, CAP]
    assert max(waits) == CAP
    assert found.ended(now, "done", "a") == 0
    assert found.ended(now, "failed", "a") == 1


def test_documents_that_are_tried_again_delay_no_poll() -> None:
    found, now = schedule(), 0.0
    for _ in range(8):
        wait = found.ended(now, "again", "a")
        now += wait
    assert wait == 128
    assert found.polls(now - wait + 30)
    assert not found.applies(now - wait + 30, "a")
    assert found.applies(now - wait + 30, "b")
    assert found.applies(now, "a")


def test_polls_are_spread_by_a_tenth() -> None:
    found = Schedule(Pace(30, 600), random.Random(7).uniform)
    waits = []
    for _ in range(200):
        found.ended(0, "done", "a")
        waits.append(found.next)
    assert 27 <= min(waits) < 28
    assert 32 < max(waits) <= 33
