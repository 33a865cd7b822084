"""What an API server does to a controller, in a real cluster: it stands still, restarts, and changes what it trusts.

The numbers are those of the cases in operators.md, section 4; all of them are real. The oracle is that of
`test_faults.py`, and what was asked for is counted by the API server's audit log.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from controller.kube.queue_core import BURST, RETRIES
from tests.kube.balancer import balanced
from tests.kube.certificates import Authority
from tests.kube.cluster import Cluster
from tests.kube.controllers import CRD, Objects, Running, owners
from tests.kube.hastened import hastened
from tests.kube.test_faults import Account, Case, delivered, listed, unsealed, until, versions

if TYPE_CHECKING:
    from tests.kube.audited import Audited, Request
    from tests.kube.servers import Server

RESTARTS = 10 if "SOAK_SECONDS" in os.environ else 4
TYPE = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com"


@dataclass
class Second:
    """An API server beside the one of the cluster."""

    server: Server
    port: int
    launch: Callable[[], Server]

    def restart(self, *, kill: bool) -> None:
        """As the cluster's own."""
        if kill:
            self.server.kill()
        else:
            self.server.stop()
        self.server = self.launch()


class Rotating(Cluster):
    """One whose certificate changes, and the authority of it; what tests ask themselves goes on in the meantime."""

    def renew(self) -> None:
        """Another certificate of the same authority; the running server takes it when it sees the files."""
        self._install()
        self.await_shown()

    def await_shown(self) -> None:
        """Come back when the server shows the certificate that it was given last."""
        wanted = self._certificate.decode().strip()
        self.apiserver.wait_ready(lambda: ssl.get_server_certificate(("127.0.0.1", self._port)).strip() == wanted)

    def distrust(self) -> None:
        """Another authority, which `ca` has alone; the server changes to it soon, or when it starts again."""
        self._authority = Authority("serving-next")
        self.ca.write_bytes(self._authority.certificate)
        self._client = self._context(self.certificate, self.key)
        self._install()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @contextlib.contextmanager
    def second(self) -> Iterator[Second]:
        """Another API server of the same storage."""
        server, (port,) = self._at_free_ports(1, self._launch_apiserver)
        made = Second(server, port, lambda: self._launch_apiserver([port]))
        try:
            yield made
        finally:
            made.server.stop()

    def _certify(self) -> None:
        super()._certify()
        self._authority = Authority("serving")
        self.ca.write_bytes(self._authority.certificate)
        self._install()

    def _install(self) -> None:
        self._certificate, key = self._authority.server()
        self._write("apiserver.key", key)
        self._write("apiserver.crt", self._certificate)


@pytest.fixture(scope="module")
def shaken(kube_programs: tuple[Path, Path], audit: Audited) -> Iterator[Rotating]:
    """A cluster for the tests of this file alone, whose API server fails."""
    with Rotating(kube_programs[0], audit.program) as running:
        running.define(CRD)
        yield running


@pytest.fixture
def case(shaken: Cluster) -> Case:
    """Two new namespaces."""
    return Case.of(shaken)


@pytest.fixture
def account(case: Case, tmp_path: Path) -> Account:
    """Who may do all, and is no admin, so that the audit log tells of it."""
    made = Account(case, tmp_path)
    made.grant()
    return made


def user(case: Case) -> str:
    """The account's name in the audit log."""
    return f"system:serviceaccount:{case.own.namespace}:controller"


def changes(requests: list[Request]) -> list[Request]:
    """What was written, leases aside."""
    return [each for each in requests if each.writes and each.resource != "leases"]


def refusals(audit: Audited, since: float) -> list[Request]:
    """What was refused as nobody's."""
    return [each for each in audit.requests(since=since) if each.code == 401]


def missed(audit: Audited, case: Case, since: float) -> list[Request]:
    """What there was not."""
    return [each for each in audit.requests(user(case), since) if each.code == 404]


def hidden(case: Case, *tokens: str) -> None:
    """None of these was logged."""
    told = json.dumps([run.log for run in case.runs])
    assert not [each for each in tokens if each in told]


def until_leading(cluster: Cluster, controller: Running, leads: bool) -> None:
    """Come back when it leads, or leads no more, by its own word."""
    cluster.apiserver.wait_ready(lambda: controller.counted("sealer_leader") == leads)


def test_19_the_api_server_stands_still_until_the_lease_is_lost(
    case: Case, shaken: Cluster, audit: Audited, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real. It accepts connections and answers nothing; longer than a holder may go on without an answer."""
    with case.runs_ours() as first:
        bodies = case.bodies(first, 100)
        assert first.end() == 0
    case.create(bodies)
    hastened(monkeypatch, tmp_path / "hastened")
    with case.runs_ours("--workers=2", f"--kubeconfig={account.kubeconfig}") as controller:
        until(case.objects, "secrets", delivered)
        shaken.pause()
        until_leading(shaken, controller, False)
        assert controller.certificate()
        assert controller.get("/healthz")
        shaken.resume()
        until_leading(shaken, controller, True)
        case.verify()
        assert controller.process.poll() is None
        # Each of the two workers may have opened one whose write was not answered.
        assert 100 <= unsealed(controller) <= 102
    # A Secret, a status and an event for each, and what was not answered once more.
    asked = audit.requests(user(case))
    assert len(changes(asked)) <= 300 + 2 * 3
    assert len([each for each in asked if each.verb == "list"]) <= 20


def test_21_two_api_servers_are_restarted_in_turn(case: Case, shaken: Rotating, tmp_path: Path) -> None:
    """Real. One of the two is always there; each knows what the other did only after a while. 3 s for a restart."""
    with shaken.second() as second, balanced([shaken.port, second.port]) as port:
        config = yaml.safe_load(shaken.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        with case.runs_ours(f"--kubeconfig={kubeconfig}", "--workers=2") as controller:
            for number in range(RESTARTS):
                bodies = case.bodies(controller, 20, f"round-{number}")
                case.create(bodies[:10])
                restart = second.restart if number % 2 else shaken.restart
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
    case: Case, shaken: Cluster, audit: Audited, account: Account
) -> None:
    """Real. With the type go all SealedSecrets, and no Secret; those that come under their names are new ones."""
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        case.create(case.bodies(controller, 10))
        case.verify()
        stood = versions(case.objects, "secrets")
        began = time.time()
        status, answer = shaken.call("DELETE", TYPE)
        assert status == 200, answer
        shaken.apiserver.wait_ready(lambda: shaken.call("GET", TYPE)[0] == 404)
        # By then it was told that they are gone, and that there is no such thing.
        shaken.apiserver.wait_ready(lambda: len(missed(audit, case, began)) > 1)
        assert versions(case.objects, "secrets") == stood
        assert changes(audit.requests(user(case), began)) == []
        shaken.define(CRD)
        case.create(case.bodies(controller, 20))
        case.verify()
        uids = {name: each["metadata"]["uid"] for name, each in listed(case.objects, "sealedsecrets").items()}
        for name, each in listed(case.objects, "secrets").items():
            assert owners(each) == ([uids[name]] if name in uids else [])
        assert unsealed(controller) == 30
        assert len(missed(audit, case, began)) <= 20
        assert controller.end() == 0
    assert len(changes(audit.requests(user(case), began))) <= 20 * 3


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
    assert len(changes(audit.requests(user(case)))) <= 11 * 3 + 10


@pytest.mark.parametrize("gone", [False, True], ids=["old", "none"])
def test_23_the_next_token_comes_too_late(
    case: Case,
    shaken: Cluster,
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
        until_leading(shaken, controller, False)
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


def test_22_the_server_s_certificate_is_renewed(case: Case, shaken: Rotating, audit: Audited, account: Account) -> None:
    """Real. The same authority signs another one, first under a running server, then over a restart."""
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        case.seal(controller, "before")
        case.verify()
        shaken.renew()
        case.create(case.bodies(controller, 10, "running"))
        case.verify()
        shaken.restart(kill=True)
        case.create(case.bodies(controller, 10, "restarted"))
        case.verify()
        assert unsealed(controller) == 21
        assert "defect" not in [each["event"] for each in controller.log]
        assert controller.end() == 0


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_22_another_authority_signs_the_server_s_certificate(
    case: Case,
    shaken: Rotating,
    audit: Audited,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    late: bool,
) -> None:
    """Real. Nothing goes to a server that the file of authorities doesn't vouch for; with the new file all goes on."""
    hastened(monkeypatch, tmp_path / "hastened")
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(shaken.ca.read_bytes())
    config = yaml.safe_load(account.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["certificate-authority"] = str(trusted)
    account.kubeconfig.write_text(yaml.safe_dump(config))
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        case.seal(controller, "before")
        case.verify()
        bodies = case.bodies(controller, 40, "after")
        shaken.distrust()
        if late:
            shaken.restart(kill=True)
        else:  # connections that there are stay, new ones are needed for the work
            trusted.write_bytes(shaken.ca.read_bytes())
            shaken.await_shown()
        began = time.time()
        case.create(bodies)
        if late:
            until_leading(shaken, controller, False)
            assert audit.requests(user(case), began) == []
            assert controller.process.poll() is None
            trusted.write_bytes(shaken.ca.read_bytes())
        case.verify()
        assert unsealed(controller) == 41
        assert "defect" not in [each["event"] for each in controller.log]
        assert controller.end() == 0
    asked = audit.requests(user(case), began)
    assert len(changes(asked)) <= 40 * 3 + 10
    assert len([each for each in asked if each.verb == "list"]) <= 20
