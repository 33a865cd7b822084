"""The flow of `apply` over one source (DELIVERY section 2): the shell around triage and plan.

    snapshot -> triage -> per batch: open -> plan -> effects -> records

An unchanged set ends after triage: nothing is opened, nothing is written. In a dry run state is only read, without its
lock, and nothing is ever made.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from controller import loop, outcome, reason
from controller.effects import Effects
from controller.look import Job, Marks, View, Work, look
from controller.model import Ref, Source, StoreSpec
from controller.plan import plan
from controller.records import Records
from controller.report import Change, Report
from controller.sources.location import DIRECTORY
from controller.state import State
from controller.stores.local import UID, LocalStore
from controller.stores.memory import MemoryStore
from controller.triage import live
from sealer import console
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from controller.batch import Done
    from controller.stores.base import Store
    from sealer.documents.document import SealedSecret

LOCAL = StoreSpec(UID, "local", "local", "{}")


def deliver(job: Job, effects: Effects | None = None) -> Report:
    """Apply a source once. Raises SealerError for what concerns the whole run; the rest is in the report."""
    return loop.run(_deliver(job, effects or Effects()))


async def _deliver(job: Job, effects: Effects) -> Report:
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        state = _state(job, effects, stack)
        marks = Marks(job.settings.ring)
        view = await look(job, state, _stores(job, state), marks)
        work = _work(view)
        records = None if job.dry_run or state is None else _records(view)
        changes: list[Change] = []
        if job.settings.ring is None:
            changes += outcome.unopened(view, [each.document for each in work if not each.again])
        else:
            async for part in _batches(view, marks, effects, work, stack):
                changes += outcome.of_done(view, part)
                if records is not None and state is not None:
                    records.fingerprinted(marks.key().prefix)
                    _record(records, view, part)
                    records.write(state)
        changes += outcome.stopped(view, {each.document.ref for each in work})
        changes += [*outcome.unreadable(view), *outcome.gone(view)]
        if records is not None and state is not None:
            _record_rest(records, view, {each.document.ref for each in work})
            records.write(state)
        return _report(view, changes, remembered=state is not None, seconds=time.monotonic() - started)


def _state(job: Job, effects: Effects, stack: contextlib.ExitStack) -> State | None:
    directory = job.settings.state
    if not job.dry_run:
        return stack.enter_context(State.open(directory, lock_timeout=job.lock_timeout, effects=effects))
    return stack.enter_context(State.open(directory, read_only=True)) if State.exists(directory) else None


def _stores(job: Job, state: State | None) -> Mapping[str, Store]:
    """The stores by label. A dry run without state has one that is empty."""
    ring = job.settings.ring
    if state is None:
        return {"local": MemoryStore(UID)}
    held = [each.id for each in ring.record.state_keys] if ring else None
    return {"local": LocalStore(state, ring.state_keys if ring else tuple, lambda: job.now, held)}


def _work(view: View) -> list[Work]:
    """The documents to open: those with work, and the last good ones of failing ones whose target was lost."""
    documents = {each.ref: each for each in view.selection.snapshot.documents}
    found = []
    for triage in view.triages:
        again = triage.do == "keep" and _lost(view, triage.ref, triage.reason)
        if triage.do == "open" or again:
            found.append(Work(documents[triage.ref], view.verdicts[triage.ref], triage, again))
    return found


def _lost(view: View, ref: Ref, why: str) -> bool:
    """Whether a document that fails delivered something that stands there no more, and may stand there again."""
    if not {each.code for each in reason.load(why)} <= set(reason.ITS_OWN):
        return False
    return any(
        live(view.known.deliveries.get(target)) and view.observed[target].presence != "present"
        for target in view.verdicts[ref].inputs
        if target in view.observed
    )


async def _batches(
    view: View, marks: Marks, effects: Effects, work: list[Work], stack: contextlib.ExitStack
) -> AsyncIterator[list[Done]]:
    if not work or marks.ring is None:
        return
    from controller import batch  # cryptography and YAML: not for a run in which nothing is opened
    from controller.open import Opener, RingKeys

    bench = batch.Bench(
        {store.uid: store for store in view.stores.values()},
        view.known.deliveries,
        view.observed,
        view.keys,
        stack.enter_context(Opener(RingKeys(marks.ring))),
        marks.key,
        lambda each: _good(view, each) if each.again else view.load(each.document),
        effects,
        view.job.now,
    )
    # The bar counts documents, a batch is taken from it at once.
    counted = iter(console.progress(work, total=len(work), doing="delivering"))
    ready = batch.begin(bench, counted)
    while ready.works:
        # The next batch is being opened while this one is written.
        following = batch.begin(bench, counted)
        yield await batch.run(bench, ready, dry_run=view.job.dry_run)
        ready = following


def _good(view: View, work: Work) -> SealedSecret:
    """The last good document, as state keeps it."""
    body = outcome.good(view, work.document.ref)
    if body is None:
        raise SourceError("its last good version is not in the state")
    return body


def _records(view: View) -> Records:
    location = view.job.location
    source = Source(location.source, DIRECTORY, location.where, view.reading.revision, view.job.now)
    meta = {"owner": view.job.settings.cluster, "keyring": view.keys.digest}
    records = Records(view.known, source, meta, view.reading.fresh)
    records.stores([LOCAL])
    return records


def _record(records: Records, view: View, part: Iterable[Done]) -> None:
    for done in part:
        document = done.work.document
        if done.work.again:
            records.recorded(done.deliveries)
        elif done.why:
            records.recorded(done.deliveries)
            records.failed(document, done.why, view.keys.digest, view.job.now)
        elif done.body is not None:
            records.delivered(document, done.body, done.deliveries, view.job.now)


def _record_rest(records: Records, view: View, opened: AbstractSet[Ref]) -> None:
    """What needed no opening: drift that was none, refusals, moves, what is gone."""
    documents = {each.ref: each for each in view.selection.snapshot.documents}
    now, rest = view.job.now, [each for each in view.triages if each.ref not in opened]
    for step in plan(rest, (), view.known.deliveries, view.observed, now):
        if step.op == "record":
            records.recorded([replace(view.known.deliveries[step.target], version=step.expect)])
    for triage in rest:
        if triage.do == "skip":
            records.unchanged(documents[triage.ref], now)
        else:
            records.failed(documents[triage.ref], triage.reason, view.keys.digest, now)
    for known, why in outcome.hidden(view):
        records.unreadable(known, why, now)
    for known in outcome.missing(view):
        if outcome.stands(view, known.ref):
            records.gone(known, outcome.GONE, now)
        else:
            records.dropped(known.ref)


def _report(view: View, changes: list[Change], *, remembered: bool, seconds: float) -> Report:
    job = view.job
    named = {each.name for each in changes}
    return Report(
        job.settings.cluster,
        job.location.source,
        job.location.shown,
        view.reading.revision,
        job.key[:8],
        job.dry_run,
        job.settings.ring is not None,
        remembered,
        tuple(changes),
        sum(str(each.ref) not in named for each in view.triages),
        view.selection.others,
        seconds,
    )
