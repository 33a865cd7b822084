"""What tests of faults stand on: a case with its oracle, what there is in a cluster, and an account without rights."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from controller.kube import names, newkey
from sealer.formats.keys import generate_kem
from tests.kube import accounts
from tests.kube.controllers import PATIENCE, Newest, Objects, Running, data, foreign, ours, sealed
from tests.sealer.rings import rsa_key

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.kube.cluster import Cluster

Items = dict[str, dict[str, Any]]
SEQUENCE = names.KEY_SEQUENCE


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

    def keys(self) -> Newest:
        """One key of each kind, which stand there before any controller does: what is sealed to them waits for one."""
        rsa, kem, now = rsa_key(0), generate_kem(), datetime.now(UTC)
        made = {"keys": newkey.bitnami(rsa), "sealer-": newkey.sealing(kem, now, now + timedelta(3650), now)}
        for prefix, body in made.items():
            self.own.create("secrets", newkey.made(body, prefix, "first"))
        return Newest(rsa.public.certificate, kem.public)

    def body(self, controller: Running | Newest, name: str, *, v2: bool = False) -> dict[str, Any]:
        """A SealedSecret of a new value, which is not created yet."""
        self.values[name] = secrets.token_hex(16).encode()
        return sealed(controller, self.objects.namespace, name, {"token": self.values[name]}, v2=v2)

    def bodies(self, controller: Running | Newest, count: int, prefix: str = "s") -> list[dict[str, Any]]:
        """Many of them, of both formats in turn."""
        newest = controller if isinstance(controller, Newest) else controller.newest()
        return [self.body(newest, f"{prefix}-{number}", v2=bool(number % 2)) for number in range(count)]

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


def idle(cluster: Cluster, controller: Running) -> None:
    """Come back when it has nothing to do, and nothing to try again."""
    cluster.apiserver.wait_ready(lambda: not controller.counted("sealer_queue_depth"), "the queue")


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


class Account:
    """A service account that a controller may come as: it may do all as long as that is granted.

    The audit log tells its requests from those of the tests, which come as admin.
    """

    NAME = "controller"

    def __init__(self, case: Case, scratch: Path) -> None:
        self._cluster, self._namespace = case.own.cluster, case.own.namespace
        self.user = accounts.user(self._namespace, self.NAME)
        token = accounts.token(self._cluster, self._namespace, self.NAME)
        self.kubeconfig = accounts.kubeconfig(self._cluster, token, scratch / "kubeconfig")

    def grant(self) -> None:
        """It may from now on."""
        accounts.allow_all(self._cluster, self._namespace, self.NAME)

    def revoke(self) -> None:
        """It may no more, and the API server knows."""
        accounts.revoke_all(self._cluster, self._namespace, self.NAME)
