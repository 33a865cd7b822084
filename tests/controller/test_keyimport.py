"""Keys that were made elsewhere: PEM pairs, Bitnami's key Secrets, and what is passed over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from controller import keyimport
from sealer.errors import DocumentError, KeyFormatError, SealerError
from sealer.formats import keys, sshsig
from sealer.formats.keyrecord import Status
from sealer.formats.wire import b64encode
from tests.sealer.rings import rsa_key

LABEL = keyimport.LABEL


def _secret(
    key: keys.PrivateKey, label: str | None = "active", name: str = "sealed-secrets-keyabcde"
) -> dict[str, Any]:
    """As `kubectl get secret -o yaml` shows a key Secret."""
    labels = {} if label is None else {"labels": {LABEL: label}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": "kube-system", "creationTimestamp": "2026-03-01T00:00:00Z", **labels},
        "data": {"tls.key": b64encode(key.pem.encode()), "tls.crt": b64encode(key.public.certificate.encode())},
    }


def _list(*items: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(items), "metadata": {"resourceVersion": ""}}


def _ids(read: keyimport.Sources) -> list[tuple[str, Status]]:
    return [(found.key.id, found.status) for found in read.found]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_pem_pair_in_one_or_two_files(ordered: bool) -> None:
    key = rsa_key()
    parts = [("tls.key", key.pem.encode()), ("tls.crt", key.public.certificate.encode())]
    parts = parts if ordered else parts[::-1]
    for sources in (parts, [("pair.pem", b"".join(data for _, data in parts))]):
        read = keyimport.read(sources)
        assert _ids(read) == [(key.id, Status.ACTIVE)]
        assert read.found[0].key == key
        assert read.found[0].key.public.certificate == key.public.certificate


def test_pkcs8_windows_line_ends_and_text_around() -> None:
    key = rsa_key()
    pkcs8 = key.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[union-attr]
    text = b"Bag Attributes: none\n" + pkcs8 + b"subject=/CN=x\n" + key.public.certificate.encode()
    read = keyimport.read([("pair.pem", text.replace(b"\n", b"\r\n"))])
    assert read.found[0].key.pem == key.pem
    assert read.found[0].key.public.certificate == key.public.certificate


def test_several_pairs_find_each_other() -> None:
    keys_ = [rsa_key(0), rsa_key(1)]
    text = "".join(key.pem for key in keys_) + "".join(key.public.certificate for key in keys_[::-1])
    assert [found.key.public.certificate for found in keyimport.read([("x", text.encode())]).found] == [
        key.public.certificate for key in keys_
    ]


def test_our_own_private_key() -> None:
    key = keys.generate_kem()
    assert _ids(keyimport.read([("x", key.pem.encode())])) == [(key.id, Status.ACTIVE)]


def test_a_real_pair_of_openssl(tmp_path: Path) -> None:
    request = [
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-days",
        "3650",
        "-subj",
        "/CN=sealed-secret",
    ]
    made = [*request, "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")]
    assert subprocess.run(made, capture_output=True, check=False).returncode == 0
    read = keyimport.read([("k", (tmp_path / "k").read_bytes()), ("c", (tmp_path / "c").read_bytes())])
    start, end = keys.validity(read.found[0].key.public.certificate)
    assert (end - start).days == 3650


@pytest.mark.parametrize("render", [json.dumps, yaml.safe_dump])
def test_key_secrets(render: Any) -> None:
    active, bad = rsa_key(0), rsa_key(1)
    text = render(_list(_secret(active), _secret(bad, "compromised")))
    assert _ids(keyimport.read([("stdin", text.encode())])) == [
        (active.id, Status.ACTIVE),
        (bad.id, Status.COMPROMISED),
    ]


def test_a_stream_of_documents_and_the_oldest_key_without_a_label() -> None:
    text = yaml.safe_dump_all([_secret(rsa_key(0)), _secret(rsa_key(1), None, "sealed-secrets-key")])
    assert len(keyimport.read([("x.yaml", text.encode())]).found) == 2


def test_what_is_no_sealing_key_is_passed_over_and_named() -> None:
    owned = _secret(rsa_key(1))
    owned["metadata"]["ownerReferences"] = [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "x"}]
    ingress = _secret(rsa_key(2), None, "ingress")
    paused = _secret(rsa_key(3), "paused")
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    text = json.dumps(_list(owned, _secret(rsa_key(0)), ingress, paused, other))
    read = keyimport.read([("keys.json", text.encode())])
    assert _ids(read) == [(rsa_key(0).id, Status.ACTIVE)]
    assert [reason.split(" ", 1)[1] for reason in read.skipped] == [
        "belongs to a SealedSecret",
        f"has no label {LABEL}",
        f"is labelled neither active nor compromised ({LABEL})",
        "is not a Secret",
    ]


def test_a_secret_that_a_sealed_secret_owns_is_never_a_sealing_key() -> None:
    owned = _secret(rsa_key(1))
    owned["metadata"]["ownerReferences"] = [{"kind": "Job"}, {"kind": "SealedSecret"}]
    with pytest.raises(KeyFormatError, match="belongs to a SealedSecret"):
        keyimport.read([("x", yaml.safe_dump(owned).encode())])


def _broken() -> dict[str, bytes]:
    key, other = rsa_key(0), rsa_key(1)
    stranger = sshsig.identity_pem(Ed25519PrivateKey.generate())
    no_crt = _secret(key)
    del no_crt["data"]["tls.crt"]
    swapped = _secret(key)
    swapped["data"]["tls.crt"] = b64encode(other.public.certificate.encode())
    garbage = _secret(key)
    garbage["data"]["tls.key"] = b64encode(b"\xff\xfe")
    return {
        "nothing": b"",
        "a certificate alone": key.public.certificate.encode(),
        "a key alone": key.pem.encode(),
        "another key's certificate": (key.pem + other.public.certificate).encode(),
        "another kind of key": stranger.encode(),
        "a key cut off": key.pem[: len(key.pem) // 2].encode(),
        "a changed key": key.pem.replace(key.pem[400:404], "AAAA").encode() + key.public.certificate.encode(),
        "no tls.crt": json.dumps(no_crt).encode(),
        "swapped": json.dumps(swapped).encode(),
        "garbage": json.dumps(garbage).encode(),
        "not UTF-8": b"\xff-----BEGIN ",
        "YAML that is none": b"kind: Secret\n\t- x",
    }


@pytest.mark.parametrize("name", list(_broken()))
def test_what_can_not_be_read_is_refused_without_quoting_it(name: str) -> None:
    data = _broken()[name]
    with pytest.raises((KeyFormatError, DocumentError)) as caught:
        keyimport.read([("keys.yaml", data)])
    assert "keys.yaml" in caught.value.where
    assert rsa_key(0).pem[200:220] not in str(caught.value)
    assert isinstance(caught.value, SealerError)
