"""When a key comes that has a delay or has failed, on a clock of the test's own."""

from __future__ import annotations

import pytest

from controller.kube.order import Bucket, Delays
from controller.kube.queue import BACKLOG, NEW
from controller.kube.queue_core import BURST, CAP, FIRST, PATIENCE, RETRIES, QueueCore
from tests.controller.kube.queues import INFINITE, core, longest, taken, taking


def test_of_several_delays_the_earliest_wins_and_it_comes_once() -> None:
    queue = core()
    queue.add_after(0, "a", 20)
    queue.add_after(0, "a", 10)
    queue.add_after(0, "a", 30)
    assert queue.next_due() == 10
    assert taken(queue, 9.9) == []
    assert taken(queue, 10) == ["a"]
    assert queue.next_due() == INFINITE
    assert taken(queue, 100) == []


def test_of_several_delays_the_better_priority_wins() -> None:
    queue = core()
    queue.add_after(0, "a", 20, NEW)
    queue.add_after(0, "a", 10, BACKLOG)
    queue.add(0, "b", BACKLOG)
    assert taken(queue, 10) == ["a", "b"]


def test_a_delay_of_nothing_is_none() -> None:
    queue = core()
    queue.add_after(0, "a", 0)
    queue.add_after(0, "b", -1)
    assert taken(queue, 0) == ["a", "b"]


def test_an_add_takes_the_place_of_delays_with_the_better_priority() -> None:
    queue = core()
    queue.add_after(0, "a", 10, NEW)
    queue.add(0, "b", BACKLOG)
    queue.add(0, "a", BACKLOG)
    assert taken(queue, 0) == ["a", "b"]
    assert queue.next_due() == INFINITE


def test_a_delay_for_what_waits_moves_it_up() -> None:
    queue = core()
    queue.add(0, "a", BACKLOG)
    queue.add(0, "b", BACKLOG)
    queue.add_after(0, "b", 5, NEW)
    assert taken(queue, 0) == ["b", "a"]
    assert queue.next_due() == INFINITE


def test_a_delay_given_while_it_is_worked_on_is_kept() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add_after(0, "a", 5)
    queue.done(0, "a")
    assert taken(queue, 4) == []
    assert taken(queue, 5) == ["a"]


def test_a_delay_that_ends_while_it_is_worked_on_comes_once_it_is_done() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add_after(0, "a", 5)
    assert queue.take(6) is None
    queue.done(7, "a")
    assert taken(queue, 7) == ["a"]


def test_delays_that_were_taken_back_leave_nothing_behind() -> None:
    delays = Delays()
    for number in range(10_000):
        delays.put(3600 + number, "a", BACKLOG)
        delays.drop("a")
    delays.put(5, "b", BACKLOG)
    assert len(delays._heap) < 200
    assert delays.take(5) == ("b", BACKLOG)
    assert delays.next() == INFINITE


def test_what_fails_is_tried_later_and_later_and_for_ever() -> None:
    queue, now, waits = core(), 0.0, []
    queue.add(now, "a")
    for _ in range(2000):
        assert queue.take(now) == "a"
        waits.append(queue.retry(now, "a"))
        queue.done(now, "a")
        assert queue.take(now + waits[-1] * 0.99) is None
        now += waits[-1]
    assert waits[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert max(waits) == waits[-1] == CAP == 300
    assert queue.failures("a") == queue.numbers(now).retries == 2000
    queue.forget("a")
    assert queue.failures("a") == 0
    assert queue.retry(now, "b") == queue.retry(now, "c") == FIRST


def test_what_can_not_be_mended_at_once_waits_longer_from_the_first_time_on() -> None:
    queue = core()
    assert [queue.retry(0, "a", least=1.0) for _ in range(12)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_jitter_takes_off_up_to_half() -> None:
    assert QueueCore(lambda low, high: low).retry(0, "a") == FIRST / 2
    assert QueueCore(longest).retry(0, "a") == FIRST
    assert 0.0025 <= QueueCore().retry(0, "a") <= 0.005


def test_a_change_does_not_wait_for_the_back_off() -> None:
    queue = core()
    for _ in range(12):
        queue.retry(0, "a")
    queue.add(0, "a")
    assert taken(queue, 0) == ["a"]
    assert taken(queue, 1000) == []


def test_what_was_changed_while_it_failed_comes_at_once() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add(0, "a", BACKLOG)
    assert queue.retry(0, "a") == 0
    queue.add(0, "b", BACKLOG)
    queue.done(0, "a")
    assert taken(queue, 0) == ["a", "b"]
    assert queue.failures("a") == 1


def test_all_retries_together_come_no_faster_than_the_bucket_allows() -> None:
    queue = core()
    for number in range(BURST + 20):
        queue.retry(0, str(number))
    assert len(taken(queue, 1)) == BURST
    queue.add(1, "change")
    assert taken(queue, 1) == ["change"]
    now, came = 1.0, []
    while queue.next_due() < INFINITE:
        now = queue.next_due()
        came.append((len(taken(queue, now)), now))
    assert [count for count, _ in came] == [1] * 20
    assert came[0][1] == pytest.approx(1 + 1 / RETRIES)
    assert came[-1][1] == pytest.approx(1 + 20 / RETRIES)


def test_the_first_retries_of_what_somebody_waits_for_go_before_a_thousand_others() -> None:
    queue = core()
    for number in range(1000):
        queue.retry(0, str(number))
    assert len(taken(queue, 1)) == BURST
    taking(queue, 1, "new")
    queue.retry(1, "new")
    queue.done(1, "new")
    assert taken(queue, 1 + 1 / RETRIES) == ["new"]


def test_what_keeps_failing_is_waited_for_no_more() -> None:
    queue, now = core(), 0.0
    queue.add(now, "a")
    for _ in range(PATIENCE):
        assert queue.take(now) == "a"
        now += queue.retry(now, "a")
        queue.done(now, "a")
    queue.add(now, "before", BACKLOG)
    assert queue.take(now) == "a"
    queue.retry(now, "a")
    queue.done(now, "a")
    queue.add(now + CAP, "new")
    assert taken(queue, now + CAP) == ["new", "before", "a"]


def test_a_token_is_there_when_the_bucket_says_so() -> None:
    bucket, now, times = Bucket(3, 2), 0.1, []
    for _ in range(1000):
        if not bucket.take(now):
            now = bucket.opens()
            assert bucket.take(now)
        times.append(now)
    assert times[:2] == pytest.approx([0.1, 0.1])
    assert times[-1] == pytest.approx(0.1 + 998 / 3)
