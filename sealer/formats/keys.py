"""Sealing keys: RSA for v1 envelopes, MLKEM768-X25519 for v2 (FORMATS section 4). Pure: bytes in, bytes out.

`PublicKey` and `PrivateKey` are what the rest of the program holds. The private half never shows in a repr. Ed25519
identities are in `sealer.formats.sshsig`, passphrases in `sealer.formats.passphrase`, files on disk in
`sealer.keyrings.keyring`.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from sealer.errors import FormatError, KeyFormatError
from sealer.formats.keyid import KEM as KEM
from sealer.formats.keyid import RSA as RSA
from sealer.formats.keyid import key_id as key_id
from sealer.formats.wire import pem_blocks, pem_decode, pem_encode

if TYPE_CHECKING:
    from cryptography import x509

KEM_PUBLIC_BYTES = 1216
PEM_PRIVATE = "SEALER PRIVATE KEY"
RSA_BITS = range(2048, 8193)

_MLKEM_PUBLIC_BYTES = 1184
_KEY_USAGE_ENCIPHER_ONLY = b"\x03\x02\x00\x01"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half. `id` is 16 lowercase hex; `raw` what it is the digest of; `certificate` PEM, for RSA only."""

    id: str
    algorithm: str
    raw: bytes = field(repr=False)
    key: hpke.MLKEM768X25519PublicKey | rsa.RSAPublicKey = field(repr=False, compare=False)
    certificate: str = field(default="", repr=False)

    @property
    def id_bytes(self) -> bytes:
        """The id as the 8 bytes that stand in an envelope."""
        return bytes.fromhex(self.id)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The private half with its public one. `pem` is the form that goes to disk."""

    public: PublicKey
    key: hpke.MLKEM768X25519PrivateKey | rsa.RSAPrivateKey = field(repr=False, compare=False)
    pem: str = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        """The id of the public half."""
        return self.public.id

    @property
    def algorithm(self) -> str:
        """`mlkem768-x25519` or `rsa`."""
        return self.public.algorithm


def generate_kem() -> PrivateKey:
    """A new MLKEM768-X25519 key from 32 random bytes."""
    return kem_from_seed(os.urandom(32))


def kem_from_seed(seed: bytes) -> PrivateKey:
    """The key pair of a 32-byte X-Wing seed (draft-connolly-cfrg-xwing-kem; Go's crypto/hpke writes the same bytes)."""
    if len(seed) != 32:
        raise KeyFormatError("an MLKEM768-X25519 private key is 32 bytes")
    expanded = hashlib.shake_256(seed).digest(96)
    encapsulation = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    exchange = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
    raw = encapsulation.public_key().public_bytes_raw() + exchange.public_key().public_bytes_raw()
    private = hpke.MLKEM768X25519PrivateKey(encapsulation, exchange)
    public = PublicKey(key_id(raw), KEM, raw, private.public_key())
    return PrivateKey(public, private, pem_encode(PEM_PRIVATE, b"\x01" + seed))


def generate_rsa(
    *,
    now: datetime,
    valid: timedelta = timedelta(days=365),
    backdated: timedelta = timedelta(minutes=5),
    bits: int = 4096,
    common_name: str = "",
) -> PrivateKey:
    """A new RSA key with a self-signed certificate as Bitnami's controller makes it; valid from five minutes ago.

    KeyUsage is encipherOnly without keyAgreement, which `cryptography` refuses to build by name, hence the raw
    extension (reference: upstream's certificates carry exactly these three bytes of DER).
    """
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, bits)
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    name = x509.Name(attributes)
    start = now.astimezone(UTC).replace(microsecond=0) - backdated
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(int.from_bytes(os.urandom(16), "big") >> 1 or 1)
        .not_valid_before(start)
        .not_valid_after(start + valid)
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), _KEY_USAGE_ENCIPHER_ONLY), True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, SHA256())
    )
    return _rsa_private(key, certificate.public_bytes(Encoding.PEM).decode("ascii"))


def load_private(pem: str, certificate: str = "", *, trusted: bool = False) -> PrivateKey:
    """A private key from its PEM: `SEALER PRIVATE KEY`, PKCS#1 or PKCS#8 RSA. `certificate` must match an RSA key.

    Set `trusted` only for keys of our own keyring: it skips OpenSSL's consistency checks (0.5 s for 4,096 bits).
    Raises KeyFormatError, which never quotes the input.
    """
    try:
        labels = [label for label, _, _ in pem_blocks(pem)]
        if labels == [PEM_PRIVATE]:
            raw = pem_decode(PEM_PRIVATE, pem)
            if raw[:1] != b"\x01":
                raise KeyFormatError("unknown version of a SEALER PRIVATE KEY")
            return kem_from_seed(raw[1:])
        if labels not in (["RSA PRIVATE KEY"], ["PRIVATE KEY"]):
            raise KeyFormatError("not one private key in PEM (SEALER PRIVATE KEY, RSA PRIVATE KEY or PRIVATE KEY)")
        key = load_pem_private_key(pem.encode("ascii"), None, unsafe_skip_rsa_key_validation=trusted)
    except KeyFormatError:
        raise
    except Exception:
        # OpenSSL's and pyca's errors are of many types, and some describe the bytes.
        raise KeyFormatError("not a readable private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFormatError("a private key of another kind than RSA or MLKEM768-X25519")
    return _rsa_private(key, certificate)


def consistent(private: PrivateKey) -> bool:
    """Whether the parts of a key belong together, for RSA keys that were loaded as `trusted`.

    What OpenSSL's check would find out in half a second, without its primality tests.
    """
    if not isinstance(private.key, rsa.RSAPrivateKey):
        return True
    parts = private.key.private_numbers()
    p, q, d, public = parts.p, parts.q, parts.d, parts.public_numbers
    return (
        p * q == public.n
        and public.e * d % (p - 1) == 1
        and public.e * d % (q - 1) == 1
        and parts.dmp1 == d % (p - 1)
        and parts.dmq1 == d % (q - 1)
        and parts.iqmp * q % p == 1
    )


def _rsa_private(key: rsa.RSAPrivateKey, certificate: str) -> PrivateKey:
    public = _rsa_public(key.public_key(), certificate)
    if certificate and load_certificate(certificate).raw != public.raw:
        raise KeyFormatError("the certificate belongs to another private key")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode("ascii")
    return PrivateKey(public, key, pem)


def load_public(algorithm: str, raw: bytes, certificate: str = "") -> PublicKey:
    """A public key from its raw bytes (1,216 for MLKEM768-X25519; DER SubjectPublicKeyInfo for RSA)."""
    if algorithm == RSA:
        try:
            key = load_der_public_key(raw)
        except Exception:
            raise KeyFormatError("not a DER SubjectPublicKeyInfo") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise KeyFormatError("not an RSA public key")
        public = _rsa_public(key, certificate)
        if public.raw != raw:
            raise KeyFormatError("not a canonical DER SubjectPublicKeyInfo")
        return public
    if algorithm != KEM:
        raise KeyFormatError("unknown key algorithm")
    if len(raw) != KEM_PUBLIC_BYTES:
        raise KeyFormatError(f"an MLKEM768-X25519 public key is {KEM_PUBLIC_BYTES:,} bytes")
    try:
        encapsulation = mlkem.MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES])
        exchange = x25519.X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:])
    except ValueError:
        raise KeyFormatError("not an MLKEM768-X25519 public key") from None
    return PublicKey(key_id(raw), KEM, raw, hpke.MLKEM768X25519PublicKey(encapsulation, exchange))


def load_certificate(pem: str) -> PublicKey:
    """The RSA key of the first certificate in a PEM text, as kubeseal reads it. See `validity` for its dates."""
    try:
        key = _certificate(pem).public_key()
    except KeyFormatError:
        raise
    except Exception:
        # pyca reads the key late, and raises UnsupportedAlgorithm or ValueError for what it doesn't know.
        raise KeyFormatError("the certificate holds a key that can't be read") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyFormatError("the certificate holds another kind of key than RSA")
    return _rsa_public(key, pem)


def validity(pem: str) -> tuple[datetime, datetime]:
    """(notBefore, notAfter) of the first certificate in a PEM text, in UTC."""
    certificate = _certificate(pem)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _certificate(pem: str) -> x509.Certificate:
    # Never touch .extensions of a sealing certificate: Bitnami's KeyUsage makes `cryptography` raise.
    from cryptography import x509

    try:
        block = next(block for label, _, block in pem_blocks(pem) if label == "CERTIFICATE")
        return x509.load_pem_x509_certificate(block.encode("ascii"))
    except (StopIteration, ValueError, FormatError):
        raise KeyFormatError("not a certificate in PEM") from None


def _rsa_public(key: rsa.RSAPublicKey, certificate: str) -> PublicKey:
    if key.key_size not in RSA_BITS or key.public_numbers().e != 65537:
        raise KeyFormatError("RSA keys are accepted from 2,048 to 8,192 bits with exponent 65537")
    raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(key_id(raw), RSA, raw, key, certificate)
