"""bitnami-sealed-secrets.md 5.4, case by case, in a real cluster: with Bitnami's own controller, then with ours.

D11 and D12, which Bitnami's leaves open, are in test_ours.py.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sealer.formats import keys
from sealer.formats.binding import Scope
from tests.kube import tools
from tests.kube.bitnami import theirs
from tests.kube.controllers import Objects, Running, data, foreign, ours, owners, sealed, synced

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

MANAGED, PATCH = "sealedsecrets.bitnami.com/managed", "sealedsecrets.bitnami.com/patch"
MARK = "sealer.dev/delivered"


@pytest.fixture(scope="module", params=["theirs", "ours"])
def controller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Cluster]]:
    """Bitnami's own controller first, which proves the test, then ours; one for all tests of this file."""
    if request.param == "ours":
        cluster = request.getfixturevalue("own_cluster")
        with ours(cluster, cluster.namespace()) as running:
            yield running, cluster
        return
    cluster, program = request.getfixturevalue("cluster"), request.getfixturevalue("bitnami_controller")
    with theirs(cluster, program, cluster.namespace(), tmp_path_factory.mktemp("theirs")) as running:
        yield running, cluster


@pytest.fixture
def objects(controller: tuple[Running, Cluster]) -> Iterator[Objects]:
    """A namespace of one's own."""
    made = Objects(controller[1], controller[1].namespace())
    yield made
    made.clear("sealedsecrets")


@pytest.fixture
def certificate(controller: tuple[Running, Cluster]) -> str:
    """What is sealed to."""
    return controller[0].certificate()


def _value() -> bytes:
    return secrets.token_hex(8).encode()


def test_d1_a_new_one_is_unsealed_and_says_so(certificate: str, objects: Objects) -> None:
    value = _value()
    objects.create(
        "sealedsecrets",
        sealed(certificate, objects.namespace, "db", {"foo": value}, metadata={"labels": {"mylabel": "myvalue"}}),
    )
    found = objects.settled("db")
    secret = objects.holds("db", {"foo": value})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue"}
    assert owners(secret) == [found["metadata"]["uid"]]
    assert (secret["type"], found["status"]["observedGeneration"]) == ("Opaque", 1)
    assert found["status"]["conditions"][0]["type"] == "Synced"
    assert synced(found)["lastTransitionTime"] == synced(found)["lastUpdateTime"]
    assert objects.event("db", "Unsealed")["type"] == "Normal"


def test_d2_an_update_reaches_the_secret(certificate: str, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(certificate, objects.namespace, "db", {"foo": b"bar"}))
    objects.settled("db")
    objects.patch(
        "sealedsecrets", "db", {"spec": sealed(certificate, objects.namespace, "db", {"foo": b"baz"})["spec"]}
    )
    objects.holds("db", {"foo": b"baz"})
    assert objects.settled("db", generation=2)["status"]["observedGeneration"] == 2


def test_d2_an_update_is_no_transition(certificate: str, objects: Objects) -> None:
    """The first verdict is made an old one, since their times are of whole seconds."""
    objects.create("sealedsecrets", sealed(certificate, objects.namespace, "db", {"foo": b"bar"}))
    status = objects.settled("db")["status"]
    for condition in status["conditions"]:
        condition |= dict.fromkeys(("lastTransitionTime", "lastUpdateTime"), "2020-01-01T00:00:00Z")
    path, merge = objects.path("sealedsecrets", "db/status"), "application/merge-patch+json"
    assert objects.cluster.call("PATCH", path, {"status": status}, merge)[0] == 200
    spec = sealed(certificate, objects.namespace, "db", {"foo": b"baz"})["spec"]
    objects.patch("sealedsecrets", "db", {"spec": spec})
    condition = synced(objects.settled("db", generation=2))
    assert condition["lastTransitionTime"] == "2020-01-01T00:00:00Z" < condition["lastUpdateTime"]


def test_d3_d4_items_are_renamed_and_added(certificate: str, objects: Objects) -> None:
    body = sealed(certificate, objects.namespace, "db", {"foo": b"bar"})
    body["spec"]["encryptedData"] = {"xyzzy": body["spec"]["encryptedData"]["foo"]}
    objects.create("sealedsecrets", body)
    objects.holds("db", {"xyzzy": b"bar"})
    more = sealed(certificate, objects.namespace, "db", {"foo2": b"bar2"})["spec"]
    objects.patch("sealedsecrets", "db", {"spec": more})
    objects.holds("db", {"xyzzy": b"bar", "foo2": b"bar2"})


def test_d5_a_managed_secret_is_taken_over_wholesale(certificate: str, objects: Objects) -> None:
    foreign(
        objects, "db", {"foo": b"bar1", "foo2": b"bar2"}, annotations={MANAGED: "true"}, labels={"anotherlabel": "x"}
    )
    body = sealed(certificate, objects.namespace, "db", {"foo": b"bar"}, metadata={"labels": {"mylabel": "myvalue"}})
    made = objects.create("sealedsecrets", body)
    secret = objects.holds("db", {"foo": b"bar"})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue"}
    assert set(secret["metadata"].get("annotations") or {}) <= {MARK}
    assert owners(secret) == [made["metadata"]["uid"]]


def test_d6_managed_and_patch_merges_and_owns(certificate: str, objects: Objects) -> None:
    foreign(
        objects, "db", {"foo": b"bar1", "foo2": b"bar2"},
        annotations={MANAGED: "true", PATCH: "true"}, labels={"anotherlabel": "x"},
    )  # fmt: skip
    body = sealed(certificate, objects.namespace, "db", {"foo": b"bar"}, metadata={"labels": {"mylabel": "myvalue"}})
    made = objects.create("sealedsecrets", body)
    secret = objects.holds("db", {"foo": b"bar", "foo2": b"bar2"})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue", "anotherlabel": "x"}
    assert {MANAGED, PATCH} <= set(secret["metadata"]["annotations"])
    assert owners(secret) == [made["metadata"]["uid"]]


@pytest.mark.parametrize("before", [{"foo2": b"bar2"}, {}])
def test_d7_d8_patch_alone_merges_and_does_not_own(
    certificate: str, objects: Objects, before: dict[str, bytes]
) -> None:
    foreign(objects, "db", before, annotations={PATCH: "true"})
    body = sealed(certificate, objects.namespace, "db", {"foo": b"bar"}, metadata={"labels": {"mylabel": "myvalue"}})
    objects.create("sealedsecrets", body)
    secret = objects.holds("db", {**before, "foo": b"bar"})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue"}
    assert (owners(secret), secret["metadata"]["annotations"][PATCH]) == ([], "true")


def test_d9_d10_a_deleted_secret_comes_back(certificate: str, objects: Objects) -> None:
    foreign(objects, "taken", {"foo": b"x"}, annotations={MANAGED: "true"})
    for name in ("db", "taken"):
        objects.create("sealedsecrets", sealed(certificate, objects.namespace, name, {"foo": b"bar"}))
        first = objects.holds(name, {"foo": b"bar"})
        objects.settled(name)
        objects.delete("secrets", name)
        again = objects.until(
            "secrets", name, lambda item, uid=first["metadata"]["uid"]: item["metadata"]["uid"] != uid
        )
        assert data(again) == {"foo": b"bar"}
        assert len(owners(again)) == 1


def test_d13_a_foreign_key_opens_nothing(certificate: str, objects: Objects) -> None:
    import datetime

    other = keys.generate_rsa(now=datetime.datetime.now(datetime.UTC), bits=2048)
    objects.create("sealedsecrets", sealed(other.public.certificate, objects.namespace, "db", {"foo": b"bar"}))
    found = objects.settled("db", "False")
    assert synced(found)["message"].startswith("no key could decrypt secret")
    assert objects.event("db", "ErrUnsealFailed")["type"] == "Warning"
    assert objects.get("secrets", "db") is None


def test_d23_a_controller_says_its_version(bitnami_controller: Path) -> None:
    theirs = tools.done(bitnami_controller, "--version")
    assert re.match(r"controller version: (v[0-9]+\.[0-9]+\.[0-9]+|[0-9a-f]{40})(\+dirty)?\n", theirs)
    assert re.fullmatch(r"sealer-controller [0-9]+\.[0-9]+\.[0-9]+\S*\n", tools.ours("--version"))


def test_d14_a_type_is_kept(certificate: str, objects: Objects) -> None:
    kind = "kubernetes.io/dockerconfigjson"
    objects.create(
        "sealedsecrets", sealed(certificate, objects.namespace, "pull", {".dockerconfigjson": b"{}"}, type=kind)
    )
    assert objects.holds("pull", {".dockerconfigjson": b"{}"})["type"] == kind


def test_d15_d16_an_immutable_secret_can_not_be_changed_and_that_is_said(certificate: str, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(certificate, objects.namespace, "db", {"foo": b"bar"}, immutable=True))
    assert objects.holds("db", {"foo": b"bar"})["immutable"] is True
    objects.settled("db")
    spec = sealed(certificate, objects.namespace, "db", {"foo": b"baz"}, immutable=True)["spec"]
    objects.patch("sealedsecrets", "db", {"spec": spec})
    assert "the target Secret is immutable" in objects.event("db", "ErrUpdateFailed")["message"]
    found = objects.settled("db", "False")
    assert found["status"]["observedGeneration"] == 2
    assert data(objects.get("secrets", "db") or {}) == {"foo": b"bar"}


@pytest.mark.parametrize(
    ("scope", "namespace", "name", "opens"),
    [
        (Scope.STRICT, False, True, False),
        (Scope.STRICT, True, False, False),
        (Scope.NAMESPACE_WIDE, False, True, True),
        (Scope.NAMESPACE_WIDE, True, False, False),
        (Scope.CLUSTER_WIDE, False, True, True),
        (Scope.CLUSTER_WIDE, True, False, True),
    ],
)
def test_d17_to_d22_what_a_scope_lets_be_renamed_and_moved(
    certificate: str, objects: Objects, scope: Scope, namespace: bool, name: bool, opens: bool
) -> None:
    place = ("elsewhere" if namespace else objects.namespace, "other" if name else "db")
    objects.create(
        "sealedsecrets", sealed(certificate, objects.namespace, "db", {"foo": b"bar"}, scope=scope, sealed_for=place)
    )
    objects.settled("db", "True" if opens else "False")
    if opens:
        objects.holds("db", {"foo": b"bar"})
    else:
        objects.event("db", "ErrUnsealFailed")
        assert objects.get("secrets", "db") is None
