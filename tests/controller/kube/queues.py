"""Queues on a clock of the test's own."""

from __future__ import annotations

from controller.kube.queue_core import QueueCore

INFINITE = float("inf")


def longest(low: float, high: float) -> float:
    return high


def core() -> QueueCore:
    return QueueCore(longest)


def taken(queue: QueueCore, now: float) -> list[str]:
    """All keys that come now, each done at once."""
    found = []
    while (key := queue.take(now)) is not None:
        queue.done(now, key)
        found.append(key)
    return found


def taking(queue: QueueCore, now: float, key: str) -> None:
    """Have a key worked on."""
    queue.add(now, key)
    assert queue.take(now) == key
