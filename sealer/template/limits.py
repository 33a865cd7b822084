"""What a render may use: steps, bytes, the clock and random numbers.

Steps are counted, not seconds: a template that is rendered on one machine is rendered on each. A step is a node, a
turn of a loop, or 64 bytes of a result; what is slow for its size says so (bcrypt, keys, regular expressions).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

MAX_STEPS = 2_000_000
"""About two seconds."""
MAX_BYTES = 4 * 1024 * 1024
"""Of output, and of all results of functions on the way, which no Secret can hold anyway (1 MiB in Kubernetes)."""
MAX_INVOKED = 100
"""Templates that invoke each other; Go allows 100,000."""

MAX_KEPT = 32
"""Compiled patterns and loaded keys that a render keeps, those used last; making one again takes its steps again."""

MAX_ELEMENTS = 200_000
"""Of one value that is printed, copied or compared: what holds itself twice, again and again, grows without end."""
BYTES_AN_ELEMENT = 64

_BYTES_A_STEP = 64


class Fault(Exception):
    """What a function can't do. `what` quotes no value and no argument, only names, types and limits."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def fits(size: int) -> None:
    """Raise Fault for a result that would be larger than all that a render may make."""
    if size > MAX_BYTES:
        raise Fault(f"would make more than {MAX_BYTES >> 20} MiB")


def bounded(count: int) -> None:
    """Raise Fault for a value that would have more elements than one may have."""
    if count > MAX_ELEMENTS:
        raise Fault(f"would make more than {MAX_ELEMENTS:,} elements")


class Meter:
    """Counts what is met on the way through one value."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_ELEMENTS

    def take(self, elements: int = 1) -> None:
        """Count elements. Raises Fault when there are too many."""
        self._left -= elements
        if self._left < 0:
            raise Fault(f"holds more than {MAX_ELEMENTS:,} elements")


class Run:
    """One render: its sources, and what is left of its limits.

    `now` gives nanoseconds since 1970 in UTC; `random(n)` gives n random bytes. `drew` says whether either was asked,
    that is, whether another render of the same input may give something else.
    """

    __slots__ = ("_bytes", "_kept", "_now", "_random", "_steps", "drew")

    def __init__(self, now: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._now = now
        self._random = random
        self._steps = MAX_STEPS
        self._bytes = MAX_BYTES
        self._kept: dict[Hashable, Any] = {}
        self.drew = False

    def now(self) -> int:
        """Nanoseconds since 1970 in UTC."""
        self.drew = True
        return self._now()

    def random(self, count: int) -> bytes:
        """So many random bytes."""
        self.drew = True
        self.grow(count)
        return self._random(count)

    def keep(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gave for this: it is called, and spends, unless it is among the last MAX_KEPT of this render.

        No other render has a part in it, so that one takes as many steps after others as alone.
        """
        if what in self._kept:
            found = self._kept.pop(what)
        else:
            found = make()
            if len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        self._kept[what] = found
        return found

    def spend(self, steps: int) -> None:
        """Take steps. Raises Fault when none are left."""
        self._steps -= steps
        if self._steps < 0:
            raise Fault(f"takes more than {MAX_STEPS:,} steps")

    def grow(self, size: int) -> None:
        """Take bytes, before they are made. Raises Fault when none are left."""
        self._bytes -= size
        if self._bytes < 0:
            raise Fault(f"makes more than {MAX_BYTES >> 20} MiB")
        if size >= _BYTES_A_STEP:
            self.spend(size // _BYTES_A_STEP)
