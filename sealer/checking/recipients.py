"""Who can open a sealed document, as far as it can be told without a private key. Pure, but for `known`.

A v2 envelope names its recipients by key id; pinned bundles say whose they are. A v1 envelope names nobody: its length
gives the size of the RSA key, and the rule for its path says the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sealer.errors import FormatError, SourceError
from sealer.formats.envelope_v1 import EnvelopeV1
from sealer.formats.envelope_v2 import EnvelopeV2
from sealer.sealing.seal import envelope_of

if TYPE_CHECKING:
    from sealer.configuration.config import Config
    from sealer.documents.document import SealedSecret
    from sealer.formats.bundle import Bundle, BundleKey

Envelope = EnvelopeV1 | EnvelopeV2


@dataclass(frozen=True, slots=True)
class Known:
    """The bundles of the clusters of one `.sealer.yaml`, by cluster."""

    bundles: Mapping[str, Bundle] = field(default_factory=dict)

    def holders(self, key_id: str) -> list[tuple[str, BundleKey]]:
        """Each cluster whose bundle has this key, with what it says about it."""
        found = ((name, bundle.get(key_id)) for name, bundle in self.bundles.items())
        return [(name, key) for name, key in found if key is not None]

    def named(self, key_id: str) -> str:
        """`prod 9f3a12c4`, or the id alone if no bundle has it."""
        names = [name for name, _ in self.holders(key_id)]
        return f"{'/'.join(names)} {key_id[:8]}" if names else key_id[:8]


def known(config: Config | None) -> Known:
    """The bundles that can be read, to name keys with; whether they are to be trusted is `check`'s business."""
    from sealer.pinning import pins

    bundles = {}
    for name in config.clusters if config else ():
        try:
            bundles[name] = pins.read(config, name).bundle  # type: ignore[arg-type]
        except (SourceError, FormatError):
            continue
    return Known(bundles)


def envelopes(items: Mapping[str, str]) -> dict[str, Envelope]:
    """The envelope of each item that is well-formed."""
    found = {}
    for item, text in items.items():
        try:
            found[item] = envelope_of(text)
        except FormatError:
            continue
    return found


def ids(items: Mapping[str, str]) -> tuple[str, ...]:
    """The key ids of all recipients of all v2 items, in order."""
    parsed = envelopes(items).values()
    return tuple(dict.fromkeys(key for one in parsed if isinstance(one, EnvelopeV2) for key in one.recipients))


def clusters_of(doc: SealedSecret, known: Known, config: Config | None) -> tuple[str, ...]:
    """The clusters that a document is for: by its recipients, else by the rule for its path, else the only one."""
    sealed_to = ids(doc.items)
    holders = [known.holders(key_id) for key_id in sealed_to]
    if holders and all(holders):
        names = {name for each in holders for name, _ in each}
        return tuple(name for name in known.bundles if name in names)
    return ruled(doc.place.file, config)


def ruled(path: str, config: Config | None) -> tuple[str, ...]:
    """The clusters that the rule for a path names, else the only one there is."""
    from sealer.configuration import rules
    from sealer.errors import UsageError

    if config is None:
        return ()
    try:
        match = rules.match(config, config.relative(path))
    except UsageError:  # outside of the folder of .sealer.yaml
        match = None
    if match and match.clusters:
        return match.clusters
    return tuple(config.clusters) if len(config.clusters) == 1 else ()


def describe(doc: SealedSecret, known: Known) -> str:
    """`prod 9f3a12c4, recovery 0b1c2d3e`; for v1 the size of the key."""
    sealed_to = ids(doc.items)
    if sealed_to:
        return ", ".join(known.named(key_id) for key_id in sealed_to)
    sizes = {one.bits for one in envelopes(doc.items).values() if isinstance(one, EnvelopeV1)}
    return " and ".join(f"an RSA key of {bits:,} bits" for bits in sorted(sizes)) or "nobody"


def sibling(path: str, sealed_to: Sequence[str], held: Sequence[str]) -> str | None:
    """The file that is to one of our clusters what `path` is to another: `clusters/{ours}/...`, if it is there."""
    parts = Path(path).parts
    for mine in held:
        for at, part in enumerate(parts):
            other = Path(*parts[:at], mine, *parts[at + 1 :])
            if part in sealed_to and other.is_file():
                return str(other)
    return None
