"""The key bundle of a cluster whose keys are Secrets (FORMATS section 6), and the number that it goes by. Pure.

Readers refuse a bundle whose sequence went back, or which shows other keys under the same one. So the number stands in
the cluster: in an annotation of the identity, `{"keys":hex,"sequence":N,"version":1}`, with the digest of the keys that
it is for. The leader counts on when they differ (`renewal`); whoever sees other keys than those waits for that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from controller.kube import names
from sealer.errors import FormatError
from sealer.formats import bundle
from sealer.formats.strictjson import Members, format_time, loads
from sealer.formats.wire import canonical_json

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from controller.kube.keysecret import Identity
    from controller.kube.keyset import KeySet
    from sealer.formats.bundle import BundleKey


@dataclass(frozen=True, slots=True)
class Sequence:
    """The number of a bundle, and the `digest` of the keys that it is for. 0: nothing was published yet."""

    number: int = 0
    digest: str = ""


def published(keys: KeySet) -> tuple[BundleKey, ...]:
    """What is shown of the keys, in the order in which they were made.

    One whose certificate ends before it begins is left out: no reader would take the bundle.
    """
    return tuple(
        bundle.BundleKey(key.key.public, key.not_before, key.not_after, keys.status[key.key.id])
        for key in keys.sealing
        if key.not_before < key.not_after
    )


def digest(shown: tuple[BundleKey, ...]) -> str:
    """Hex SHA-256 of all that a bundle says of its keys."""
    said = [
        [key.id, format_time(key.not_before), format_time(key.not_after), str(key.status), key.public.certificate]
        for key in shown
    ]
    return hashlib.sha256(canonical_json(said)).hexdigest()


def sequence(identity: Identity) -> Sequence:
    """The sequence that stands at an identity; where there is none, or nonsense, it is counted from the beginning."""
    if not identity.sequence:
        return Sequence()
    try:
        value = loads(identity.sequence.encode("ascii", "replace"), FormatError)
        said = Members.of(value, "", FormatError, ("version", "sequence", "keys"))
        if said.integer("version") != 1:
            said.refuse("version")
        return Sequence(said.integer("sequence"), said.text("keys", r"[0-9a-f]{64}"))
    except FormatError:
        return Sequence()


def counted(identity: Identity, shown: tuple[BundleKey, ...]) -> dict[str, Any] | None:
    """The merge patch of the identity's Secret that numbers these keys; None if their number stands there."""
    former, now = sequence(identity), digest(shown)
    if former.digest == now:
        return None
    text = canonical_json({"version": 1, "sequence": former.number + 1, "keys": now}).decode("ascii")
    place = identity.place
    return {
        "metadata": {
            "uid": place.uid,
            "resourceVersion": place.version,
            "annotations": {names.KEY_SEQUENCE: text},
        }
    }


def render(cluster: str, identity: Identity, number: int, shown: tuple[BundleKey, ...], now: datetime) -> bytes:
    """The signed bundle, issued now."""
    issued = now.replace(microsecond=0)
    expires = issued + timedelta(days=bundle.EXPIRES_DAYS)
    return bundle.render(bundle.Bundle(cluster, number, issued, expires, identity.line, shown), identity.key)
