"""Private keys and certificates, as Sprig has them.

Keys are drawn by the cryptography library, which takes no source of random numbers.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sealer.template.functions.table import Table
from sealer.template.limits import Fault, Run
from sealer.template.text.basetext import Illegal, base64_decoded
from sealer.template.values import ANYS, INT, STRING, Kind, Opaque, Slice, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

TABLE = define = Table()

_TYPE = Type("sprig.certificate", Kind.STRUCT)
_RSA_STEPS = {2048: 100_000, 4096: 600_000}
_DSA_STEPS = 600_000
_LOAD_STEPS, _SIGN_STEPS = 2_000, 2_000
"""Of any key; of RSA those below, by the third power of its size: loading proves that both factors are primes."""
_RSA_BITS, _RSA_LOAD_STEPS, _RSA_SIGN_STEPS = 4096, 400_000, 10_000


class Certificate(Opaque):
    """A certificate and its private key, both in PEM."""

    __slots__ = ("cert", "key")
    type = _TYPE
    fields: ClassVar[dict[str, Callable[[Any], Any]]] = {"Cert": lambda each: each.cert, "Key": lambda each: each.key}

    def __init__(self, cert: bytes, key: bytes) -> None:
        self.cert = cert
        self.key = key

    def text(self) -> bytes:
        """Both, as a struct is printed."""
        return b"{" + self.cert + b" " + self.key + b"}"

    def json(self) -> Any:
        """Both, by their names."""
        from sealer.template.values import Map

        return Map({b"Cert": self.cert, b"Key": self.key})


@define("genPrivateKey", STRING, result=STRING, draws=True)
def _gen_private_key(run: Run, kind: bytes) -> bytes:
    """A new key in PEM: rsa (4096 bits; also for ""), dsa, ecdsa (P-256), ed25519; else a text that says so."""
    run.drew = True
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519

    match kind:
        case b"" | b"rsa":
            return _pem(_rsa(run, 4096))
        case b"dsa":
            run.spend(_DSA_STEPS)
            return _pem(dsa.generate_private_key(2048))
        case b"ecdsa":
            return _pem(ec.generate_private_key(ec.SECP256R1()))
        case b"ed25519":
            return _pem(ed25519.Ed25519PrivateKey.generate())
    return b"Unknown type " + kind


def _rsa(run: Run, bits: int) -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    run.drew = True
    run.spend(_RSA_STEPS[bits])
    return rsa.generate_private_key(65537, bits)


def _pem(key: Any) -> bytes:
    """A private key in the form that Sprig writes: PKCS #8 for ed25519, else the older one of its kind."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    form = PrivateFormat.PKCS8 if isinstance(key, Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    data: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return data


def _loaded_key(run: Run, pem: bytes) -> Any:
    """A private key. Its steps are taken once, as long as the render keeps it."""
    key = run.keep(("key", pem), lambda: _key(run, pem))
    if key is None:
        raise Fault("error parsing private key")
    return key


def _key(run: Run, pem: bytes) -> Any:
    """A private key, None for what is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    run.spend(_LOAD_STEPS)
    try:
        # Unproven, for the sizes of its numbers alone: a prime of 4,423 bits in a text of 2 kB takes six seconds.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, RSAPrivateKey):
            return key
        numbers = key.private_numbers()
        bits = 2 * max(numbers.p.bit_length(), numbers.q.bit_length())
        run.spend(_cubed(_RSA_LOAD_STEPS, max(bits, key.key_size)))
        return load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _cubed(steps: int, bits: int) -> int:
    """The steps for an RSA key of so many bits, from those for one of _RSA_BITS."""
    return int(steps * bits**3 // _RSA_BITS**3)


def _loaded_cert(pem: bytes) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise Fault("unable to decode certificate") from None


@define("buildCustomCert", STRING, STRING, result=_TYPE, run=True)
def _build_custom_cert(run: Run, cert: bytes, key: bytes) -> Certificate:
    """`buildCustomCert CERT KEY`, each base64 of PEM: a certificate with .Cert and .Key; refuses what can't be read."""
    try:
        found = Certificate(base64_decoded(cert), base64_decoded(key))
    except Illegal:
        raise Fault("unable to decode base64 certificate or private key") from None
    _loaded_cert(found.cert)
    _loaded_key(run, found.key)
    return found


@define("genCA", STRING, INT, result=_TYPE, draws=True)
def _gen_ca(run: Run, name: bytes, days: int) -> Certificate:
    """`genCA NAME DAYS`: a new authority, signed by its own RSA key of 2048 bits; .Cert and .Key are PEM."""
    return _authority(run, name, days, _rsa(run, 2048))


@define("genCAWithKey", STRING, INT, STRING, result=_TYPE, draws=True)
def _gen_ca_with_key(run: Run, name: bytes, days: int, key: bytes) -> Certificate:
    """`genCAWithKey NAME DAYS KEY`: as genCA, with a key in PEM; refuses what is none, and DSA."""
    return _authority(run, name, days, _loaded_key(run, key))


@define("genSelfSignedCert", STRING, ANYS, ANYS, INT, result=_TYPE, draws=True)
def _gen_self_signed(run: Run, name: bytes, ips: Slice, names: Slice, days: int) -> Certificate:
    """`genSelfSignedCert NAME IPS NAMES DAYS`: lists of strings, or nil; a new RSA key of 2048 bits signs itself."""
    return _leaf(run, name, ips, names, days, _rsa(run, 2048))


@define("genSelfSignedCertWithKey", STRING, ANYS, ANYS, INT, STRING, result=_TYPE, draws=True)
def _gen_self_signed_with_key(run: Run, name: bytes, ips: Slice, names: Slice, days: int, key: bytes) -> Certificate:
    """`genSelfSignedCertWithKey NAME IPS NAMES DAYS KEY`: as genSelfSignedCert, with a key in PEM."""
    return _leaf(run, name, ips, names, days, _loaded_key(run, key))


@define("genSignedCert", STRING, ANYS, ANYS, INT, _TYPE, result=_TYPE, draws=True)
def _gen_signed(run: Run, name: bytes, ips: Slice, names: Slice, days: int, ca: Certificate) -> Certificate:
    """`genSignedCert NAME IPS NAMES DAYS CA`: for a new RSA key, signed by what genCA or buildCustomCert gives."""
    return _leaf(run, name, ips, names, days, _rsa(run, 2048), ca)


@define("genSignedCertWithKey", STRING, ANYS, ANYS, INT, _TYPE, STRING, result=_TYPE, draws=True)
def _gen_signed_with_key(
    run: Run, name: bytes, ips: Slice, names: Slice, days: int, ca: Certificate, key: bytes
) -> Certificate:
    """`genSignedCertWithKey NAME IPS NAMES DAYS CA KEY`: as genSignedCert, for a key in PEM."""
    return _leaf(run, name, ips, names, days, _loaded_key(run, key), ca)


def _authority(run: Run, name: bytes, days: int, key: Any) -> Certificate:
    subject = _subject(name)
    builder = _builder(run, subject, subject, days, key, ca=True)
    return _signed(run, builder, key, key)


def _leaf(
    run: Run, name: bytes, ips: Slice, names: Slice, days: int, key: Any, ca: Certificate | None = None
) -> Certificate:
    from cryptography import x509

    subject, issuer, signer = _subject(name), _subject(name), key
    authority = None
    if ca is not None:
        authority = _loaded_cert(ca.cert)
        issuer, signer = authority.subject, _loaded_key(run, ca.key)
    builder = _builder(run, subject, issuer, days, key, ca=False)
    alternatives = [*map(_dns, names.items), *map(_ip, ips.items)]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if authority is not None:
        builder = _with_authority(builder, authority)
    return _signed(run, builder, key, signer)


def _with_authority(builder: x509.CertificateBuilder, authority: x509.Certificate) -> x509.CertificateBuilder:
    from cryptography import x509

    try:
        found = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return builder
    identifier = x509.AuthorityKeyIdentifier(found.digest, None, None)
    return builder.add_extension(identifier, critical=False)


def _subject(name: bytes) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name.decode(), _validate=False)] if name else [])
    except ValueError:
        raise Fault("error creating certificate: the name is no text that a certificate can hold") from None


def _dns(name: Any) -> x509.GeneralName:
    from cryptography import x509

    if not isinstance(name, bytes):
        raise Fault("error processing alternate dns name: it is not a string")
    try:
        return x509.DNSName(name.decode("ascii"))
    except ValueError:
        raise Fault("error creating certificate: a dns name is no ASCII text") from None


def _ip(address: Any) -> x509.GeneralName:
    from cryptography import x509

    if not isinstance(address, bytes):
        raise Fault("error parsing ip: it is not a string")
    try:
        return x509.IPAddress(ipaddress.ip_address(address.decode("ascii")))
    except ValueError:
        raise Fault("error parsing ip") from None


def _builder(
    run: Run, subject: x509.Name, issuer: x509.Name, days: int, key: Any, *, ca: bool
) -> x509.CertificateBuilder:
    """What all of Sprig's certificates share: two uses, server and client, valid from now on."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    start = datetime.fromtimestamp(run.now() // 1_000_000_000, UTC)
    try:
        end = start + timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number((int.from_bytes(run.random(16)) >> 1) or 1)
            .not_valid_before(min(start, end))
            .not_valid_after(max(start, end))
        )
    except (ValueError, TypeError, OverflowError):
        raise Fault("error creating certificate: it can't be valid for so many days") from None
    usage = x509.KeyUsage(True, False, True, False, False, ca, False, False, False)
    builder = builder.add_extension(usage, critical=True).add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
    )
    builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if ca:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder


def _signed(run: Run, builder: x509.CertificateBuilder, key: Any, signer: Any) -> Certificate:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    if isinstance(signer, DSAPrivateKey):
        raise Fault("error creating certificate: Go signs none with a DSA key")
    run.spend(_SIGN_STEPS + (_cubed(_RSA_SIGN_STEPS, signer.key_size) if isinstance(signer, RSAPrivateKey) else 0))
    algorithm = None if isinstance(signer, Ed25519PrivateKey) else SHA256()
    try:
        certificate = builder.sign(signer, algorithm)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Fault("error creating certificate: the key can't sign it") from None
    return Certificate(certificate.public_bytes(Encoding.PEM), _pem(key))
