"""When a source is polled and when it is applied. Pure: times are seconds of a monotonic clock, handed in.

poll     each interval, give or take a tenth: many controllers must not come to a Git server at once
apply    if a poll shows a change, if the resync is due (a store may have drifted), if somebody asks for it,
         or if the last run is worth trying again, with a backoff of at most five minutes

A run that failed as a whole delays the next poll, too; documents that failed delay nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CAP = 300.0
"""Seconds: the longest wait before what failed is tried again."""
_FIRST = 1.0
_JITTER = 0.1

End = Literal["done", "again", "failed"]
"""How a run ended: nothing to try again, some documents to try again, or the run itself failed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What was asked for, in seconds."""

    interval: float
    resync: float


class Schedule:
    """What is due. A new one has everything due."""

    def __init__(self, pace: Pace, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._pace = pace
        self._draw = draw
        self._seen: object = None
        self._failures = 0
        self._poll_at = self._retry_at = self._resync_at = float("-inf")

    def polls(self, now: float) -> bool:
        """Whether to look at the source."""
        return now >= self.next

    def applies(self, now: float, signature: object) -> bool:
        """Whether to apply a source that looks like `signature`; one that can't be told always."""
        return signature is None or signature != self._seen or now >= min(self._retry_at, self._resync_at)

    def idle(self, now: float) -> None:
        """A poll found nothing to do."""
        self._poll_at = now + self._jittered(self._pace.interval)

    def ended(self, now: float, end: End, signature: object) -> float:
        """A run of a source that looked like `signature` has ended. Seconds until it is tried again; 0: it is not."""
        self._seen = signature
        self._failures = 0 if end == "done" else self._failures + 1
        wait = self._backoff() if self._failures else 0.0
        self._retry_at = now + wait if wait else float("inf")
        self._resync_at = now + self._jittered(self._pace.resync)
        # Where the run itself failed, each poll would: it waits as well.
        self._poll_at = self._retry_at if end == "failed" else now + self._jittered(self._pace.interval)
        return wait

    @property
    def next(self) -> float:
        """When something is due."""
        return min(self._poll_at, self._retry_at, self._resync_at)

    def _backoff(self) -> float:
        # The exponent is bounded: a float overflows after a day of failures.
        return self._jittered(min(CAP, _FIRST * 2 ** min(self._failures - 1, 16)))

    def _jittered(self, seconds: float) -> float:
        return seconds * self._draw(1 - _JITTER, 1 + _JITTER)
