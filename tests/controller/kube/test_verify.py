"""What is posted, and whether it opens."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
import yaml

from controller.kube.effort import Effort, TooMuch
from controller.kube.posted import MARKS, Malformed, read
from controller.kube.verify import opens
from sealer.formats.binding import Scope
from sealer.formats.keys import PrivateKey, generate_kem
from tests.controller.kube.endpoints import Held, encoded, old, sealed
from tests.sealer.rings import rsa_key

WORD = secrets.token_hex(8)
KEM = generate_kem()


def verified(data: bytes, *keys: PrivateKey, legacy: bool = True, effort: Effort | None = None) -> bool:
    held = Held(list(keys) or [rsa_key(0), KEM])
    return opens(read(data), held.opening, effort or Effort(), accept_legacy=legacy)


def good(**spec: Any) -> dict[str, Any]:
    return sealed({"user": b"app", "password": WORD.encode()}, rsa_key(0), **spec)


def changed(document: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**document, "metadata": {**document["metadata"], **metadata}}


@pytest.mark.parametrize("key", [rsa_key(0), KEM], ids=["v1", "v2"])
def test_what_is_sealed_to_a_key_here_opens(key: PrivateKey) -> None:
    document = sealed({"user": b"app", "empty": b""}, key)
    assert verified(encoded(document))
    assert verified(yaml.safe_dump(document).encode())
    assert not verified(encoded(changed(document, name="other")))
    assert not verified(encoded(changed(document, namespace="other")))
    assert not verified(encoded(document), rsa_key(1), generate_kem())


def test_old_keys_open_too_and_compromised_ones_do_not() -> None:
    held = Held([rsa_key(0), rsa_key(1)])
    posted = read(encoded(good()))
    assert opens(posted, held.opening, Effort())
    held.compromised = {rsa_key(0).id}
    assert not opens(posted, held.opening, Effort())


@pytest.mark.parametrize(
    ("scope", "name", "namespace"), [(Scope.NAMESPACE_WIDE, "x", "shop"), (Scope.CLUSTER_WIDE, "x", "y")]
)
def test_wider_scopes(scope: Scope, name: str, namespace: str) -> None:
    document = sealed({"a": b"b"}, rsa_key(0), scope=scope)
    assert verified(encoded(changed(document, name=name, namespace=namespace)))
    assert not verified(encoded(changed(document, annotations={})))


def test_the_scope_is_not_the_templates() -> None:
    wide = {"metadata": {"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}}}
    assert verified(encoded(good(template=wide)))
    assert not verified(encoded(changed(good(template=wide), name="other")))


def test_the_verify_oracle_0_39_0_templates_are_not_rendered() -> None:
    """E20, #2019 upstream: a template that fails, or that takes for ever, is nothing to verify."""
    failing = {"data": {"probe": '{{ if eq (index . "password") "guess" }}{{ fail "yes" }}{{ end }}', "bad": "{{"}}
    endless = {"data": {"slow": '{{ range until 1000000000 }}{{ repeat 1000000 "x" }}{{ end }}'}}
    assert verified(encoded(good(template=failing)))
    assert verified(encoded(good(template=endless)))


def test_several_documents_and_lists_all_have_to_open() -> None:
    """E32, #114 upstream: refused there."""
    bad = changed(good(), name="other")
    both = yaml.safe_dump_all([good(), good()]).encode()
    assert verified(both)
    assert verified(encoded(good(), good()))
    assert not verified(yaml.safe_dump_all([good(), bad]).encode())
    for kind, version in (("List", "v1"), ("SealedSecretList", "bitnami.com/v1alpha1")):
        assert verified(encoded({"apiVersion": version, "kind": kind, "items": [good(), good()]}))
        assert not verified(encoded({"apiVersion": version, "kind": kind, "items": [good(), bad]}))


def test_what_a_cluster_adds_is_no_matter() -> None:
    document = changed(good(), uid="u", managedFields=[{"x": 1}], labels={"a": "b"}) | {"status": {"conditions": []}}
    document["spec"]["unknown"] = [1, 2]
    assert verified(encoded(document))


def test_nothing_sealed_opens() -> None:
    assert verified(encoded(sealed({}, rsa_key(0), template={"data": {"a": "b"}})))
    assert verified(encoded({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "a"}}))


@pytest.mark.parametrize("value", ["NOTVALIDBASE64", "", "AAAA", "v2:AAAA", "v2:!"])
def test_what_is_no_envelope_does_not_open(value: str) -> None:
    document = good()
    document["spec"]["encryptedData"]["more"] = value
    assert not verified(encoded(document))


@pytest.mark.parametrize("item", ["", "..", "a/b", "a b"])
def test_names_that_no_secret_has_do_not_open(item: str) -> None:
    document = good()
    document["spec"]["encryptedData"][item] = document["spec"]["encryptedData"]["user"]
    assert not verified(encoded(document))


def test_legacy_data() -> None:
    document = old(rsa_key(0), data={"a": b"b"})
    assert verified(encoded(document))
    assert not verified(encoded(document), legacy=False)
    assert not verified(encoded(document), rsa_key(1))
    assert not verified(encoded(changed(document, name="other")))
    document["spec"]["encryptedData"] = good()["spec"]["encryptedData"]
    assert not verified(encoded(document))


def test_empty_legacy_data_is_no_legacy_data_only_if_it_is_null() -> None:
    """A37, A38 upstream."""
    for legacy in (True, False):
        assert not verified(encoded(good(data="")), legacy=legacy)
        assert verified(encoded(good(data=None)), legacy=legacy)


@pytest.mark.parametrize(
    "plain", ["[1]", '"x"', "{", '{"data": {"a": "!"}}', '{"data": {"a": 1}}', '{"data": []}', "\x00"]
)
def test_legacy_data_that_is_no_secret(plain: str) -> None:
    from sealer.formats import envelope_v1
    from sealer.formats.binding import Binding

    document = old(rsa_key(0))
    label = Binding(Scope.STRICT, "shop", "db").label()
    document["spec"]["data"] = envelope_v1.seal(plain.encode(), label, rsa_key(0).public)
    assert not verified(encoded(document))


_ALIASES = "a: &a [x]\n" + "\n".join(f"k{n}: *a" for n in range(9))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"   \n", b"---\n---\n", b"{not json", b"word: [", b"\xff\xfe\x00", b"\x00", b"[]", b"7", b'"text"',
        b"null", b"{}", b"a: b", b"[" * 5000, b"{" * 5000, b"a:\n" * 3 + b"\t- x", b'{"a": NaN}', b"- - - -\n" * 9,
        json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {}}).encode(),
        json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}).encode(),
        json.dumps({"apiVersion": "bitnami.com/v2", "kind": "SealedSecret", "metadata": {"name": "a"}}).encode(),
        json.dumps({"kind": "SealedSecret"}).encode(), b'{"apiVersion": "v1", "kind": "List"}',
        b'{"apiVersion": "v1", "kind": "List", "items": []}', b'{"apiVersion": "v1", "kind": "List", "items": [7]}',
        _ALIASES.encode(), b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: !!python/object:os.x {}",
    ],
)  # fmt: skip
def test_what_is_no_sealed_secret(body: bytes) -> None:
    with pytest.raises(Malformed):
        read(body)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\xfe\xff\x00", b"\xff\xfe\x00\xd8", b"\xff\xfe" + b"x\x00" * 9])
def test_cve_2020_14040_utf_16_is_refused_at_once(body: bytes) -> None:
    """A single byte of UTF-16 was an endless loop upstream."""
    with pytest.raises(Malformed):
        read(body)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("metadata", []), ("metadata", "x"), ("spec", 7), ("metadata.name", 7), ("metadata.namespace", {}),
        ("metadata.annotations", "x"), ("metadata.annotations", {"a": True}), ("spec.encryptedData", ["a"]),
        ("spec.encryptedData", {"a": 1}), ("spec.data", 1), ("spec.template", "x"), ("spec.template", {"metadata": 1}),
        ("spec.template", {"metadata": {"labels": {"a": 1}}}), ("spec.template", {"metadata": {"annotations": []}}),
    ],
)  # fmt: skip
def test_fields_of_another_kind(where: str, value: object) -> None:
    document = json.loads(encoded(good()))
    *parents, last = where.split(".")
    at = document
    for each in parents:
        at = at[each]
    at[last] = value
    with pytest.raises(Malformed):
        read(encoded(document))


def test_a_document_beside_is_refused() -> None:
    for other in ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, {"a": "b"}, [1]):
        with pytest.raises(Malformed):
            read(encoded(good(), other))


def test_no_error_says_what_was_posted() -> None:
    document = good()
    document["metadata"] |= {"name": WORD, "annotations": {WORD: WORD, f"{WORD}2": 7}}
    bodies = (
        encoded(document),
        f"{WORD}: [".encode(),
        f"kind: {WORD}\n".encode(),
        f'{{"{WORD}":1,"{WORD}":2}}'.encode(),
    )
    for body in bodies:
        with pytest.raises(Malformed) as found:
            read(body)
        assert WORD not in f"{found.value!r} {found.value} {found.value.way_out} {found.value.where}"


def test_more_fields_than_memory_is_there_for() -> None:
    with pytest.raises(Malformed, match="more fields"):
        read(b"[" + b"1," * MARKS + b"1]")
    with pytest.raises(Malformed, match="more fields"):
        read(b"- " * (MARKS + 1))
    for end in "\r\x85\u2028\u2029":
        with pytest.raises(Malformed, match="more fields"):
            read(f"-{end}".encode() * (MARKS + 1))
    # Base64 has none of what is counted: a body of 10 MiB may be one value.
    big = good()
    big["spec"]["encryptedData"]["user"] = "A" * (9 * 1024 * 1024)
    assert not verified(encoded(big))


def test_the_cost_is_bounded_by_items_times_keys() -> None:
    stranger = rsa_key(3)
    document = sealed({f"item-{n}": b"x" for n in range(4)}, rsa_key(0))
    keys = [rsa_key(0), rsa_key(1), rsa_key(2)]  # the newest first: two are tried in vain
    assert verified(encoded(document), *keys, effort=Effort(3 + 3))  # then the one that fitted comes first
    with pytest.raises(TooMuch):
        verified(encoded(document), *keys, effort=Effort(5))
    # What doesn't open ends it at once.
    foreign = sealed({f"item-{n}": b"x" for n in range(4)}, stranger)
    assert not verified(encoded(foreign), *keys, effort=Effort(3))
    v2 = sealed({f"item-{n}": b"x" for n in range(4)}, KEM)
    assert verified(encoded(v2), KEM, effort=Effort(4))
    with pytest.raises(TooMuch):
        verified(encoded(v2), KEM, effort=Effort(3))
    with pytest.raises(TooMuch):
        verified(encoded(old(rsa_key(0))), effort=Effort(0))


def test_an_effort_that_was_ended_stops() -> None:
    effort = Effort()
    effort.end()
    with pytest.raises(TooMuch):
        verified(encoded(good()), effort=effort)
