"""Snapshot to triage: all that is found out before anything is opened (DELIVERY section 2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from controller import remembered
from controller.configuration import Configuration
from controller.fingerprint import fingerprint
from controller.model import Delivery, Document, Keys, Observed, Ref, Target, Triage
from controller.recover import unsettled
from controller.remembered import Remembered
from controller.select import Selection, select
from controller.sources import open_source
from controller.stores.base import StoreError
from controller.trail import Ended
from controller.triage import live, triage
from controller.verdict import Verdict, judge
from sealer import console
from sealer.errors import Refused, SealerError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from controller.marks import Marks
    from controller.places import Places
    from controller.settings import Settings
    from controller.sources.base import Reading, Source
    from controller.sources.location import Location
    from controller.state import State
    from controller.trail import Trail
    from sealer.documents.document import SealedSecret
    from sealer.keyrings.keyring import Keyring


def never() -> bool:
    """Nobody asks a run to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Job:
    """What to apply. `now` is in milliseconds; `stop` says that the run is to end after the step that it is at.

    `key_ids` are those of the cluster's keys where there is no keyring; None: not known. `key` is shown.
    `allow_prune` says that a source without sealed documents is meant so, and that anything gone may be withdrawn.
    """

    settings: Settings
    location: Location
    now: int
    configuration: Configuration = field(default_factory=Configuration)
    dry_run: bool = False
    prune: bool = True
    allow_prune: bool = False
    allow_rollback: bool = False
    lock_timeout: float = 10.0
    on_change: tuple[str, ...] = ()
    key_ids: tuple[str, ...] | None = None
    key: str = ""
    stop: Callable[[], bool] = never

    @property
    def owner(self) -> str:
        """Who owns what is delivered: a lost state finds its own secrets by it."""
        return f"{self.settings.cluster}/{self.location.source}"


@dataclass(frozen=True, slots=True)
class View:
    """One run as it stands before anything is opened."""

    job: Job
    source: Source
    reading: Reading
    selection: Selection
    known: Remembered
    places: Places
    keys: Keys
    verdicts: Mapping[Ref, Verdict]
    observed: Mapping[Target, Observed]
    silent: Mapping[Target, SealerError]
    triages: tuple[Triage, ...]

    def load(self, document: Document) -> SealedSecret:
        """The document itself, from its file if that was not parsed. Raises SourceError."""
        return self.source.load(self.selection.found[document.origin])


@dataclass(frozen=True, slots=True)
class Work:
    """One document to open. With `again`, it is the last good one of a document that fails: its target was lost.

    `good` is then its digest: it may be older than what was lost.
    """

    document: Document
    verdict: Verdict
    triage: Triage
    again: bool = False
    good: str = ""


async def look(
    job: Job, state: State | None, places: Places, marks: Marks, trail: Trail, waiting: Collection[Target] = ()
) -> View:
    """Read the source, pick what is ours, judge, observe, triage. What is `waiting` is left alone, as if unseen."""
    known = Remembered.of(state, job.location.source)
    said = remembered.check(known, job.location, job.settings.cluster)
    if said:
        console.warn(said)
    source = open_source(job.location)
    reading = source.read(known.parsed)
    trail.revision = reading.revision
    _check_revision(job, source, known, reading)
    ring = job.settings.ring
    ids = [entry.id for entry in ring.entries] if ring else job.key_ids
    selection = select(reading, job.location, job.settings.cluster, ids, known.standing)
    if not reading.found and not reading.problems and not job.allow_prune:
        way_out = "name the folder that holds the sealed files; if none is meant to be there: --allow-prune"
        raise SourceError("holds no sealed document", where=job.location.shown, way_out=way_out)
    documents = selection.snapshot.documents
    v1 = job.configuration.v1
    verdicts = {
        each.ref: judge(
            selection.found[each.origin].entry, each.ref, job.owner, places.by_label, v1.of(each.ref.namespace)
        )
        for each in documents
    }
    _say_warnings(verdicts)
    targets = [target for verdict in verdicts.values() for target in verdict.inputs]
    observed, silent = await observe(places, targets)
    for target in waiting:
        if observed.pop(target, None) is not None:
            silent[target] = unsettled()
    keys = _keys(ring, known)

    def decided() -> tuple[Triage, ...]:
        rows = (known.deliveries, known.failures)
        return triage(selection.snapshot, *rows, observed, verdicts, keys, job.now, silent, known.others)

    triages = decided()
    unknown = _drifted(triages, verdicts, known, observed)
    if unknown:
        observed |= await read(places, unknown, observed, marks, trail)
        triages = decided()
    return View(job, source, reading, selection, known, places, keys, verdicts, observed, silent, triages)


def _say_warnings(verdicts: Mapping[Ref, Verdict]) -> None:
    said: dict[str, list[str]] = {}
    for ref, verdict in verdicts.items():
        if verdict.warning:
            said.setdefault(verdict.warning, []).append(str(ref))
    for warning, refs in said.items():
        more = f" and {len(refs) - 3} more" if len(refs) > 3 else ""
        console.warn(f"{', '.join(sorted(refs)[:3])}{more}: {warning}")


def _check_revision(job: Job, source: Source, known: Remembered, reading: Reading) -> None:
    """An older pipeline that finishes last must not roll back what a newer one delivered (DELIVERY section 5)."""
    recorded = known.source.revision if known.source else ""
    if not recorded or job.allow_rollback:
        return
    follows = source.descends(recorded)
    if follows is None:
        console.warn(f"whether this is newer than {recorded[:7]}, which was applied before, can't be known here")
    elif not follows:
        here = f"{reading.revision[:7]} does" if reading.revision else "this does"
        raise Refused(
            f"commit {recorded[:7]} was applied before, and {here} not follow it",
            where=job.location.shown,
            way_out="apply the newest commit; to go back on purpose: --allow-rollback",
        )


async def observe(
    places: Places, targets: Iterable[Target]
) -> tuple[dict[Target, Observed], dict[Target, SealerError]]:
    """What stands at each target, and why some could not be looked at.

    A mark's own fingerprint never equals a recorded one: it is made for another purpose.
    """
    found: dict[Target, Observed] = {}
    silent: dict[Target, SealerError] = {}
    for uid, store in places.by_uid.items():
        mine = [target for target in targets if target.store == uid]
        seen = await store.observe(mine) if mine else {}
        found.update((target, each) for target, each in seen.items() if not isinstance(each, StoreError))
        silent.update((target, each) for target, each in seen.items() if isinstance(each, StoreError))
    return found, silent


def _drifted(
    triages: Iterable[Triage], verdicts: Mapping[Ref, Verdict], known: Remembered, observed: Mapping[Target, Observed]
) -> dict[Target, Ref]:
    """Values of ours that aren't known by their version, of documents with work: they are read, for a fingerprint.

    Of what is kept as it is nothing is read: it would be again in every run.
    """
    found = {}
    for ref in (each.ref for each in triages if each.do == "open"):
        for target in verdicts[ref].inputs:
            seen = observed.get(target)
            ours = seen is not None and seen.presence == "present" and seen.owner == verdicts[ref].owner
            if seen is not None and ours and _unknown(known.deliveries.get(target), seen):
                found[target] = ref
    return found


async def read(
    places: Places, targets: Mapping[Target, Ref], observed: Mapping[Target, Observed], marks: Marks, trail: Trail
) -> dict[Target, Observed]:
    """What stands at targets, with the fingerprints of the values that stand there. Audited.

    A value that can't be read stays unknown.
    """
    if not targets or marks.ring is None:
        return {}
    found: dict[Target, Observed] = {}
    ended: list[Ended] = []
    sequences = trail.begin("read", [(ref, target.store) for target, ref in targets.items()])
    for (target, ref), sequence in zip(targets.items(), sequences, strict=True):
        try:
            secret = await places.by_uid[target.store].read(target)
        except SealerError as error:
            ended.append(Ended(sequence, "failed", error.what))
            continue
        ended.append(Ended(sequence, "done"))
        mark = fingerprint(marks.key(), "delivered", target.store, ref, secret)
        found[target] = replace(observed[target], fingerprint=mark)
    trail.end(ended)
    return found


def outdated(view: View, targets: Iterable[Target], marks: Marks) -> dict[Target, Ref]:
    """Targets whose recorded fingerprint is of a former state key, and so can't be compared with a new one."""
    found = {}
    for target in targets:
        delivery, seen = view.known.deliveries.get(target), view.observed.get(target)
        if delivery is None or seen is None or seen.presence != "present" or _unknown(delivery, seen):
            continue  # nothing to compare with, or read already
        if not delivery.fingerprint.startswith(f"{marks.prefix}:"):
            found[target] = delivery.ref
    return found


def _unknown(delivery: Delivery | None, seen: Observed) -> bool:
    return delivery is None or not live(delivery) or delivery.version != seen.version


def _keys(ring: Keyring | None, known: Remembered) -> Keys:
    """Without a keyring the recorded digest stands in: what failed before is shown as failed, not as new."""
    if ring is None:
        return Keys(known.meta.get("keyring", ""), {}, known.meta.get("fingerprint_key", ""))
    return Keys(ring.digest, {entry.id: str(entry.status) for entry in ring.entries}, "")
