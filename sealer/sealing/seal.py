"""Sealing one item, and to which keys (FORMATS sections 3 and 6). Pure: bundles, bytes and the time come in.

Which clusters a path is sealed for is `sealer.sealing.targets`; this module only turns clusters with their bundles
into keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sealer.errors import Refused, UsageError
from sealer.formats import envelope_v1, envelope_v2
from sealer.formats.keys import KEM, RSA, load_certificate, validity

if TYPE_CHECKING:
    from sealer.formats.binding import Binding
    from sealer.formats.bundle import Bundle
    from sealer.formats.envelope_v1 import EnvelopeV1
    from sealer.formats.envelope_v2 import EnvelopeV2
    from sealer.formats.keys import PublicKey

V1 = "v1"
V2 = "v2"
CERTIFICATE = "certificate"
"""Stands for the cluster where `--cert` names a bare certificate: who holds its key is not known."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who will be able to read an item. `clusters[i]` holds `keys[i]`; a cluster with two keys stands twice."""

    envelope: str
    keys: tuple[PublicKey, ...]
    clusters: tuple[str, ...]

    def __str__(self) -> str:
        names = dict.fromkeys(self.clusters)
        return ", ".join(f"{name} {' '.join(self._ids(name))}" for name in names)

    def _ids(self, cluster: str) -> list[str]:
        return [key.id[:8] for key, holder in zip(self.keys, self.clusters, strict=False) if holder == cluster]


@dataclass(frozen=True, slots=True)
class Holder:
    """A cluster with its pinned bundle, and the envelope that `.sealer.yaml` asks for."""

    cluster: str
    bundle: Bundle
    envelope: str | None = None


def seal_item(value: bytes, binding: Binding, item: str, recipients: Recipients) -> str:
    """The text of a new envelope of one item. Raises NameRefused or EnvelopeError."""
    context = binding.context(item)  # checks the item's name for v1 too, whose label doesn't hold it
    if recipients.envelope == V2:
        return envelope_v2.seal(value, context, recipients.keys)
    return envelope_v1.seal(value, binding.label(), recipients.keys[0])


def envelope_of(text: str) -> EnvelopeV1 | EnvelopeV2:
    """The envelope that a sealed item's text holds, parsed without a key. Raises EnvelopeError."""
    return envelope_v2.parse(text) if text.startswith(envelope_v2.PREFIX) else envelope_v1.parse(text)


def choose(holders: Sequence[Holder], now: datetime, envelope: str | None = None) -> Recipients:
    """The keys to seal to: every active v2 key of each cluster, or for v1 the newest RSA key of the only one.

    `envelope` is the flag; without it `.sealer.yaml` decides, else the keys: v2 if there ever was such a key, so that
    losing it is an error and never a silent step back. Raises UsageError if the clusters can't be served together,
    Refused if one has no usable key.
    """
    words = {each.cluster: envelope or each.envelope or (V2 if each.bundle.had(KEM) else V1) for each in holders}
    if len(words) > 1 and V1 in words.values():
        first = next(name for name, word in words.items() if word == V1)
        others = ", ".join(name for name in words if name != first)
        raise UsageError(
            f"a v1 envelope has one recipient: {first} takes v1, and {others} is to read the same file",
            way_out=f"one file a cluster (--cluster NAME); or give {first} a v2 key: sealer-controller keys generate",
        )
    word = V1 if V1 in words.values() else V2
    pairs = [(key, each.cluster) for each in holders for key in _usable(each, word, now)]
    return Recipients(word, tuple(key for key, _ in pairs), tuple(name for _, name in pairs))


def certificate_recipients(pem: str, now: datetime) -> Recipients:
    """The recipients of `--cert`: the first certificate's key, as kubeseal does, if it is valid now."""
    key = load_certificate(pem)
    not_before, not_after = validity(pem)
    if not not_before <= now <= not_after:
        word = "expired on" if now > not_after else "is not valid before"
        day = not_after if now > not_after else not_before
        raise Refused(f"the certificate {word} {day:%Y-%m-%d}", way_out="fetch the controller's current certificate")
    return Recipients(V1, (key,), (CERTIFICATE,))


def _usable(holder: Holder, word: str, now: datetime) -> tuple[PublicKey, ...]:
    keys = holder.bundle.usable(now, RSA if word == V1 else KEM)
    if keys:
        return keys[:1] if word == V1 else keys
    fetch = f"sealer keys fetch --cluster {holder.cluster}"
    instead = "; to seal v1 on purpose: --envelope v1" if word == V2 and holder.bundle.usable(now, RSA) else ""
    kind = "RSA" if word == V1 else "v2"
    raise Refused(f"cluster {holder.cluster} has no active {kind} key within its dates", way_out=fetch + instead)
