"""What a probe is told of a loop that hangs, by another thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from controller.kube import health
from controller.kube.health import LIMIT, Health
from controller.kube.lease import Times
from tests.controller.running.test_notify import Clock

if TYPE_CHECKING:
    import pytest


def test_it_is_bad_once_there_was_no_beat_for_as_long_as_a_lease_lasts() -> None:
    clock = Clock()
    found = Health(clock)
    found.beat(True)
    clock.now += LIMIT
    assert (found.trouble(), found.ready()) == ("", True)
    clock.now += 1
    assert found.trouble() == "the controller has not come any further for 16 s"
    assert not found.ready()
    found.beat(True)
    assert (found.trouble(), found.ready()) == ("", True)
    assert Times().duration == LIMIT


def test_whether_requests_may_come_is_as_it_was_at_the_last_beat() -> None:
    found = Health(Clock())
    assert not found.ready()
    for ready in (True, False):
        found.beat(ready)
        assert found.ready() is ready


def test_it_is_told_once_each_time_and_where() -> None:
    clock = Clock()
    told: list[tuple[float, str]] = []
    found = Health(clock, lambda seconds, at: told.append((seconds, at)))
    begun, goes_on = threading.Event(), threading.Event()

    def hangs() -> None:
        found.beat(True)
        begun.set()
        goes_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        for count in (1, 2):
            hung = pool.submit(hangs)
            assert begun.wait(30)
            clock.now += 20
            assert found.trouble()
            assert found.trouble()
            assert len(told) == count
            goes_on.set()
            hung.result(30)
            begun.clear()
            goes_on.clear()
    seconds, at = told[0]
    assert seconds == 20
    assert "threading.py:" in at
    assert "test_health.py:" in at
    assert "/" not in at


def test_a_loop_beats_as_long_as_it_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_PERIOD", 0)
    clock, ready = Clock(), [False]
    found = Health(clock)

    async def main() -> None:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            beats = group.create_task(found.beats(lambda: ready[0]))
            for _ in range(3):
                clock.now += 100
                assert found.trouble()
                while found.trouble():
                    await asyncio.sleep(0)
            assert not found.ready()
            ready[0] = True
            while not found.ready():
                await asyncio.sleep(0)
            beats.cancel()

    asyncio.run(main())
