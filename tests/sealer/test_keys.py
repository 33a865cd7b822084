"""Key ids, PEM forms, certificates."""

from __future__ import annotations

import datetime
import functools
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sealer.errors import KeyFormatError
from sealer.formats import keys
from sealer.formats.wire import pem_encode

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0, 999, tzinfo=datetime.UTC)


@functools.cache
def rsa_key() -> keys.PrivateKey:
    return keys.generate_rsa(now=NOW, bits=2048, common_name="sealer.test")


def test_kem_key_survives_its_pem() -> None:
    key = keys.generate_kem()
    again = keys.load_private(key.pem)
    assert again == key
    assert len(key.public.raw) == keys.KEM_PUBLIC_BYTES
    assert key.id == hashlib.sha256(key.public.raw).hexdigest()[:16]
    assert keys.load_public(keys.KEM, key.public.raw) == key.public


def test_rsa_key_survives_its_pem_and_openssl_agrees(tmp_path: Path) -> None:
    key = rsa_key()
    assert keys.load_private(key.pem, key.public.certificate) == key
    file = tmp_path / "key.pem"
    file.write_text(key.pem)
    command = ["openssl", "rsa", "-in", file, "-pubout", "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True).stdout
    assert key.public.raw == der
    assert keys.load_public(keys.RSA, der).id == key.id


def test_certificate_as_bitnami_makes_it(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_text(rsa_key().public.certificate)
    command = ["openssl", "x509", "-in", file, "-noout", "-text"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in ("Encipher Only", "CA:TRUE", "CN = sealer.test", "sha256WithRSAEncryption", "Version: 3"):
        assert line in text
    verify = subprocess.run(["openssl", "verify", "-partial_chain", "-CAfile", file, file], capture_output=True)
    assert b"self" in verify.stderr or verify.returncode == 0
    start, end = keys.validity(rsa_key().public.certificate)
    assert start == NOW.replace(microsecond=0) - datetime.timedelta(minutes=5)
    assert end - start == datetime.timedelta(days=365)


def test_certificate_without_a_name() -> None:
    key = keys.generate_rsa(now=NOW, bits=2048)
    assert keys.load_certificate(key.public.certificate) == key.public


def test_pkcs8_is_read_and_written_as_pkcs1() -> None:
    private = rsa_key().key
    assert isinstance(private, rsa.RSAPrivateKey)
    pkcs8 = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert keys.load_private(pkcs8).pem == rsa_key().pem


def test_the_first_certificate_counts() -> None:
    other = keys.generate_rsa(now=NOW, bits=2048)
    chain = rsa_key().public.certificate + other.public.certificate
    assert keys.load_certificate(chain).id == rsa_key().id


def small_rsa() -> str:
    key = rsa.generate_private_key(65537, 1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "make",
    [
        str,
        lambda: "not a key",
        lambda: pem_encode(keys.PEM_PRIVATE, b"\x01" + bytes(31)),
        lambda: pem_encode(keys.PEM_PRIVATE, b"\x02" + bytes(32)),
        lambda: keys.generate_kem().pem + keys.generate_kem().pem,
        lambda: pem_encode("RSA PRIVATE KEY", bytes(40)),
        lambda: rsa_key().pem.replace("A", "!"),
        lambda: rsa_key().public.certificate,
        small_rsa,
        elliptic,
    ],
)
def test_private_keys_that_are_refused(make: object) -> None:
    pem = make()  # type: ignore[operator]
    with pytest.raises(KeyFormatError) as refusal:
        keys.load_private(pem)
    assert refusal.value.__cause__ is None
    assert len(str(refusal.value)) < 120


def test_a_certificate_of_another_key_is_refused() -> None:
    other = keys.generate_rsa(now=NOW, bits=2048)
    with pytest.raises(KeyFormatError, match="another private key"):
        keys.load_private(rsa_key().pem, other.public.certificate)


def test_public_keys_that_are_refused() -> None:
    kem, der = keys.generate_kem().public.raw, rsa_key().public.raw
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = curve.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    wrong = [(keys.KEM, kem[:-1]), (keys.KEM, b"\xff" * 1216), (keys.KEM, der), (keys.RSA, kem)]
    wrong += [(keys.RSA, spki), (keys.RSA, der + b"\0"), ("dsa", der), ("", b"")]
    for algorithm, raw in wrong:
        with pytest.raises(KeyFormatError):
            keys.load_public(algorithm, raw)
