"""Reading the bodies of requests: each so long at most, and all that are in memory at one time together."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from sealer.errors import Refused, SealerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

LIMIT = 10 * 1024 * 1024
"""Bytes of one body, as upstream."""
TOGETHER = 64 * 1024 * 1024
"""Bytes of all that are being read or worked on."""
MOST = 1024
"""And how many these are: whoever is gone leaves work behind that has begun."""


class TooLarge(Refused):
    """A body that is larger than one may be."""


class Busy(Refused):
    """There is no room for one more now."""


class Broken(SealerError):
    """A body that didn't come, or not in time."""


class Bodies:
    """What is in memory. Used on one loop."""

    def __init__(self, together: int = TOGETHER, most: int = MOST) -> None:
        self._together = together
        self._held = 0
        self._left = most

    @contextlib.contextmanager
    def room(self) -> Iterator[_Room]:
        """Room for one body, until the end of the block. Raises Busy."""
        if not self._left:
            raise Busy("too many requests are being worked on")
        self._left -= 1
        room = _Room(self)
        try:
            yield room
        finally:
            self._left += 1
            self._held -= room.size

    def take(self, size: int) -> None:
        """So many bytes more. Raises Busy."""
        if self._held + size > self._together:
            raise Busy("too many requests are being read")
        self._held += size


class _Room:
    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size = 0

    async def read(self, request: Request, seconds: float) -> bytes:
        """The body. Raises TooLarge at the first byte too many, or before any if it says so; Busy, Broken."""
        said = request.headers.get("content-length", "")
        if said.isdigit() and int(said[:20]) > LIMIT:
            raise TooLarge("the body is too large")
        parts = []
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    if self.size + len(part) > LIMIT:
                        raise TooLarge("the body is too large")
                    self._bodies.take(len(part))
                    self.size += len(part)
                    parts.append(part)
        except (TimeoutError, ClientDisconnect):
            raise Broken("the body did not come") from None
        return b"".join(parts)
