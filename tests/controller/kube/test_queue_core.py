"""Which key is worked on next, on a clock of the test's own."""

from __future__ import annotations

import pytest

from controller.kube.order import TURNS
from controller.kube.queue import BACKLOG
from controller.kube.queue_core import QueueCore
from tests.controller.kube.queues import INFINITE, core, longest, taken, taking


def test_keys_come_in_the_order_of_their_first_add() -> None:
    queue = core()
    for key in "abcab":
        queue.add(0, key)
    assert taken(queue, 0) == ["a", "b", "c"]


def test_what_is_added_while_it_is_worked_on_comes_again_once_it_is_done() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add(0, "a")
    queue.add(0, "a")
    assert queue.take(0) is None
    queue.done(1, "a")
    assert taken(queue, 1) == ["a"]


def test_done_without_get_is_an_error() -> None:
    queue = core()
    queue.add(0, "ns/a")
    with pytest.raises(ValueError, match=r"ns/a: done, but nobody works on it"):
        queue.done(0, "ns/a")
    assert taken(queue, 0) == ["ns/a"]


def test_new_comes_before_the_backlog_and_a_key_moves_up() -> None:
    queue = core()
    for key in "abc":
        queue.add(0, key, BACKLOG)
    queue.add(0, "d")
    queue.add(0, "b")
    queue.add(0, "d", BACKLOG)
    assert taken(queue, 0) == ["d", "b", "a", "c"]


def test_a_key_that_somebody_waits_for_does_not_move_down_while_it_is_worked_on() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add(0, "b", BACKLOG)
    queue.add(0, "a")
    queue.add(0, "a", BACKLOG)
    queue.done(0, "a")
    assert taken(queue, 0) == ["a", "b"]


def test_a_key_moves_up_while_it_is_worked_on() -> None:
    queue = core()
    queue.add(0, "a", BACKLOG)
    assert queue.take(0) == "a"
    queue.add(0, "b", BACKLOG)
    queue.add(0, "a", BACKLOG)
    queue.add(0, "a")
    queue.done(0, "a")
    assert taken(queue, 0) == ["a", "b"]


def test_changes_without_end_leave_the_backlog_its_share() -> None:
    queue = core()
    for number in range(3):
        queue.add(0, f"old{number}", BACKLOG)
    came = []
    for number in range(40):
        queue.add(0, f"new{number}")
        came.append(queue.take(0))
    assert [index for index, key in enumerate(came) if key and key.startswith("old")] == [10, 21, 32]


def test_new_keys_that_overtook_nobody_do_not_count() -> None:
    queue = core()
    for number in range(5 * TURNS):
        taking(queue, 0, str(number))
    queue.add(0, "backlog", BACKLOG)
    queue.add(0, "new")
    assert taken(queue, 0) == ["new", "backlog"]


def test_namespaces_have_turns_and_the_keys_of_one_their_order() -> None:
    queue = core()
    for key in ("a/1", "a/2", "a/3", "b/1", "c/1", "b/2"):
        queue.add(0, key)
    queue.add(0, "d/1", BACKLOG)
    assert taken(queue, 0) == ["a/1", "b/1", "c/1", "a/2", "b/2", "a/3", "d/1"]


def test_a_namespace_has_no_more_keys_out_than_it_may() -> None:
    queue = QueueCore(longest, most=2)
    for number in range(4):
        queue.add(0, f"a/{number}")
    assert [queue.take(0), queue.take(0), queue.take(0)] == ["a/0", "a/1", None]
    assert (queue.due(0), queue.free(0)) == (2, 0)
    queue.add(0, "b/0", BACKLOG)
    queue.add(0, "a/9", BACKLOG)
    queue.add(0, "a/1")
    assert (queue.due(0), queue.free(0), queue.numbers(0).longest_wait) == (4, 1, 0)
    assert [queue.take(0), queue.take(0)] == ["b/0", None]
    queue.done(0, "a/0")
    assert [queue.take(0), queue.take(0)] == ["a/2", None]
    queue.done(0, "a/1")
    assert [queue.take(0), queue.take(0)] == ["a/3", None]
    for key in ("a/2", "a/3", "b/0"):
        queue.done(0, key)
    assert taken(queue, 0) == ["a/1", "a/9"]
    assert queue.idle


def test_what_waits_while_its_namespace_has_enough_out_can_be_moved_up_and_forgotten() -> None:
    queue = QueueCore(longest, most=1)
    taking(queue, 0, "a/0")
    for number in range(1, 4):
        queue.add(0, f"a/{number}", BACKLOG)
    queue.add(0, "a/3")
    queue.shut_down(drain=True)
    queue.done(0, "a/0")
    assert taken(queue, 0) == ["a/3", "a/1", "a/2"]
    queue = QueueCore(longest, most=1)
    taking(queue, 0, "a/0")
    queue.add(0, "a/1")
    queue.shut_down()
    queue.done(0, "a/0")
    assert (queue.take(0), queue.idle) == (None, True)


def test_parked_keys_come_when_their_reason_is_released() -> None:
    queue = core()
    for key, reason in (("a", "no key"), ("b", "no rights"), ("c", "no key")):
        taking(queue, 0, key)
        queue.park(0, key, reason)
        queue.done(0, key)
    queue.add(0, "backlog", BACKLOG)
    assert queue.numbers(0).parked == 3
    assert queue.release(1000, "no key") == 2
    assert taken(queue, 1000) == ["a", "c", "backlog"]
    assert queue.release(1000, "no key") == 0
    assert queue.numbers(0).parked == 1


def test_an_add_un_parks() -> None:
    queue = core()
    queue.park(0, "a", "no key")
    queue.add(0, "a")
    assert taken(queue, 0) == ["a"]
    assert queue.release(0, "no key") == 0
    assert queue.numbers(0).parked == 0


def test_a_delay_un_parks_when_it_ends() -> None:
    queue = core()
    queue.park(0, "a", "no key")
    queue.add_after(0, "a", 5)
    assert queue.numbers(4).parked == 1
    assert taken(queue, 5) == ["a"]
    assert queue.release(5, "no key") == 0


def test_a_key_that_is_parked_twice_has_the_last_reason() -> None:
    queue = core()
    queue.park(0, "a", "no key")
    queue.park(0, "a", "no rights")
    assert queue.release(0, "no key") == 0
    assert queue.release(0, "no rights") == 1


def test_what_changed_while_it_failed_is_not_parked() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add(0, "a")
    queue.park(0, "a", "no key")
    queue.done(0, "a")
    assert taken(queue, 0) == ["a"]


def test_a_reason_released_while_a_key_was_worked_on_does_not_pass_it_by() -> None:
    """The worker looked for the private key before that came, and parks the object after all parked were released."""
    queue = core()
    taking(queue, 0, "a")
    queue.release(0, "no key")
    queue.park(0, "a", "no key")
    queue.done(0, "a")
    assert queue.take(0) == "a"
    queue.park(0, "a", "no key")
    queue.done(0, "a")
    assert taken(queue, 1000) == []


def test_numbers() -> None:
    queue = core()
    taking(queue, 0, "a")
    taking(queue, 1, "b")
    queue.add(2, "c", BACKLOG)
    queue.add(3, "d")
    queue.add(4, "d")
    queue.add_after(4, "e", 60)
    queue.retry(4, "f")
    queue.park(4, "g", "no key")
    found = queue.numbers(4)
    assert (found.new, found.backlog, found.delayed, found.parked, found.running) == (1, 1, 2, 1, 2)
    assert (found.adds, found.retries) == (4, 1)
    assert (found.longest_wait, found.longest_run) == (2, 4)
    queue.done(4, "a")
    assert queue.numbers(4).longest_run == 3
    queue.done(4, "b")
    assert taken(queue, 100) == ["d", "c", "e", "f"]
    assert (queue.numbers(100).longest_wait, queue.numbers(100).longest_run) == (0, 0)


def test_shut_down_hands_out_nothing_more() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add(0, "a")
    queue.add(0, "b")
    queue.shut_down()
    assert queue.take(0) is None
    queue.done(0, "a")
    assert queue.take(0) is None
    assert queue.idle


def test_draining_hands_out_what_waits_and_nothing_else() -> None:
    queue = core()
    taking(queue, 0, "a")
    queue.add(0, "a")
    queue.add(0, "b")
    queue.add_after(0, "c", 1)
    queue.retry(0, "d")
    queue.park(0, "e", "no key")
    queue.shut_down(drain=True)
    queue.add(0, "f")
    queue.add_after(0, "g", 1)
    queue.retry(0, "h")
    queue.park(0, "i", "no key")
    assert queue.release(0, "no key") == 0
    assert (queue.next_due(), queue.numbers(0).delayed, queue.numbers(0).parked) == (INFINITE, 0, 0)
    assert taken(queue, 1000) == ["b"]
    assert not queue.idle
    queue.done(1000, "a")
    assert taken(queue, 1000) == ["a"]
    assert queue.idle


def test_ten_thousand_keys_of_each_kind() -> None:
    """All pass; were one step linear, this would take minutes."""
    queue, keys = core(), [f"ns/{number}" for number in range(10_000)]
    for number, key in enumerate(keys):
        queue.add(0, key, BACKLOG)
        queue.add_after(0, key + "-later", 1 + number * 7919 % 100)
        queue.park(0, key + "-parked", "no key")
    for key in reversed(keys):
        queue.add(0, key)
    assert taken(queue, 0) == keys[::-1]
    assert queue.release(0, "no key") == 10_000
    assert len(taken(queue, 1000)) == 20_000


def test_ten_thousand_keys_of_as_many_namespaces() -> None:
    """All pass, though each namespace has as many keys out as it may; were one step linear, this would take minutes."""
    queue, keys = QueueCore(longest, most=1), [f"{number}/a" for number in range(10_000)]
    for key in keys:
        taking(queue, 0, key)
    for key in keys:
        queue.add(0, f"{key}-more", BACKLOG)
    assert queue.take(0) is None
    for key in keys:
        queue.done(0, key)
    assert len(taken(queue, 0)) == 10_000


def test_who_leads_no_more_has_nothing_that_waits() -> None:
    """Nor anything that fails, is delayed or parked: it was all left to another one, and deleted meanwhile maybe."""
    queue = core()
    taking(queue, 0, "a/1")
    for key, then in (("a/2", queue.retry), ("a/3", lambda now, key: queue.park(now, key, "no key"))):
        taking(queue, 0, key)
        then(0, key)
        queue.done(0, key)
    queue.add(0, "a/1")
    queue.add(0, "a/4")
    queue.add_after(0, "a/5", 7)
    queue.clear()
    queue.done(1, "a/1")
    assert queue.release(1, "no key") == 0
    assert taken(queue, 1000) == []
    assert queue.failures("a/2") == 0
    assert queue.numbers(1000).longest_wait == 0
    assert queue.idle
    assert queue.next_due() == INFINITE
    queue.add(1000, "a/2")  # it leads again
    assert taken(queue, 1000) == ["a/2"]
