"""Reads what `sealer.sealing.targets` decides on: `.sealer.yaml` upward of a path, the pinned bundles, a certificate.

One Resolver serves one run of a command: each configuration, bundle and set of recipients is read once, however many
files there are, and each warning is said once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files
from sealer.checking import recipients
from sealer.configuration import config as configs
from sealer.configuration import rules
from sealer.errors import SealerError, UsageError
from sealer.formats import keys
from sealer.formats.envelope_v2 import EnvelopeV2
from sealer.pinning import pins
from sealer.sealing import seal, targets
from sealer.sealing.targets import Flags, Said, Sealed, Target

if TYPE_CHECKING:
    from collections.abc import Collection

    from sealer.configuration.config import Config
    from sealer.configuration.rules import Match
    from sealer.documents.document import Manifest, SealedSecret
    from sealer.formats.binding import Binding
    from sealer.pinning.pins import Pinned
    from sealer.sealing.seal import Recipients

_MAX_CERTIFICATE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A path that is written, as messages show it, with its configuration and rule (`rule`: where that stands)."""

    shown: str
    config: Config | None
    match: Match | None
    rule: str


class Resolver:
    """Targets for many paths under one set of flags. `warnings` collects what has to be said, each once."""

    def __init__(self, flags: Flags, *, now: datetime | None = None) -> None:
        self.flags = flags
        self.now = now or datetime.now(UTC)
        self.warnings: dict[str, None] = {}
        self._real: dict[Path, Path] = {}
        self._by_folder: dict[Path, Config | None] = {}
        self._pinned: dict[tuple[Path, str], Pinned] = {}
        self._recipients: dict[tuple[Path, tuple[str, ...]], Recipients] = {}
        self._holders: dict[Path, Mapping[str, frozenset[str]]] = {}
        self._certificate: Recipients | None = None

    def resolve(
        self,
        path: Path | None,
        document: Manifest | SealedSecret | None = None,
        *,
        sealed: Sealed | None = None,
        said: Said | None = None,
    ) -> Target:
        """The target of a document that is written to `path` (None: to stdout, which has no rule).

        `sealed` are the recipients of a sealed file's items, if it is one that is changed. Raises UsageError for
        anything that disagrees or is not known, Untrusted or Refused for keys that may not be used.
        """
        said = said or (Said.of(document) if document else None)
        place = self._place(path)
        bound = self._bound(place, said)
        stores = targets.stores(said, place.match, path=place.shown, rule=place.rule)
        try:
            clusters, readers = self._readers(place, sealed or Sealed())
        except SealerError as error:
            raise error.at(place.shown) from None
        return Target(place.shown, bound, clusters, stores, readers)

    def bound(self, path: Path | None, said: Said | None) -> Binding:
        """Namespace, name and scope alone, as `resolve` finds them; no key is looked at."""
        return self._bound(self._place(path), said)

    def _bound(self, place: Place, said: Said | None) -> Binding:
        return targets.binding(self.flags, said, place.match, path=place.shown, rule=place.rule)

    def _place(self, path: Path | None) -> Place:
        config = self.config(path.parent if path else Path.cwd())
        match = self._match(config, path)
        rule = f"{config.file}:{match.rule.line}" if config and match else ""
        return Place(configs.shown(path) if path else "stdout", config, match, rule)

    def config(self, folder: Path) -> Config | None:
        """The nearest `.sealer.yaml` upward of a folder, which need not exist."""
        place = self._real_folder(folder)
        if place not in self._by_folder:
            file = place / configs.NAME
            if file.is_file():
                found: Config | None = configs.load(file)
            else:
                found = self.config(place.parent) if place.parent != place else None
            self._by_folder[place] = found
        return self._by_folder[place]

    def _match(self, config: Config | None, path: Path | None) -> Match | None:
        if config is None or path is None:
            return None
        folder = self._real_folder(path.parent)
        inside = folder.is_relative_to(config.root)
        name = (folder / path.name).relative_to(config.root).as_posix() if inside else config.relative(path)
        found = rules.match(config, name)
        return found.checked() if found else None

    def _real_folder(self, folder: Path) -> Path:
        # `config.relative` would follow the same folder to where it really is for each of a thousand files.
        if folder not in self._real:
            self._real[folder] = Path(os.path.realpath(folder))
        return self._real[folder]

    def _readers(self, place: Place, sealed: Sealed) -> tuple[tuple[str, ...], Recipients]:
        config = place.config
        if self.flags.cert is not None:
            certificate = self._of_certificate(self.flags.cert)
            self._check_certificate(certificate, place)
            return (), certificate
        if config is None:
            raise UsageError(
                "there is no .sealer.yaml here or in a folder above, so no cluster is known",
                way_out="sealer init; or seal v1 to a certificate: --cert PEM",
            )
        clusters = targets.clusters(
            self.flags,
            place.match,
            config,
            sealed,
            lambda: self.holders(config),
            path=place.shown,
            rule=place.rule,
        )
        key = (config.root, clusters)
        if key not in self._recipients:
            found = [self.pinned(config, name) for name in clusters]
            holders = [
                seal.Holder(name, each.bundle, config.clusters[name].envelope)
                for name, each in zip(clusters, found, strict=True)
            ]
            self._recipients[key] = seal.choose(holders, self.now, self.flags.envelope)
            self._warn(pins.shared(found))
            self._warn(_downgraded(config, found, self.flags.envelope, self.now))
        return clusters, self._recipients[key]

    def pinned(self, config: Config, cluster: str) -> Pinned:
        """The pinned keys of a cluster, checked once a run. Raises Untrusted, SourceError or FormatError."""
        key = (config.root, cluster)
        if key not in self._pinned:
            found = pins.pinned(config, cluster, now=self.now, envelope=self.flags.envelope)
            self._warn(found.warnings)
            self._pinned[key] = found
        return self._pinned[key]

    def holders(self, config: Config) -> Mapping[str, frozenset[str]]:
        """Which clusters hold which key id, of all clusters whose keys can be read; only for telling names."""
        if config.root not in self._holders:
            table: dict[str, frozenset[str]] = {}
            for cluster, bundle in recipients.known(config).bundles.items():
                for key in bundle.keys:
                    table[key.id] = table.get(key.id, frozenset()) | {cluster}
            self._holders[config.root] = table
        return self._holders[config.root]

    def _of_certificate(self, source: str) -> Recipients:
        if self._certificate is None:
            pem = files.read(source, limit=_MAX_CERTIFICATE).decode("ascii", "replace")
            try:
                self._certificate = seal.certificate_recipients(pem, self.now)
            except SealerError as error:
                raise error.at(source) from None
        return self._certificate

    def _check_certificate(self, certificate: Recipients, place: Place) -> None:
        """A rule that gives the path to clusters and a certificate that is none of theirs disagree."""
        config = place.config
        ruled = place.match.clusters if place.match else ()
        key_id = certificate.keys[0].id
        if config and ruled and not any(self.pinned(config, name).bundle.get(key_id) for name in ruled):
            raise UsageError(
                f"cluster: --cert is key {key_id[:8]}, {place.rule} says {', '.join(ruled)}, which has no such key",
                way_out="leave --cert out, or change the rule",
            )

    def _warn(self, texts: Collection[str]) -> None:
        self.warnings.update(dict.fromkeys(texts))


def _downgraded(config: Config, found: Collection[Pinned], flag: str | None, now: datetime) -> list[str]:
    """What is said where one line of `.sealer.yaml` turns the readers of v2 into readers of v1."""
    return [
        f"{config.file}:{cluster.line} asks for v1, though {cluster.name} has a v2 key: "
        "no protection from quantum computers, and items can be swapped unnoticed"
        for cluster in (config.clusters[each.bundle.cluster] for each in found if each.bundle.usable(now, keys.KEM))
        if flag is None and cluster.envelope == seal.V1
    ]


def recipients_of(document: SealedSecret, leaving: Collection[str] = ()) -> Sealed:
    """The key ids that the v2 items of a sealed document name; `leaving` are the items about to be replaced."""
    staying: list[frozenset[str]] = []
    going: list[frozenset[str]] = []
    for item, envelope in recipients.envelopes(document.items).items():
        if isinstance(envelope, EnvelopeV2):
            (going if item in leaving else staying).append(frozenset(envelope.recipients))
    return Sealed(tuple(staying), tuple(going))
