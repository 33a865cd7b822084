"""Waiting for a lock that the kernel frees when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable

_POLL = 0.05


def taken(descriptor: int, *, within: float, waiting: Callable[[], None] | None = None) -> bool:
    """Whether an exclusive lock on an open file could be had within so many seconds.

    `waiting` is called once, if somebody else has it. Closing the descriptor frees it.
    """
    deadline = time.monotonic() + within
    while not _try(descriptor):
        if waiting is not None:
            waiting()
            waiting = None
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_POLL, left))
    return True


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
