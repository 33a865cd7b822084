"""Which object is worked on next. Pure: times are seconds of a monotonic clock, handed in; `queue.Queue` waits.

A key waits, is worked on, or both: what is added while it is worked on comes again afterwards, and no key is worked on
twice at once (as client-go's util/workqueue). What waits need not be told again: an add, or a delay that ends, takes
the place of all later ones of its key, with the better of their priorities (as controller-runtime's priorityqueue).
Unlike there, namespaces (what is before a key's `/`) have turns, and `most` bounds how many keys of one are worked on.

add        comes as soon as a worker is free; NEW before BACKLOG
add_after  comes after a delay, the earliest of several
retry      comes after a back-off that doubles up to five minutes and never gives up, and no faster than all retries may
park       comes when its reason is released, or when it is added
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from controller.kube.order import BACKLOG, INFINITE, NEW, Bucket, Delays, Lanes, Priority

FIRST, CAP = 0.005, 300.0
"""Seconds: the longest first and the longest last back-off; jitter takes off up to half, so that a herd disperses."""
RETRIES, BURST = 10.0, 100
"""All retries together, a second, and how many may come at once: what fails must not crowd out what doesn't."""
PATIENCE = 10
"""After so many failures (about four seconds) nobody waits any more: the retries of a NEW key are BACKLOG then."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """For metrics. Keys: those that wait, by priority, that have a delay, are parked, or are worked on.

    `adds` and `retries` count from the start, `adds` what began to wait. Seconds: `longest_wait` in the place where it
    is now, that is since a key could be handed out or moved up, but for its namespace; `longest_run` since one was
    handed out.
    """

    new: int
    backlog: int
    delayed: int
    parked: int
    running: int
    adds: int
    retries: int
    longest_wait: float
    longest_run: float


@dataclass(slots=True)
class _Run:
    """A key that is worked on. `releases` had been when it was handed out; `again`: it comes again afterwards."""

    priority: Priority
    since: float
    releases: int
    again: Priority | None = None


class QueueCore:
    """The queue without the waiting. A key is any text, such as namespace/name."""

    def __init__(self, draw: Callable[[float, float], float] = random.uniform, most: int | None = None) -> None:
        self.closed = False
        self._draw = draw
        self._ready, self._held = Lanes(most), Lanes()  # held: retries that are due and wait for the bucket
        self._later, self._retries = Delays(), Delays()
        self._running: dict[str, _Run] = {}
        self._failures: dict[str, int] = {}
        self._parked: dict[str, str] = {}
        self._reasons: dict[str, dict[str, None]] = {}
        self._released: dict[str, int] = {}
        self._releases = self._adds = self._retried = 0
        self._bucket = Bucket(RETRIES, BURST)

    def add(self, now: float, key: str, priority: Priority = NEW) -> None:
        """There is something to do; un-parks the key."""
        if self.closed:
            return
        self._unpark(key)
        priority = min(priority, self._later.drop(key), self._retries.drop(key), self._held.drop(key))
        self._adds += not self._waits(key)
        if (run := self._running.get(key)) is None:
            self._ready.put(now, key, priority)
        else:
            run.again = priority if run.again is None else min(priority, run.again)

    def add_after(self, now: float, key: str, seconds: float, priority: Priority = BACKLOG) -> None:
        """There will be something to do. A key that waits already keeps its place, or moves up."""
        if seconds <= 0 or self._waits(key):
            self.add(now, key, priority)
        elif not self.closed:
            self._later.put(now + seconds, key, priority)

    def retry(self, now: float, key: str, least: float = 0.0) -> float:
        """It failed: again after a while, the longer the oftener. Seconds, not counting what the bucket takes.

        `least`: the longest first back-off, in seconds, where trying at once would be in vain.
        """
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        self._retried += 1
        run = self._running.get(key)
        priority = BACKLOG if run is None or failures > PATIENCE else run.priority
        if self._waits(key):
            self.add(now, key, priority)
            return 0.0
        # The exponent is bounded: a float overflows after four days of failures.
        wait = min(CAP, max(least, FIRST) * 2.0 ** min(failures - 1, 16)) * self._draw(0.5, 1.0)
        if not self.closed:
            self._retries.put(now + wait, key, priority)
        return wait

    def forget(self, key: str) -> None:
        """It went well, or is gone: the next failure is the first. Whoever doesn't call this leaks the key."""
        self._failures.pop(key, None)

    def failures(self, key: str) -> int:
        """How often it was retried since it was forgotten."""
        return self._failures.get(key, 0)

    def park(self, now: float, key: str, reason: str) -> None:
        """It failed for a reason that will be released; to be called before `done`. A key that waits just goes on."""
        if self.closed or self._waits(key):
            return
        run = self._running.get(key)
        if run is not None and self._released.get(reason, 0) > run.releases:
            self.add(now, key)  # Released while it was worked on, maybe too late for it to see.
            return
        self._unpark(key)
        self._parked[key] = reason
        self._reasons.setdefault(reason, {})[key] = None

    def release(self, now: float, reason: str) -> int:
        """The reason is no more: all that is parked for it comes as NEW. How many these were. Reasons are few."""
        self._releases += 1
        self._released[reason] = self._releases
        keys = list(self._reasons.get(reason, ()))
        for key in keys:
            self.add(now, key)
        return len(keys)

    def take(self, now: float) -> str | None:
        """The next key, to be handed back with `done`; None: there is none just now, or none that may be."""
        self._promote(now)
        if (found := self._ready.take()) is None:
            return None
        self._running[found[0]] = _Run(found[1], now, self._releases)
        return found[0]

    def done(self, now: float, key: str) -> None:
        """The work has ended, well or not. ValueError if nobody works on the key."""
        if (run := self._running.pop(key, None)) is None:
            raise ValueError(f"{key}: done, but nobody works on it; call done once for each key that get gave")
        self._ready.back(key)
        if run.again is not None:
            self._ready.put(now, key, run.again)

    def due(self, now: float) -> int:
        """How many wait for a worker."""
        self._promote(now)
        return len(self._ready)

    def free(self, now: float) -> int:
        """How many could be taken, at most: 0 only if none could, and 1 or more only if one could."""
        self._promote(now)
        return self._ready.open

    def next_due(self) -> float:
        """When the next delay ends, infinite if there is none. Of use once nothing is free."""
        return min(self._later.next(), self._retries.next(), self._bucket.opens() if self._held else INFINITE)

    def clear(self) -> None:
        """Forget all but what is worked on, which does not come again: nobody works here any more, for a while."""
        gone = (self._ready, self._held, self._later, self._retries, self._parked, self._reasons, self._failures)
        for each in gone:
            each.clear()
        for run in self._running.values():
            run.again = None

    def shut_down(self, drain: bool = False) -> None:
        """Nothing is added any more, and what is delayed or parked is dropped; unless drained, what waits, too."""
        self.closed = True
        for each in (self._held, self._later, self._retries, self._parked, self._reasons):
            each.clear()
        if not drain:
            self._ready.clear()
            for run in self._running.values():
                run.again = None

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is worked on."""
        return not self._ready and not self._running

    def numbers(self, now: float) -> Numbers:
        """What there is at this time."""
        self._promote(now)
        new, backlog = map(len, self._ready.lanes)
        delayed = len(self._later) + len(self._retries) + len(self._held)
        # What runs the longest was handed out first, and dicts keep the order.
        began = next((run.since for run in self._running.values()), now)
        waits = max(0.0, now - self._ready.oldest())
        counts = (new, backlog, delayed, len(self._parked), len(self._running), self._adds, self._retried)
        return Numbers(*counts, waits, now - began)

    def _waits(self, key: str) -> bool:
        run = self._running.get(key)
        return key in self._ready if run is None else run.again is not None

    def _unpark(self, key: str) -> None:
        if (reason := self._parked.pop(key, None)) is not None:
            keys = self._reasons[reason]
            del keys[key]
            if not keys:
                del self._reasons[reason]

    def _promote(self, now: float) -> None:
        """Let come what is due."""
        while (found := self._later.take(now)) is not None:
            self.add(now, *found)
        while (found := self._retries.take(now)) is not None:
            self._held.put(now, *found)
        while self._held and self._bucket.take(now) and (found := self._held.take()) is not None:
            self.add(now, *found)
