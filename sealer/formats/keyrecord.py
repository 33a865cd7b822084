"""`keyring.json`, both directions: what a keyring says about its keys (FORMATS section 5). Pure, and without crypto.

It holds no private key. The public halves stand in it, so that a list or a bundle asks for no passphrase per key.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sealer.errors import FormatError, KeyFormatError
from sealer.formats.keyid import KEM, RSA, key_id
from sealer.formats.strictjson import Members, dumps, format_time, loads
from sealer.formats.wire import b64decode, b64encode, canonical_json

ID = r"[0-9a-f]{16}"
ALGORITHM = rf"{KEM}|{RSA}"
STATUS = r"active|retired|compromised"

RECORD = "keyring.json"
IDENTITY = "identity.pem"

_RECORD = ("version", "cluster", "sequence", "identity", "keys", "stateKeys")
_KEY = ("id", "algorithm", "publicKey", "status", "notBefore", "notAfter", "created", "sequence")
_STATE_KEY = ("id", "status", "created", "sequence")


class Status(enum.StrEnum):
    """What a sealing key may do (table of FORMATS section 5)."""

    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One sealing key. `raw` is its public half; `sequence` that of the first bundle which held it.

    `certificate` is the hex SHA-256 of `<id>.crt`, for RSA only.
    """

    id: str
    algorithm: str
    status: Status
    not_before: datetime
    not_after: datetime
    created: datetime
    sequence: int
    raw: bytes = field(repr=False)
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class StateEntry:
    """One key of the state at rest (FORMATS section 7); exactly one is active, the others still open rows.

    A new one doesn't raise the keyring's sequence, since no bundle shows it: its own is the next one.
    """

    id: str
    status: Status
    created: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class BackedUp:
    """When the keyring was last backed up, at which sequence, and with which active state key (its id)."""

    time: datetime
    sequence: int
    state_key: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """The whole of `keyring.json`."""

    cluster: str
    sequence: int
    identity: str
    keys: tuple[KeyEntry, ...]
    state_keys: tuple[StateEntry, ...]
    backed_up: BackedUp | None = None

    def digest(self) -> str:
        """Hex SHA-256 of what decides whether something opens: ids and statuses."""
        return hashlib.sha256(canonical_json(sorted([key.id, str(key.status)] for key in self.keys))).hexdigest()

    @property
    def state_key(self) -> StateEntry:
        """The active key of the state."""
        return next(key for key in self.state_keys if key.status is Status.ACTIVE)

    def with_status(self, key_id: str, status: Status) -> Record:
        """This record with the status of one key changed; the sequence stays."""
        return replace(self, keys=tuple(replace(key, status=status) if key.id == key_id else key for key in self.keys))

    def file_names(self) -> tuple[str, ...]:
        """Every file that this keyring consists of, `keyring.json` last: the order in which they are written."""
        certificates = [f"{key.id}.crt" for key in self.keys if key.algorithm == RSA]
        private = [f"{key.id}.pem" for key in self.keys]
        state = [state_file(key.id) for key in self.state_keys]
        return (IDENTITY, *certificates, *private, *state, RECORD)


def certificate_digest(pem: str) -> str:
    """What the record remembers of a certificate file, so that no changed byte of it goes by."""
    return hashlib.sha256(pem.encode("ascii")).hexdigest()


def state_key_id(key: bytes) -> str:
    """The id of a state key, 16 hex digits (FORMATS section 7)."""
    return hashlib.sha256(b"sealer/state id" + key).hexdigest()[:16]


def state_file(key_id: str) -> str:
    """The name of the file of a state key."""
    return f"state-{key_id}.pem"


def parse(data: bytes) -> Record:
    """The record of a `keyring.json`. Raises KeyFormatError."""
    top = Members.of(loads(data, KeyFormatError), "", KeyFormatError, _RECORD, ("backedUp",))
    if top.integer("version") != 1:
        top.refuse("version", "is unknown to this program")
    keys = tuple(_key(entry) for entry in top.objects("keys", _KEY, ("certificate",)))
    state_keys = tuple(_state_key(entry) for entry in top.objects("stateKeys", _STATE_KEY))
    if len({key.id for key in keys}) != len(keys) or len({key.id for key in state_keys}) != len(state_keys):
        raise KeyFormatError("holds a key twice")
    if [key.status for key in state_keys].count(Status.ACTIVE) != 1:
        top.refuse("stateKeys", "must hold exactly one active key")
    return Record(
        top.cluster("cluster"),
        top.integer("sequence"),
        top.text("identity", r"ssh-ed25519 [A-Za-z0-9+/]{68}"),
        keys,
        state_keys,
        _backed_up(top),
    )


def render(record: Record) -> bytes:
    """The bytes of `keyring.json`."""
    value: dict[str, Any] = {
        "version": 1,
        "cluster": record.cluster,
        "sequence": record.sequence,
        "identity": record.identity,
        "keys": [
            {
                "id": key.id,
                "algorithm": key.algorithm,
                "publicKey": b64encode(key.raw),
                "status": str(key.status),
                "notBefore": format_time(key.not_before),
                "notAfter": format_time(key.not_after),
                "created": format_time(key.created),
                "sequence": key.sequence,
                **({"certificate": key.certificate} if key.certificate else {}),
            }
            for key in record.keys
        ],
        "stateKeys": [
            {"id": key.id, "status": str(key.status), "created": format_time(key.created), "sequence": key.sequence}
            for key in record.state_keys
        ],
    }
    if record.backed_up:
        saved = record.backed_up
        value["backedUp"] = {"time": format_time(saved.time), "sequence": saved.sequence}
        value["backedUp"] |= {"stateKey": saved.state_key} if saved.state_key else {}
    return dumps(value)


def _key(entry: Members) -> KeyEntry:
    try:
        raw = b64decode(entry.text("publicKey"))
    except FormatError:
        entry.refuse("publicKey")
    if key_id(raw) != entry.text("id", ID):
        entry.refuse("id", "is not the digest of the public key")
    algorithm = entry.text("algorithm", ALGORITHM)
    if ("certificate" in entry.value) != (algorithm == RSA):
        entry.refuse("certificate", "belongs to each RSA key, and to no other")
    key = KeyEntry(
        entry.text("id"),
        algorithm,
        Status(entry.text("status", STATUS)),
        entry.time("notBefore"),
        entry.time("notAfter"),
        entry.time("created"),
        entry.integer("sequence"),
        raw,
        entry.text("certificate", r"[0-9a-f]{64}") if algorithm == RSA else "",
    )
    if key.not_before >= key.not_after:
        entry.refuse("notAfter", "is not after notBefore")
    return key


def _state_key(entry: Members) -> StateEntry:
    status = Status(entry.text("status", r"active|retired"))
    return StateEntry(entry.text("id", ID), status, entry.time("created"), entry.integer("sequence"))


def _backed_up(top: Members) -> BackedUp | None:
    if "backedUp" not in top.value:
        return None
    entry = Members.of(top.value["backedUp"], "backedUp", KeyFormatError, ("time", "sequence"), ("stateKey",))
    state_key = entry.text("stateKey", ID) if "stateKey" in entry.value else ""
    return BackedUp(entry.time("time"), entry.integer("sequence"), state_key)
