"""A bar on stderr for scans that take long, at a terminal. Drawn here: a library for it would cost more than a hook."""

from __future__ import annotations

import shutil
import sys
import time

_FIRST = 0.5
_EVERY = 0.1
_WIDTH = 30


class Bar:
    """Told how far a scan is, it shows that after half a second, ten times a second; `clear` takes it away."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._next = time.monotonic() + _FIRST
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Show `done` of `total`."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        self._shown = True
        filled = _WIDTH * done // max(total, 1)
        text = f"{self._doing} {'━' * filled}{' ' * (_WIDTH - filled)} {done:,} of {total:,}"
        sys.stderr.write(f"\r{text[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
