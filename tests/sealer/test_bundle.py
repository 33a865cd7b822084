"""The key bundle: its bytes, what is refused, which keys may be sealed to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sealer.errors import BundleError
from sealer.formats import bundle, keys, sshsig
from sealer.formats.keyrecord import Status
from sealer.formats.wire import b64encode, canonical_json, pem_encode
from tests.sealer.rings import NOW, YEAR, bundle_of, published, rsa_key

IDENTITY = Ed25519PrivateKey.generate()
KEM, RSA = keys.generate_kem().public, rsa_key().public
BUNDLE = bundle_of(IDENTITY, published(KEM, Status.RETIRED), published(RSA), published(keys.generate_kem().public))
DATA = bundle.render(BUNDLE, IDENTITY)
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/key-bundle.v1.json").read_text())


def _signed(value: dict[str, Any], identity: Ed25519PrivateKey = IDENTITY) -> bytes:
    value = {name: member for name, member in value.items() if name != "signature"}
    return json.dumps(value | {"signature": sshsig.sign(canonical_json(value), bundle.NAMESPACE, identity)}).encode()


def test_round_trip() -> None:
    assert bundle.parse(DATA) == BUNDLE
    assert bundle.parse(DATA, cluster="prod").fingerprint == sshsig.fingerprint(BUNDLE.identity)


def test_schema() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(DATA))


def test_ssh_keygen_verifies_it(tmp_path: Path) -> None:
    value = json.loads(DATA)
    (tmp_path / "sig").write_text(value.pop("signature"))
    (tmp_path / "allowed").write_text(f"prod {value['identity']}\n")
    verify = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "prod", "-n", "keys@sealer.dev"]
    message = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    done = subprocess.run([*verify, "-s", tmp_path / "sig"], input=message, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_layout_is_free_but_content_is_not() -> None:
    # A formatter may have been at the file: the signature is over the canonical form.
    assert bundle.parse(json.dumps(json.loads(DATA)).encode()) == BUNDLE


@settings(deadline=None)
@given(st.data())
def test_every_changed_byte_is_refused_or_says_the_same(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(DATA) - 1))
    broken = bytearray(DATA)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert bundle.parse(bytes(broken)) == BUNDLE
    except BundleError:
        return
    # Accepted: then it was white space between members.
    assert json.loads(bytes(broken)) == json.loads(DATA)


def _keys(value: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = value["keys"][0]
    return first


TAMPERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "apiVersion": lambda v: v.update(apiVersion="sealer.dev/v1"),
    "kind": lambda v: v.update(kind="Keys"),
    "cluster": lambda v: v.update(cluster="Prod"),
    "cluster with a dot": lambda v: v.update(cluster="a.b"),
    "sequence 0": lambda v: v.update(sequence=0),
    "sequence true": lambda v: v.update(sequence=True),
    "sequence as text": lambda v: v.update(sequence="1"),
    "sequence too large": lambda v: v.update(sequence=2**53),
    "issued with an offset": lambda v: v.update(issued="2026-03-01T12:00:00+00:00"),
    "issued without time": lambda v: v.update(issued="2026-03-01"),
    "issued on no day": lambda v: v.update(issued="2026-02-30T12:00:00Z"),
    "issued in other digits": lambda v: v.update(issued="202٦-03-01T12:00:00Z"),
    "expires before issued": lambda v: v.update(expires="2026-03-01T12:00:00Z"),
    "identity of another kind": lambda v: v.update(identity="ssh-rsa AAAA"),
    "identity with a comment": lambda v: v.update(identity=v["identity"] + " me"),
    "another identity": lambda v: v.update(identity=sshsig.identity_line(Ed25519PrivateKey.generate().public_key())),
    "keys not a list": lambda v: v.update(keys={}),
    "a key not an object": lambda v: v["keys"].append("x"),
    "a key twice": lambda v: v["keys"].append(_keys(v)),
    "a key twice, other status": lambda v: v["keys"].append(_keys(v) | {"status": "active"}),
    "another id": lambda v: _keys(v).update(id="0" * 16),
    "an id in capitals": lambda v: _keys(v).update(id=_keys(v)["id"].upper() + ""),
    "a short id": lambda v: _keys(v).update(id=_keys(v)["id"][:8]),
    "an unknown algorithm": lambda v: _keys(v).update(algorithm="x25519"),
    "the wrong algorithm": lambda v: _keys(v).update(algorithm="rsa", certificate=RSA.certificate),
    "another public key": lambda v: _keys(v).update(publicKey=b64encode(keys.generate_kem().public.raw)),
    "a public key cut off": lambda v: _keys(v).update(publicKey=_keys(v)["publicKey"][:-4]),
    "loose base64": lambda v: _keys(v).update(publicKey=_keys(v)["publicKey"] + "\n"),
    "notBefore after notAfter": lambda v: _keys(v).update(notBefore="2030-01-01T00:00:00Z"),
    "an unknown status": lambda v: _keys(v).update(status="paused"),
    "a certificate of a KEM key": lambda v: _keys(v).update(certificate=RSA.certificate),
    "no certificate of an RSA key": lambda v: v["keys"][1].pop("certificate"),
    "another key's certificate": lambda v: v["keys"][1].update(certificate=rsa_key(1).public.certificate),
    "text around a certificate": lambda v: v["keys"][1].update(certificate="x\n" + RSA.certificate),
    "a broken certificate": lambda v: v["keys"][1].update(certificate=pem_encode("CERTIFICATE", b"x")),
    "an unknown member": lambda v: v.update(note="x"),
    "an unknown member of a key": lambda v: _keys(v).update(note="x"),
    "a missing member": lambda v: v.pop("issued"),
    "a missing member of a key": lambda v: _keys(v).pop("status"),
    "null": lambda v: v.update(sequence=None),
    "an escaped letter": lambda v: v.update(cluster="pr\u00f6d"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_changed_field_is_refused_even_if_signed_again(name: str) -> None:
    value = json.loads(DATA)
    TAMPERED[name](value)
    with pytest.raises(BundleError) as caught:
        bundle.parse(_signed(value))
    assert len(str(caught.value)) < 200  # says where, and quotes nothing
    if name != "a key twice":
        with pytest.raises(BundleError):
            bundle.parse(json.dumps(value | {"signature": json.loads(DATA)["signature"]}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xef\xbb\xbf" + DATA,
        DATA + b"{}",
        DATA.replace(b'"sequence": 1', b'"sequence": 1.0'),
        DATA.replace(b'"sequence": 1', b'"sequence": 1e0'),
        DATA.replace(b'"sequence": 1', b'"sequence": NaN'),
        DATA.replace(b'"sequence": 1', b'"sequence": 1, "sequence": 1'),
        DATA.replace(b'"sequence": 1', b'"sequence": ' + b"9" * 5000),
        DATA.replace(b'"sequence": 1', b'"sequence": ' + b"[" * 100_000),
        DATA.replace(b'"prod"', b'"pr\xc3\xb6d"'),
        b"apiVersion: sealer.dev/v1alpha1\n",
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        bundle.parse(data)


@pytest.mark.parametrize("signature", ["", "x", None, 1])
def test_a_bundle_without_a_signature_is_refused(signature: object) -> None:
    with pytest.raises(BundleError):
        bundle.parse(json.dumps(json.loads(DATA) | {"signature": signature}).encode())


def test_a_signature_for_another_purpose_is_refused() -> None:
    value = json.loads(DATA)
    value.pop("signature")
    value["signature"] = sshsig.sign(canonical_json(value), "doc@sealer.dev", IDENTITY)
    with pytest.raises(BundleError):
        bundle.parse(json.dumps(value).encode())


def test_the_bundle_of_another_cluster_is_refused() -> None:
    with pytest.raises(BundleError, match="staging"):
        bundle.parse(DATA, cluster="staging")


def test_a_stranger_cannot_render_it() -> None:
    with pytest.raises(BundleError):
        bundle.render(BUNDLE, Ed25519PrivateKey.generate())


def test_usable_keys_are_active_and_within_their_dates_newest_first() -> None:
    kem = [keys.generate_kem().public for _ in range(7)]
    day = timedelta(days=1)
    it = bundle_of(
        IDENTITY,
        published(kem[0], not_before=NOW - 3 * day),
        published(kem[1], Status.RETIRED),
        published(kem[2], not_before=NOW - 2 * day),
        published(kem[3], Status.COMPROMISED),
        published(kem[4], not_before=NOW + day),
        published(kem[5], not_before=NOW - YEAR, not_after=NOW - day),
        published(kem[6], not_before=NOW - 2 * day),
        published(RSA),
    )
    # Of two with the same date the one made last comes first.
    assert it.usable(NOW, keys.KEM) == (kem[6], kem[2], kem[0])
    assert it.usable(NOW, keys.RSA) == (RSA,)
    assert it.usable(NOW + 2 * day, keys.KEM)[0] == kem[4]
    assert it.usable(NOW + 2 * YEAR, keys.KEM) == ()


def test_dates_hold_to_the_second() -> None:
    it = bundle_of(IDENTITY, published(KEM, not_before=NOW, not_after=NOW + YEAR))
    second = timedelta(seconds=1)
    assert [bool(it.usable(moment, keys.KEM)) for moment in (NOW - second, NOW, NOW + YEAR, NOW + YEAR + second)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_bundle_remembers_that_it_had_a_v2_key() -> None:
    assert bundle_of(IDENTITY, published(KEM, Status.RETIRED), published(RSA)).had(keys.KEM)
    assert not bundle_of(IDENTITY, published(RSA)).had(keys.KEM)


def test_expiry_and_look_up() -> None:
    assert not BUNDLE.expired(BUNDLE.expires)
    assert BUNDLE.expired(BUNDLE.expires + timedelta(seconds=1))
    found = BUNDLE.get(KEM.id)
    assert found is not None
    assert found.status is Status.RETIRED
    assert BUNDLE.get("0" * 16) is None
