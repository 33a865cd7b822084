"""Snapshot to triage: all that is found out before anything is opened (DELIVERY section 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller import remembered
from controller.fingerprint import FingerprintKey, derive, fingerprint
from controller.model import Document, Keys, Observed, Ref, Target, Triage
from controller.remembered import Remembered
from controller.select import Selection, select
from controller.sources.directory import DirectorySource
from controller.stores.base import Store, StoreError
from controller.triage import triage
from controller.verdict import Verdict, judge
from sealer import console
from sealer.errors import SealerError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.settings import Settings
    from controller.sources.base import Reading
    from controller.sources.location import Location
    from controller.state import State
    from sealer.documents.document import SealedSecret
    from sealer.keyrings.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Job:
    """What to apply. `now` is in milliseconds; `empty` says that a source without sealed documents is meant so.

    `key_ids` are those of the cluster's keys where there is no keyring; None: not known. `key` is shown.
    """

    settings: Settings
    location: Location
    now: int
    dry_run: bool = False
    empty: bool = False
    lock_timeout: float = 10.0
    key_ids: tuple[str, ...] | None = None
    key: str = ""

    @property
    def owner(self) -> str:
        """Who owns what is delivered: a lost state finds its own secrets by it."""
        return f"{self.settings.cluster}/{self.location.source}"


@dataclass(frozen=True, slots=True)
class View:
    """One run as it stands before anything is opened. `stores` are by label."""

    job: Job
    source: DirectorySource
    reading: Reading
    selection: Selection
    known: Remembered
    stores: Mapping[str, Store]
    keys: Keys
    verdicts: Mapping[Ref, Verdict]
    observed: Mapping[Target, Observed]
    triages: tuple[Triage, ...]

    def load(self, document: Document) -> SealedSecret:
        """The document itself, from its file if that was not parsed. Raises SourceError."""
        return self.source.load(self.selection.found[document.origin])


@dataclass(frozen=True, slots=True)
class Work:
    """One document to open. With `again`, it is the last good one of a document that fails: its target was lost."""

    document: Document
    verdict: Verdict
    triage: Triage
    again: bool = False


class Marks:
    """The key of fingerprints, read from the keyring when the first one is made: that may ask for a passphrase."""

    def __init__(self, ring: Keyring | None) -> None:
        self.ring = ring
        self._key: FingerprintKey | None = None

    def key(self) -> FingerprintKey:
        """The key of the active state key."""
        if self._key is None:
            if self.ring is None:
                raise SourceError("there are no private keys here")
            self._key = derive(*self.ring.state_keys()[0])
        return self._key


async def look(job: Job, state: State | None, stores: Mapping[str, Store], marks: Marks) -> View:
    """Read the source, pick what is ours, judge, observe, triage."""
    known = Remembered.of(state, job.location.source)
    said = remembered.check(known, job.location, job.settings.cluster)
    if said:
        console.warn(said)
    source = DirectorySource(job.location)
    reading = source.read(known.parsed)
    ring = job.settings.ring
    ids = [entry.id for entry in ring.entries] if ring else job.key_ids
    selection = select(reading, job.location, job.settings.cluster, ids)
    if not reading.found and not reading.problems and not job.empty:
        way_out = "name the folder that holds the sealed files; if none is meant to be there: --allow-prune"
        raise SourceError("holds no sealed document", where=job.location.shown, way_out=way_out)
    places = {label: store.target for label, store in stores.items()}
    documents = selection.snapshot.documents
    verdicts = {each.ref: judge(selection.found[each.origin].entry, each.ref, job.owner, places) for each in documents}
    targets = dict.fromkeys(target for verdict in verdicts.values() for target in verdict.inputs)
    observed = await observe(stores.values(), targets, job.owner, known, marks)
    keys = _keys(ring, known)
    triages = triage(selection.snapshot, known.deliveries, known.failures, observed, verdicts, keys, job.now)
    return View(job, source, reading, selection, known, stores, keys, verdicts, observed, triages)


async def observe(
    stores: Iterable[Store], targets: Iterable[Target], owner: str, known: Remembered, marks: Marks
) -> dict[Target, Observed]:
    """What stands at each target. A value that isn't known by its version is read once, for its fingerprint.

    A mark's own fingerprint never equals a recorded one: it is made for another purpose. What a store can't say is
    left out.
    """
    found: dict[Target, Observed] = {}
    wanted = list(targets)
    for store in stores:
        mine = [target for target in wanted if target.store == store.uid]
        for target, seen in (await store.observe(mine)).items() if mine else ():
            if not isinstance(seen, StoreError):
                delivery = known.deliveries.get(target)
                drifted = delivery is None or delivery.version != seen.version
                read = drifted and seen.presence == "present" and seen.owner == owner and marks.ring is not None
                mark = await _read(store, target, marks) if read else ""
                found[target] = replace(seen, fingerprint=mark) if mark else seen
    return found


async def _read(store: Store, target: Target, marks: Marks) -> str:
    """The fingerprint of the value that stands at a target, as it would be recorded; "" if it can't be read."""
    try:
        secret = await store.read(target)
    except SealerError:
        return ""
    namespace, _, name = target.name.partition("/")
    return fingerprint(marks.key(), "delivered", target.store, Ref(namespace, name), secret)


def _keys(ring: Keyring | None, known: Remembered) -> Keys:
    """Without a keyring the recorded digest stands in: what failed before is shown as failed, not as new."""
    if ring is None:
        return Keys(known.meta.get("keyring", ""), {}, known.meta.get("fingerprint_key", ""))
    return Keys(ring.digest, {entry.id: str(entry.status) for entry in ring.entries}, "")
