"""The type SealedSecret as we install it, on a real API server: nothing that Bitnami's controller opens is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube import names
from tests.kube.cluster import Cluster
from tests.kube.conftest import CRD as BITNAMI
from tests.kube.tools import Kubectl, ours

EXAMPLES = Path(__file__).parents[2] / "examples" / "07-kubernetes"
MERGE = "application/merge-patch+json"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com"
NAMES = (f"x{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def own(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster of this module's own: Bitnami's type first, with an object that only it takes, and ours over it."""
    with Cluster(*kube_programs) as running:
        running.define(BITNAMI)
        old = body({"encryptedData": {"a": ""}}, name="old")
        assert running.call("POST", names.sealed_secrets("default"), old)[0] == 201
        # As it was installed years ago: by kubectl, on the client's side.
        kubectl = Kubectl(running)
        kubectl.run("apply", "-f", str(BITNAMI))
        kubectl.done("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=ours("manifests", "--crd-only"))
        # The API server takes a moment to check by the new schema.
        running.apiserver.wait_ready(lambda: create(running, {"encryptedData": {"a": ""}}, dry_run=True)[0] == 422)
        yield running


def body(spec: dict[str, Any], *, name: str | None = None, **metadata: Any) -> dict[str, Any]:
    """A SealedSecret, of a name of its own unless it is told one."""
    called = {"name": name or next(NAMES), **metadata}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": called, "spec": spec}


def create(own: Cluster, spec: dict[str, Any], *, dry_run: bool = False) -> tuple[int, Any]:
    address = names.sealed_secrets("default") + ("?dryRun=All" if dry_run else "")
    return own.call("POST", address, body(spec))


VALUE = "AgB" + "a" * 900
ACCEPTED: dict[str, dict[str, Any]] = {
    "items": {"encryptedData": {"a": VALUE, "b": f"v2:{VALUE}"}},
    "a value in lines": {"encryptedData": {"a": f"{VALUE}\r\n{VALUE}\n"}},
    "no items, templates alone": {"encryptedData": {}, "template": {"data": {"a": "b"}}},
    "as first releases made it": {"data": "QUJD"},
    "that with no items": {"data": "QUJD", "encryptedData": {}},
    "null leaves an item out": {"encryptedData": {"a": VALUE}, "template": {"data": {"a": None, "b": "{{ .a }}"}}},
    "empty parts": {"encryptedData": {"a": VALUE}, "template": {"metadata": None, "data": None}},
    "as kubeseal writes it": {
        "encryptedData": {"a": VALUE},
        "template": {
            "type": "kubernetes.io/tls",
            "immutable": True,
            "metadata": {
                "creationTimestamp": None,
                "name": "x",
                "namespace": "default",
                "labels": {"a": "b"},
                "annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"},
                "finalizers": ["example.com/f"],
                "what is new in years to come": {"kept": True},
            },
        },
    },
    "a value as long as a Secret can hold": {"encryptedData": {"a": "A" * 1_400_000}},
}


@pytest.mark.parametrize("spec", ACCEPTED.values(), ids=ACCEPTED)
def test_what_can_be_opened_is_accepted_and_nothing_is_put_in_or_left_out(own: Cluster, spec: dict[str, Any]) -> None:
    status, made = create(own, spec)
    assert status == 201, made
    assert made["spec"] == spec
    assert made["status"] == {"observedGeneration": -1}


def test_the_example_is_accepted(own: Cluster) -> None:
    address = names.sealed_secrets("default") + "?dryRun=All&fieldValidation=Strict"
    example = yaml.safe_load((EXAMPLES / "sealed-secret.yaml").read_text())
    example["metadata"]["namespace"] = "default"
    status, answer = own.call("POST", address, example)
    assert status == 201, answer


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "encryptedData is missing"),
    "a name mistyped": ({"encrypteddata": {"a": VALUE}}, "encryptedData is missing"),
    "both at once": ({"data": "QUJD", "encryptedData": {"a": VALUE}}, "exclude each other"),
    "an empty value": ({"encryptedData": {"a": ""}}, "at least 1 chars"),
    "a number": ({"encryptedData": {"a": 5}}, "must be of type string"),
    "a list": ({"encryptedData": [VALUE]}, "must be of type object"),
    "a value that nothing can hold": ({"encryptedData": {"a": "A" * 1_600_000}}, "Too long"),
}


@pytest.mark.parametrize(("spec", "why"), REFUSED.values(), ids=REFUSED)
def test_what_no_controller_could_open_is_refused_at_once(own: Cluster, spec: dict[str, Any], why: str) -> None:
    status, answer = create(own, spec)
    assert status == 422
    assert why in answer["message"]


NOW = "2026-01-02T03:04:05Z"
STATUSES: dict[str, dict[str, Any]] = {
    "Bitnami's": {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Synced", "status": "False", "lastUpdateTime": NOW, "lastTransitionTime": NOW, "message": "why"}
        ],
    },
    "ours": {
        "observedGeneration": 1,
        "conditions": [
            {
                "type": kind,
                "status": status,
                "reason": "NoMatchingKey",
                "message": "why",
                "observedGeneration": 1,
                "lastUpdateTime": NOW,
                "lastTransitionTime": NOW,
            }
            for kind, status in (("Synced", "False"), ("Ready", "False"), ("Stalled", "True"))
        ],
        "input": "ab" * 32,
        "secretRef": {"name": "x", "uid": "u", "resourceVersion": "7"},
        "keys": ["cd" * 16],
        "lastHandledReconcileAt": NOW,
    },
}


@pytest.mark.parametrize("wanted", STATUSES.values(), ids=STATUSES)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_status_is_kept_whole(own: Cluster, wanted: dict[str, Any], method: str) -> None:
    made = create(own, {"encryptedData": {"a": VALUE}})[1]
    address = names.status("default", made["metadata"]["name"])
    if method == "PUT":
        status, answer = own.call("PUT", address, {**made, "status": wanted})
    else:
        status, answer = own.call("PATCH", address, {"status": wanted}, MERGE)
    assert status == 200, answer
    assert answer["status"] == wanted
    assert answer["metadata"]["generation"] == 1


def test_kubectl_shows_the_columns_of_bitnamis_type(own: Cluster) -> None:
    made = create(own, {"encryptedData": {"a": VALUE}})[1]
    name = made["metadata"]["name"]
    own.call("PATCH", names.status("default", name), {"status": STATUSES["ours"]}, MERGE)
    heads, row = Kubectl(own).done("get", "sealedsecret", name, "-n", "default").splitlines()
    assert heads.split() == ["NAME", "STATUS", "SYNCED", "AGE"]
    assert row.split()[:3] == [name, "why", "False"]


def test_what_bitnamis_type_took_and_ours_does_not_can_still_get_a_status(own: Cluster) -> None:
    status, answer = own.call("PATCH", names.status("default", "old"), {"status": STATUSES["ours"]}, MERGE)
    assert status == 200, answer
    label = {"metadata": {"labels": {"team": "a"}}}
    assert own.call("PATCH", names.sealed_secrets("default", "old"), label, MERGE)[0] == 200


def test_it_is_in_order_and_bitnamis_in_all_names(own: Cluster) -> None:
    definition = own.call("GET", DEFINITION)[1]
    conditions = {each["type"]: each["status"] for each in definition["status"]["conditions"]}
    assert conditions["Established"] == conditions["NamesAccepted"] == "True"
    assert "NonStructuralSchema" not in conditions
    assert definition["status"]["acceptedNames"] == {
        "kind": "SealedSecret", "listKind": "SealedSecretList", "plural": "sealedsecrets", "singular": "sealedsecret",
    }  # fmt: skip
