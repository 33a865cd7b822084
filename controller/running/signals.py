"""What a daemon is asked for by signals: to end at a step's end, to poll now.

The handlers do no more than to note it and to wake whoever waits. The second signal to end ends at once: from the first
on it has the system's own effect, which no busy library holds up; the next start goes on where that one left off.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """What was asked for until now."""

    def __init__(self, told: Callable[[str], None] = lambda _: None) -> None:
        """`told` is called once, with the name of the signal, within its handler: what it does must be short."""
        self._told = told
        self.ending = ""
        """The name of the signal that asked to end; empty: none."""
        self._polling = False
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def taken(self) -> bool:
        """Whether to poll now was asked for since this was called last."""
        polling, self._polling = self._polling, False
        return polling

    def poll(self) -> None:
        """Ask to poll now."""
        self._polling = True
        self._wake()

    def end(self, name: str) -> None:
        """Ask to end."""
        self.ending = self.ending or name
        self._wake()

    def wait(self, seconds: float) -> None:
        """Wait until something is asked for, that long at most."""
        if self.ending or self._polling:
            return
        # A signal that comes between these two lines has filled the pipe: C does that, Python's handler runs later.
        select.select([self._reading], [], [], max(0.0, seconds))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reading, 512):
                pass

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Handle SIGTERM, SIGINT and SIGHUP until the end of the block. Of the main thread."""
        before = {number: signal.getsignal(number) for number in (*_ENDING, signal.SIGHUP)}
        woken = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in _ENDING:
            signal.signal(number, self._on_end)
        signal.signal(signal.SIGHUP, self._on_poll)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken)

    def close(self) -> None:
        """Free the pipe."""
        os.close(self._reading)
        os.close(self._writing)

    def _on_end(self, number: int, _: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_DFL)
        self.end(signal.Signals(number).name)
        self._told(self.ending)

    def _on_poll(self, _: int, __: FrameType | None) -> None:
        self.poll()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"\0")
