"""Whose connection is next, and which of too many goes: those that wait and those that are open, by source. Pure.

A server that refuses the newest when it is full lets a few idle strangers keep all others out, the probes of the
kubelet too, which then ends the process. Here the newest always has a place: what goes for it is of whoever holds most,
so that who floods closes its own; and of these the oldest that waits for its stranger, and not for us. What is answered
at once, as a probe is, needs its place for so short a time that none is ever taken from it.

Nor does a row of requests, each of them complete, keep others out: what has come waits by source, sources have turns,
and who has come too often closes its own before anything of it was read.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

OTHERS = "others"
"""Whoever has no address."""

_IPV6_PREFIX = 64


class Waits(Protocol):
    """A connection."""

    def waits(self) -> bool:
        """Whether it is the stranger's turn: to send a request, or to take its answer."""


C = TypeVar("C", bound=Waits)
S = TypeVar("S")


class Turns(Generic[S]):
    """At most so many that wait, those of each source as they came, sources in turn. Used on one loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: OrderedDict[Hashable, deque[S]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, one: S, source: Hashable) -> S | None:
        """One more; the one that has no place any more: of whoever has most the oldest, if there is one."""
        loser = None
        if self._count >= self._most:
            loser = self._pop(max(self._of, key=lambda each: len(self._of[each])))
        self._of.setdefault(source, deque()).append(one)
        self._count += 1
        return loser

    def take(self) -> S | None:
        """The next one, if there is one. Its source is the last from now on."""
        if not self._of:
            return None
        source = next(iter(self._of))
        one = self._pop(source)
        if source in self._of:
            self._of.move_to_end(source)
        return one

    def _pop(self, source: Hashable) -> S:
        held = self._of[source]
        one = held.popleft()
        self._count -= 1
        if not held:
            del self._of[source]
        return one


class Table(Generic[C]):
    """At most so many connections, each from one address. Used on one loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[Hashable, dict[C, None]] = {}
        self._source: dict[C, Hashable] = {}

    def __len__(self) -> int:
        return len(self._source)

    def enter(self, connection: C, source: Hashable) -> C | None:
        """Take it in; the one that has no place any more and is to be closed, if there is one."""
        loser = self._loser() if len(self._source) >= self._most else None
        if loser is not None:
            self.leave(loser)
        self._source[connection] = source
        self._of.setdefault(source, {})[connection] = None
        return loser

    def leave(self, connection: C) -> None:
        """It is closed, if it is still known."""
        source = self._source.pop(connection, None)
        if source is not None:
            del self._of[source][connection]
            if not self._of[source]:
                del self._of[source]

    def _loser(self) -> C:
        # Each holds its connections as they came, and of two who hold as many the one that came first is found.
        held = max(self._of.values(), key=len)
        return next((each for each in held if each.waits()), next(iter(held)))


def address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, the one of IPv4 if it is that in the form of IPv6; None if it is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def holder(found: IPv4Address | IPv6Address | None) -> str:
    """Whose it is: an address of IPv4, or of IPv6 the network of one customer, of which one may use all addresses."""
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _IPV6_PREFIX), strict=False))
    return str(found) if found is not None else OTHERS
