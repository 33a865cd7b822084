"""A socket that accepts all that comes, and lets in few at a time: of what waits, sources have turns (`connections`).

A request that is complete costs a millisecond, and to accept a connection and close it a twentieth of that. Where all
were begun that there are, a flood of requests would fill each turn of the loop, and whoever asks once in a while, as a
probe does, would wait behind all of it.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from controller import connections

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_QUEUE = 1024
"""Those that the kernel may hold meanwhile: what it has no room for comes again after a second: late for a probe."""
_AT_ONCE = 128
"""Connections that are accepted in one turn of the loop, so that what the kernel holds is seen in few of them."""
_LET_IN = 4
"""And those that are let in."""
_WAITING = 256
"""Those that wait for it: a fraction of a second, and a probe waits for one at most."""
_PAUSE = 1.0
"""Seconds without a look, once there is no descriptor for a connection."""


class Door:
    """Accepts at a socket until it is closed, and makes a connection of what is let in, with a new `protocol` each.

    `most`: as many wait here. Used on the loop that runs when it is made.
    """

    def __init__(self, bound: socket.socket, protocol: Callable[[], asyncio.Protocol], most: int) -> None:
        self._bound, self._protocol = bound, protocol
        self._loop = asyncio.get_running_loop()
        self._waiting: connections.Turns[socket.socket] = connections.Turns(min(_WAITING, most))
        self._entering: set[asyncio.Task[Any]] = set()
        self._next: asyncio.Handle | None = None
        bound.setblocking(False)
        bound.listen(_QUEUE)
        self._open()

    def close(self) -> None:
        """Let nobody in any more."""
        self._shut()
        if self._next is not None:
            self._next.cancel()
        while (came := self._waiting.take()) is not None:
            came.close()
        for each in self._entering:
            each.cancel()

    def _open(self) -> None:
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._bound.fileno(), self._accept)

    def _shut(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._bound.fileno())

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                came, where = self._bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError:  # of descriptors or memory there is none left
                self._shut()
                self._pause = self._loop.call_later(_PAUSE, self._open)
                break
            came.setblocking(False)
            loser = self._waiting.put(came, _source(where[0]))
            if loser is not None:
                loser.close()
        if self._next is None:
            self._let_in()

    def _let_in(self) -> None:
        self._next = None
        for _ in range(_LET_IN):
            if (came := self._waiting.take()) is not None:
                task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, came))
                self._entering.add(task)
                task.add_done_callback(partial(self._entered, came))
        if self._waiting:
            self._next = self._loop.call_soon(self._let_in)

    def _entered(self, came: socket.socket, task: asyncio.Task[Any]) -> None:
        self._entering.discard(task)
        if task.cancelled() or task.exception() is not None:  # the end, or it is gone already
            came.close()


@lru_cache(maxsize=1024)
def _source(text: str) -> str:
    return connections.holder(connections.address(text))
