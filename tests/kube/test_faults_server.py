"""What an API server does to a controller, in a real cluster: it stands still, restarts, and loses a type.

The numbers are those of the cases in operators.md, section 4; all of them are real. The oracle is that of
`faults.py`, and what was asked for is counted by the API server's audit log.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.kube.balancer import balanced
from tests.kube.controllers import CRD, owners, until_leading
from tests.kube.faults import Account, Case, delivered, listed, unsealed, until, versions
from tests.kube.hastened import hastened

if TYPE_CHECKING:
    import pytest

    from tests.kube.audited import Audited
    from tests.kube.cluster import Cluster
    from tests.kube.rotating import Rotating

RESTARTS = 10 if "SOAK_SECONDS" in os.environ else 4
TYPE = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com"


def test_19_the_api_server_stands_still_until_the_lease_is_lost(
    case: Case,
    audited_cluster: Cluster,
    audit: Audited,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Real. It accepts connections and answers nothing; longer than a holder may go on without an answer."""
    case.create(case.bodies(case.keys(), 100))
    hastened(monkeypatch, tmp_path / "hastened")
    with case.runs_ours("--workers=2", f"--kubeconfig={account.kubeconfig}") as controller:
        until(case.objects, "secrets", delivered)
        audited_cluster.pause()
        until_leading(audited_cluster, controller, False)
        assert controller.certificate()
        assert controller.get("/healthz")
        audited_cluster.resume()
        until_leading(audited_cluster, controller, True)
        case.verify()
        assert controller.process.poll() is None
        # Each of the two workers may have opened one whose write was not answered.
        assert 100 <= unsealed(controller) <= 102
    # A Secret, a status and an event for each, and what was not answered once more.
    assert len(audit.changes(account.user)) <= 300 + 2 * 3
    assert len([each for each in audit.requests(account.user) if each.verb == "list"]) <= 20


def test_21_two_api_servers_are_restarted_in_turn(case: Case, audited_cluster: Rotating, tmp_path: Path) -> None:
    """Real. One of the two is always there; each knows what the other did only after a while. 3 s for a restart."""
    with audited_cluster.second() as second, balanced([audited_cluster.port, second.port]) as port:
        config = yaml.safe_load(audited_cluster.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        with case.runs_ours(f"--kubeconfig={kubeconfig}", "--workers=2") as controller:
            for number in range(RESTARTS):
                bodies = case.bodies(controller, 20, f"round-{number}")
                case.create(bodies[:10])
                restart = second.restart if number % 2 else audited_cluster.restart
                with ThreadPoolExecutor(1) as pool:
                    # The one that is asked by this test may be the one that is down.
                    restarting = pool.submit(restart, kill=True)
                    if number % 2:
                        case.create(bodies[10:])
                    restarting.result()
                if not number % 2:
                    case.create(bodies[10:])
            case.verify()
            assert controller.process.poll() is None
            # At most the two in hand were opened in vain, each time.
            assert RESTARTS * 20 <= unsealed(controller) <= RESTARTS * (20 + 2)
            assert "defect" not in [each["event"] for each in controller.log]


def test_25_the_type_is_deleted_and_defined_again(
    case: Case, audited_cluster: Cluster, audit: Audited, account: Account
) -> None:
    """Real. With the type go all SealedSecrets, and no Secret; those that come under their names are new ones."""
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        case.create(case.bodies(controller, 10))
        case.verify()
        stood = versions(case.objects, "secrets")
        began = time.time()

        def missed() -> int:
            return len([each for each in audit.requests(account.user, began) if each.code == 404])

        status, answer = audited_cluster.call("DELETE", TYPE)
        assert status == 200, answer
        audited_cluster.apiserver.wait_ready(lambda: audited_cluster.call("GET", TYPE)[0] == 404)
        # By then it was told that they are gone, and that there is no such thing.
        audited_cluster.apiserver.wait_ready(lambda: missed() > 1)
        assert versions(case.objects, "secrets") == stood
        assert audit.changes(account.user, began) == []
        audited_cluster.define(CRD)
        case.create(case.bodies(controller, 20))
        case.verify()
        uids = {name: each["metadata"]["uid"] for name, each in listed(case.objects, "sealedsecrets").items()}
        for name, each in listed(case.objects, "secrets").items():
            assert owners(each) == ([uids[name]] if name in uids else [])
        assert unsealed(controller) == 30
        assert missed() <= 20
        assert controller.end() == 0
    assert len(audit.changes(account.user, began)) <= 20 * 3
