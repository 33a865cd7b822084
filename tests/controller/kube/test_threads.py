"""Threads that namespaces have in turn, with real ones; those that block are let go by the test."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.kube.threads import Threads


def run(test: Callable[[threading.Event], Coroutine[Any, Any, None]]) -> None:
    """Run a test with what lets blocked threads go, which happens in the end."""
    go = threading.Event()
    try:
        asyncio.run(test(go))
    finally:
        go.set()


def test_who_fills_them_leaves_one_to_the_others() -> None:
    async def test(go: threading.Event) -> None:
        with closing(Threads(3, "t", most=2)) as threads:
            slow = [asyncio.create_task(threads.run("a", go.wait)) for _ in range(8)]
            assert [await threads.run("b", lambda: "quick") for _ in range(5)] == ["quick"] * 5
            assert not any(each.done() for each in slow)
            go.set()
            assert all(await asyncio.gather(*slow))

    run(test)


def test_of_a_single_one_each_has_a_turn() -> None:
    async def test(go: threading.Event) -> None:
        order: list[str] = []
        with closing(Threads(1, "t", most=1)) as threads:
            first = asyncio.create_task(threads.run("a", go.wait))
            jobs = [asyncio.create_task(threads.run(of, lambda of=of: order.append(of))) for of in "aaabbc"]  # type: ignore[misc]
            await asyncio.sleep(0)
            go.set()
            await asyncio.gather(first, *jobs)
        assert order == ["b", "c", "a", "b", "a", "a"]

    run(test)


def test_what_fails_or_is_cancelled_gives_its_thread_back() -> None:
    async def test(go: threading.Event) -> None:
        with closing(Threads(1, "t", most=1)) as threads:
            with pytest.raises(ZeroDivisionError):
                await threads.run("a", lambda: 1 // 0)
            holds = asyncio.create_task(threads.run("a", go.wait))
            waits = asyncio.create_task(threads.run("a", lambda: "never"))
            await asyncio.sleep(0)
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
            again = asyncio.create_task(threads.run("b", lambda: "again"))
            await asyncio.sleep(0)
            go.set()
            assert (await holds, await again) == (True, "again")
            # One that has its turn, and is cancelled before it knows.
            lost = asyncio.create_task(threads.run("a", lambda: "lost"))
            lost.cancel()
            await asyncio.gather(lost, return_exceptions=True)
            assert await threads.run("a", lambda: "last") == "last"

    run(test)


def test_who_is_cancelled_has_its_thread_until_that_ends() -> None:
    """As where a Lease is lost: what comes then waits for its turn here, where namespaces have turns."""

    async def test(go: threading.Event) -> None:
        begun = threading.Semaphore(0)

        def holds() -> bool:
            begun.release()
            return go.wait()

        with closing(Threads(2, "t", most=1)) as threads:
            lost = asyncio.create_task(threads.run("a", holds))
            assert await asyncio.to_thread(begun.acquire)
            lost.cancel()
            await asyncio.gather(lost, return_exceptions=True)
            more = [asyncio.create_task(threads.run("a", go.wait)) for _ in range(2)]
            for _ in range(3):  # all that could begin, has
                await asyncio.sleep(0)
            quick = asyncio.create_task(threads.run("b", lambda: "quick"))
            done, _ = await asyncio.wait([quick], timeout=10)
            go.set()
            assert done
            assert all(await asyncio.gather(*more))

    run(test)


def test_what_was_closed_begins_nothing() -> None:
    async def test(go: threading.Event) -> None:
        threads, begun = Threads(1, "t", most=1), threading.Event()
        holds = asyncio.create_task(threads.run("a", lambda: begun.set() or go.wait()))  # type: ignore[func-returns-value]
        waits = asyncio.create_task(threads.run("b", lambda: "never"))
        assert await asyncio.to_thread(begun.wait)
        threads.close()
        go.set()
        assert await holds
        with pytest.raises(RuntimeError):
            await waits
        with pytest.raises(RuntimeError):
            await threads.run("a", lambda: "never")

    run(test)


@given(st.integers(0, 1 << 32), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_whatever_is_cancelled_or_fails_no_thread_is_lost(seed: int, count: int, most: int) -> None:
    """No namespace has more than it may, all that is not cancelled is done once, and in the end each thread is free."""
    random = Random(seed)
    running: Counter[str] = Counter()
    done: list[int] = []
    lock = threading.Lock()
    goes: dict[int, threading.Event] = {}

    def work(of: str, number: int) -> int:
        with lock:
            running[of] += 1
            assert running[of] <= most
            assert running.total() <= count
        goes[number].wait(10)
        with lock:
            running[of] -= 1
        done.append(number)
        return 1 // (number % 5)

    async def main() -> None:
        tasks: dict[int, asyncio.Task[int]] = {}
        with closing(Threads(count, "t", most)) as threads:
            for number in range(30):
                of = random.choice("aab")
                goes[number] = threading.Event()
                tasks[number] = asyncio.create_task(threads.run(of, partial(work, of, number)))
                for _ in range(random.randrange(3)):
                    await asyncio.sleep(0)
                if random.random() < 0.5:
                    tasks[random.randrange(number + 1)].cancel()
                if random.random() < 0.5:
                    goes[random.randrange(number + 1)].set()
            for go in goes.values():
                go.set()
            ended = await asyncio.gather(*tasks.values(), return_exceptions=True)
            lost = {n for n, end in enumerate(ended) if isinstance(end, asyncio.CancelledError)}
            failed = {n for n, end in enumerate(ended) if isinstance(end, ZeroDivisionError)}
            assert failed == {n for n in range(0, 30, 5) if n not in lost}
            assert all(end == 1 // (n % 5) for n, end in enumerate(ended) if n not in lost | failed)
            assert len(done) == len({*done})
            assert {*range(30)} - lost <= {*done}
            # As many as there are run at once still.
            meet = threading.Barrier(min(count, 2 * most))
            await asyncio.gather(*(threads.run("ab"[n % 2], partial(meet.wait, 30)) for n in range(meet.parties)))

    asyncio.run(main())
