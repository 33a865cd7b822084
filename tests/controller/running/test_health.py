"""What a probe is told."""

from __future__ import annotations

import pytest

from controller.running.health import Health, trouble
from sealer.errors import Refused, SealerError, SourceError
from tests.controller.running.test_notify import Clock


def test_alive_while_the_loop_goes_on() -> None:
    clock = Clock()
    found = Health(30, clock)
    clock.now += 300
    assert found.alive() == (True, "ok: the first run goes on")
    clock.now += 1
    assert found.alive() == (False, "no progress for 301 s")
    found.beat()
    assert found.alive()[0]


def test_a_long_interval_is_no_death() -> None:
    clock = Clock()
    found = Health(3600, clock)
    clock.now += 3 * 3600
    assert found.alive()[0]
    clock.now += 1
    assert not found.alive()[0]


def test_ready_after_a_run_that_worked_and_from_then_on() -> None:
    found = Health(30, Clock())
    assert found.ready() == (False, "no run has worked yet: the first one goes on")
    found.ended("failed", trouble(Refused("payments/db")))
    assert found.ready() == (False, "no run has worked yet: a rule says no")
    found.ended("stopped")
    assert not found.ready()[0]
    found.ended("incomplete")
    assert found.ready() == (True, "ready")
    found.ended("failed", trouble(SourceError("payments/db")))
    assert found.ready()[0]
    assert found.alive() == (
        True,
        "ok: last run failed: the source, the keyring or the state can't be read or written",
    )


@pytest.mark.parametrize("error", [SourceError("payments/db"), SealerError("payments/db"), KeyError("payments/db")])
def test_no_name_of_a_secret_gets_out(error: Exception) -> None:
    assert trouble(error)
    assert "payments" not in trouble(error)
