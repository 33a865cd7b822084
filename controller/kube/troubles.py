"""What goes wrong again and again is told once a minute, and whenever it is something else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.errors import SealerError

_AGAIN = 60.0
"""Seconds."""


class Troubles:
    """Errors by the path that gave them; `log(level, event, fields)`."""

    def __init__(self, log: Callable[..., None], clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._last: dict[str, tuple[str, float]] = {}

    def tell(self, path: str, error: SealerError) -> None:
        """Log it, unless that was done just now."""
        what, at = self._last.get(path, ("", 0.0))
        now = self._clock()
        if what == error.what and now - at < _AGAIN:
            return
        self._last[path] = error.what, now
        more = {"try": error.way_out} if error.way_out else {}
        self._log("warning", "refused", path=path, reason=error.what, **more)
