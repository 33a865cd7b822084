"""The RBAC that we install is the one that is used: what the API server's audit log shows, beside what is granted.

The controller runs as its own account, with the arguments of its own Deployment, through all of its jobs. Then nothing
was refused, all that it asked for is granted by our rules, and each of our rules was needed; where a rule is for an
option alone, that option is tried.
"""

from __future__ import annotations

import http.client
import json
import signal
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from controller.kube import names
from sealer.formats import bundle, keys
from sealer.formats.keyrecord import Status
from tests.kube import services
from tests.kube.controllers import Objects, Running, data, foreign, ours, sealed, synced
from tests.kube.test_install import RBAC
from tests.kube.tools import Helm, done
from tests.kube.tools import objects as parsed
from tests.kube.tools import ours as printed

if TYPE_CHECKING:
    from tests.kube.audited import Audited
    from tests.kube.cluster import Cluster

API = "/apis/rbac.authorization.k8s.io/v1"
PEOPLE = "system:authenticated"
PLURALS = {
    "Role": "roles", "RoleBinding": "rolebindings",
    "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
}  # fmt: skip


class Right(NamedTuple):
    """Something that is done, or may be: where ("": everywhere), a verb, `group/plural[/sub]`, and a name ("": any)."""

    where: str
    verb: str
    resource: str
    name: str = ""

    def covers(self, used: Right) -> bool:
        """Whether who has this right may do that."""
        same = (self.verb, self.resource) == (used.verb, used.resource)
        return same and self.where in ("", used.where) and self.name in ("", used.name)


def granted(objects: list[dict[str, Any]], subject: Callable[[dict[str, Any]], bool]) -> set[Right]:
    """What the bindings among these objects let a subject do."""
    roles = {(each["kind"], where(each), each["metadata"]["name"]): each for each in objects if "rules" in each}
    found = set()
    for binding in objects:
        if not any(map(subject, binding.get("subjects", []))):
            continue
        kind, at = binding["roleRef"]["kind"], where(binding)
        role = roles[kind, "" if kind == "ClusterRole" else at, binding["roleRef"]["name"]]
        found |= {right for rule in role["rules"] for right in rights(at, rule)}
    return found


def where(each: dict[str, Any]) -> str:
    """The namespace of an object; "" if it is in none."""
    return str(each["metadata"].get("namespace", ""))


def rights(at: str, rule: dict[str, Any]) -> Iterator[Right]:
    """The rights of one rule."""
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", [""]):
                    yield Right(at, verb, f"{group}/{resource}", name)


def needed(grants: set[Right], used: set[Right]) -> set[Right]:
    """Those of the grants without which something that was done would have been refused.

    What a Role allows in its namespace needs no right everywhere.
    """
    roles = {each for each in grants if each.where}
    beyond = uncovered(used, roles)
    wide = {each for each in grants - roles if any(each.covers(other) for other in beyond)}
    return wide | {each for each in roles if any(each.covers(other) for other in used)}


class Log(NamedTuple):
    """What the API server wrote down of one user."""

    used: set[Right]
    refused: list[str]


def asked(audit: Audited, user: str) -> Log:
    """What a user asked for, as the authorizer saw it: the name of what is made was not known to it."""
    log = Log(set(), [])
    for line in audit.log.read_text().splitlines():
        event = json.loads(line)
        if event["user"].get("username") != user:
            continue
        about = event.get("objectRef") or {}
        resource = f"{about.get('apiGroup', '')}/{about['resource']}" if "resource" in about else event["requestURI"]
        below = about.get("subresource", "")
        name = "" if event["verb"] == "create" and not below else about.get("name", "")
        right = Right(about.get("namespace", ""), event["verb"], resource + (below and f"/{below}"), name)
        log.used.add(right)
        decided = event["annotations"].get("authorization.k8s.io/decision")
        if decided != "allow" or (event.get("responseStatus") or {}).get("code") in (401, 403):
            log.refused.append(f"{right} {event.get('responseStatus')}")
    return log


# What is installed.


class Account:
    """A service account, made if need be, and what it shows the API server."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, folder: Path) -> None:
        self.namespace, self.name = namespace, name
        self.user = f"system:serviceaccount:{namespace}:{name}"
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        assert cluster.call("POST", path, {"metadata": {"name": name}})[0] in (201, 409)
        status, made = cluster.call("POST", f"{path}/{name}/token", {"spec": {}})
        assert status == 201, made
        self.token: str = made["status"]["token"]
        config = yaml.safe_load(cluster.kubeconfig.read_text())
        config["users"] = [{"name": "admin", "user": {"token": self.token}}]
        self.kubeconfig = folder / f"{namespace}-{name}"
        self.kubeconfig.write_text(yaml.safe_dump(config))

    @property
    def subject(self) -> dict[str, str]:
        """It, as a binding names it."""
        return {"kind": "ServiceAccount", "name": self.name, "namespace": self.namespace}


class Installation:
    """Accounts and RBAC of an installation in a cluster. `own`: its namespace, `served`: one with SealedSecrets."""

    def __init__(self, cluster: Cluster, own: str, served: str, objects: list[dict[str, Any]], folder: Path) -> None:
        self.cluster, self.own, self.served, self.objects, self._folder = cluster, own, served, objects, folder
        (deployment,) = (each for each in objects if each["kind"] == "Deployment")
        self.name: str = deployment["metadata"]["name"]
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        self.arguments: list[str] = container.get("args", [])
        self.controller = self.account(own, pod["serviceAccountName"])
        self.grants = granted(objects, lambda subject: subject == self.controller.subject)
        for each in objects:
            if each["kind"] in PLURALS:
                apply(cluster, each)
        until_granted(cluster, self.controller.user, self.grants)

    def account(self, namespace: str, name: str) -> Account:
        """An account beside it."""
        return Account(self.cluster, namespace, name, self._folder)

    def runs(self, *flags: str, ready: str = "leads ready", pod: str = "") -> Any:
        """The controller as its own account, with the arguments that it is installed with."""
        more = (
            f"--kubeconfig={self.controller.kubeconfig}",
            f"--listen-addr={services.reachable_address()}:0",
            "--listen-metrics-addr=127.0.0.1:0",
        )
        return ours(self.cluster, self.own, *self.arguments, *more, *flags, ready=ready, pod=pod)


def apply(cluster: Cluster, body: dict[str, Any]) -> None:
    """Make an object of RBAC, or make it so."""
    at = f"{API}/namespaces/{where(body)}" if where(body) else API
    path = f"{at}/{PLURALS[body['kind']]}/{body['metadata']['name']}?fieldManager=test&force=true"
    status, answer = cluster.call("PATCH", path, body, "application/apply-patch+yaml")
    assert status in (200, 201), answer


def until_granted(cluster: Cluster, user: str, grants: Iterable[Right]) -> None:
    """The API server learns of rules by a watch of its own: come back when it lets the user do all that."""

    def allowed(right: Right) -> bool:
        group, plural, *below = right.resource.split("/")
        attributes = {
            "group": group, "resource": plural, "subresource": "".join(below), "verb": right.verb,
            "namespace": right.where, "name": right.name,
        }  # fmt: skip
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": [PEOPLE], "resourceAttributes": attributes},
        }
        status, answer = cluster.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        assert status == 201, answer
        return bool(answer["status"]["allowed"])

    cluster.apiserver.wait_ready(lambda: all(map(allowed, grants)))


class Install:
    """Makes installations, each in two new namespaces."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        self.own, self.served = cluster.namespace(), cluster.namespace()

    def manifests(self, *options: str) -> Installation:
        """What `sealer-controller manifests` prints."""
        return self._made(parsed(printed("manifests", "--namespace", self.own, *options)))

    def chart(self, **values: Any) -> Installation:
        """What helm makes of the chart."""
        where = ("--namespace", self.own)
        return self._made(Helm().template(values, self._folder, *where))

    def _made(self, objects: list[dict[str, Any]]) -> Installation:
        return Installation(self._cluster, self.own, self.served, objects, self._folder)


@pytest.fixture
def install(audited_cluster: Cluster, tmp_path: Path) -> Install:
    return Install(audited_cluster, tmp_path)


# What it does.


@dataclass
class Jobs:
    """All jobs of a controller, for the SealedSecrets of one namespace."""

    installation: Installation
    controller: Running
    objects: Objects
    person: Account
    flags: Sequence[str]

    def all(self) -> None:
        """Each of them."""
        self.deliver()
        self.fail()
        self.repair()
        self.answer()
        self.renew()
        self.forget()

    def put(self, name: str, value: bytes, **more: Any) -> None:
        """A SealedSecret, new or changed, until its Secret is as it says."""
        body = sealed(self.controller, self.objects.namespace, name, {"a": value}, **more)
        if self.objects.get("sealedsecrets", name) is None:
            self.objects.create("sealedsecrets", body)
        else:
            self.objects.patch("sealedsecrets", name, {"spec": body["spec"]})
        self.objects.holds(name, {"a": value})

    def deliver(self) -> None:
        """Both envelopes, new and changed; a Secret of others that is taken over, and one that is added to."""
        self.put("old", b"1")
        self.put("old", b"2")
        self.put("new", b"1", v2=True)
        self.objects.event("new", "Unsealed")
        foreign(self.objects, "taken", {"a": b"x"}, annotations={names.MANAGED: "true"})
        self.put("taken", b"1")
        foreign(self.objects, "added", {"b": b"x"}, annotations={names.PATCH: "true"})
        body = sealed(self.controller, self.objects.namespace, "added", {"a": b"1"})
        self.objects.create("sealedsecrets", body)
        self.objects.holds("added", {"a": b"1", "b": b"x"})

    def fail(self) -> None:
        """What is somebody else's, and what no key opens."""
        foreign(self.objects, "theirs", {"a": b"x"})
        self.objects.create("sealedsecrets", sealed(self.controller, self.objects.namespace, "theirs", {"a": b"1"}))
        self.objects.event("theirs", "ErrUpdateFailed")
        other = keys.generate_rsa(now=datetime.now(UTC), bits=2048).public.certificate
        self.objects.create("sealedsecrets", sealed(other, self.objects.namespace, "closed", {"a": b"1"}))
        self.objects.event("closed", "ErrUnsealFailed")

    def repair(self) -> None:
        """Secrets that were deleted and changed by hand."""
        if "--skip-recreate" in self.flags:
            return
        self.objects.delete("secrets", "old")
        self.objects.holds("old", {"a": b"2"})
        self.objects.patch("secrets", "new", {"data": {"a": "eA=="}})
        self.objects.holds("new", {"a": b"1"})

    def answer(self) -> None:
        """The endpoints."""
        assert self.controller.certificate()
        assert self.controller.get("/v1/keys")
        document = sealed(self.controller, self.objects.namespace, "asked", {"a": b"1"})
        for page in ("/v1/verify", "/v1/rotate"):
            assert post(self.controller, page, document, self.person.token) == 200
            nobody = 401 if "--require-identity" in self.flags else 200
            assert post(self.controller, page, document) == nobody

    def renew(self) -> None:
        """A new key at a signal; the one before is called compromised, and what is sealed to it is not opened."""
        before = self.controller.certificate()
        leaked = sealed(before, self.objects.namespace, "leaked", {"a": b"1"})
        # Keys are ordered by seconds: of two of the same one either may be the newest.
        (made,) = (key.not_before for key in self._shown() if key.public.certificate == before)
        self.objects.cluster.apiserver.wait_ready(lambda: datetime.now(UTC) > made + timedelta(seconds=1))
        self.controller.process.send_signal(signal.SIGUSR1)
        self._until_shown(before, Status.RETIRED, Status.ACTIVE)
        own = Objects(self.objects.cluster, self.installation.own)
        _, found = own.cluster.call("GET", f"{own.path('secrets')}?labelSelector={names.KEY_LABEL}")
        compromised = {"metadata": {"labels": {names.KEY_LABEL: names.KEY_COMPROMISED}}}
        for each in found["items"]:
            if data(each)["tls.crt"].decode() == before:
                own.patch("secrets", each["metadata"]["name"], compromised)
        self._until_shown(before, Status.COMPROMISED)
        self.objects.create("sealedsecrets", leaked)
        self.objects.event("leaked", "ErrUnsealFailed")

    def _shown(self) -> Sequence[bundle.BundleKey]:
        """The keys of the bundle."""
        return bundle.parse(self.controller.get("/v1/keys")).keys

    def _until_shown(self, certificate: str, *status: Status) -> None:
        """There is a newer one, and the key bundle says this of the one before."""

        def shown() -> bool:
            found = {key.public.certificate: key.status for key in self._shown()}
            newest = self.controller.certificate()
            return newest != certificate and newest in found and found[certificate] in status

        self.objects.cluster.apiserver.wait_ready(shown)

    def forget(self) -> None:
        """A SealedSecret that is deleted; its Secret goes too, if that is the controller's business."""
        self.objects.delete("sealedsecrets", "taken")
        if "--old-gc-behavior" in self.flags:
            self.objects.cluster.apiserver.wait_ready(lambda: self.objects.get("secrets", "taken") is None)


def post(controller: Running, page: str, document: dict[str, Any], token: str = "") -> int:
    """The status that a document is answered with."""
    connection = http.client.HTTPConnection(controller.address, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("POST", page, json.dumps(document), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def run_through(installation: Installation, *options: str, also: Sequence[str] = ()) -> None:
    """The controller does all that it does, and is followed by another replica. `also`: other namespaces."""
    cluster, flags = installation.cluster, [*installation.arguments, *options]
    namespaces = [installation.served, *also]
    people = {each: person(installation, each) for each in namespaces}
    with installation.runs(*options, pod="one") as first:
        for each in namespaces:
            Jobs(installation, first, Objects(cluster, each), people[each], flags).all()
        with installation.runs(*options, pod="two", ready="ready") as second:
            assert first.end() == 0
            cluster.apiserver.wait_ready(lambda: second.counted("sealer_leader") == 1)
            objects = Objects(cluster, installation.served)
            Jobs(installation, second, objects, people[installation.served], flags).put("later", b"1")
            objects.event("later", "Unsealed")
            if "--update-status=false" not in flags:
                objects.settled("later")
                assert synced(objects.settled("closed", "False"))
            assert second.end() == 0


def person(installation: Installation, namespace: str) -> Account:
    """Somebody who may ask in a namespace, by the role that is installed for them, if one is."""
    found = installation.account(namespace, "person")
    roles = [
        each["metadata"]["name"]
        for each in installation.objects
        if "rbac.authorization.k8s.io/aggregate-to-edit" in (each["metadata"].get("labels") or {})
    ]
    for role in roles:
        apply(
            installation.cluster,
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "asks", "namespace": namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [found.subject],
            },
        )
        (rules,) = (each["rules"] for each in installation.objects if each["metadata"]["name"] == role)
        until_granted(installation.cluster, found.user, (right for rule in rules for right in rights(namespace, rule)))
    return found


# What is compared.

DELETE = Right("", "delete", "/secrets")
"""Granted whether or not it is wanted: `--old-gc-behavior` is an argument that may be added at any time."""


def compare(audit: Audited, installation: Installation, needless: set[Right]) -> Log:
    """Nothing was refused, all that was done is granted by our own rules, and of these only `needless` was not used.

    What is done in the controller's own namespace needs no right beyond that: keys and the lease.
    """
    log = asked(audit, installation.controller.user)
    assert log.refused == []
    assert uncovered(log.used, installation.grants) == set()
    roles = {each for each in installation.grants if each.where}
    assert uncovered({each for each in log.used if each.where == installation.own}, roles) == set()
    assert installation.grants - needed(installation.grants, log.used) == needless
    return log


def uncovered(used: set[Right], grants: set[Right]) -> set[Right]:
    """What was done, and is not granted."""
    return {each for each in used if not any(right.covers(each) for right in grants)}


def test_manifests_grant_what_is_used(install: Install, audit: Audited) -> None:
    installation = install.manifests()
    run_through(installation)
    compare(audit, installation, {DELETE})


def test_manifests_grant_what_options_need(install: Install, audit: Audited) -> None:
    installation = install.manifests("--require-identity")
    run_through(installation, "--old-gc-behavior")
    log = compare(audit, installation, set())
    assert summary(log.used, installation.own) == {
        "own namespace": RBAC["own namespace"],
        "everywhere": {**RBAC["everywhere"], **RBAC["with identity, everywhere"]},
    }


def summary(used: set[Right], own: str) -> dict[str, dict[str, list[str]]]:
    """What was used, in the form of `rbac.yaml`."""
    found: dict[str, dict[str, list[str]]] = {"everywhere": {}, "own namespace": {}}
    for each in sorted(used):
        verbs = found["own namespace" if each.where == own else "everywhere"].setdefault(each.resource, [])
        verbs[:] = sorted({*verbs, each.verb})
    return found


def test_the_chart_grants_what_is_used(install: Install, audit: Audited) -> None:
    installation = install.chart()
    run_through(installation)
    compare(audit, installation, {DELETE})


def test_the_chart_grants_what_arguments_need(install: Install, audit: Audited) -> None:
    """They are in the place of all flags that values stand for, and so values that ask for less take nothing away."""
    arguments = ["--require-identity", "--old-gc-behavior", "--lease-name=sealed-secrets"]
    installation = install.chart(args=arguments, requireIdentity=True, skipRecreate=True, updateStatus=False)
    run_through(installation)
    compare(audit, installation, set())


def test_the_chart_grants_no_more_than_less_needs(install: Install, audit: Audited) -> None:
    installation = install.chart(requireIdentity=True, skipRecreate=True, updateStatus=False)
    run_through(installation)
    compare(audit, installation, {DELETE})


def test_the_chart_without_a_cluster_role(install: Install, audit: Audited) -> None:
    rbac = {"clusterRole": False, "namespacedRoles": True}
    installation = install.chart(rbac=rbac, additionalNamespaces=[install.served])
    assert {each.where for each in installation.grants} == {install.own, install.served}
    run_through(installation, also=[install.own])
    compare(audit, installation, {DELETE._replace(where=each) for each in (install.own, install.served)})


@pytest.mark.parametrize("form", ["manifests", "chart"])
def test_anyone_reaches_the_endpoints_as_is_granted(
    install: Install, audit: Audited, kubeseal: Path, form: str
) -> None:
    """kubeseal, and whoever asks as it does."""
    installation: Installation = getattr(install, form)()
    cluster, anyone = installation.cluster, installation.account(install.served, "anyone")
    grants = granted(installation.objects, lambda subject: (subject["kind"], subject["name"]) == ("Group", PEOPLE))
    until_granted(cluster, anyone.user, grants)
    where = ("--controller-namespace", install.own, "--controller-name", installation.name)
    with installation.runs() as controller:
        port = int(controller.address.rpartition(":")[2])
        services.publish(cluster, install.own, port, port_name(installation), installation.name)
        assert (
            done(kubeseal, "--kubeconfig", str(anyone.kubeconfig), *where, "--fetch-cert") == controller.certificate()
        )
        document = sealed(controller, install.served, "asked", {"a": b"1"})
        for each in grants:
            if each.resource == "/services/proxy":
                page = f"/api/v1/namespaces/{install.own}/services/{each.name}/proxy/v1"
                if each.verb == "get":
                    assert ask(cluster, anyone, "GET", f"{page}/cert.pem") == 200
                else:
                    assert ask(cluster, anyone, "POST", f"{page}/verify", document) == 200
    log = asked(audit, anyone.user)
    assert log.refused == []
    assert uncovered(log.used, grants) == set()
    assert grants - needed(grants, log.used) == set()


def port_name(installation: Installation) -> str:
    """That of the Service that is installed."""
    (found,) = (
        each["spec"]["ports"]
        for each in installation.objects
        if (each["kind"], each["metadata"]["name"]) == ("Service", installation.name)
    )
    return str(found[0]["name"])


def ask(cluster: Cluster, account: Account, method: str, path: str, body: object = None) -> int:
    """The status of a request to the API server as an account."""
    address, context = cluster.url.removeprefix("https://"), ssl.create_default_context(cafile=cluster.ca)
    connection = http.client.HTTPSConnection(address, context=context, timeout=60)
    try:
        connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {account.token}"})
        return connection.getresponse().status
    finally:
        connection.close()


# The comparison itself.

HERE, THERE = Right("own", "get", "/secrets"), Right("shop", "get", "/secrets")
NAMED = Right("own", "update", "coordination.k8s.io/leases", "one")


@pytest.mark.parametrize(
    ("grants", "used", "missing", "needless"),
    [
        ({Right("", "get", "/secrets")}, {THERE}, set(), set()),
        ({HERE}, {THERE}, {THERE}, {HERE}),
        ({Right("", "get", "/secrets"), HERE}, {HERE}, set(), {Right("", "get", "/secrets")}),
        ({Right("", "get", "/secrets"), HERE}, {HERE, THERE}, set(), set()),
        ({HERE}, {Right("", "get", "/secrets")}, {Right("", "get", "/secrets")}, {HERE}),
        ({NAMED}, {NAMED}, set(), set()),
        ({NAMED}, {NAMED._replace(name="two")}, {NAMED._replace(name="two")}, {NAMED}),
        ({NAMED._replace(name="")}, {NAMED}, set(), set()),
        ({HERE}, {HERE._replace(verb="list")}, {HERE._replace(verb="list")}, {HERE}),
        ({HERE}, {HERE._replace(resource="/secrets/status")}, {HERE._replace(resource="/secrets/status")}, {HERE}),
    ],
)
def test_what_is_missing_and_what_is_needless_is_found(
    grants: set[Right], used: set[Right], missing: set[Right], needless: set[Right]
) -> None:
    assert uncovered(used, grants) == missing
    assert grants - needed(grants, used) == needless
