"""A Secret of the API -> one key of ours (schemas/README.md, section 6); `newkey` is the way back. Pure: no request.

    label sealedsecrets.bitnami.com/sealed-secrets-key   RSA, Bitnami's form: tls.key, tls.crt (reference, section 1.6)
    the name is the prefix, without that label           the same, from the time before labels
    label sealer.dev/key = sealing | identity | state    ours: key.json, key.pem

Nothing that a Secret holds makes this raise: what is no key comes back as Unreadable, which names the Secret and never
quotes it. A Secret that a SealedSecret owns is none either: who may have a Secret delivered could slip in a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from controller import keyimport
from controller.kube import names
from controller.model import Problem
from sealer.errors import FormatError, KeyFormatError
from sealer.formats import keyrecord, sshsig
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keyrecord import Status
from sealer.formats.keys import consistent, load_private, validity
from sealer.formats.strictjson import Members, loads
from sealer.formats.wire import b64decode, b64encode, pem_decode
from sealer.keyrings.keyring import PEM_STATE
from sealer.shell import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sealer.formats.keys import PrivateKey

Kind = Literal["bitnami", "sealing", "identity", "state"]
"""What a key Secret is: RSA in Bitnami's form, or one of ours by the value of its label."""

RECORD = "key.json"
PEM = "key.pem"
TLS_KEY = "tls.key"
TLS_CERTIFICATE = "tls.crt"
CODE = "key-secret"

_FIELDS: dict[Kind, tuple[str, ...]] = {
    "sealing": ("id", "algorithm", "publicKey", "notBefore", "notAfter", "created"),
    "identity": ("identity", "created"),
    "state": ("id", "created"),
}
_OWNER = "SealedSecret"
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Which Secret; `created` is the API server's time, `version` its resourceVersion."""

    namespace: str
    name: str
    uid: str
    version: str
    created: datetime

    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A key that opens; whether it seals, too, is decided among all of its algorithm. `status` is what its label says.

    `made` is what orders it among others: notBefore of a certificate; of our own keys, which are dated back, `created`.
    `labelled` False: known by its name alone, from the time before labels.
    """

    place: Place
    key: PrivateKey = field(repr=False)
    status: Status
    not_before: datetime
    not_after: datetime
    made: datetime
    labelled: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """What signs the key bundle. `sequence` is the annotation that counts bundles, unread; "" if there is none."""

    place: Place
    key: Ed25519PrivateKey = field(repr=False, compare=False)
    line: str
    created: datetime
    sequence: str = ""


@dataclass(frozen=True, slots=True)
class StateKey:
    """What fingerprints are made with."""

    place: Place
    id: str
    key: bytes = field(repr=False)
    created: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A Secret that calls itself a key, and is none that we could use."""

    place: Place
    problem: Problem


Found = SealingKey | Identity | StateKey | Unreadable


def kind_of(item: Mapping[str, Any], prefix: str) -> Kind | None:
    """What a Secret says that it is, without a look at its data; None: no key. `prefix` is the old key's whole name."""
    metadata = item.get("metadata") or {}
    labels = metadata.get("labels") or {}
    if names.KEY_LABEL in labels:
        return "bitnami"
    if names.OUR_KEY in labels:
        # An unknown value is refused where it is read.
        ours: dict[str, Kind] = {"identity": "identity", "state": "state"}
        return ours.get(labels[names.OUR_KEY], "sealing")
    return "bitnami" if metadata.get("name") == prefix else None


def read(item: Mapping[str, Any], prefix: str) -> Found | None:
    """The key of a Secret; None if it is none, or if its label takes it out of use."""
    kind = kind_of(item, prefix)
    if kind is None:
        return None
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    place = _place(metadata)
    try:
        if names.KEY_LABEL in labels and names.OUR_KEY in labels:
            raise KeyFormatError(f"is labelled both {names.KEY_LABEL} and {names.OUR_KEY}")
        if kind != "bitnami" and labels[names.OUR_KEY] != kind:
            raise KeyFormatError(f"has a label {names.OUR_KEY} that is none of sealing, identity, state")
        status = _status(kind, labels)
        if status is None or (kind in ("identity", "state") and status is not Status.ACTIVE):
            return None
        if any(owner.get("kind") == _OWNER for owner in metadata.get("ownerReferences") or ()):
            raise KeyFormatError("belongs to a SealedSecret: a key is never delivered")
        data = {name: b64decode(text) for name, text in (item.get("data") or {}).items()}
        if kind == "bitnami":
            return _bitnami(place, data, status, labelled=names.KEY_LABEL in labels)
        return _ours(place, kind, data, status, metadata.get("annotations") or {})
    except FormatError as error:
        return _unreadable(place, labels, error.what)
    except Exception:
        # What pyca and OpenSSL raise for bytes that are no key is of many types, and some describe the bytes.
        return _unreadable(place, labels, "holds what can't be read as a key")


def _bitnami(place: Place, data: Mapping[str, bytes], status: Status, *, labelled: bool) -> SealingKey:
    for name in (TLS_KEY, TLS_CERTIFICATE):
        if not data.get(name):
            raise KeyFormatError(f"has no {name}")
    found = keyimport.pairs(f"{_text(data[TLS_KEY])}\n{_text(data[TLS_CERTIFICATE])}", "", trusted=True)
    if len(found) != 1 or found[0].algorithm != RSA or not consistent(found[0]):
        raise KeyFormatError(f"holds no single RSA key in {TLS_KEY}")
    start, end = validity(found[0].public.certificate)
    return SealingKey(place, found[0], status, start, end, start, labelled)


def _ours(
    place: Place, kind: Kind, data: Mapping[str, bytes], status: Status, annotations: Mapping[str, str]
) -> SealingKey | Identity | StateKey:
    if set(data) != {RECORD, PEM}:
        raise KeyFormatError(f"holds other data than {RECORD} and {PEM}")
    said = Members.of(loads(data[RECORD], KeyFormatError), "", KeyFormatError, ("version", "kind", *_FIELDS[kind]))
    if said.integer("version") != 1:
        said.refuse("version", "is unknown to this program")
    if said.text("kind") != kind:
        said.refuse("kind", f"is another than the label {names.OUR_KEY} says")
    pem, created = _text(data[PEM]), said.time("created")
    if kind == "identity":
        private = sshsig.load_identity(pem)
        _same(said, "identity", sshsig.identity_line(private.public_key()))
        return Identity(place, private, said.text("identity"), created, annotations.get(names.KEY_SEQUENCE, ""))
    if kind == "state":
        key = pem_decode(PEM_STATE, pem)
        if len(key) != 32:
            raise KeyFormatError("a state key is 32 bytes")
        _same(said, "id", keyrecord.state_key_id(key))
        return StateKey(place, said.text("id"), key, created)
    sealing = load_private(pem)
    for name, is_ in (("algorithm", KEM), ("id", sealing.id), ("publicKey", b64encode(sealing.public.raw))):
        _same(said, name, is_)
    _same(said, "algorithm", sealing.algorithm)
    not_before, not_after = said.time("notBefore"), said.time("notAfter")
    if not_before >= not_after:
        said.refuse("notAfter", "is not after notBefore")
    return SealingKey(place, sealing, status, not_before, not_after, created)


def _same(said: Members, name: str, is_: str) -> None:
    if said.text(name) != is_:
        said.refuse(name, f"is not that of {PEM}")


def _status(kind: Kind, labels: Mapping[str, str]) -> Status | None:
    """What a label says of a key; None: out of use."""
    if kind == "bitnami":
        known = {names.KEY_ACTIVE: Status.ACTIVE, names.KEY_COMPROMISED: Status.COMPROMISED}
        return known.get(labels.get(names.KEY_LABEL, names.KEY_ACTIVE))
    said = labels.get(names.KEY_STATUS, Status.ACTIVE)
    if said not in list(Status):
        raise KeyFormatError(f"has a label {names.KEY_STATUS} that is none of {', '.join(Status)}")
    return Status(said)


def _place(metadata: Mapping[str, Any]) -> Place:
    try:
        created = datetime.fromisoformat(metadata["creationTimestamp"])
    except (KeyError, TypeError, ValueError):
        created = _EPOCH
    namespace, name, uid, version = (
        str(metadata.get(each, "")) for each in ("namespace", "name", "uid", "resourceVersion")
    )
    return Place(namespace, name, uid, version, created if created.tzinfo else created.replace(tzinfo=UTC))


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise KeyFormatError("is not PEM") from None


def _unreadable(place: Place, labels: Mapping[str, str], what: str) -> Unreadable:
    label = next((name for name in (names.KEY_LABEL, names.OUR_KEY) if name in labels), "")
    secret = f"secret -n {quote(place.namespace)} {quote(place.name)}"
    if label:
        way_out = f"restore it from a backup; if it is no key: kubectl label {secret} {label}-"
    else:
        way_out = f"restore it from a backup; if it is no key, give it another name: kubectl get {secret}"
    return Unreadable(place, Problem(str(place), 0, CODE, what, way_out))
