"""Whether the loop that works still turns, and whether all is known: written by that loop, read by the thread of HTTP.

What answers a probe is another loop, which would say `ok` for ever. So the loop that works takes down the time, once a
second, and a probe is told when it has not for a while.
"""

from __future__ import annotations

import asyncio
import os.path
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PERIOD = 1.0
"""Seconds between two beats."""
LIMIT = 15.0
"""Seconds without one until a probe is told. As long as a Lease lasts (`lease.Times`): by then another replica may act,
so whoever ends this one interrupts nobody. With the probes of our manifests, which have to fail three times in a row,
10 s apart, the kubelet does so after 35 to 45 s; what only takes long, as a list of many objects does, is let go on."""
_FRAMES = 5


@dataclass(frozen=True, slots=True)
class _Beat:
    """The last one: when, on which thread, and whether requests may come."""

    at: float
    thread: int
    ready: bool


class Health:
    """What is known of a loop. `clock`: monotonic, in seconds.

    `told` is called once each time that it is found to hang: for how many seconds, and where in the code, the
    innermost place first.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[float, str], None] = lambda *_: None,
    ) -> None:
        self._clock = clock
        self._told = told
        self._last = _Beat(clock(), threading.get_ident(), False)  # replaced as a whole: read by another thread
        self._hung: _Beat | None = None  # only of that thread

    def beat(self, ready: bool) -> None:
        """The loop turns. Called on it, also whenever `ready` is another."""
        self._last = _Beat(self._clock(), threading.get_ident(), ready)

    async def beats(self, ready: Callable[[], bool]) -> None:
        """Beat until cancelled."""
        while True:
            self.beat(ready())
            await asyncio.sleep(_PERIOD)

    def trouble(self) -> str:
        """What is wrong; "" if nothing is. Asked by one thread."""
        last = self._last
        seconds = self._clock() - last.at
        if seconds <= LIMIT:
            return ""
        if self._hung is not last:
            self._hung = last
            self._told(seconds, _where(last.thread))
        return f"the controller has not come any further for {seconds:.0f} s"

    def ready(self) -> bool:
        """Whether requests may come. Asked by the same thread."""
        return not self.trouble() and self._last.ready


def _where(thread: int) -> str:
    """Where a thread is just now, without a word of what it has in hand."""
    frame = sys._current_frames().get(thread)
    found: list[str] = []
    while frame is not None and len(found) < _FRAMES:
        found.append(f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(found)
