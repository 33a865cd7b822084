"""What goes wrong around a controller, in a real cluster: programs killed, keys late or lost, two of everything.

The numbers are those of the cases in operators.md, section 4. Whatever the fault, the end is the same (`Case.verify`):
each Secret holds what was sealed, nobody else's was touched, and no value is where it doesn't belong.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
import yaml

from controller.kube import names
from tests.kube.cluster import Cluster
from tests.kube.controllers import CRD, PATIENCE, Objects, Running, data, foreign, ours, owners, sealed, synced

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Items = dict[str, dict[str, Any]]
SEQUENCE = names.KEY_SEQUENCE
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


@pytest.fixture(scope="module")
def shaken(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster for the tests of this file alone, whose parts are stopped and started again."""
    with Cluster(*kube_programs) as running:
        running.define(CRD)
        yield running


@dataclass
class Case:
    """One fault: a controller's own namespace, one that it serves, what was sealed there, and who ran."""

    own: Objects
    objects: Objects
    values: dict[str, bytes] = field(default_factory=dict, repr=False)
    runs: list[Running] = field(default_factory=list)
    _stranger: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, cluster: Cluster) -> Self:
        """In two new namespaces, with somebody else's Secret."""
        made = cls(Objects(cluster, cluster.namespace()), Objects(cluster, cluster.namespace()))
        made.stranger()
        return made

    @contextlib.contextmanager
    def runs_ours(self, *flags: str, ready: str = "leads ready") -> Iterator[Running]:
        """A controller that serves the two namespaces, and no other test's."""
        served = f"--additional-namespaces={self.objects.namespace}"
        with ours(self.own.cluster, self.own.namespace, served, *flags, ready=ready) as running:
            self.runs.append(running)
            yield running

    def standby(self, *flags: str) -> AbstractContextManager[Running]:
        """One that waits for the lease."""
        return self.runs_ours(*flags, ready="ready")

    def body(self, controller: Running, name: str, *, v2: bool = False) -> dict[str, Any]:
        """A SealedSecret of a new value, which is not created yet."""
        self.values[name] = secrets.token_hex(16).encode()
        return sealed(controller, self.objects.namespace, name, {"token": self.values[name]}, v2=v2)

    def bodies(self, controller: Running, count: int, prefix: str = "s") -> list[dict[str, Any]]:
        """Many of them, of both formats in turn; certificate and bundle are fetched for each, as by users."""
        return [self.body(controller, f"{prefix}-{number}", v2=bool(number % 2)) for number in range(count)]

    def create(self, bodies: list[dict[str, Any]]) -> None:
        """Create SealedSecrets, one after the other."""
        for each in bodies:
            self.objects.create("sealedsecrets", each)

    def seal(self, controller: Running, name: str, *, v2: bool = False) -> None:
        """Seal a new value and create the SealedSecret."""
        self.create([self.body(controller, name, v2=v2)])

    def stranger(self) -> None:
        """A Secret of somebody else, under the name of none of ours."""
        foreign(self.objects, "stranger", {"token": secrets.token_hex(16).encode()})
        self._stranger = listed(self.objects, "secrets")["stranger"]

    def verify(self, *, refused: tuple[str, ...] = ()) -> None:
        """Wait until each is delivered, and hold that nothing else happened. `refused` have no Secret, and say so."""
        for name in self.values.keys() - set(refused):
            self.objects.holds(name, {"token": self.values[name]})
            self.objects.settled(name)
        for name in refused:
            self.objects.settled(name, "False")
        found = listed(self.objects, "secrets")
        if self._stranger:
            assert found.pop("stranger") == self._stranger
        wanted = {name: {"token": value} for name, value in self.values.items() if name not in refused}
        assert {name: data(each) for name, each in found.items()} == wanted
        self._nothing_told()

    def _nothing_told(self) -> None:
        """No value stands in a log, an event or a SealedSecret, as it is or in base64."""
        events = [listed(each, "events") for each in (self.own, self.objects)]
        told = json.dumps([events, listed(self.objects, "sealedsecrets"), [list(run.log) for run in self.runs]])
        for name, value in self.values.items():
            encoded = base64.b64encode(value).decode().rstrip("=")
            assert value.decode() not in told, name
            assert encoded[:-1] not in told, name


@pytest.fixture
def case(shaken: Cluster) -> Case:
    """Two new namespaces."""
    return Case.of(shaken)


def listed(objects: Objects, plural: str) -> Items:
    """All objects of a namespace, by name."""
    status, found = objects.cluster.call("GET", objects.path(plural))
    assert status == 200, found
    return {each["metadata"]["name"]: each for each in found["items"]}


def until(objects: Objects, plural: str, wanted: Callable[[Items], object], path: str = "") -> Items:
    """The objects of a namespace as soon as they are as wanted together; a watch is waited for."""
    path = path or objects.path(plural)
    status, found = objects.cluster.call("GET", path)
    assert status == 200, found
    now: Items = {each["metadata"]["name"]: each for each in found["items"]}
    connection = objects.cluster.connect(timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", f"{path}?watch=1&resourceVersion={found['metadata']['resourceVersion']}")
        lines = iter(connection.getresponse())
        while not wanted(now):
            event = json.loads(next(lines))
            name = event["object"]["metadata"]["name"]
            if event["type"] == "DELETED":
                del now[name]
            else:
                now[name] = event["object"]
    return now


def versions(objects: Objects, *plurals: str) -> dict[str, str]:
    """The resourceVersions of all objects of these kinds."""
    found = {f"{plural}/{name}": each for plural in plurals for name, each in listed(objects, plural).items()}
    return {name: each["metadata"]["resourceVersion"] for name, each in found.items()}


def delivered(items: Items) -> int:
    """How many Secrets there are beside the stranger's."""
    return len(items) - ("stranger" in items)


def keys_of(found: Items, kind: str) -> Items:
    """The key Secrets of a kind, by name: bitnami, sealing, identity, state."""
    label, value = (names.KEY_LABEL, names.KEY_ACTIVE) if kind == "bitnami" else (names.OUR_KEY, kind)
    return {n: each for n, each in found.items() if (each["metadata"].get("labels") or {}).get(label) == value}


def sequence(found: Items) -> int:
    """How many sets of keys were published so far."""
    (identity,) = keys_of(found, "identity").values()
    return int(json.loads(identity["metadata"]["annotations"][SEQUENCE])["sequence"])


def unsealed(controller: Running) -> int:
    """How many SealedSecrets it opened, by its log, which outlives it."""
    return sum(each["event"] in ("opened", "unsealed") for each in list(controller.log))  # as a former version said


def idle(controller: Running) -> None:
    """Come back when it has nothing to do, and nothing to try again."""
    while controller.counted("sealer_queue_depth"):
        pass


def leases(case: Case) -> str:
    """The address of the leases of the controllers' namespace."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{case.own.namespace}/leases"


def holder(found: Items) -> str:
    """Who holds the lease; "" if nobody does."""
    return "".join(each["spec"].get("holderIdentity") or "" for each in found.values())


def identity(controller: Running) -> str:
    """What it calls itself."""
    return str(next(each["identity"] for each in controller.log if each["event"] == "start"))


def release(case: Case) -> None:
    """Delete the lease: of who can't give it back any more, it would have to run out."""
    status, found = case.own.cluster.call("GET", leases(case))
    assert status == 200, found
    for each in found["items"]:
        status, answer = case.own.cluster.call("DELETE", f"{leases(case)}/{each['metadata']['name']}")
        assert status == 200, answer


def compromise(case: Case) -> tuple[str, str]:
    """Call the two sealing keys compromised; come back when the controller knows. Their names, RSA first."""
    before = listed(case.own, "secrets")
    (rsa,), (kem,) = keys_of(before, "bitnami"), keys_of(before, "sealing")
    case.own.patch("secrets", rsa, {"metadata": {"labels": {names.KEY_LABEL: names.KEY_COMPROMISED}}})
    case.own.patch("secrets", kem, {"metadata": {"labels": {names.KEY_STATUS: "compromised"}}})
    # Those that take their place are made by who knows that these are compromised.
    until(case.own, "secrets", lambda now: len(keys_of(now, "sealing")) == 2 and keys_of(now, "bitnami"))
    return rsa, kem


# Restarts.


def test_55_a_warm_restart_opens_nothing_and_writes_nothing(case: Case) -> None:
    with case.runs_ours() as first:
        case.create(case.bodies(first, 50))
        case.verify()
        assert first.counted("sealer_opens_total") == 50
        assert first.end() == 0
    before = [versions(case.objects, "secrets", "sealedsecrets", "events"), versions(case.own, "secrets")]
    with case.runs_ours() as second:
        assert [each["unsettled"] for each in second.log if each["event"] == "ready"] == [0]
        assert second.counted("sealed_secrets_controller_unseal_requests_total") == 0
        assert second.counted("sealer_opens_total") == 0
        assert second.counted("sealer_reconcile_duration_seconds_count") == 0
        assert [versions(case.objects, "secrets", "sealedsecrets", "events"), versions(case.own, "secrets")] == before
        case.seal(second, "more")
        case.verify()
        assert second.counted("sealer_opens_total") == 1


def test_58_sigterm_under_load_ends_well_and_the_next_goes_on(case: Case) -> None:
    with case.runs_ours() as first:
        bodies = case.bodies(first, 60)
        assert first.end() == 0
    case.create(bodies)
    with case.runs_ours("--workers=1") as second:
        until(case.objects, "secrets", delivered)
        assert second.end() == 0
    with case.runs_ours() as third:
        case.verify()
        assert unsealed(second) + third.counted("sealer_opens_total") == 60


def test_38_sigkill_under_load_and_the_next_goes_on(case: Case) -> None:
    with case.runs_ours() as first:
        bodies = case.bodies(first, 60)
        assert first.end() == 0
    case.create(bodies)
    with case.runs_ours("--workers=1") as second:
        until(case.objects, "secrets", delivered)
        second.process.kill()
    release(case)
    with case.runs_ours() as third:
        case.verify()
        # At most the one that it had in hand was opened for nothing.
        assert unsealed(second) + third.counted("sealer_opens_total") in (60, 61)


# Keys.


def test_40_a_key_that_comes_later_releases_what_waits_for_it(case: Case, shaken: Cluster) -> None:
    elsewhere = Case(Objects(shaken, shaken.namespace()), case.objects)
    with elsewhere.runs_ours() as other:
        bodies = [case.body(other, "old"), case.body(other, "new", v2=True)]
    with case.runs_ours() as controller:
        case.seal(controller, "here")
        case.create(bodies)
        for name in ("old", "new"):
            assert synced(case.objects.settled(name, "False"))["reason"] == "NoMatchingKey"
        made = listed(elsewhere.own, "secrets")
        for name, each in {**keys_of(made, "bitnami"), **keys_of(made, "sealing")}.items():
            kept: dict[str, Any] = {part: each[part] for part in ("type", "data", "immutable") if part in each}
            labels = each["metadata"]["labels"]
            case.own.create("secrets", {"metadata": {"name": f"late-{name}", "labels": labels}, **kept})
        case.verify()
        assert controller.counted("sealer_opens_total") == 3


def test_42_a_compromised_key_opens_nothing_new_and_takes_nothing_away(case: Case) -> None:
    with case.runs_ours() as maker:
        assert maker.end() == 0  # who made a key makes the next one only after a while
    with case.runs_ours() as controller:
        case.create([case.body(controller, "v1"), case.body(controller, "v2", v2=True)])
        case.verify()
        late = [case.body(controller, "late-v1"), case.body(controller, "late-v2", v2=True)]
        stood = versions(case.objects, "secrets", "sealedsecrets")
        compromise(case)
        case.create(late)
        assert synced(case.objects.settled("late-v1", "False"))["reason"] == "NoMatchingKey"
        assert synced(case.objects.settled("late-v2", "False"))["reason"] == "Compromised"
        assert stood.items() <= versions(case.objects, "secrets", "sealedsecrets").items()
        case.seal(controller, "after")
        case.verify(refused=("late-v1", "late-v2"))
        assert controller.end() == 0
    with case.runs_ours():
        case.verify(refused=("late-v1", "late-v2"))
        assert stood.items() <= versions(case.objects, "secrets", "sealedsecrets").items()


def test_42_what_a_compromised_key_delivered_comes_back_when_it_is_deleted(case: Case) -> None:
    """DELIVERY, section 2: it opens only a document whose digest was delivered; a lost target is delivered again."""
    with case.runs_ours() as maker:
        assert maker.end() == 0
    with case.runs_ours() as controller:
        case.create([case.body(controller, "v1"), case.body(controller, "v2", v2=True)])
        case.verify()
        compromise(case)
        for name in ("v1", "v2"):
            case.objects.delete("secrets", name)
        case.verify()


def test_42_a_key_that_was_called_compromised_by_mistake(case: Case) -> None:
    with case.runs_ours() as maker:
        assert maker.end() == 0
    with case.runs_ours() as controller:
        late = [case.body(controller, "late-v1"), case.body(controller, "late-v2", v2=True)]
        rsa, kem = compromise(case)
        case.create(late)
        for name in ("late-v1", "late-v2"):
            case.objects.settled(name, "False")
        case.own.patch("secrets", rsa, {"metadata": {"labels": {names.KEY_LABEL: names.KEY_ACTIVE}}})
        case.own.patch("secrets", kem, {"metadata": {"labels": {names.KEY_STATUS: None}}})
        case.verify()


def test_41_keys_are_renewed_while_objects_come_and_none_is_lost(case: Case) -> None:
    with case.runs_ours() as controller:
        case.create(case.bodies(controller, 30, "before"))
        before = sequence(listed(case.own, "secrets"))
        controller.process.send_signal(signal.SIGUSR1)
        case.create(case.bodies(controller, 30, "during"))
        made = until(
            case.own,
            "secrets",
            lambda now: all(len(keys_of(now, kind)) == 2 for kind in ("bitnami", "sealing")) and sequence(now) > before,
        )
        case.create(case.bodies(controller, 10, "after"))
        case.verify()
        assert controller.counted("sealer_opens_total") == 70
        assert sequence(made) <= before + 2


# Objects.


def test_37_deleted_and_made_again_under_its_name(case: Case) -> None:
    with case.runs_ours() as controller:
        case.seal(controller, "db")
        case.verify()
        first = case.objects.get("sealedsecrets", "db") or {}
        case.objects.delete("sealedsecrets", "db")
        case.seal(controller, "db", v2=True)
        case.verify()
        again = case.objects.get("sealedsecrets", "db") or {}
        assert again["metadata"]["uid"] != first["metadata"]["uid"]
        assert owners(case.objects.get("secrets", "db") or {}) == [again["metadata"]["uid"]]


def test_34_more_than_a_secret_holds_is_stalled_and_never_tried_again(case: Case) -> None:
    with case.runs_ours() as controller:
        case.values["large"] = secrets.token_hex(1024 * 512).encode() + b"0"
        case.create([sealed(controller, case.objects.namespace, "large", {"token": case.values["large"]})])
        found = case.objects.settled("large", "False")
        conditions = {each["type"]: each for each in found["status"]["conditions"]}
        assert (conditions["Stalled"]["status"], conditions["Stalled"]["reason"]) == ("True", "TooLarge")
        assert "Reconciling" not in conditions
        case.seal(controller, "db")
        case.verify(refused=("large",))
        # An item less, and it fits.
        case.objects.delete("sealedsecrets", "large")
        case.seal(controller, "large")
        case.verify()


def test_56_what_can_not_be_delivered_holds_nobody_up(case: Case, shaken: Cluster) -> None:
    """Garbage, a lost key, what is somebody else's, and a namespace that refuses every write, with one worker."""
    ending = Objects(shaken, shaken.namespace())
    with case.runs_ours() as first:
        refused = [sealed(first, ending.namespace, f"p-{number}", {"token": b"x"}) for number in range(10)]
        assert first.end() == 0
    for each in refused:
        ending.create("sealedsecrets", each)
    status, answer = shaken.call("DELETE", f"/api/v1/namespaces/{ending.namespace}")
    assert status == 200, answer
    with case.runs_ours("--workers=1", f"--additional-namespaces={case.objects.namespace},{ending.namespace}") as one:
        assert synced(ending.settled("p-0", "False"))["reason"] == "Forbidden"
        poison: dict[str, dict[str, Any]] = {
            "garbage": {"encryptedData": {"token": "AgA"}},
            "wild": {"encryptedData": {"token": secrets.token_hex(600)}},
            "loop": {"template": {"data": {"a": "{{ range $i := untilStep 0 1000000000 1 }}{{ $i }}{{ end }}"}}},
            "broken": {"template": {"data": {"a": "{{ if }}"}}},
        }
        for name, change in poison.items():
            body = sealed(one, case.objects.namespace, name, {"token": secrets.token_hex(16).encode()})
            case.objects.create("sealedsecrets", {**body, "spec": {**body["spec"], **change}})
        case.create([sealed(one, case.objects.namespace, "stranger", {"token": b"ours"})])
        case.create(case.bodies(one, 20))
        case.verify()
        for name in (*poison, "stranger"):
            assert synced(case.objects.settled(name, "False"))["message"]
        assert delivered(listed(ending, "secrets")) == 0


# The API server, and what is behind it.


def test_18_the_api_server_is_killed_while_a_hundred_are_worked_on(case: Case, shaken: Cluster) -> None:
    with case.runs_ours() as first:
        bodies = case.bodies(first, 100)
        assert first.end() == 0
    case.create(bodies)
    with case.runs_ours("--workers=2") as controller:
        until(case.objects, "secrets", delivered)
        shaken.restart(kill=True)
        case.verify()
        assert controller.process.poll() is None


def test_20_etcd_is_gone_for_a_while(case: Case, shaken: Cluster) -> None:
    with case.runs_ours() as first:
        bodies = case.bodies(first, 100)
        assert first.end() == 0
    case.create(bodies)
    with case.runs_ours("--workers=2") as controller:
        until(case.objects, "secrets", delivered)
        shaken.stop_etcd(kill=True)
        shaken.start_etcd()
        case.verify()
        assert controller.process.poll() is None


# Two of them.


def test_47_the_leader_is_killed_and_the_standby_goes_on(case: Case) -> None:
    with case.runs_ours("--workers=1") as leader, case.standby() as standby, ThreadPoolExecutor(1) as pool:
        bodies = case.bodies(leader, 60)
        creating = pool.submit(case.create, bodies)
        until(case.objects, "secrets", delivered)
        leader.process.kill()
        creating.result(PATIENCE)
        case.verify()
        assert "leads" in [each["event"] for each in standby.log]
        assert 60 <= unsealed(leader) + unsealed(standby) <= 61


def test_47_a_leader_that_ends_hands_over_and_what_stands_is_left_alone(case: Case) -> None:
    with case.runs_ours() as leader, case.standby() as standby:
        case.create(case.bodies(leader, 30))
        case.verify()
        before = versions(case.objects, "secrets", "sealedsecrets", "events")
        assert leader.end() == 0
        # Given back, so that nobody waits until it runs out.
        status, found = case.own.cluster.call("GET", leases(case))
        assert status == 200, found
        assert identity(leader) not in [each["spec"]["holderIdentity"] for each in found["items"]]
        case.seal(standby, "more")
        case.verify()
        idle(standby)
        assert standby.counted("sealer_opens_total") == 1
        now = versions(case.objects, "secrets", "sealedsecrets", "events")
        assert len(now) == len(before) + 3  # the SealedSecret, its Secret and its event
        assert {name: now.get(name) for name in before} == before


def test_50_the_lease_is_deleted(case: Case) -> None:
    with case.runs_ours() as leader, case.standby() as standby:
        case.seal(leader, "before")
        case.verify()
        assert holder(until(case.own, "leases", holder, leases(case))) == identity(leader)
        release(case)
        case.create(case.bodies(leader, 20, "meanwhile"))
        again = until(case.own, "leases", holder, leases(case))
        assert holder(again) in (identity(leader), identity(standby))
        case.create(case.bodies(leader, 20, "after"))
        case.verify()


def test_45_two_that_start_at_once_make_one_key_of_each_kind(case: Case) -> None:
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        one, other = pool.map(stack.enter_context, (case.standby(), case.standby()))
        found = listed(case.own, "secrets")
        kinds = ("bitnami", "sealing", "identity", "state")
        assert {kind: len(keys_of(found, kind)) for kind in kinds} == dict.fromkeys(kinds, 1)
        assert len(found) == 4
        assert one.certificate() == other.certificate()
        case.create(case.bodies(one, 4))
        case.verify()


def test_24_51_who_alone_may_do_nothing_any_more_makes_room_and_comes_back(
    case: Case, shaken: Cluster, tmp_path: Path
) -> None:
    account = Account(case, tmp_path)
    account.grant()
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as leader, case.standby() as standby:
        case.seal(leader, "before")
        case.verify()
        account.revoke()
        case.create(case.bodies(leader, 10, "meanwhile"))
        case.verify()
        assert "leads" in [each["event"] for each in standby.log]
        account.grant()
        assert standby.end() == 0
        case.create(case.bodies(leader, 10, "after"))
        case.verify()
        assert leader.end() == 0


def test_24_rights_are_revoked_and_restored(case: Case, tmp_path: Path) -> None:
    account = Account(case, tmp_path)
    account.grant()
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        bodies = case.bodies(controller, 10)
        account.revoke()
        case.create(bodies)
        account.grant()
        case.verify()


class Account:
    """A client who may do all as long as it is granted."""

    def __init__(self, case: Case, scratch: Path) -> None:
        self._cluster, self._namespace = case.own.cluster, case.own.namespace
        accounts = f"/api/v1/namespaces/{self._namespace}/serviceaccounts"
        self._call(201, "POST", accounts, {"metadata": {"name": "controller"}})
        made = self._call(201, "POST", f"{accounts}/controller/token", {"spec": {}})
        config = yaml.safe_load(self._cluster.kubeconfig.read_text())
        config["users"] = [{"name": "admin", "user": {"token": made["status"]["token"]}}]
        self.kubeconfig = scratch / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def grant(self) -> None:
        """It may from now on."""
        body = {
            "metadata": {"name": self._namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "controller", "namespace": self._namespace}],
        }
        self._call(201, "POST", BINDINGS, body)
        self._until(allowed=True)

    def revoke(self) -> None:
        """It may no more, and the API server knows."""
        self._call(200, "DELETE", f"{BINDINGS}/{self._namespace}")
        self._until(allowed=False)

    def _until(self, *, allowed: bool) -> None:
        """The API server learns of what is granted by a watch of its own; it is asked until it has."""
        user = f"system:serviceaccount:{self._namespace}:controller"
        asked = {"user": user, "resourceAttributes": {"verb": "create", "resource": "secrets"}}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        self._cluster.apiserver.wait_ready(
            lambda: self._call(201, "POST", path, review)["status"]["allowed"] is allowed
        )

    def _call(self, wanted: int, method: str, path: str, body: object = None) -> Any:
        status, answer = self._cluster.call(method, path, body)
        assert status == wanted, answer
        return answer
