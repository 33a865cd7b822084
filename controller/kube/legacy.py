"""The old form of a SealedSecret: `spec.data`, one v1 envelope around the JSON of a whole Secret. Pure.

Shape of what is in it: a `v1/Secret` as Go writes one, values in base64 (`shared/reference/bitnami-sealed-secrets.md`,
1.8). What doesn't open and what is no Secret inside are one error, which says nothing of the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from sealer.errors import CannotOpen, FormatError, Refused
from sealer.formats import envelope_v1
from sealer.formats.wire import b64decode

if TYPE_CHECKING:
    from controller.kube.posted import Posted
    from sealer.formats.binding import Binding
    from sealer.sealing.unseal import PrivateKeys


@dataclass(frozen=True, slots=True)
class Legacy:
    """The Secret that was in it; `key_id` is of the key that opened it."""

    items: Mapping[str, bytes] = field(repr=False)
    type: str
    immutable: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(repr=False)
    key_id: str


def check(posted: Posted, accepted: bool) -> None:
    """Refuse what can't be read both ways, as upstream; in its order. `accepted`: --accept-deprecated-v1-data."""
    if posted.legacy is None:
        return
    if not accepted:
        raise Refused("uses the deprecated field data, which --accept-deprecated-v1-data=false refuses")
    if posted.items:
        raise Refused("has both encryptedData and the deprecated field data")


def unpack(text: str, binding: Binding, keys: PrivateKeys) -> Legacy:
    """The Secret in a `spec.data`. Raises NoKey, CannotOpen, EnvelopeError or NameRefused."""
    envelope = envelope_v1.parse(text)
    plain, private = envelope_v1.open_envelope(envelope, binding.label(), keys.rsa())
    try:
        secret = _map(msgspec.json.decode(plain))
        metadata = _map(secret.get("metadata"))
        items = {key: b64decode(value) for key, value in _texts(secret.get("data")).items()}
        items |= {key: value.encode() for key, value in _texts(secret.get("stringData")).items()}
        kind = secret.get("type")
        return Legacy(
            items,
            kind if isinstance(kind, str) else "",
            secret.get("immutable") is True,
            _texts(metadata.get("labels")),
            _texts(metadata.get("annotations")),
            private.id,
        )
    except (msgspec.DecodeError, FormatError, UnicodeError, TypeError, RecursionError):
        raise CannotOpen from None


def _map(value: object) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise TypeError
    return value or {}


def _texts(value: object) -> dict[str, str]:
    found = _map(value)
    if not all(isinstance(text, str) for text in found.values()):
        raise TypeError
    return found
