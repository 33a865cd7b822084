"""Whom a controller trusts and who it is, in a real cluster: tokens and certificates that change while it works.

The numbers are those of the cases in operators.md, section 4; all of them are real. The oracle is that of
`faults.py`, and what was asked for is counted by the API server's audit log.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from controller.kube.queue_core import BURST, RETRIES
from tests.kube.controllers import Objects, until_leading
from tests.kube.faults import Account, Case, unsealed
from tests.kube.hastened import hastened

if TYPE_CHECKING:
    from tests.kube.audited import Audited, Request
    from tests.kube.cluster import Cluster
    from tests.kube.rotating import Rotating


def refusals(audit: Audited, since: float) -> list[Request]:
    """What was refused as nobody's."""
    return [each for each in audit.requests(since=since) if each.code == 401]


def hidden(case: Case, *tokens: str) -> None:
    """None of these was logged."""
    told = json.dumps([run.log for run in case.runs])
    assert not [each for each in tokens if each in told]


# Who it is.


@dataclass
class Mounted:
    """An account whose token is in a file, as in a pod: each is bound to a Secret, and dies with it."""

    account: Account
    own: Objects
    folder: Path

    @property
    def token(self) -> Path:
        """The file that is read."""
        return self.folder / "token"

    def issue(self) -> tuple[str, str]:
        """A new token, and the name of what it is bound to."""
        made = self.own.create("secrets", {"metadata": {"generateName": "bound-"}})["metadata"]
        bound = {"apiVersion": "v1", "kind": "Secret", "name": made["name"], "uid": made["uid"]}
        path = f"/api/v1/namespaces/{self.own.namespace}/serviceaccounts/controller/token"
        status, answer = self.own.cluster.call("POST", path, {"spec": {"boundObjectRef": bound}})
        assert status == 201, answer
        return answer["status"]["token"], made["name"]

    def mount(self, token: str) -> None:
        """Put it where it is read, at once as the kubelet does."""
        fresh = self.folder / "fresh"
        fresh.write_text(token)
        fresh.rename(self.token)

    def end(self, token: str, bound: str) -> None:
        """The token lets nobody in any more; the API server forgets it some seconds after its Secret is gone."""
        self.own.delete("secrets", bound)
        self.own.cluster.apiserver.wait_ready(lambda: not self._lets_in(token))

    def kubeconfig(self) -> Path:
        """One that names the file."""
        config = yaml.safe_load(self.account.kubeconfig.read_text())
        config["users"] = [{"name": "admin", "user": {"tokenFile": str(self.token)}}]
        path = self.folder / "with-file"
        path.write_text(yaml.safe_dump(config))
        return path

    def _lets_in(self, token: str) -> bool:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status, answer = self.own.cluster.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
        assert status == 201, answer
        return bool(answer["status"].get("authenticated"))


def test_23_the_token_is_rotated_on_disk(case: Case, audit: Audited, account: Account, tmp_path: Path) -> None:
    """Real. The file has the next token before the last one ends: nothing fails, and the lease is never lost."""
    mounted = Mounted(account, case.own, tmp_path)
    first = mounted.issue()
    mounted.mount(first[0])
    with case.runs_ours(f"--kubeconfig={mounted.kubeconfig()}") as controller:
        case.seal(controller, "before")
        case.verify()
        second = mounted.issue()
        mounted.mount(second[0])
        mounted.end(*first)
        case.create(case.bodies(controller, 10, "after"))
        case.verify()
        told = {each["event"] for each in controller.log}
        assert not told & {"lease-lost", "retry", "defect", "key-failed"}
        assert unsealed(controller) == 11
        assert controller.end() == 0
    hidden(case, first[0], second[0])
    assert len(audit.changes(account.user)) <= 11 * 3 + 10


@pytest.mark.parametrize("gone", [False, True], ids=["old", "none"])
def test_23_the_next_token_comes_too_late(
    case: Case,
    audited_cluster: Cluster,
    audit: Audited,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gone: bool,
) -> None:
    """Real. Nobody lets it in until the file has another token; then it goes on, and lost nothing."""
    hastened(monkeypatch, tmp_path / "hastened")
    mounted = Mounted(account, case.own, tmp_path)
    first = mounted.issue()
    mounted.mount(first[0])
    with case.runs_ours(f"--kubeconfig={mounted.kubeconfig()}") as controller:
        case.seal(controller, "before")
        case.verify()
        began = time.time()
        mounted.end(*first)
        if gone:
            mounted.token.unlink()
        case.create(case.bodies(controller, 10, "after"))
        until_leading(audited_cluster, controller, False)
        assert controller.process.poll() is None
        second = mounted.issue()
        mounted.mount(second[0])
        case.verify()
        # Opened in vain once at most; then nothing is opened before the API server answers, which is asked ever less.
        assert 11 <= unsealed(controller) <= 21
        assert len(refusals(audit, began)) <= 3 * (BURST + RETRIES * (time.time() - began))
        assert "defect" not in [each["event"] for each in controller.log]
        assert controller.end() == 0
    hidden(case, first[0], second[0])


# Whom it trusts.


def test_22_the_server_s_certificate_is_renewed(case: Case, audited_cluster: Rotating, account: Account) -> None:
    """Real. The same authority signs another one, first under a running server, then over a restart."""
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        case.seal(controller, "before")
        case.verify()
        audited_cluster.renew()
        case.create(case.bodies(controller, 10, "running"))
        case.verify()
        audited_cluster.restart(kill=True)
        case.create(case.bodies(controller, 10, "restarted"))
        case.verify()
        assert unsealed(controller) == 21
        assert "defect" not in [each["event"] for each in controller.log]
        assert controller.end() == 0


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_22_another_authority_signs_the_server_s_certificate(
    case: Case,
    audited_cluster: Rotating,
    audit: Audited,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    late: bool,
) -> None:
    """Real. Nothing goes to a server that the file of authorities doesn't vouch for; with the new file all goes on."""
    hastened(monkeypatch, tmp_path / "hastened")
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(audited_cluster.ca.read_bytes())
    config = yaml.safe_load(account.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["certificate-authority"] = str(trusted)
    account.kubeconfig.write_text(yaml.safe_dump(config))
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        case.seal(controller, "before")
        case.verify()
        bodies = case.bodies(controller, 40, "after")
        audited_cluster.distrust()
        if late:
            audited_cluster.restart(kill=True)
        else:  # connections that there are stay, new ones are needed for the work
            trusted.write_bytes(audited_cluster.ca.read_bytes())
            audited_cluster.await_shown()
        began = time.time()
        case.create(bodies)
        if late:
            until_leading(audited_cluster, controller, False)
            assert audit.requests(account.user, began) == []
            assert controller.process.poll() is None
            trusted.write_bytes(audited_cluster.ca.read_bytes())
        case.verify()
        assert unsealed(controller) == 41
        assert "defect" not in [each["event"] for each in controller.log]
        assert controller.end() == 0
    assert len(audit.changes(account.user, began)) <= 40 * 3 + 10
    assert len([each for each in audit.requests(account.user, began) if each.verb == "list"]) <= 20
