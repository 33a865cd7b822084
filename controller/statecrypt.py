"""A row of the store `local`: one version of one whole secret, encrypted (FORMATS section 7). Both directions.

    row = h || AES-256-GCM(HKDF(state key, salt, "sealer/state row"), nonce 12 zero bytes, aad, padded)
    h   = 0x01 || id(8) || salt(32)
    aad = h || lp("local") || lp(namespace) || lp(name) || u64 version

The payload is canonical JSON {annotations, immutable, items: {key: b64}, labels, type}, padded as a v2 envelope's body,
without its limit of 1 MiB. The salt makes every row's key its own, hence the constant nonce. Replay of a whole older
database is not noticed; a row that stands at another name or version is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from controller import jsontext
from controller.fingerprint import surroundings
from sealer.errors import CannotOpen, FormatError, NoKey
from sealer.formats.envelope_v2 import pad, unpad
from sealer.formats.wire import b64decode, b64encode, canonical_json, hkdf, lp
from sealer.secret import Ref, Secret

_VERSION = b"\x01"
_HEAD = 1 + 8 + 32
_NONCE = bytes(12)
_MEMBERS = {"annotations", "immutable", "items", "labels", "type"}


def seal_row(key_id: str, state_key: bytes, ref: Ref, version: int, secret: Secret) -> bytes:
    """The row of a version of a secret, under the state key with this id (16 hex digits)."""
    head = _VERSION + bytes.fromhex(key_id) + os.urandom(32)
    items = {item: b64encode(value) for item, value in secret.items.items()}
    payload = jsontext.canonical({"items": items, **surroundings(secret)})
    return head + AESGCM(_row_key(state_key, head)).encrypt(_NONCE, pad(payload), _aad(head, ref, version))


def open_row(keys: Mapping[str, bytes], ref: Ref, version: int, row: bytes) -> Secret:
    """The secret in a row. `keys` are state keys by id: see `Keyring.state_keys`.

    Raises NoKey if the key that it names is not among them (a public fact), and CannotOpen, one text for every other
    cause; both name the secret.
    """
    try:
        if row[:1] != _VERSION or len(row) < _HEAD:
            raise FormatError("not a row")
        if key_of(row) not in keys:
            what = f"needs state key {key_of(row)[:8]}, which the keyring doesn't hold"
            raise NoKey(what, way_out="deliver it again: sealer-controller apply SOURCE")
        head, key = row[:_HEAD], keys[key_of(row)]
        payload = unpad(AESGCM(_row_key(key, head)).decrypt(_NONCE, row[_HEAD:], _aad(head, ref, version)))
        return _secret(ref, payload)
    except NoKey as error:
        raise error.at(str(ref)) from None
    except Exception:
        # The cause, and what was decrypted, stay here.
        what = f"version {version} in the state can't be opened"
        raise CannotOpen(what, where=str(ref), way_out="restore the state, or deliver another value") from None


def key_of(row: bytes) -> str:
    """The id of the state key that a row names, 16 hex digits."""
    return row[1:9].hex()


def _secret(ref: Ref, payload: bytes) -> Secret:
    value: dict[str, Any] = json.loads(payload)
    if set(value) != _MEMBERS or canonical_json(value) != payload:
        raise FormatError("not the payload of a row")
    return Secret(
        name=ref.name,
        namespace=ref.namespace,
        items={item: b64decode(text) for item, text in value["items"].items()},
        type=value["type"],
        labels=value["labels"],
        annotations=value["annotations"],
        immutable=value["immutable"],
    )


def _aad(head: bytes, ref: Ref, version: int) -> bytes:
    place = b"".join(lp(text.encode()) for text in ("local", ref.namespace, ref.name))
    return head + place + version.to_bytes(8, "big")


def _row_key(state_key: bytes, head: bytes) -> bytes:
    return hkdf(state_key, salt=head[9:], info=b"sealer/state row")
