"""In which order keys come: by priority, by time, and no faster than allowed. Pure; times are seconds of a clock."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from enum import IntEnum

TURNS = 10
"""So many NEW in a row, then one BACKLOG if one waits. Under changes without end the backlog still gets an eleventh of
the work; a NEW key waits a tenth longer."""

INFINITE = float("inf")


class Priority(IntEnum):
    """NEW: somebody waits for it. BACKLOG: found at start, resync. The lesser is the better."""

    NEW = 0
    BACKLOG = 1


NEW, BACKLOG = Priority.NEW, Priority.BACKLOG


class Lanes:
    """Keys in order, a lane for each priority, each with the time it came. All is O(1)."""

    def __init__(self) -> None:
        # Not dicts: the first of a dict is O(n) once many were taken from its front.
        self.lanes: tuple[OrderedDict[str, float], ...] = (OrderedDict(), OrderedDict())
        self._row = 0

    def __len__(self) -> int:
        return len(self.lanes[NEW]) + len(self.lanes[BACKLOG])

    def __contains__(self, key: str) -> bool:
        return key in self.lanes[NEW] or key in self.lanes[BACKLOG]

    def put(self, now: float, key: str, priority: Priority) -> None:
        """Put a key last; one that is there already stays where it is, or moves up."""
        if key in self.lanes[NEW]:
            return
        if priority == NEW:
            self.lanes[BACKLOG].pop(key, None)
        self.lanes[priority].setdefault(key, now)

    def drop(self, key: str) -> Priority:
        """Take a key out, wherever it is; its priority, BACKLOG if it was not there."""
        self.lanes[BACKLOG].pop(key, None)
        return BACKLOG if self.lanes[NEW].pop(key, None) is None else NEW

    def take(self) -> tuple[str, Priority] | None:
        """The next one."""
        if not self:
            return None
        new, backlog = self.lanes
        lane = BACKLOG if not new or (backlog and self._row >= TURNS) else NEW
        # Counted are those that went ahead of one that waited.
        self._row = self._row + 1 if lane == NEW and backlog else 0
        return self.lanes[lane].popitem(last=False)[0], lane

    def oldest(self) -> float:
        """When the one came that is here the longest; infinite if there is none."""
        return min((next(iter(lane.values())) for lane in self.lanes if lane), default=INFINITE)

    def clear(self) -> None:
        """Forget all."""
        for lane in self.lanes:
            lane.clear()


class Delays:
    """Keys that come at a time, O(log n). What is dropped stays in the heap, until half of it is such."""

    def __init__(self) -> None:
        self._at: dict[str, tuple[float, Priority]] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    def put(self, at: float, key: str, priority: Priority) -> None:
        """The earliest of several wins, and the better priority."""
        old, urgent = self._at.get(key, (INFINITE, BACKLOG))
        self._at[key] = (min(at, old), min(priority, urgent))
        if at < old:
            heapq.heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._at) + 100:
            self._heap = [(due, each) for each, (due, _) in self._at.items()]
            heapq.heapify(self._heap)

    def drop(self, key: str) -> Priority:
        """Take a key out; its priority, BACKLOG if it was not there."""
        return self._at.pop(key, (0.0, BACKLOG))[1]

    def next(self) -> float:
        """When the first is due."""
        while self._heap and self._at.get(self._heap[0][1], (None,))[0] != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else INFINITE

    def take(self, now: float) -> tuple[str, Priority] | None:
        """The first, if it is due."""
        if self.next() > now:
            return None
        key = heapq.heappop(self._heap)[1]
        return key, self._at.pop(key)[1]

    def clear(self) -> None:
        """Forget all."""
        self._at.clear()
        self._heap.clear()


class Bucket:
    """A token bucket: `rate` tokens a second, and at most `burst` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._each, self._burst = 1 / rate, (burst - 1) / rate
        self._full_at = -INFINITE

    def opens(self) -> float:
        """When there is a token. The very number that `take` compares: who wakes then finds one, whatever rounding."""
        return self._full_at - self._burst

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        if now < self.opens():
            return False
        self._full_at = max(self._full_at, now) + self._each
        return True
