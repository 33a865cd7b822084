"""Running one coroutine to its end, so that Ctrl-C ends it at once, and is not taken for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_struck = threading.Event()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, but for Ctrl-C: that one waits for the next await, and a passphrase prompt has none."""
    with _noticed(), asyncio.Runner() as runner:
        return runner.get_loop().run_until_complete(coroutine)


def check() -> None:
    """Raise KeyboardInterrupt if there was one since `run` began.

    `cryptography` may swallow it and say InvalidTag instead: a value that opens would be recorded as one that doesn't,
    and not be tried again.
    """
    if _struck.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _noticed() -> Iterator[None]:
    _struck.clear()
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _strike)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _strike(*_: object) -> None:
    _struck.set()
    raise KeyboardInterrupt
