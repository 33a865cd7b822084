"""In which order keys come: by priority, namespaces in turn, by time, and no faster than allowed. Pure; times: seconds.

A namespace with ten thousand keys holds no other up: each has its turn, and where there are more workers than keys of
one namespace may be out at once (`most`), some are always free for the others, however long its keys take.
"""

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


def namespace(key: str) -> str:
    """That of a key `namespace/name`; "" of one that has none."""
    return key.rpartition("/")[0]


class Lane:
    """Keys of one priority, each with the time it came: namespaces in turn, and the keys of one in order.

    Those of a namespace that is shut stay where they are, and are not taken. All is O(1), but for `oldest`, and `open`
    looks at the shut namespaces, of which there are fewer than workers.
    """

    def __init__(self) -> None:
        # Not dicts: the first of a dict is O(n) once many were taken from its front.
        self._turns: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()
        self._shut: dict[str, OrderedDict[str, float]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        of = namespace(key)
        return key in self._turns.get(of, ()) or key in self._shut.get(of, ())

    @property
    def open(self) -> int:
        """How many could be taken: those of namespaces that are not shut."""
        return self._count - sum(map(len, self._shut.values()))

    def put(self, now: float, key: str, *, shut: bool) -> None:
        """Put a key last of its namespace, unless it is there already. `shut`: whether that namespace is shut."""
        keys: OrderedDict[str, float] | None
        where: dict[str, OrderedDict[str, float]] = self._shut if shut else self._turns
        if (keys := where.get(of := namespace(key))) is None:
            keys = where[of] = OrderedDict()
        if key not in keys:
            keys[key] = now
            self._count += 1

    def drop(self, key: str) -> bool:
        """Take a key out; whether it was there."""
        of = namespace(key)
        for where in (self._turns, self._shut):
            keys = where.get(of)
            if keys is not None and keys.pop(key, None) is not None:
                self._count -= 1
                if not keys:
                    del where[of]
                return True
        return False

    def take(self) -> str:
        """The next one; KeyError if none is open. Its namespace is the last from now on."""
        of, keys = next(iter(self._turns.items()))
        key, _ = keys.popitem(last=False)
        self._count -= 1
        if keys:
            self._turns.move_to_end(of)
        else:
            del self._turns[of]
        return key

    def shut(self, of: str) -> None:
        """Nothing of this namespace is taken any more."""
        if (keys := self._turns.pop(of, None)) is not None:
            self._shut[of] = keys

    def unshut(self, of: str) -> None:
        """Keys of this namespace are taken again; it is the last whose turn it is."""
        if (keys := self._shut.pop(of, None)) is not None:
            self._turns[of] = keys

    def oldest(self) -> float:
        """When the one came that is here the longest; infinite if there is none. O(namespaces)."""
        found = (next(iter(keys.values())) for where in (self._turns, self._shut) for keys in where.values())
        return min(found, default=INFINITE)

    def clear(self) -> None:
        """Forget all."""
        self._turns.clear()
        self._shut.clear()
        self._count = 0


class Lanes:
    """Keys in order, a lane for each priority. All but `oldest` is O(1).

    `most`: so many keys of one namespace may be out at once, from `take` to `back`; None: as many as there are.
    """

    def __init__(self, most: int | None = None) -> None:
        self.lanes = (Lane(), Lane())
        self._most = most
        self._out: dict[str, int] = {}
        self._row = 0

    def __len__(self) -> int:
        return len(self.lanes[NEW]) + len(self.lanes[BACKLOG])

    def __contains__(self, key: str) -> bool:
        return key in self.lanes[NEW] or key in self.lanes[BACKLOG]

    @property
    def open(self) -> int:
        """How many wait in namespaces that may have more keys out: 0 only if none can be taken.

        Not all can be taken at once, since each that is may shut its namespace.
        """
        return self.lanes[NEW].open + self.lanes[BACKLOG].open

    def put(self, now: float, key: str, priority: Priority) -> None:
        """Put a key last; one that is there already stays where it is, or moves up."""
        if key in self.lanes[NEW]:
            return
        if priority == NEW:
            self.lanes[BACKLOG].drop(key)
        self.lanes[priority].put(now, key, shut=self._full(namespace(key)))

    def drop(self, key: str) -> Priority:
        """Take a key out, wherever it is; its priority, BACKLOG if it was not there."""
        self.lanes[BACKLOG].drop(key)
        return NEW if self.lanes[NEW].drop(key) else BACKLOG

    def take(self) -> tuple[str, Priority] | None:
        """The next one; None: there is none, or those that have one have enough out."""
        new, backlog = (lane.open for lane in self.lanes)
        if not new and not backlog:
            return None
        lane = BACKLOG if not new or (backlog and self._row >= TURNS) else NEW
        # Counted are those that went ahead of one that waited.
        self._row = self._row + 1 if lane == NEW and backlog else 0
        key = self.lanes[lane].take()
        if self._most is not None:
            of = namespace(key)
            self._out[of] = self._out.get(of, 0) + 1
            if self._full(of):
                for each in self.lanes:
                    each.shut(of)
        return key, lane

    def back(self, key: str) -> None:
        """One that was taken is out no more."""
        if self._most is None:
            return
        of = namespace(key)
        if self._full(of):
            for each in self.lanes:
                each.unshut(of)
        self._out[of] -= 1
        if not self._out[of]:
            del self._out[of]

    def _full(self, of: str) -> bool:
        return self._most is not None and self._out.get(of, 0) >= self._most

    def oldest(self) -> float:
        """When the one came that is here the longest; infinite if there is none. O(namespaces)."""
        return min(lane.oldest() for lane in self.lanes)

    def clear(self) -> None:
        """Forget all that waits."""
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
