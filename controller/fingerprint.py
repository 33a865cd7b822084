"""How a delivered value is remembered and recognised without keeping it (FORMATS section 8).

    hex(id[:4]) ":" hex(HMAC-SHA256(K, lp(purpose) || lp(store) || lp(namespace) || lp(name) || fields)[:16])
    K      = HKDF(state key, salt empty, info "sealer/state fp")
    fields = for each item, by key: lp(item) || u32 length || value
             and, if anything but the items is not the default: lp("") || u32 length || canonical JSON of it

The last line goes beyond the items on purpose: a secret whose labels or type alone change is another secret to
deliver, and no item is called "". A fingerprint confirms guesses of a short value: it never leaves the controller's
state and its own marks, and is never printed.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sealer.formats.wire import canonical_json, hkdf, lp

if TYPE_CHECKING:
    from sealer.secret import Ref, Secret

Purpose = Literal["delivered", "mark"]

_DEFAULTS = {"annotations": {}, "immutable": False, "labels": {}, "type": "Opaque"}


@dataclass(frozen=True, slots=True)
class FingerprintKey:
    """What fingerprints are made with. `prefix` is the part before the colon, 8 hex digits."""

    prefix: str
    key: bytes = field(repr=False)

    def made(self, fingerprint: str) -> bool:
        """Whether a fingerprint is of this key; one of another key is unknown, and says nothing."""
        return fingerprint.startswith(f"{self.prefix}:")


def derive(key_id: str, state_key: bytes) -> FingerprintKey:
    """The key for fingerprints of a state key, which `Keyring.state_keys` gives with its id."""
    return FingerprintKey(key_id[:8], hkdf(state_key, salt=b"", info=b"sealer/state fp"))


def fingerprint(key: FingerprintKey, purpose: Purpose, store: str, ref: Ref, secret: Secret) -> str:
    """The fingerprint of a secret in a store (its uid). `ref` is where it goes, whatever the secret calls itself."""
    return _fingerprint(key, purpose, _subject(store, ref, secret))


def both(key: FingerprintKey, store: str, ref: Ref, secret: Secret) -> tuple[str, str]:
    """The fingerprints of a secret for both purposes: delivered, and mark."""
    subject = _subject(store, ref, secret)
    return _fingerprint(key, "delivered", subject), _fingerprint(key, "mark", subject)


def _fingerprint(key: FingerprintKey, purpose: Purpose, subject: bytes) -> str:
    return f"{key.prefix}:{hmac.digest(key.key, lp(purpose.encode()) + subject, 'sha256')[:16].hex()}"


def _subject(store: str, ref: Ref, secret: Secret) -> bytes:
    """All that is fingerprinted but the purpose."""
    parts = [lp(store.encode()), lp(ref.namespace.encode()), lp(ref.name.encode())]
    for item in sorted(secret.items):
        parts += (lp(item.encode()), _sized(secret.items[item]))
    around = surroundings(secret)
    if around != _DEFAULTS:
        parts += (lp(b""), _sized(canonical_json(around)))
    return b"".join(parts)


def same(left: str, right: str) -> bool:
    """Whether two fingerprints are of the same value. An empty one is unknown, and the same as none."""
    return bool(left) and hmac.compare_digest(left.encode(), right.encode())


def surroundings(secret: Secret) -> dict[str, Any]:
    """All of a secret but its names and items, as JSON values."""
    return {
        "annotations": dict(secret.annotations),
        "immutable": secret.immutable,
        "labels": dict(secret.labels),
        "type": secret.type,
    }


def _sized(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value
