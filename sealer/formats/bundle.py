"""The key bundle: the public keys of one cluster, signed by its identity (FORMATS section 6). Pure: bytes in and out.

`parse` checks the form, every id and the signature against the identity that the bundle itself names. Whether that
identity is to be trusted is the business of `sealer.pinning.pins`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sealer.errors import BundleError, FormatError, Untrusted
from sealer.formats import sshsig
from sealer.formats.keyrecord import ALGORITHM, ID, STATUS, Status
from sealer.formats.keys import RSA, PublicKey, load_certificate, load_public
from sealer.formats.strictjson import Members, dumps, format_time, loads
from sealer.formats.wire import b64decode, b64encode, canonical_json, pem_decode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

API_VERSION = "sealer.dev/v1alpha1"
KIND = "KeyBundle"
NAMESPACE = "keys@sealer.dev"
EXPIRES_DAYS = 90

_BUNDLE = ("apiVersion", "kind", "cluster", "sequence", "issued", "expires", "identity", "keys", "signature")
_KEY = ("id", "algorithm", "publicKey", "notBefore", "notAfter", "status")


@dataclass(frozen=True, slots=True)
class BundleKey:
    """One public key with what the cluster says about it."""

    public: PublicKey
    not_before: datetime
    not_after: datetime
    status: Status

    @property
    def id(self) -> str:
        """The id of the key, 16 hex digits."""
        return self.public.id

    def seals(self, now: datetime) -> bool:
        """Whether something may be sealed to this key: active, and within its dates."""
        return self.status is Status.ACTIVE and self.not_before <= now <= self.not_after


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose signature fits its own identity. Keys stand in the order in which they were made."""

    cluster: str
    sequence: int
    issued: datetime
    expires: datetime
    identity: str
    keys: tuple[BundleKey, ...]

    @property
    def fingerprint(self) -> str:
        """`SHA256:...` of the identity: what is pinned."""
        return sshsig.fingerprint(self.identity)

    def usable(self, now: datetime, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys of this algorithm to which something may be sealed now, newest first.

        A v2 envelope goes to all of them, a v1 envelope to the first.
        """
        fit = [key for key in reversed(self.keys) if key.public.algorithm == algorithm and key.seals(now)]
        return tuple(key.public for key in sorted(fit, key=lambda key: key.not_before, reverse=True))

    def had(self, algorithm: str) -> bool:
        """Whether the cluster ever had a key of this algorithm: keys stay in the bundle whatever their status.

        With `had` and nothing `usable`, sealing for v2 is an error, never a silent step back to v1.
        """
        return any(key.public.algorithm == algorithm for key in self.keys)

    def get(self, key_id: str) -> BundleKey | None:
        """The key of this id, whatever its status; None if the cluster doesn't know it."""
        return next((key for key in self.keys if key.id == key_id), None)

    def expired(self, now: datetime) -> bool:
        """Whether the bundle is past `expires` and should be fetched again."""
        return now > self.expires


def parse(data: bytes, *, cluster: str | None = None) -> Bundle:
    """The bundle of these bytes. Raises BundleError, also if it is not the bundle of `cluster`."""
    value = loads(data, BundleError)
    top = Members.of(value, "", BundleError, _BUNDLE)
    for name, only in (("apiVersion", API_VERSION), ("kind", KIND)):
        if top.text(name) != only:
            top.refuse(name, f"is not {only}")
    bundle = Bundle(
        top.cluster("cluster"),
        top.integer("sequence"),
        top.time("issued"),
        top.time("expires"),
        top.text("identity"),
        tuple(_key(entry) for entry in top.objects("keys", _KEY, ("certificate",))),
    )
    if bundle.issued >= bundle.expires:
        top.refuse("expires", "is not after issued")
    if len({key.id for key in bundle.keys}) != len(bundle.keys):
        raise BundleError("holds a key twice")
    _check_signature(value, bundle.identity)
    if cluster is not None and bundle.cluster != cluster:
        raise BundleError(f"is the bundle of cluster {bundle.cluster}, not of {cluster}")
    return bundle


def render(bundle: Bundle, signer: Ed25519PrivateKey) -> bytes:
    """The bytes of a bundle, signed. `signer` must be the private half of its identity."""
    if sshsig.identity_line(signer.public_key()) != bundle.identity:
        raise BundleError("the signer is not the identity of the bundle")
    value = _unsigned(bundle)
    value["signature"] = sshsig.sign(canonical_json(value), NAMESPACE, signer)
    return dumps(value)


def _unsigned(bundle: Bundle) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "cluster": bundle.cluster,
        "sequence": bundle.sequence,
        "issued": format_time(bundle.issued),
        "expires": format_time(bundle.expires),
        "identity": bundle.identity,
        "keys": [
            {
                "id": key.id,
                "algorithm": key.public.algorithm,
                "publicKey": b64encode(key.public.raw),
                "notBefore": format_time(key.not_before),
                "notAfter": format_time(key.not_after),
                "status": str(key.status),
                **({"certificate": key.public.certificate} if key.public.certificate else {}),
            }
            for key in bundle.keys
        ],
    }


def _key(entry: Members) -> BundleKey:
    not_before, not_after = entry.time("notBefore"), entry.time("notAfter")
    if not_before >= not_after:
        entry.refuse("notAfter", "is not after notBefore")
    return BundleKey(_public(entry), not_before, not_after, Status(entry.text("status", STATUS)))


def _public(entry: Members) -> PublicKey:
    algorithm = entry.text("algorithm", ALGORITHM)
    if ("certificate" in entry.value) != (algorithm == RSA):
        entry.refuse("certificate", "belongs to each RSA key, and to no other")
    certificate = entry.text("certificate") if algorithm == RSA else ""
    try:
        public = load_public(algorithm, b64decode(entry.text("publicKey")), certificate)
        if certificate and not _certifies(certificate, public):
            entry.refuse("certificate", "is not one PEM block for this public key")
    except BundleError:
        raise
    except FormatError as error:
        raise BundleError(f"{entry.path}.publicKey: {error.what}") from None
    if public.id != entry.text("id", ID):
        entry.refuse("id", "is not the digest of the public key")
    return public


def _certifies(certificate: str, public: PublicKey) -> bool:
    pem_decode("CERTIFICATE", certificate)
    return load_certificate(certificate).raw == public.raw


def _check_signature(value: Mapping[str, Any], identity: str) -> None:
    signature = value["signature"]
    unsigned = {name: member for name, member in value.items() if name != "signature"}
    try:
        if not isinstance(signature, str):
            raise Untrusted("signature is not of the form that the format asks for")
        sshsig.verify(canonical_json(unsigned), NAMESPACE, signature, identity)
    except (Untrusted, FormatError) as error:
        raise BundleError(error.what) from None
