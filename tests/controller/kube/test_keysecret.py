"""Secrets and keys, both directions: Bitnami's form, ours, and all that calls itself a key and is none."""

from __future__ import annotations

import json
import os
import secrets as randomness
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.kube import names, newkey
from controller.kube.keysecret import Identity, SealingKey, StateKey, Unreadable, read
from sealer import schema
from sealer.errors import DocumentError
from sealer.formats import keys, sshsig
from sealer.formats.keyrecord import Status, state_key_id
from sealer.formats.wire import b64decode, b64encode, pem_encode
from tests.controller.kube.keys import NAMESPACE, PREFIX, bitnami, identity, sealing, secret, state
from tests.sealer.rings import NOW, rsa_key


def _with(item: dict[str, Any], **data: str | bytes | None) -> dict[str, Any]:
    """Other data, by the names `key`, `crt`, `json` and `pem`."""
    full = {"key": "tls.key", "crt": "tls.crt", "json": "key.json", "pem": "key.pem"}
    changed = dict(item["data"])
    for word, value in data.items():
        changed.pop(full[word], None)
        if value is not None:
            changed[full[word]] = b64encode(value.encode() if isinstance(value, str) else value)
    return {**item, "data": changed}


def _record(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """`key.json` with other fields; None takes one away."""
    said = {**json.loads(b64decode(item["data"]["key.json"])), **fields}
    return _with(item, json=json.dumps({key: value for key, value in said.items() if value is not None}))


def test_bitnamis_key_is_read() -> None:  # C1
    found = read(bitnami(1), PREFIX)
    assert isinstance(found, SealingKey)
    assert found.key == rsa_key(1)
    assert found.key.public.certificate == rsa_key(1).public.certificate
    assert (found.not_before, found.not_after) == keys.validity(rsa_key(1).public.certificate)
    assert found.made == found.not_before
    assert found.status is Status.ACTIVE
    assert (str(found.place), found.place.created) == (f"Secret {NAMESPACE}/{PREFIX}00001", NOW)


def test_pkcs8_and_a_chain_in_any_order_are_read() -> None:
    pkcs8 = rsa_key().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[union-attr]
    own, other = rsa_key().public.certificate, rsa_key(1).public.certificate
    for chain in (own + other, other + own, "subject=/CN=x\n" + own.replace("\n", "\r\n")):
        found = read(_with(bitnami(), key=pkcs8, crt=chain), PREFIX)
        assert isinstance(found, SealingKey)
        assert found.key.pem == rsa_key().pem
        assert found.key.public.certificate == own


def test_labels_say_whether_a_key_is_used() -> None:
    compromised = read(bitnami(label="compromised"), PREFIX)
    assert isinstance(compromised, SealingKey)
    assert compromised.status is Status.COMPROMISED
    for label in ("disabled", "Active", "true"):
        assert read(bitnami(label=label), PREFIX) is None
    assert read(bitnami(label="", name="another"), PREFIX) is None


def test_the_old_key_is_known_by_its_name() -> None:
    found = read(bitnami(label="", name="my-prefix"), "my-prefix")
    assert isinstance(found, SealingKey)
    assert found.status is Status.ACTIVE
    assert read(bitnami(label="", name="my-prefixabcde"), "my-prefix") is None


def test_bitnamis_key_is_written() -> None:  # C2
    body = newkey.made(
        newkey.bitnami(rsa_key()),
        PREFIX,
        "abcde",
        {"testLabel1": "additional.label", "test.label.2": "test/2", names.KEY_LABEL: "mine"},
        {"testAnnotation1": "additional.annotation", "test.annotation.2": "test/2"},
    )
    assert body["type"] == "kubernetes.io/tls"
    metadata = body["metadata"]
    assert (metadata["generateName"], metadata["name"]) == (PREFIX, f"{PREFIX}abcde")
    assert metadata["labels"] == {
        "testLabel1": "additional.label",
        "test.label.2": "test/2",
        names.KEY_LABEL: "active",
    }
    assert metadata["annotations"] == {"testAnnotation1": "additional.annotation", "test.annotation.2": "test/2"}
    assert "immutable" not in body
    assert b64decode(body["data"]["tls.key"]).startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")
    assert b64decode(body["data"]["tls.crt"]).decode() == rsa_key().public.certificate


def test_ours_come_back_as_they_were() -> None:
    key = keys.generate_kem()
    found = read(sealing(key, "a"), PREFIX)
    assert isinstance(found, SealingKey)
    assert (found.key.id, found.key.pem, found.status) == (key.id, key.pem, Status.ACTIVE)
    assert (found.not_before, found.not_after, found.made) == (
        NOW - timedelta(minutes=5),
        NOW + timedelta(days=365),
        NOW,
    )
    private, raw = Ed25519PrivateKey.generate(), os.urandom(32)
    signer = read(secret(newkey.identity(private, NOW), "b", annotations={names.KEY_SEQUENCE: "x"}), PREFIX)
    assert isinstance(signer, Identity)
    assert (signer.line, signer.sequence) == (sshsig.identity_line(private.public_key()), "x")
    assert signer.key.private_bytes_raw() == private.private_bytes_raw()
    marks = read(state(raw), PREFIX)
    assert isinstance(marks, StateKey)
    assert (marks.id, marks.key, marks.created) == (state_key_id(raw), raw, NOW)


@pytest.mark.parametrize("status", ["retired", "compromised"])
def test_status_of_ours_is_a_label(status: str) -> None:
    found = read(sealing(keys.generate_kem(), "a", status=status), PREFIX)
    assert isinstance(found, SealingKey)
    assert found.status == status
    labels = {names.KEY_STATUS: status}
    assert read(secret(newkey.state(os.urandom(32), NOW), "b", labels), PREFIX) is None
    assert read(secret(newkey.identity(Ed25519PrivateKey.generate(), NOW), "c", labels), PREFIX) is None


def test_what_ours_hold_is_what_the_schema_says() -> None:
    for item in (sealing(keys.generate_kem(), "a"), identity(), state(os.urandom(32))):
        assert (item["type"], item["immutable"]) == ("sealer.dev/key", True)
        assert set(item["data"]) == {"key.json", "key.pem"}
        schema.validate(json.loads(b64decode(item["data"]["key.json"])), "key-secret", file="key.json")


def test_the_schema_says_all_that_there_is() -> None:
    for item in (sealing(keys.generate_kem(), "a"), identity(), state(os.urandom(32))):
        said = json.loads(b64decode(item["data"]["key.json"]))
        for other in ({**said, "more": 1}, *({k: v for k, v in said.items() if k != name} for name in said)):
            with pytest.raises(DocumentError):
                schema.validate(other, "key-secret", file="key.json")
            changed = _with(item, json=json.dumps(other))
            assert isinstance(read(changed, PREFIX), Unreadable)


def _other_rsa(**changes: Any) -> str:
    numbers = rsa_key().key.private_numbers()  # type: ignore[union-attr]
    fields = {name: getattr(numbers, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")} | changes
    private = rsa.RSAPrivateNumbers(**fields, public_numbers=numbers.public_numbers)
    key = private.private_key(unsafe_skip_rsa_key_validation=True)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def _elliptic() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


BAD_BITNAMI = {
    "no data": lambda: {**bitnami(), "data": None},
    "no key": lambda: _with(bitnami(), key=None),
    "no certificate": lambda: _with(bitnami(), crt=None),
    "empty certificate": lambda: _with(bitnami(), crt=""),
    "not PEM": lambda: _with(bitnami(), key=randomness.token_bytes(64)),
    "text": lambda: _with(bitnami(), key=f"password={randomness.token_hex(16)}"),
    "cut": lambda: _with(bitnami(), key=rsa_key().pem[:600]),
    "garbage in PEM": lambda: _with(bitnami(), key=pem_encode("RSA PRIVATE KEY", randomness.token_bytes(600))),
    "another's certificate": lambda: _with(bitnami(), crt=rsa_key(1).public.certificate),
    "garbage for a certificate": lambda: _with(bitnami(), crt=pem_encode("CERTIFICATE", randomness.token_bytes(600))),
    "two keys": lambda: _with(
        bitnami(), key=rsa_key().pem + rsa_key(1).pem, crt=rsa_key().public.certificate + rsa_key(1).public.certificate
    ),
    "elliptic": lambda: _with(bitnami(), key=_elliptic()),
    "ours": lambda: _with(bitnami(), key=keys.generate_kem().pem),
    "parts of two keys": lambda: _with(bitnami(), key=_other_rsa(dmp1=3)),
    "not base64": lambda: {**bitnami(), "data": {"tls.key": "%%%", "tls.crt": "%%%"}},
    "data of another kind": lambda: {**bitnami(), "data": {"tls.key": 7, "tls.crt": []}},
    "data is a list": lambda: {**bitnami(), "data": ["tls.key"]},
    "two labels": lambda: bitnami(labels={names.KEY_LABEL: "active", names.OUR_KEY: "sealing"}),
    "owned": lambda: bitnami(ownerReferences=[{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"}]),
    "compromised, and bad": lambda: _with(bitnami(label="compromised"), key="x"),
    "old, and bad": lambda: _with(bitnami(label="", name=PREFIX), key="x"),
    "old, and owned": lambda: bitnami(label="", name=PREFIX, ownerReferences=[{"kind": "SealedSecret"}]),
}
KEY = keys.generate_kem()
BAD_OURS = {
    "unknown kind": lambda: sealing(KEY, "a", labels={names.OUR_KEY: "other"}),
    "unknown status": lambda: sealing(KEY, "a", labels={names.OUR_KEY: "sealing", names.KEY_STATUS: "new"}),
    "kind of another": lambda: state(os.urandom(32), labels={names.OUR_KEY: "identity"}),
    "no record": lambda: _with(sealing(KEY, "a"), json=None),
    "no PEM": lambda: _with(sealing(KEY, "a"), pem=None),
    "more": lambda: {**sealing(KEY, "a"), "data": {**sealing(KEY, "a")["data"], "more": ""}},
    "record is no JSON": lambda: _with(sealing(KEY, "a"), json=f"password={randomness.token_hex(16)}"),
    "version": lambda: _record(sealing(KEY, "a"), version=2),
    "a field more": lambda: _record(sealing(KEY, "a"), more=1),
    "a field less": lambda: _record(sealing(KEY, "a"), created=None),
    "id": lambda: _record(sealing(KEY, "a"), id="0" * 16),
    "algorithm": lambda: _record(sealing(KEY, "a"), algorithm="rsa"),
    "public key": lambda: _record(sealing(KEY, "a"), publicKey=b64encode(keys.generate_kem().public.raw)),
    "RSA in ours": lambda: _with(sealing(KEY, "a"), pem=rsa_key().pem),
    "another key": lambda: _with(sealing(KEY, "a"), pem=keys.generate_kem().pem),
    "dates": lambda: _record(sealing(KEY, "a"), notAfter="2020-01-01T00:00:00Z"),
    "no date": lambda: _record(sealing(KEY, "a"), notBefore="yesterday"),
    "another identity": lambda: _with(identity(), pem=b64decode(identity()["data"]["key.pem"])),
    "identity is RSA": lambda: _with(identity(), pem=rsa_key().pem),
    "short state key": lambda: _with(state(os.urandom(32)), pem=pem_encode("SEALER STATE KEY", b"short")),
    "another state key": lambda: _with(state(os.urandom(32)), pem=pem_encode("SEALER STATE KEY", os.urandom(32))),
    "owned": lambda: sealing(KEY, "a", ownerReferences=[{"kind": "SealedSecret"}]),
}


@pytest.mark.parametrize("case", [*BAD_BITNAMI.values(), *BAD_OURS.values()], ids=[*BAD_BITNAMI, *BAD_OURS])
def test_what_is_no_key_is_a_problem_that_quotes_nothing(case: Any) -> None:  # C18
    item = case()
    found = read(item, PREFIX)
    assert isinstance(found, Unreadable)
    problem = found.problem
    assert problem.path == f"Secret {NAMESPACE}/{item['metadata']['name']}"
    assert f"-n {NAMESPACE} {item['metadata']['name']}" in problem.way_out
    data = item["data"].values() if isinstance(item["data"], dict) else ()
    for value in data:
        if isinstance(value, str) and len(value) > 16:
            assert value[:16] not in str(problem)
            if value != "%%%":
                assert b64decode(value).decode("latin-1")[:40] not in repr(problem)


def test_nothing_printable_holds_a_key() -> None:
    for item in (bitnami(), sealing(keys.generate_kem(), "a"), identity(), state(os.urandom(32))):
        shown = repr(read(item, PREFIX))
        for value in item["data"].values():
            for line in b64decode(value).decode().splitlines()[1:3]:
                assert line not in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([bitnami(), sealing(KEY, "a"), identity(), state(bytes(32))]),
    st.sampled_from(["data", "type", "immutable"]),
    st.dictionaries(st.sampled_from(["tls.key", "tls.crt", "key.json", "key.pem"]), JSON) | JSON,
    st.fixed_dictionaries({}, optional={"ownerReferences": st.just([{}]), "creationTimestamp": JSON}),
)
def test_no_content_makes_it_raise(item: dict[str, Any], member: str, value: Any, metadata: dict[str, Any]) -> None:
    changed = {**item, member: value, "metadata": {**item["metadata"], **metadata}}
    assert isinstance(read(changed, PREFIX), SealingKey | Identity | StateKey | Unreadable)
