"""How often /v1/verify and /v1/rotate are answered: GCRA, for each path and each address that asks. Pure, but a table.

`rate` requests a second, and `burst` beyond at once, as upstream: with its defaults of 2 and 2 the fourth is refused.

Upstream takes the address from X-Forwarded-For, which whoever asks may write. Here it is the peer's; the header counts
only where the peer is an address that was named as a proxy, and then its last part that is none. Through the API
server's proxy, kubeseal's way, all come from the API server's address: they share one limit unless that is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from controller import connections
from sealer.errors import UsageError

MOST = 4096
"""Addresses that are remembered. What comes when so many are asking shares one limit."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a request is let through; all else in whole requests and in seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    retry_after: float = 0.0

    @property
    def headers(self) -> Mapping[str, str]:
        """As upstream writes them."""
        said = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(self.reset)),
        }
        return said if self.allowed else {**said, "Retry-After": str(math.ceil(self.retry_after))}


class Limiter:
    """For each key when its next request would come, were they spaced evenly. `clock`: monotonic, in seconds.

    `rate` is above 0, `proxies` are addresses whose X-Forwarded-For is believed.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float], proxies: Sequence[Network] = (), most: int = MOST
    ) -> None:
        self._interval = 1 / rate
        self._limit = burst + 1
        self._tolerance = self._interval * self._limit
        self._clock = clock
        self._proxies = tuple(proxies)
        self._most = most
        self._expected: dict[tuple[str, str], float] = {}
        self._cleared = -math.inf

    def __len__(self) -> int:
        return len(self._expected)

    def ask(self, path: str, peer: str, forwarded: str = "") -> Answer:
        """Count a request. `forwarded`: its X-Forwarded-For, all of them in order, separated by commas."""
        now = self._clock()
        key = self._key(path, source(peer, forwarded, self._proxies), now)
        expected = max(now, self._expected.get(key, now))
        then = expected + self._interval
        # In this order: of a time with many digits little is left of what is added, and a first request would wait.
        wait = (expected - now) - (self._tolerance - self._interval)
        if wait > 0:
            return Answer(False, self._limit, 0, expected - now, wait)
        self._expected[key] = then
        left = int((self._tolerance - (then - now)) / self._interval + 1e-9)
        return Answer(True, self._limit, left, then - now)

    def _key(self, path: str, address: str, now: float) -> tuple[str, str]:
        key = (path, address)
        if key not in self._expected and len(self._expected) >= self._most:
            # Whoever would be let through as if new needs no place here. To look at all costs more than an answer.
            if now - self._cleared >= self._interval:
                self._cleared = now
                self._expected = {each: at for each, at in self._expected.items() if at > now}
            if len(self._expected) >= self._most:
                return path, connections.OTHERS
        return key


def networks(text: str, flag: str = "trusted-proxies") -> tuple[Network, ...]:
    """The proxies of a list with commas: addresses, or networks as 10.0.0.0/8. Raises UsageError."""
    try:
        return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError:
        raise UsageError("is no list of addresses", where=f"--{flag}", way_out=f"--{flag}=10.0.0.1,fd00::/8") from None


def source(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Who asks, as `connections.holder` names them."""
    hops = [each.strip() for each in forwarded.split(",")] if forwarded else []
    here = connections.address(peer)
    while here is not None and hops and any(here in each for each in proxies):
        before = connections.address(hops.pop())
        if before is None:  # what a proxy would not have written
            break
        here = before
    return connections.holder(here)
