"""Bodies as kubeseal lays them out, and files made of them."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from pathlib import Path

import pytest

from sealer import schema
from sealer.documents import document, render
from sealer.documents.document import Manifest, SealedSecret
from sealer.formats.binding import Binding, Scope
from sealer.secret import Secret
from tests.sealer.documents import envelope
from tests.sealer.test_peers import rsa

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WIDE = "sealedsecrets.bitnami.com/namespace-wide"


def test_a_sealed_body_takes_its_template_from_the_secret() -> None:
    annotations = {"note": "n", APPLIED: "all values"}
    held = Secret("db", "payments", {"a": b"x"}, "kubernetes.io/tls", {"app": "x"}, annotations, immutable=True)
    items = {"b": envelope(), "a": envelope()}
    body = render.sealed_body(
        Binding(Scope.NAMESPACE_WIDE, "payments", "db"),
        items,
        {"data": {"c": "{{ .a }}"}, "type": "old", "metadata": {"labels": {"old": "x"}, "finalizers": ["f"]}},
        annotations={"sealer.dev/stores": "local"},
        secret=held,
    )
    assert body == {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {
            "name": "db",
            "namespace": "payments",
            "annotations": {"sealer.dev/stores": "local", WIDE: "true"},
        },
        "spec": {
            "encryptedData": items,
            "template": {
                "data": {"c": "{{ .a }}"},
                "type": "kubernetes.io/tls",
                "immutable": True,
                "metadata": {
                    "name": "db",
                    "namespace": "payments",
                    "labels": {"app": "x"},
                    "annotations": {"note": "n", WIDE: "true"},
                    "finalizers": ["f"],
                },
            },
        },
    }
    schema.validate(body, "sealed-secret", file="a.yaml")


def test_a_scope_left_in_the_annotations_never_beats_the_binding() -> None:
    held = Secret("db", None, annotations={WIDE: "true"})
    body = render.sealed_body(
        Binding(Scope.CLUSTER_WIDE, None, "db"), {}, None, annotations={WIDE: "true"}, secret=held
    )
    (found,) = document.parse_strict(render.to_yaml(body), "a").documents
    assert isinstance(found, SealedSecret)
    assert found.scope is Scope.CLUSTER_WIDE
    assert found.namespace is None
    assert WIDE not in found.template.annotations


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_secret_survives_writing_and_reading(form: str) -> None:
    items = {"a": secrets.token_bytes(300), "b": b"", "on": b"yes", "1": b"\n"}
    held = Secret("db", "payments", items, "x/y", {"a": "1"}, {"b": "no", "c": "two\nlines\n"}, immutable=True)
    data = render.stream([render.secret_body(held), render.secret_body(Secret("other"))], form)
    first, second = document.parse_strict(data, f"a.{form}").documents
    assert isinstance(first, Manifest)
    assert isinstance(second, Manifest)
    assert first.secret == held
    assert second.secret == Secret("other")


def test_the_layout_of_yaml() -> None:
    text = envelope(2000)
    body = render.sealed_body(
        Binding(Scope.STRICT, "ns", "x"), {"y": text}, None, annotations={}, secret=Secret("x", "ns")
    )
    data = render.to_yaml(body)
    assert data.decode() == (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: x\n  namespace: ns\nspec:\n"
        f'  encryptedData:\n    "y": {text}\n  template:\n    metadata:\n      name: x\n      namespace: ns\n'
        "    type: Opaque\n"
    )
    assert render.stream([body, body], "yaml") == data + b"---\n" + data


def test_the_layout_of_json() -> None:
    body = render.secret_body(Secret("x", items={"a": b"b"}))
    data = render.to_json(body)
    assert json.loads(data) == body
    assert data.startswith(b'{\n  "apiVersion": "v1",\n  "data": {\n    "a": "Yg=="\n  },\n')
    assert data.endswith(b"}\n")


def test_the_layout_is_kubeseals(kubeseal: Path, tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text(rsa().public.certificate)
    items, annotations = {"a": b"x", "tls.crt": b"y"}, {"note": "n", WIDE: "true"}
    held = Secret("db", "payments", items, "Opaque", {"app": "x"}, annotations, immutable=True)
    run = subprocess.run(
        [kubeseal, "--cert", certificate, "-o", "yaml"],
        input=render.to_yaml(render.secret_body(held)),
        capture_output=True,
        check=True,
    )
    (theirs,) = document.parse_strict(run.stdout, "theirs.yaml").documents
    assert isinstance(theirs, SealedSecret)
    ours = render.sealed_body(theirs.binding, theirs.items, None, annotations={}, secret=held)
    assert ours == theirs.body
    assert b"---\n" + render.to_yaml(ours) == run.stdout


def test_secrets_are_base64_as_kubernetes_wants_it() -> None:
    value = secrets.token_bytes(50)
    assert render.secret_body(Secret("x", items={"a": value}))["data"]["a"] == base64.b64encode(value).decode()
