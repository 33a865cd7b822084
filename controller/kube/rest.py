"""When the API server wants to be asked again: who is refused with 429 or 503 speaks for all, else each would be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sealer.kube.errors import ApiError

if TYPE_CHECKING:
    from sealer.errors import SealerError

BUSY = (429, 503)
_SHORTEST, _LONGEST = 1.0, 10.0
"""Seconds that nobody works, whether or not the API server says how long it wants to be left alone."""


class Rest:
    """What those share who ask one API server, in one event loop."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def told(self, error: SealerError) -> bool:
        """Take note of an error; whether it says that the API server is busy."""
        if not isinstance(error, ApiError) or error.status not in BUSY:
            return False
        seconds = min(max(error.retry_after, _SHORTEST), _LONGEST)
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)
        return True

    @property
    def seconds(self) -> float:
        """How long it lasts from now on, 0 if nobody has to wait."""
        return max(0.0, self._until - asyncio.get_running_loop().time())

    async def over(self) -> None:
        """Return when it is over."""
        while (left := self.seconds) > 0:
            await asyncio.sleep(left)
