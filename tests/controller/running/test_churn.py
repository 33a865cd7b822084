"""A minute of `make soak`: changes as fast as they are taken, then everything is where it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controller.running.churn import Churn
from tests.controller.running.daemon import running

if TYPE_CHECKING:
    from tests.controller.world import World

CHANGES = 250
WARM = 100
MORE = 8 * 1024 * 1024
"""Bytes that a process may grow by from one heap layout to another; a leak of a kilobyte a document would be 10 MiB."""


def test_nothing_is_missed_under_churn_and_memory_stays_flat(world: World) -> None:
    churn = Churn(world, seed=4)
    for _ in range(30):
        churn.create()
    arguments = ("--state", world.state, "--interval", 3600, "--resync", 3600, "--listen", "127.0.0.1:0")
    with running(".", *arguments) as daemon:
        daemon.started()
        for number in range(CHANGES):
            churn.step()
            daemon.run()
            if number == WARM:
                before = daemon.memory()
        grown = daemon.memory() - before
        churn.settle()
        daemon.settle()
        assert daemon.metric("sealer_deliveries", state="delivered") == len(churn.values)
        assert daemon.metric("sealer_runs_total", result="failed") == 0
        assert daemon.metric("sealer_runs_total", result="incomplete") > 5  # what was spoilt was noticed
        assert daemon.end() == 0
    assert min(churn.did[kind] for kind in ("create", "change", "move", "rename", "delete", "spoil", "commit")) > 5
    assert world.states().keys() >= churn.values.keys()
    assert {name for name, (state, _) in world.states().items() if state == "delivered"} == churn.values.keys()
    for name, value in churn.values.items():
        assert world.get(name, "k") == value
    for name in sorted(churn.gone)[::8]:
        assert world.run("get", name, "--state", world.state).code != 0
    assert world.run("audit", "verify", "--state", world.state).code == 0
    assert grown < MORE
