"""Threads that namespaces have in turn, and of which one namespace never has all: nobody waits for what others cost."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from controller.kube.order import NEW, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Threads:
    """`count` threads for one event loop, of which a namespace has `most` at once; to be closed."""

    def __init__(self, count: int, name: str, most: int) -> None:
        self._pool = ThreadPoolExecutor(count, name)
        self._free = count
        self._lanes = Lanes(most)
        self._waiters: dict[str, asyncio.Future[None]] = {}
        self._numbers = itertools.count()

    def close(self) -> None:
        """Begin no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, namespace: str, function: Callable[[], T]) -> T:
        """What a function returns, called in a thread once it is this namespace's turn.

        A thread that has begun goes on after its caller was cancelled, as all do where a Lease is lost: it is the
        namespace's until it ends.
        """
        key = f"{namespace}/{next(self._numbers)}"
        loop = asyncio.get_running_loop()
        waiter = self._waiters[key] = loop.create_future()
        self._lanes.put(0.0, key, NEW)
        self._begin()
        try:
            await waiter
            work = loop.run_in_executor(self._pool, function)
        except BaseException:
            if self._waiters.pop(key, None) is None:
                self._back(key)
            else:  # cancelled before it had its turn
                self._lanes.drop(key)
            raise
        work.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(work)

    def _begin(self) -> None:
        while self._free and (found := self._lanes.take()) is not None:
            self._free -= 1
            waiter = self._waiters.pop(found[0])
            if not waiter.done():
                waiter.set_result(None)

    def _ended(self, key: str, work: asyncio.Future[T]) -> None:
        if not work.cancelled():
            work.exception()  # told to the caller, if there still is one: without this asyncio would log it
        self._back(key)

    def _back(self, key: str) -> None:
        self._lanes.back(key)
        self._free += 1
        self._begin()
