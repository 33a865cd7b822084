"""Threads that namespaces have in turn, with real ones; those that block are let go by the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any

import pytest

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
