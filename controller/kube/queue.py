"""The work queue of an asyncio controller: `queue_core` says which key is next, and here workers wait for it.

while (key := await queue.get()) is not None:
    try:
        reconcile, then one of: queue.forget(key), queue.retry(key), queue.park(key, reason)
    finally:
        queue.done(key)
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from controller.kube.order import BACKLOG, INFINITE, NEW, Priority
from controller.kube.queue_core import Numbers, QueueCore

__all__ = ["BACKLOG", "NEW", "Numbers", "Priority", "Queue"]


class Queue:
    """A queue of one event loop. All but `get` and `ended` return at once; QueueCore says what they do.

    `most`: so many keys of one namespace are worked on at once, however many workers there are.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
        most: int | None = None,
    ) -> None:
        self._core = QueueCore(draw, most)
        self._clock = clock
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._end = asyncio.Event()

    def add(self, key: str, priority: Priority = NEW) -> None:
        """There is something to do."""
        self._core.add(self._clock(), key, priority)
        self._stir()

    def add_after(self, key: str, seconds: float, priority: Priority = BACKLOG) -> None:
        """There will be something to do."""
        self._core.add_after(self._clock(), key, seconds, priority)
        self._stir()

    def retry(self, key: str, least: float = 0.0) -> float:
        """It failed, and is tried again after so many seconds, `least` as there; to be called before `done`."""
        wait = self._core.retry(self._clock(), key, least)
        self._stir()
        return wait

    def forget(self, key: str) -> None:
        """It went well, or is gone: the next failure is the first."""
        self._core.forget(key)

    def failures(self, key: str) -> int:
        """How often it was retried since it was forgotten."""
        return self._core.failures(key)

    def park(self, key: str, reason: str) -> None:
        """It failed for a reason that will be released; to be called before `done`."""
        self._core.park(self._clock(), key, reason)
        self._stir()

    def release(self, reason: str) -> int:
        """All that is parked for a reason comes as NEW. How many these were."""
        count = self._core.release(self._clock(), reason)
        self._stir()
        return count

    def done(self, key: str) -> None:
        """The work on a key that `get` gave has ended, well or not."""
        self._core.done(self._clock(), key)
        self._stir()

    def numbers(self) -> Numbers:
        """For metrics."""
        return self._core.numbers(self._clock())

    def due(self) -> int:
        """How many wait for a worker."""
        return self._core.due(self._clock())

    async def get(self) -> str | None:
        """The next key, to be handed back with `done`; None: the queue was shut down, and the worker shall end."""
        # A worker that always finds a key must not keep the loop from its other tasks, such as renewing a Lease.
        await asyncio.sleep(0)
        while (key := self._core.take(self._clock())) is None:
            if self._core.closed:
                return None
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            self._stir()
            try:
                await waiter
            except asyncio.CancelledError:
                with suppress(ValueError):
                    self._waiters.remove(waiter)
                self._stir()  # If it was woken, another must take the key now.
                raise
        return key

    def clear(self) -> None:
        """Forget all but what is worked on: for who leads no more, and adds anew what there is once it leads again."""
        self._core.clear()
        self._stir()

    def shut_down(self, drain: bool = False) -> None:
        """End all workers: once what waits is done (drain), or with the key that each has.

        Delayed and parked keys are dropped, and what is added is ignored: the next start finds it all. May be called
        again without drain. `ended` tells when it is so.
        """
        self._core.shut_down(drain)
        self._stir()

    async def ended(self) -> None:
        """Return when the queue was shut down and no worker has a key."""
        await self._end.wait()

    def _stir(self) -> None:
        """Wake whoever has something to do; set the timer if somebody waits still."""
        if self._core.closed and self._core.idle:
            self._end.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiters:
            return
        now = self._clock()
        count = len(self._waiters) if self._core.closed else self._core.free(now)
        while count and self._waiters:
            if not (waiter := self._waiters.popleft()).done():  # else: it was cancelled, and has not run yet
                waiter.set_result(None)
                count -= 1
        if self._waiters and (at := self._core.next_due()) < INFINITE:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._stir)
