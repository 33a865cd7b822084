"""What is shown on stderr while something takes long; what draws a bar is only imported once there is one to draw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sealer import console

if TYPE_CHECKING:
    from rich.progress import Progress

_FIRST = 0.5
_LONG = 1.0
_EVERY = 0.1


class Compiling:
    """Says that rules are compiled, for seconds, once: at a terminal before, else afterwards if it took long."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._start = time.monotonic()

    def __enter__(self) -> None:
        if console.at_terminal():
            console.note("compiling the rules, once: some five seconds; the next run finds them ready")

    def __exit__(self, kind: object, *_: object) -> None:
        took = time.monotonic() - self._start
        if kind is None and took > _LONG and not console.at_terminal():
            console.note(f"compiled the rules in {took:.0f} s, once; they are kept in {console.line(self._folder)}")


class Bar:
    """Told how far a scan is, it shows that after half a second; `clear` takes it away."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._next = time.monotonic() + _FIRST
        self._shown: Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show `done` of `total`."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        if self._shown is None:
            from rich.console import Console
            from rich.progress import Progress

            self._shown = Progress(console=Console(stderr=True), transient=True)
            self._shown.add_task(self._doing, total=total)
            self._shown.start()
        self._shown.update(self._shown.task_ids[0], completed=done, total=total)

    def clear(self) -> None:
        """Leave the line empty."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None
