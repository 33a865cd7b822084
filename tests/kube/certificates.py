"""Certificates for a test cluster: ECDSA P-256, good for a week, as envtest makes them."""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SIGNING = {"key_cert_sign": True, "crl_sign": True, "digital_signature": False}
_SERVING = {"key_cert_sign": False, "crl_sign": False, "digital_signature": True}
_NEVER = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")


class Authority:
    """A certificate authority; `certificate` is its own, in PEM."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._key.public_key(), self._key.public_key(), self._name, authority=True)
        self.certificate = _pem(builder.sign(self._key, hashes.SHA256()))

    def server(self) -> tuple[bytes, bytes]:
        """Certificate and key, in PEM, of a server that is reached as localhost or 127.0.0.1."""
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return self._issue("localhost", (), (x509.SubjectAlternativeName(names), usage))

    def client(self, user: str, *groups: str) -> tuple[bytes, bytes]:
        """Certificate and key, in PEM, that an API server takes for this user of these groups."""
        return self._issue(user, groups, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),))

    def _issue(
        self, common_name: str, groups: tuple[str, ...], extensions: tuple[x509.ExtensionType, ...]
    ) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = _builder(subject, key.public_key(), self._key.public_key(), self._name, authority=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return _pem(builder.sign(self._key, hashes.SHA256())), private


def _builder(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    *,
    authority: bool,
) -> x509.CertificateBuilder:
    # An hour of grace: a test may turn its own clock, not the server's.
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    usage = x509.KeyUsage(**(_SIGNING if authority else _SERVING), **dict.fromkeys(_NEVER, False), decipher_only=False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=7))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
