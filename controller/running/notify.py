"""What systemd is told of a daemon: sd_notify(3), one datagram a message. Nothing happens where nobody listens."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping


class Notifier:
    """The socket of `NOTIFY_SOCKET`, and the pace at which the watchdog wants to hear of us."""

    def __init__(self, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        found = os.environ if environ is None else environ
        self._address = _address(found.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self.period = _watchdog(found) / 2
        """Seconds between two pings; 0: no watchdog."""
        self._pinged = float("-inf")

    def ready(self) -> None:
        """The first run is over."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line that `systemctl status` shows."""
        self._send("STATUS=" + " ".join(text.split()))

    def ping(self) -> None:
        """Say that there is progress, at the watchdog's pace. May be called as often as there is some."""
        now = self._clock()
        # Half of the period: who calls once a period must never be late for the want of a millisecond.
        if self.period and now - self._pinged >= self.period / 2:
            self._pinged = now
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        # Without blocking: systemd that is slow to read must not hold up a delivery.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), self._address)


def _address(named: str) -> str | None:
    """A path, or a name in the abstract namespace, which is written with `@`; vsock and the like are not spoken."""
    return f"\0{named[1:]}" if named.startswith("@") else named if named.startswith("/") else None


def _watchdog(environ: Mapping[str, str]) -> float:
    """Seconds; 0 if there is none, or it is another process's."""
    time_, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    mine = not pid or pid == str(os.getpid())
    return int(time_) / 1_000_000 if time_.isascii() and time_.isdigit() and mine else 0.0
