"""What is sealed again: to which keys, for what, and what stays."""

from __future__ import annotations

import copy
import json
import secrets
from typing import Any

import pytest

from controller.kube.effort import Effort, TooMuch
from controller.kube.posted import read
from controller.kube.rotate import reason, rotate
from sealer.errors import (
    BoundElsewhere,
    CannotOpen,
    EnvelopeError,
    FormatError,
    NameRefused,
    NoKey,
    Refused,
    SealerError,
    SourceError,
)
from sealer.formats import envelope_v2
from sealer.formats.binding import Binding, Scope
from sealer.formats.keys import PrivateKey, generate_kem
from sealer.sealing.unseal import open_item
from tests.controller.kube.endpoints import NAME, NAMESPACE, Held, encoded, old, sealed
from tests.sealer.rings import rsa_key

WORD = secrets.token_hex(8)
OLD_KEM, NEW_KEM, FOREIGN = generate_kem(), generate_kem(), generate_kem()
CLUSTER_WIDE = "sealedsecrets.bitnami.com/cluster-wide"
EXPOSED = "sealer.dev/exposed"
STRICT = Binding(Scope.STRICT, NAMESPACE, NAME)
ITEMS = {"user": b"app", "password": WORD.encode()}


def rotated(held: Held, *documents: Any, legacy: bool = True, effort: Effort | None = None) -> dict[str, Any]:
    answer = rotate(read(encoded(*documents)), held, effort or Effort(), accept_legacy=legacy)
    assert WORD.encode() not in answer
    assert answer.endswith(b"}\n")
    found: dict[str, Any] = json.loads(answer)
    return found


def opened(document: dict[str, Any], key: PrivateKey, binding: Binding = STRICT) -> dict[str, bytes]:
    """All items, with one key alone."""
    held = Held([key]).opening("")
    return {item: open_item(text, binding, item, held)[0] for item, text in document["spec"]["encryptedData"].items()}


def test_v1_goes_to_the_newest_key_and_stays_v1() -> None:
    """E18."""
    before = sealed(ITEMS, rsa_key(0))
    after = rotated(Held([rsa_key(0), rsa_key(1), NEW_KEM]), before)
    assert opened(after, rsa_key(1)) == ITEMS
    assert all(text.startswith("AQ") for text in after["spec"]["encryptedData"].values())
    assert after["spec"]["encryptedData"] != before["spec"]["encryptedData"]


def test_what_is_sealed_to_the_newest_already_is_sealed_again() -> None:
    before = sealed(ITEMS, rsa_key(1))
    after = rotated(Held([rsa_key(0), rsa_key(1)]), before)
    assert opened(after, rsa_key(1)) == ITEMS
    assert not set(after["spec"]["encryptedData"].values()) & set(before["spec"]["encryptedData"].values())


def test_v2_goes_to_the_newest_of_its_kind_and_old_keys_lose_it() -> None:
    held = Held([OLD_KEM, NEW_KEM, rsa_key(0)])
    for keys in ((OLD_KEM,), (OLD_KEM, NEW_KEM), (NEW_KEM,)):
        after = rotated(held, sealed(ITEMS, *keys))
        assert opened(after, NEW_KEM) == ITEMS
        assert {envelope_v2.recipients(text) for text in after["spec"]["encryptedData"].values()} == {(NEW_KEM.id,)}


def test_v2_that_is_sealed_to_others_too_is_not_taken_from_them() -> None:
    with pytest.raises(Refused, match="sealed to others") as found:
        rotated(Held([OLD_KEM, NEW_KEM]), sealed(ITEMS, OLD_KEM, FOREIGN))
    assert reason(found.value) == "it is sealed to others, too, whose keys are not here: use `sealer rotate`"


def test_each_item_stays_in_its_envelope() -> None:
    mixed = sealed({"a": b"1"}, rsa_key(0))
    mixed["spec"]["encryptedData"]["b"] = sealed({"b": b"2"}, OLD_KEM)["spec"]["encryptedData"]["b"]
    after = rotated(Held([rsa_key(0), OLD_KEM]), mixed)
    assert [text[:3] == "v2:" for text in after["spec"]["encryptedData"].values()] == [False, True]


def test_all_else_of_a_document_stays_but_its_status() -> None:
    """Upstream loses labels, annotations and data of the template: a deliberate difference."""
    template = {
        "metadata": {"name": NAME, "labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["x/y"]},
        "type": "kubernetes.io/basic-auth",
        "immutable": True,
        "data": {"url": '{{ index . "user" }}', "gone": None},
    }
    before = sealed(ITEMS, rsa_key(0), template=template, more=[1])
    before["metadata"] |= {"labels": {"own": "1"}, "annotations": {"argocd.argoproj.io/sync-wave": "1"}}
    after = rotated(Held([rsa_key(0)]), before | {"status": {"observedGeneration": 1}, "zzz": 1})
    del after["spec"]["encryptedData"]
    expected = copy.deepcopy(before) | {"zzz": 1}
    del expected["spec"]["encryptedData"]
    assert after == expected


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_stays_what_it_was(scope: Scope) -> None:
    after = rotated(Held([rsa_key(0), rsa_key(1)]), sealed(ITEMS, rsa_key(0), scope=scope))
    assert opened(after, rsa_key(1), Binding(scope, NAMESPACE, NAME)) == ITEMS
    for other in set(Scope) - {scope}:
        with pytest.raises(CannotOpen):
            opened(after, rsa_key(1), Binding(other, NAMESPACE, NAME))


@pytest.mark.parametrize("key", [rsa_key(0), OLD_KEM], ids=["v1", "v2"])
def test_cve_2026_22728_a_template_does_not_widen_a_strict_secret(key: PrivateKey) -> None:
    """E19, GHSA-465p-v42x-3fmj: sealed as the template's annotations said, it opened under any name."""
    for annotation in (CLUSTER_WIDE, "sealedsecrets.bitnami.com/namespace-wide"):
        before = sealed(ITEMS, key, template={"metadata": {"annotations": {annotation: "true"}}})
        after = rotated(Held([key]), before)
        assert "annotations" not in after["metadata"]
        assert opened(after, key) == ITEMS
        for scope in (Scope.NAMESPACE_WIDE, Scope.CLUSTER_WIDE):
            with pytest.raises((CannotOpen, BoundElsewhere)):
                opened(after, key, Binding(scope, NAMESPACE, NAME))
        with pytest.raises((CannotOpen, BoundElsewhere)):
            rotated(Held([key]), after | {"metadata": {"name": "other", "namespace": NAMESPACE}})


def test_cve_2026_22728_an_annotation_that_was_added_does_not_widen_either() -> None:
    before = sealed(ITEMS, rsa_key(0))
    before["metadata"]["annotations"] = {CLUSTER_WIDE: "true"}
    with pytest.raises(CannotOpen):
        rotated(Held([rsa_key(0)]), before)


def test_the_rotate_oracle_0_40_0_templates_are_not_rendered() -> None:
    """E20, #2049 upstream: neither what a template gives nor that it fails comes back."""
    probe = '{{ if eq (index . "user") "app" }}{{ fail "yes" }}{{ end }}{{ index . "password" }}'
    data = {"probe": probe, "slow": '{{ range until 1000000000 }}{{ repeat 1000000 "x" }}{{ end }}', "bad": "{{"}
    after = rotated(Held([rsa_key(0)]), sealed(ITEMS, rsa_key(0), template={"data": data}))
    assert after["spec"]["template"]["data"] == data
    assert opened(after, rsa_key(0)) == ITEMS


def test_several_documents_come_back_as_a_list_in_their_order() -> None:
    """E32."""
    one, two = sealed(ITEMS, rsa_key(0)), sealed({"x": b"y"}, rsa_key(0), name="two")
    for posted in ([one, two], [{"apiVersion": "v1", "kind": "List", "items": [one, two]}]):
        after = rotated(Held([rsa_key(0)]), *posted)
        assert (after["apiVersion"], after["kind"]) == ("v1", "List")
        assert [each["metadata"]["name"] for each in after["items"]] == [NAME, "two"]
    with pytest.raises(CannotOpen):
        rotated(Held([rsa_key(0)]), one, two | {"metadata": one["metadata"]})


def test_items_that_a_compromised_key_opened_are_named() -> None:
    held = Held([rsa_key(0), rsa_key(1)], {rsa_key(0).id})
    mixed = sealed({"leaked": b"1", "leaked-too": b"2"}, rsa_key(0))
    mixed["spec"]["encryptedData"] |= sealed({"safe": b"3"}, rsa_key(1))["spec"]["encryptedData"]
    after = rotated(held, mixed)
    assert after["metadata"]["annotations"] == {EXPOSED: "leaked,leaked-too"}
    assert set(opened(after, rsa_key(1))) == {"leaked", "leaked-too", "safe"}
    after["metadata"]["annotations"] = {EXPOSED: "gone, safe", "a": "b"}
    assert rotated(held, after)["metadata"]["annotations"] == {EXPOSED: "gone, safe", "a": "b"}
    mixed["metadata"]["annotations"] = {EXPOSED: "safe"}
    assert rotated(held, mixed)["metadata"]["annotations"] == {EXPOSED: "leaked,leaked-too,safe"}


def test_legacy_data_becomes_items_and_a_template() -> None:
    secret = {"data": ITEMS, "type": "my/type", "immutable": True, "stringData": {"s": "t"}}
    before = old(rsa_key(0), **secret, metadata={"labels": {"a": "b", "x": "inside"}, "annotations": {"c": "d"}})
    before["spec"]["template"] = {"metadata": {"labels": {"x": "template"}}}
    after = rotated(Held([rsa_key(0), rsa_key(1)]), before)
    assert opened(after, rsa_key(1)) == {**ITEMS, "s": b"t"}
    del after["spec"]["encryptedData"]
    # A template beside the old form never counted (Bitnami's controller 0.40): here neither.
    metadata = {"labels": {"a": "b", "x": "inside"}, "annotations": {"c": "d"}}
    assert after["spec"] == {"template": {"metadata": metadata, "type": "my/type", "immutable": True}}
    with pytest.raises(Refused, match="deprecated"):
        rotated(Held([rsa_key(0)]), before, legacy=False)
    before["spec"]["encryptedData"] = {"a": "b"}
    with pytest.raises(Refused, match="both"):
        rotated(Held([rsa_key(0)]), before)


@pytest.mark.parametrize("name", ["kubectl.kubernetes.io", "kubecfg.ksonnet.io"])
def test_a_copy_of_the_whole_secret_inside_legacy_data_stays_inside(name: str) -> None:
    """`kubectl get -o yaml | kubeseal` sealed it along, with the values in clear (#227 upstream)."""
    annotations = {f"{name}/last-applied-configuration": '{"stringData": {"a": "b"}}', "c": "d"}
    after = rotated(Held([rsa_key(0)]), old(rsa_key(0), data={"a": b"b"}, metadata={"annotations": annotations}))
    assert after["spec"]["template"] == {"metadata": {"annotations": {"c": "d"}}}


def test_bare_legacy_data() -> None:
    after = rotated(Held([rsa_key(0)]), old(rsa_key(0), data={"a": b"b"}))
    assert opened(after, rsa_key(0)) == {"a": b"b"}
    assert after["spec"]["template"] == {"metadata": {}}


def test_without_items_nothing_changes() -> None:
    before = sealed({}, rsa_key(0), template={"data": {"a": "b"}})
    assert rotated(Held([]), before) == before


def test_the_cost_is_bounded() -> None:
    with pytest.raises(TooMuch):
        rotated(Held([rsa_key(0)]), sealed(ITEMS, rsa_key(0)), effort=Effort(1))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"name": "other"}, CannotOpen, "no key could decrypt secret"),
        ({"name": "NOT A NAME"}, NameRefused, "a name in it is none that Kubernetes takes"),
        ({"namespace": None}, NameRefused, "a name in it is none that Kubernetes takes"),
    ],
)
def test_what_does_not_open(change: dict[str, Any], error: type[SealerError], said: str) -> None:
    before = sealed(ITEMS, rsa_key(0))
    before["metadata"] |= change
    with pytest.raises(error) as found:
        rotated(Held([rsa_key(0)]), before)
    assert reason(found.value) == said


def test_other_reasons() -> None:
    before = sealed(ITEMS, OLD_KEM)
    with pytest.raises(NoKey) as no_key:
        rotated(Held([rsa_key(0)]), before)
    assert reason(no_key.value) == "no key of this controller is the one that it needs"
    before["spec"]["encryptedData"]["user"] = WORD
    with pytest.raises(EnvelopeError) as no_envelope:
        rotated(Held([OLD_KEM]), before)
    assert reason(no_envelope.value) == "a value in it is not sealed"
    with pytest.raises(NoKey):  # it opens with a compromised key, and there is no other to seal to
        rotated(Held([rsa_key(0)], {rsa_key(0).id}), sealed(ITEMS, rsa_key(0)))
    assert reason(FormatError(WORD)) == "it is no SealedSecret"
    assert reason(SourceError(WORD)) == "it failed"


def test_no_reason_holds_what_was_posted() -> None:
    for error in (NameRefused, BoundElsewhere, NoKey, CannotOpen, EnvelopeError, FormatError, SourceError):
        assert WORD not in reason(error(WORD, where=WORD, way_out=WORD))
