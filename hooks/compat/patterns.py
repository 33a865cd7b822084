"""Expressions out of other tools' files. They may come with a pull request, so that RE2 runs them, in linear time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Search = Callable[[str], object]


def search(pattern: str, *, python: bool = False) -> Search | None:
    """What looks for a pattern anywhere in a text; None if RE2 can't.

    With `python`, what only Python's `re` can (looking ahead and behind) is left to it.
    """
    found = compiled(pattern)
    if found is None:
        return _python(pattern) if python else None
    return lambda text: found.search(text.encode("utf-8", "replace"))


def compiled(pattern: str) -> Any:
    """A pattern as RE2 has it, over the bytes of UTF-8; None if it can't be read."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), options)
    except re2.error:
        return None


def _python(pattern: str) -> Search | None:
    import re

    try:
        return re.compile(pattern).search
    except (re.error, OverflowError, RecursionError):
        return None
