"""Two controllers, one of which stands still while it leads, in a real cluster (operators.md, section 4: 48).

A lease is no lock. What holds is that a leader asks its own clock before each write; the API server's audit log shows
who wrote what, and when.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from sealer.kube.client import Unreachable
from sealer.kube.kubeconfig import User
from tests.kube.controllers import until_leading
from tests.kube.faults import Account, Case, delivered, unsealed, until
from tests.kube.hastened import TIMES, hastened
from tests.sealer.kube.test_client import Server, client, echo

if TYPE_CHECKING:
    import pytest

    from tests.kube.audited import Audited
    from tests.kube.cluster import Cluster


def test_48_a_write_that_was_decided_and_waits_for_its_turn_is_not_sent_after_the_deadline() -> None:
    """Fake. The holder's time runs out between its decision and the moment at which bytes would go out."""

    async def test() -> None:
        may = iter([True, False, False, False]).__next__
        async with Server(echo) as server, client(server.url, User(), only=may) as one:
            assert await one.create("/a", {"in": "time"}) == {"said": ""}
            writes = [one.create("/b", {}), one.patch("/c", {}), one.delete("/d", uid="1")]
            for each in await asyncio.gather(*writes, return_exceptions=True):
                assert isinstance(each, Unreachable)
            assert await one.get("/e") == {"said": ""}
        assert [path for _, path, _, _ in server.requests] == ["/a", "/e"]

    asyncio.run(test())


def test_48_a_leader_that_stood_still_writes_nothing_after_its_deadline(
    case: Case,
    audited_cluster: Cluster,
    audit: Audited,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Real. It is stopped in the middle of its work, and goes on when another has led for a while, and done it."""
    hastened(monkeypatch, tmp_path / "hastened")
    case.create(case.bodies(case.keys(), 100))
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as old:
        until(case.objects, "secrets", delivered)
        old.process.send_signal(signal.SIGSTOP)
        with case.standby() as new:
            case.verify()
            renewed = [each for each in audit.requests(account.user) if each.resource == "leases" and each.writes]
            deadline = max(each.at for each in renewed) + TIMES[1]
            old.process.send_signal(signal.SIGCONT)
            until_leading(audited_cluster, old, False)
            case.create(case.bodies(new, 20, "after"))
            case.verify()
            asked = audit.requests(account.user, since=deadline)
            assert asked, "it never came back"
            # It may have been stopped between the look at its clock and the system's call that sends: in one at most.
            assert len([each for each in asked if each.writes]) <= 1
            # What its eight workers had in hand was opened by the other, too.
            assert 120 <= unsealed(old) + unsealed(new) <= 120 + 8
            # It stands by from now on, and takes over when it may.
            assert new.end() == 0
        until_leading(audited_cluster, old, True)
        case.create(case.bodies(old, 20, "again"))
        case.verify()
        assert old.end() == 0
