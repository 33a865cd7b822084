"""Sealing one item, and to which keys (FORMATS sections 3 and 6). Pure: bundles, bytes and the time come in.

Which clusters a path is sealed for is `sealer.targets`; this module only turns clusters with their bundles into keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sealer import envelope_v1, envelope_v2
from sealer.errors import Refused, UsageError
from sealer.keys import KEM, RSA, load_certificate, validity

if TYPE_CHECKING:
    from sealer.binding import Binding
    from sealer.bundle import Bundle
    from sealer.envelope_v1 import EnvelopeV1
    from sealer.envelope_v2 import EnvelopeV2
    from sealer.keys import PublicKey

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
    """A cluster with its pinned bundle and the envelope that `.sealer.yaml` asks for (None: ours to choose)."""

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

    `envelope` is the flag; without it each cluster's own choice counts, else v2 where its bundle has such a key.
    Raises UsageError if the clusters can't be served together, Refused if one has no usable key.
    """
    wanted = {holder.cluster: envelope or holder.envelope or _natural(holder.bundle) for holder in holders}
    if len(holders) > 1 and V1 in wanted.values():
        first = next(name for name, word in wanted.items() if word == V1)
        others = ", ".join(name for name in wanted if name != first)
        raise UsageError(
            f"a v1 envelope has one recipient: {first} takes v1, but {others} is to read the same file",
            way_out="name one cluster (--cluster), or have its controller take v2",
        )
    word = V1 if V1 in wanted.values() else V2
    pairs = [(key, holder.cluster) for holder in holders for key in _usable(holder, word, now)]
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


def _natural(bundle: Bundle) -> str:
    # A bundle that ever had a v2 key counts as v2: losing the key must not silently weaken what is sealed.
    return V2 if any(key.public.algorithm == KEM for key in bundle.keys) else V1


def _usable(holder: Holder, envelope: str, now: datetime) -> tuple[PublicKey, ...]:
    keys = holder.bundle.usable(now, KEM if envelope == V2 else RSA)
    if keys:
        return keys if envelope == V2 else keys[:1]
    refresh = f"sealer keys fetch --cluster {holder.cluster}"
    if envelope == V2:
        v1_there = bool(holder.bundle.usable(now, RSA))
        raise Refused(
            f"the pinned bundle of cluster {holder.cluster} has no v2 key that may seal now",
            way_out=refresh + ("; to seal v1 on purpose: --envelope v1" if v1_there else ""),
        )
    raise Refused(f"the pinned bundle of cluster {holder.cluster} has no RSA key that may seal now", way_out=refresh)
