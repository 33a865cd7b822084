"""Running one coroutine to its end, so that Ctrl-C ends it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, but for Ctrl-C: that one waits for the next await, and a passphrase prompt has none."""
    with asyncio.Runner() as runner:
        return runner.get_loop().run_until_complete(coroutine)
