"""A SealedSecret as the API gives it: Bitnami's leniency where its CRD lets things through, a reason for the rest."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube import document
from sealer.formats.binding import Scope
from tests.controller.kube.objects import DB, OTHER, sealed

_THEIRS = "sealedsecrets.bitnami.com"
CLUSTER, NAMESPACE = f"{_THEIRS}/cluster-wide", f"{_THEIRS}/namespace-wide"
VALUE = secrets.token_hex(12)


def _spec(**template: Any) -> dict[str, Any]:
    return {"encryptedData": {"foo": "AgA="}, "template": template}


def test_all_that_a_document_has() -> None:
    spec = _spec(
        metadata={"labels": {"app": "shop"}, "annotations": {"note": "n"}, "name": "other", "namespace": "elsewhere"},
        type="kubernetes.io/tls",
        immutable=True,
        data={"url": "{{ .foo }}", "foo": None},
    )
    found, legacy = document.read(sealed(spec, labels={"own": "label"}))
    assert legacy is None
    assert (found.ref, found.scope, found.items) == (DB, Scope.STRICT, {"foo": "AgA="})
    assert (found.labels, found.template.labels, found.template.annotations) == (
        {"own": "label"}, {"app": "shop"}, {"note": "n"},
    )  # fmt: skip
    assert (found.template.type, found.template.immutable) == ("kubernetes.io/tls", True)
    assert found.template.data == {"url": "{{ .foo }}", "foo": None}
    assert (found.template.name, found.template.namespace) == (None, None)  # the Secret is called as the SealedSecret


@pytest.mark.parametrize(
    ("annotations", "scope"),
    [
        (None, Scope.STRICT),
        ({CLUSTER: "true"}, Scope.CLUSTER_WIDE),
        ({NAMESPACE: "true"}, Scope.NAMESPACE_WIDE),
        ({CLUSTER: "true", NAMESPACE: "true"}, Scope.CLUSTER_WIDE),
        ({CLUSTER: "false", NAMESPACE: "true"}, Scope.NAMESPACE_WIDE),
        ({CLUSTER: "TRUE", NAMESPACE: "1"}, Scope.STRICT),
        ({f"{_THEIRS}/strict": "true", CLUSTER: ""}, Scope.STRICT),
    ],
)
def test_the_scope_is_that_of_its_own_metadata(annotations: dict[str, str] | None, scope: Scope) -> None:
    template = _spec(metadata={"annotations": {CLUSTER: "true", NAMESPACE: "true"}})
    assert document.read(sealed(template, annotations=annotations))[0].scope is scope


@pytest.mark.parametrize("value", [7, True, None, ["x"], {"x": "y"}, 1.5])
def test_an_item_that_is_no_text_is_one_that_does_not_open(value: object) -> None:
    found, _ = document.read(sealed({"encryptedData": {"bad": value, "good": "AgA="}}))
    assert found.items == {"bad": "", "good": "AgA="}


@pytest.mark.parametrize("value", ["text", 7, ["x"], None])
def test_items_that_are_no_map_are_none(value: object) -> None:
    assert document.read(sealed({"encryptedData": value}))[0].items == {}


@pytest.mark.parametrize(
    "template", [None, {}, {"metadata": None, "data": None, "type": None, "immutable": None}, {"type": ""}]
)
def test_a_template_may_be_null_and_so_may_what_is_in_it(template: dict[str, Any] | None) -> None:
    found = document.read(sealed({"encryptedData": {}, "template": template}))[0].template
    assert (found.labels, found.annotations, found.data, found.type, found.immutable) == ({}, {}, {}, None, False)


def test_fields_that_nobody_knows_are_passed_over_and_null_labels_are_empty() -> None:
    spec = _spec(stringData={"x": "y"}, metadata={"labels": {"app": None}, "creationTimestamp": None, "x": [1]})
    assert document.read(sealed({**spec, "more": 1}))[0].template.labels == {"app": ""}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (VALUE, "spec.template is not a map"),
        ([VALUE], "spec.template is not a map"),
        ({"metadata": VALUE}, "spec.template.metadata is not a map"),
        ({"metadata": {"labels": VALUE}}, "spec.template.metadata.labels is not a map"),
        ({"metadata": {"labels": {VALUE: 7}}}, "spec.template.metadata.labels is not a map of texts"),
        ({"metadata": {"annotations": {"a": [VALUE]}}}, "spec.template.metadata.annotations is not a map of texts"),
        ({"data": [VALUE]}, "spec.template.data is not a map"),
        ({"data": {VALUE: 7}}, "spec.template.data is not a map of texts"),
        ({"type": [VALUE]}, "spec.template.type is not text"),
        ({"immutable": VALUE}, "spec.template.immutable is not true or false"),
    ],
    ids=range(10),  # texts that are made anew in each process would be other names in each, too
)
def test_what_no_decoder_takes_is_a_reason_that_names_the_path_alone(template: object, said: str) -> None:
    with pytest.raises(document.Unusable) as caught:
        document.read(sealed({"encryptedData": {}, "template": template}))
    assert str(caught.value) == said


@pytest.mark.parametrize("spec", [None, {}, [], "text", {"encryptedData": {}}])
def test_without_a_spec_there_is_nothing_to_open(spec: object) -> None:
    item = sealed()
    item["spec"] = spec
    found, legacy = document.read(item)
    assert (found.items, legacy) == ({}, None)


@pytest.mark.parametrize(
    ("spec", "accepted", "said"),
    [
        ({"data": "AgA="}, False, document.DEPRECATED),
        ({"data": ""}, False, document.DEPRECATED),
        ({"data": "AgA=", "encryptedData": {"foo": "AgA="}}, False, document.DEPRECATED),
        ({"data": "AgA=", "encryptedData": {"foo": "AgA="}}, True, document.BOTH),
        ({"data": "", "encryptedData": {"foo": "AgA="}}, True, document.BOTH),
    ],
)
def test_the_old_field_is_refused_in_their_words(spec: dict[str, Any], accepted: bool, said: str) -> None:
    with pytest.raises(document.Unusable) as caught:
        document.read(sealed(spec), accept_data=accepted)
    assert str(caught.value) == said
    assert "deprecated" in said


@pytest.mark.parametrize(
    ("data", "legacy"), [("AgA=", "AgA="), ("", ""), (None, None)], ids=["a value", "an empty one", "null"]
)
def test_the_old_field_is_read(data: str | None, legacy: str | None) -> None:
    assert document.read(sealed({"data": data, "encryptedData": {}}))[1] == legacy


def test_finalizers_are_those_of_the_template() -> None:
    assert document.finalizers(sealed(_spec(metadata={"finalizers": ["a.example/x", 7]}))) == ("a.example/x",)
    for broken in (None, "x", [None], {"finalizers": "x"}, {"finalizers": None}):
        assert document.finalizers(sealed(_spec(metadata=broken))) == ()
    assert document.finalizers({"metadata": {}, "spec": None}) == ()


def _input(item: dict[str, Any]) -> str:
    return document.input_for(item, *document.read(item))


def test_the_input_is_another_one_where_delivery_depends_on_it() -> None:
    base = sealed(_spec(metadata={"labels": {"app": "shop"}}))
    others = [
        sealed(_spec(metadata={"labels": {"app": "other"}})),
        sealed(_spec(data={"x": "y"}, metadata={"labels": {"app": "shop"}})),
        sealed(_spec(type="x", metadata={"labels": {"app": "shop"}})),
        sealed({"encryptedData": {"foo": "AgB="}, "template": {"metadata": {"labels": {"app": "shop"}}}}),
        sealed({"data": "AgA="}),
        sealed({"data": "AgB="}),
        sealed(base["spec"], annotations={CLUSTER: "true"}),
        sealed(base["spec"], uid=OTHER),
        sealed(base["spec"], name="other"),
    ]
    assert len({_input(each) for each in (base, *others)}) == 1 + len(others)
    same = sealed(base["spec"], generation=9, labels={"x": "y"}, annotations={"note": "n"}, resourceVersion="99")
    assert _input(same) == _input(base)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(_JSON, _JSON, _JSON)
def test_nothing_that_is_json_makes_it_crash(template: object, sealed_data: object, spec: object) -> None:
    for each in ({"encryptedData": sealed_data, "template": template}, spec, {"data": sealed_data, "template": spec}):
        item = sealed()
        item["spec"] = each
        document.finalizers(item)
        try:
            found, legacy = document.read(item)
        except document.Unusable:
            continue
        assert all(isinstance(text, str) for text in found.items.values())
        assert len(document.input_for(item, found, legacy)) == 64


def test_no_repr_shows_what_is_sealed_or_in_a_template() -> None:
    spec = {
        "encryptedData": {"foo": VALUE},
        "template": {"data": {"x": VALUE}, "metadata": {"annotations": {"a": VALUE}}},
    }
    assert VALUE not in repr(document.read(sealed(spec))[0])
