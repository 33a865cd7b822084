"""Which sealed documents of a source are this cluster's (DESIGN section 11, `apply`). Pure.

A rule that names clusters decides. Without one, a v2 document is ours if it is sealed to a key of ours, and a v1
document, which names no key, counts as ours. What was delivered before stays ours: where its key is lost it fails, and
is not taken for gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.model import Document, Origin, Problem, Ref, Snapshot
from controller.reason import UNREADABLE
from sealer.configuration import rules
from sealer.errors import NameRefused
from sealer.formats.binding import Scope, check_name, check_namespace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from controller.sources.base import Found, Reading
    from controller.sources.entry import Entry
    from controller.sources.location import Location


@dataclass(frozen=True, slots=True)
class Selection:
    """The snapshot of what is ours. `found` has each document's entry by origin; `others` counts the rest."""

    snapshot: Snapshot
    found: Mapping[Origin, Found]
    others: int
    sealed: int


def select(
    reading: Reading,
    location: Location,
    cluster: str,
    key_ids: Iterable[str] | None,
    delivered: Collection[Ref] = (),
) -> Selection:
    """The documents of `cluster`. `key_ids` are those of its keys; None: not known, and nothing is told by them.

    `delivered` are those of which something stands that this source delivered.
    """
    ours = _Ours(location, cluster, None if key_ids is None else frozenset(key_ids), delivered)
    documents: list[Document] = []
    found: dict[Origin, Found] = {}
    problems = [each for each in reading.problems if ours.by_rule(each.path) is not False]
    others = 0
    for each in reading.found:
        if not ours.has(each):
            others += 1
            continue
        refused = _refused(each)
        if refused is not None:
            problems.append(refused)
            continue
        document = _document(each, location.source, reading.revision)
        documents.append(document)
        found[document.origin] = each
    snapshot = Snapshot(
        location.source, location.prefix, reading.revision, reading.complete, tuple(documents), tuple(problems)
    )
    return Selection(snapshot, found, others, len(reading.found))


class _Ours:
    """Decides; asks the rules once a path."""

    def __init__(
        self, location: Location, cluster: str, key_ids: frozenset[str] | None, delivered: Collection[Ref]
    ) -> None:
        self._config = location.config
        self._cluster = cluster
        self._key_ids = key_ids
        self._delivered = delivered
        self._ruled: dict[str, bool | None] = {}

    def has(self, found: Found) -> bool:
        """Whether a document is ours."""
        ruled = self.by_rule(found.path)
        if ruled is not None:
            return ruled
        entry = found.entry
        if self._key_ids is None or entry.unkeyed or not self._key_ids.isdisjoint(entry.recipients):
            return True
        return Ref(entry.namespace, entry.name) in self._delivered

    def by_rule(self, path: str) -> bool | None:
        """What the rule for a path says; None if none names clusters."""
        if path not in self._ruled:
            match = rules.match(self._config, path) if self._config else None
            self._ruled[path] = self._cluster in match.clusters if match and match.clusters else None
        return self._ruled[path]


def _refused(found: Found) -> Problem | None:
    """Why a document can't be delivered under its name at all."""
    entry = found.entry
    try:
        check_name(entry.name)
        if not entry.namespace:
            raise NameRefused("has no namespace to be delivered to", way_out="add metadata.namespace")
        check_namespace(entry.namespace)
    except NameRefused as error:
        return Problem(found.path, entry.line, UNREADABLE, f"{_shown(entry.name)}{error.what}", error.way_out)
    return None


def _shown(name: str) -> str:
    """A document's name before a message, unless the name is what is wrong: a value may stand in its place."""
    try:
        return f"{check_name(name)}: "
    except NameRefused:
        return ""


def _document(found: Found, source: str, revision: str) -> Document:
    entry: Entry = found.entry
    return Document(
        Ref(entry.namespace, entry.name),
        Origin(source, found.path, entry.index, revision, entry.line),
        entry.digest,
        Scope(entry.scope),
        entry.stores or (),
        "retain" if entry.on_delete == "retain" else "delete",
        entry.items,
        entry.recipients,
        entry.unkeyed,
        found.body,
    )
