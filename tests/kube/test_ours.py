"""What our controller does beyond Bitnami's, or otherwise, in a real cluster (bitnami-sealed-secrets.md 10.2)."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from sealer.formats import keys
from tests.kube.controllers import Objects, Running, foreign, owners, sealed, synced

MANAGED = "sealedsecrets.bitnami.com/managed"
ASKED = "reconcile.fluxcd.io/requestedAt"
SKIP = "sealedsecrets.bitnami.com/skip-set-owner-references"


def _conditions(item: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in item["status"]["conditions"]}


def test_a_status_is_for_kstatus_and_argo_as_well(controller: Running, objects: Objects) -> None:
    value = secrets.token_hex(8).encode()
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": value}))
    assert _conditions(objects.settled("db")) == {"Synced": "True", "Ready": "True"}
    other = keys.generate_rsa(now=datetime.datetime.now(datetime.UTC), bits=2048)
    objects.create("sealedsecrets", sealed(other.public.certificate, objects.namespace, "bad", {"foo": value}))
    found = objects.settled("bad", "False")
    assert _conditions(found) == {"Synced": "False", "Ready": "False", "Stalled": "True"}
    message = synced(found)["message"]
    assert message.startswith("no key could decrypt secret (foo); it was sealed for another namespace, name or scope (")
    assert f"(here it is {objects.namespace}/bad, strict), or with a key that this controller doesn't have" in message
    assert objects.event("bad", "ErrUnsealFailed")["message"] == f"Failed to unseal: {message}"


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
    before = foreign(objects, "db", {"foo": b"theirs"})
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}))
    found = objects.settled("db", "False")
    message = synced(found)["message"]
    assert synced(found)["reason"] == "Unmanaged"
    assert message.startswith('Resource "db" already exists and is not managed by SealedSecret; to hand it over: ')
    assert objects.event("db", "ErrUpdateFailed")["message"] == message
    assert objects.get("secrets", "db") == before
    # The way out, as it stands there.
    assert f"kubectl annotate secret db -n {objects.namespace} {MANAGED}=true " in message
    objects.patch("secrets", "db", {"metadata": {"annotations": {MANAGED: "true"}}})
    objects.holds("db", {"foo": b"bar"})
    objects.settled("db")


@pytest.mark.parametrize(
    ("type_", "items", "needs"),
    [
        ("kubernetes.io/tls", {"tls.crt": b"x"}, {"tls.key": b"x", "tls.crt": b""}),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b"no json"}, {".dockerconfigjson": b"{}"}),
        ("kubernetes.io/dockercfg", {"dockercfg": b"{}"}, {".dockercfg": b"{}"}),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": b""}, {"ssh-privatekey": b"x"}),
        ("kubernetes.io/basic-auth", {"user": b"x"}, {"username": b"x"}),
        ("kubernetes.io/basic-auth", {"user": b"x"}, {"password": b"x"}),
    ],
)
def test_a_type_whose_items_are_missing_is_told_which_it_needs(
    controller: Running, objects: Objects, type_: str, items: dict[str, bytes], needs: dict[str, bytes]
) -> None:
    """What the message says is true: with those items the API server takes it."""
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "bad", items, type=type_))
    found = objects.settled("bad", "False")
    assert synced(found)["reason"] == "Invalid"
    said, _, way_out = synced(found)["message"].partition("; ")
    assert said.startswith("the API server answered 422 Invalid (data[")
    assert way_out.startswith(f"type {type_} needs the item")
    assert all(name in way_out for name in needs)
    assert {"Stalled", "Reconciling"} & _conditions(found).keys() == {"Stalled"}
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "good", needs, type=type_))
    objects.holds("good", needs)


def _answers(value: str) -> Callable[[dict[str, Any]], bool]:
    return lambda item: item["status"].get("lastHandledReconcileAt") == value


def test_who_asks_for_another_look_is_answered(controller: Running, objects: Objects) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}))
    objects.settled("db")
    opened = controller.counted("sealer_opens_total")
    for value in ("2026-11-27T20:00:00.000000001Z", "once more"):
        objects.patch("sealedsecrets", "db", {"metadata": {"annotations": {ASKED: value}}})
        objects.until("sealedsecrets", "db", _answers(value))
    assert controller.counted("sealer_opens_total") == opened
    assert [each["reason"] for each in objects.events("db")] == ["Unsealed"]


@pytest.mark.parametrize("annotations", [{}, {"sealedsecrets.bitnami.com/patch": "true"}], ids=["D11", "D12"])
def test_where_a_secret_of_others_is_deleted_ours_is_made(
    controller: Running, objects: Objects, annotations: dict[str, str]
) -> None:
    """Whether Bitnami's makes one depends on its version, and on how often it has tried before."""
    foreign(objects, "db", {"foo": b"theirs"}, annotations=annotations)
    made = objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"foo": b"bar"}))
    objects.settled("db", "True" if annotations else "False")
    objects.delete("secrets", "db")
    assert owners(objects.holds("db", {"foo": b"bar"})) == [made["metadata"]["uid"]]
    objects.settled("db")


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
