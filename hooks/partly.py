"""What readers left out of the blob that is scanned now, to be told: they see text alone, far below what is told of it.

A process scans one blob at a time (`hooks.workers` forks), so that one place is enough.
"""

from __future__ import annotations

_told: list[str] = []


def tell(what: str) -> None:
    """Something was too much to be looked at whole."""
    _told.append(what)


def taken() -> str:
    """What was told first since this was asked before; empty if nothing was left out."""
    first = _told[0] if _told else ""
    _told.clear()
    return first
