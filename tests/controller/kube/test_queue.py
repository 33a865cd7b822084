"""Workers that wait, in a loop whose time passes only when all of them do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from controller.kube.queue import BACKLOG, Queue

T = TypeVar("T")


class _Jump(selectors.DefaultSelector):
    """Waits for nothing: the time that a loop would wait is past."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("all wait, and nothing will ever wake them")
        self.now += timeout + 1e-9 if timeout > 0 else 0  # more than a clock's rounding
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jump = _Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.now


def run(test: Callable[[Queue, asyncio.AbstractEventLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a test with a queue on the loop's own time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        return runner.run(test(Queue(loop.time, lambda low, high: high), loop))


async def turns() -> None:
    """Let everybody go on who can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_worker_waits_for_a_key() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        waiting = asyncio.create_task(queue.get())
        await turns()
        assert not waiting.done()
        queue.add("a")
        assert await waiting == "a"

    run(test)


def test_a_worker_waits_for_a_delay_and_for_an_earlier_one() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> list[tuple[str | None, int]]:
        found = []
        queue.add_after("a", 60)
        waiting = asyncio.create_task(queue.get())
        await turns()
        queue.add_after("b", 5)
        found.append((await waiting, round(loop.time())))
        found.append((await queue.get(), round(loop.time())))
        return found

    assert run(test) == [("b", 5), ("a", 60)]


def test_retries_come_at_their_time_also_to_workers_that_wait_already() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> list[float]:
        times: list[float] = []

        async def work() -> None:
            while (key := await queue.get()) is not None:
                times.append(round(loop.time(), 3))
                if len(times) == 8:
                    queue.shut_down()
                queue.retry(key)
                queue.done(key)

        queue.add("a")
        await asyncio.gather(work(), work())
        return times

    assert run(test) == [0, 0.005, 0.015, 0.035, 0.075, 0.155, 0.315, 0.635]


def test_a_burst_of_retries_reaches_many_workers() -> None:
    """More fail at once than the bucket lets through: all come, at its rate, and no waiter is forgotten."""

    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> tuple[int, int]:
        seen: set[str] = set()

        async def work() -> None:
            while (key := await queue.get()) is not None:
                if queue.failures(key):
                    seen.add(key)
                    queue.forget(key)
                else:
                    queue.retry(key)
                queue.done(key)
                if len(seen) == 150:
                    queue.shut_down()

        for number in range(150):
            queue.add(str(number))
        await asyncio.gather(*(work() for _ in range(4)))
        return len(seen), round(loop.time())

    assert run(test) == (150, 5)


def test_no_key_is_lost_with_a_worker_that_is_cancelled_as_it_is_woken() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        for cancel_first in (False, True):
            first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
            await turns()
            if cancel_first:
                first.cancel()
            queue.add("a")
            first.cancel()
            assert await second == "a"
            assert first.cancelled()
            queue.done("a")

    run(test)


def test_each_of_many_workers_is_woken() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        waiting = [asyncio.create_task(queue.get()) for _ in range(5)]
        await turns()
        for key in "abcde":
            queue.park(key, "no key")
        assert queue.release("no key") == 5
        assert sorted(filter(None, await asyncio.gather(*waiting))) == list("abcde")

    run(test)


def test_done_wakes_a_worker_for_what_comes_again() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        queue.add("a")
        assert await queue.get() == "a"
        waiting = asyncio.create_task(queue.get())
        queue.add("a")
        await turns()
        assert not waiting.done()
        queue.done("a")
        assert await waiting == "a"

    run(test)


def test_a_namespace_that_takes_its_time_leaves_workers_to_the_others() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> list[str]:
        queue = Queue(loop.time, lambda low, high: high, most=2)
        order: list[str] = []
        slow = asyncio.Event()

        async def work() -> None:
            while (key := await queue.get()) is not None:
                if key.startswith("a/"):
                    await slow.wait()
                order.append(key)
                queue.done(key)

        for number in range(5):
            queue.add(f"a/{number}")
        workers = [asyncio.create_task(work()) for _ in range(3)]
        await turns()
        for number in range(3):
            queue.add(f"b/{number}", BACKLOG)
        await turns()
        assert (order, queue.due()) == (["b/0", "b/1", "b/2"], 3)
        slow.set()
        queue.shut_down(drain=True)
        await asyncio.gather(*workers)
        return order

    assert sorted(run(test)) == [*(f"a/{number}" for number in range(5)), *(f"b/{number}" for number in range(3))]


def test_a_worker_that_never_waits_lets_others_have_their_turn() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> int:
        for number in range(1000):
            queue.add(str(number), BACKLOG)

        async def work() -> None:
            while (key := await queue.get()) is not None:
                queue.done(key)

        async def renew() -> int:
            await turns()
            left = queue.numbers().backlog
            queue.shut_down()
            return left

        return (await asyncio.gather(work(), renew()))[1]

    assert run(test) > 900


def test_shut_down_ends_who_waits_and_tells_when_the_last_is_done() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        queue.add("a")
        assert await queue.get() == "a"
        waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
        ended = asyncio.create_task(queue.ended())
        queue.add_after("b", 5)
        await turns()
        queue.shut_down()
        assert await asyncio.gather(*waiting) == [None] * 3
        assert not ended.done()
        queue.done("a")
        await ended
        queue.add("c")
        assert await queue.get() is None

    run(test)


def test_draining_finishes_what_waits_unless_it_is_cut_short() -> None:
    async def test(queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        for key in "abc":
            queue.add(key)
        assert await queue.get() == "a"
        queue.shut_down(drain=True)
        assert await queue.get() == "b"
        queue.done("a")
        queue.done("b")
        queue.shut_down()
        assert await queue.get() is None
        await queue.ended()

    run(test)
