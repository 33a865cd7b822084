"""Our controller in a real cluster: bitnami-sealed-secrets.md 5.4, case by case."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from sealer.formats import keys
from sealer.formats.binding import Scope
from tests.kube.controllers import Objects, Running, data, ours, owners, sealed, synced

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

MANAGED, PATCH = "sealedsecrets.bitnami.com/managed", "sealedsecrets.bitnami.com/patch"
SKIP = "sealedsecrets.bitnami.com/skip-set-owner-references"
MARK = "sealer.dev/delivered"


@pytest.fixture(scope="module")
def controller(own_cluster: Cluster) -> Iterator[Running]:
    """A controller for all tests of this file."""
    with ours(
        own_cluster,
        own_cluster.namespace(),
    ) as running:
        yield running


@pytest.fixture
def objects(own_cluster: Cluster) -> Objects:
    """A namespace of one's own."""
    return Objects(own_cluster, own_cluster.namespace())


def _value() -> bytes:
    return secrets.token_hex(8).encode()


def _foreign(objects: Objects, name: str, items: dict[str, bytes], **metadata: Any) -> dict[str, Any]:
    import base64

    body = {"metadata": {"name": name, **metadata}, "data": {k: base64.b64encode(v).decode() for k, v in items.items()}}
    return objects.create("secrets", body)


def test_d1_a_new_one_is_unsealed_and_says_so(controller: Running, objects: Objects) -> None:
    value = _value()
    objects.create(
        "sealedsecrets",
        sealed(controller, objects.namespace, "db", {"foo": value}, metadata={"labels": {"mylabel": "myvalue"}}),
    )
    found = objects.settled("db")
    secret = objects.holds("db", {"foo": value})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue"}
    assert owners(secret) == [found["metadata"]["uid"]]
    assert (secret["type"], found["status"]["observedGeneration"]) == ("Opaque", 1)
    assert found["status"]["conditions"][0]["type"] == "Synced"
    assert synced(found)["lastTransitionTime"] == synced(found)["lastUpdateTime"]
    assert {each["type"]: each["status"] for each in found["status"]["conditions"]} == {
        "Synced": "True",
        "Ready": "True",
    }
    assert objects.event("db", "Unsealed")["type"] == "Normal"


def test_d2_an_update_reaches_the_secret(controller: Running, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}))
    objects.settled("db")
    objects.patch("sealedsecrets", "db", {"spec": sealed(controller, objects.namespace, "db", {"foo": b"baz"})["spec"]})
    objects.holds("db", {"foo": b"baz"})
    assert objects.settled("db", generation=2)["status"]["observedGeneration"] == 2


def test_d3_d4_items_are_renamed_and_added(controller: Running, objects: Objects) -> None:
    body = sealed(controller, objects.namespace, "db", {"foo": b"bar"})
    body["spec"]["encryptedData"] = {"xyzzy": body["spec"]["encryptedData"]["foo"]}
    objects.create("sealedsecrets", body)
    objects.holds("db", {"xyzzy": b"bar"})
    more = sealed(controller, objects.namespace, "db", {"foo2": b"bar2"})["spec"]
    objects.patch("sealedsecrets", "db", {"spec": more})
    objects.holds("db", {"xyzzy": b"bar", "foo2": b"bar2"})


def test_d5_a_managed_secret_is_taken_over_wholesale(controller: Running, objects: Objects) -> None:
    _foreign(
        objects, "db", {"foo": b"bar1", "foo2": b"bar2"}, annotations={MANAGED: "true"}, labels={"anotherlabel": "x"}
    )
    body = sealed(controller, objects.namespace, "db", {"foo": b"bar"}, metadata={"labels": {"mylabel": "myvalue"}})
    made = objects.create("sealedsecrets", body)
    secret = objects.holds("db", {"foo": b"bar"})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue"}
    assert set(secret["metadata"]["annotations"]) == {MARK}
    assert owners(secret) == [made["metadata"]["uid"]]


def test_d6_managed_and_patch_merges_and_owns(controller: Running, objects: Objects) -> None:
    _foreign(
        objects, "db", {"foo": b"bar1", "foo2": b"bar2"},
        annotations={MANAGED: "true", PATCH: "true"}, labels={"anotherlabel": "x"},
    )  # fmt: skip
    body = sealed(controller, objects.namespace, "db", {"foo": b"bar"}, metadata={"labels": {"mylabel": "myvalue"}})
    made = objects.create("sealedsecrets", body)
    secret = objects.holds("db", {"foo": b"bar", "foo2": b"bar2"})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue", "anotherlabel": "x"}
    assert {MANAGED, PATCH} <= set(secret["metadata"]["annotations"])
    assert owners(secret) == [made["metadata"]["uid"]]


@pytest.mark.parametrize("before", [{"foo2": b"bar2"}, {}])
def test_d7_d8_patch_alone_merges_and_does_not_own(
    controller: Running, objects: Objects, before: dict[str, bytes]
) -> None:
    _foreign(objects, "db", before, annotations={PATCH: "true"})
    body = sealed(controller, objects.namespace, "db", {"foo": b"bar"}, metadata={"labels": {"mylabel": "myvalue"}})
    objects.create("sealedsecrets", body)
    secret = objects.holds("db", {**before, "foo": b"bar"})
    assert secret["metadata"]["labels"] == {"mylabel": "myvalue"}
    assert (owners(secret), secret["metadata"]["annotations"][PATCH]) == ([], "true")


def test_d9_d10_a_deleted_secret_comes_back(controller: Running, objects: Objects) -> None:
    _foreign(objects, "taken", {"foo": b"x"}, annotations={MANAGED: "true"})
    for name in ("db", "taken"):
        objects.create("sealedsecrets", sealed(controller, objects.namespace, name, {"foo": b"bar"}))
        first = objects.holds(name, {"foo": b"bar"})
        objects.settled(name)
        objects.delete("secrets", name)
        again = objects.until(
            "secrets", name, lambda item, uid=first["metadata"]["uid"]: item["metadata"]["uid"] != uid
        )
        assert data(again) == {"foo": b"bar"}
        assert len(owners(again)) == 1


def test_d13_a_foreign_key_opens_nothing(controller: Running, objects: Objects) -> None:
    import datetime

    other = keys.generate_rsa(now=datetime.datetime.now(datetime.UTC), bits=2048)
    objects.create("sealedsecrets", sealed(other.public.certificate, objects.namespace, "db", {"foo": b"bar"}))
    found = objects.settled("db", "False")
    assert synced(found)["message"] == "no key could decrypt secret (foo)"
    assert {each["type"]: each["status"] for each in found["status"]["conditions"]}["Stalled"] == "True"
    assert objects.event("db", "ErrUnsealFailed")["type"] == "Warning"
    assert objects.get("secrets", "db") is None


def test_d14_a_type_is_kept(controller: Running, objects: Objects) -> None:
    kind = "kubernetes.io/dockerconfigjson"
    objects.create(
        "sealedsecrets", sealed(controller, objects.namespace, "pull", {".dockerconfigjson": b"{}"}, type=kind)
    )
    assert objects.holds("pull", {".dockerconfigjson": b"{}"})["type"] == kind


def test_d15_d16_an_immutable_secret_can_not_be_changed_and_that_is_said(controller: Running, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}, immutable=True))
    assert objects.holds("db", {"foo": b"bar"})["immutable"] is True
    objects.settled("db")
    spec = sealed(controller, objects.namespace, "db", {"foo": b"baz"}, immutable=True)["spec"]
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
    controller: Running, objects: Objects, scope: Scope, namespace: bool, name: bool, opens: bool
) -> None:
    place = ("elsewhere" if namespace else objects.namespace, "other" if name else "db")
    objects.create(
        "sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}, scope=scope, sealed_for=place)
    )
    objects.settled("db", "True" if opens else "False")
    if opens:
        objects.holds("db", {"foo": b"bar"})
    else:
        objects.event("db", "ErrUnsealFailed")
        assert objects.get("secrets", "db") is None


def test_v2_is_opened_and_tells_a_wrong_scope_from_a_wrong_key(controller: Running, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}, v2=True))
    objects.holds("db", {"foo": b"bar"})
    moved = sealed(controller, objects.namespace, "moved", {"foo": b"bar"}, v2=True, sealed_for=("elsewhere", "moved"))
    objects.create("sealedsecrets", moved)
    assert synced(objects.settled("moved", "False"))["reason"] == "ScopeMismatch"


def test_a_template_renders_and_its_engine_says_nothing_in_the_status(controller: Running, objects: Objects) -> None:
    template = {"data": {"url": "postgres://app:{{ .password }}@db", "plain": "text"}}
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"password": b"pw"}, **template))
    objects.holds("db", {"password": b"pw", "url": b"postgres://app:pw@db", "plain": b"text"})
    bad = {"data": {"url": '{{ fail (printf "leak %s" .password) }}'}}
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "bad", {"password": b"hunter2"}, **bad))
    found = objects.settled("bad", "False")
    assert synced(found)["reason"] == "TemplateError"
    assert "hunter2" not in str(found["status"])
    assert "leak" not in str(found["status"])


def test_what_is_not_ours_is_left_alone(controller: Running, objects: Objects) -> None:
    before = _foreign(objects, "db", {"foo": b"theirs"})
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}))
    found = objects.settled("db", "False")
    text = 'Resource "db" already exists and is not managed by SealedSecret'
    assert (synced(found)["reason"], synced(found)["message"]) == ("Unmanaged", text)
    assert objects.event("db", "ErrUpdateFailed")["message"] == text
    assert objects.get("secrets", "db") == before


def test_a_secret_that_is_changed_by_hand_is_repaired(controller: Running, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}))
    objects.settled("db")
    objects.patch("secrets", "db", {"data": {"foo": "aGFuZA==", "more": "aGFuZA=="}})
    objects.holds("db", {"foo": b"bar"})


def test_without_an_owner_reference_it_stays_ours(controller: Running, objects: Objects) -> None:
    template = {"metadata": {"annotations": {SKIP: "true"}}}
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}, **template))
    assert owners(objects.holds("db", {"foo": b"bar"})) == []
    objects.settled("db")
    objects.patch(
        "sealedsecrets",
        "db",
        {"spec": sealed(controller, objects.namespace, "db", {"foo": b"baz"}, **template)["spec"]},
    )
    objects.holds("db", {"foo": b"baz"})
    objects.settled("db", generation=2)


@pytest.mark.parametrize(
    "template",
    [
        {"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}},
        {"metadata": {"labels": {"sealer.dev/key": "sealing"}}},
        {"type": "kubernetes.io/service-account-token"},
        {"type": "bootstrap.kubernetes.io/token"},
    ],
)
def test_what_is_never_delivered(controller: Running, objects: Objects, template: dict[str, Any]) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}, **template))
    assert synced(objects.settled("db", "False"))["reason"] == "Refused"
    assert objects.get("secrets", "db") is None
