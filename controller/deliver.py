"""The flow of `apply` over one source (DELIVERY section 2): the shell around triage, plan and prune.

    recover -> snapshot -> triage -> per batch: audit -> open -> plan -> intents -> effects -> records -> prune

An unchanged set ends after triage: nothing is opened, nothing is written. In a dry run state is only read, without its
lock, and nothing is ever made.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from controller import loop, onchange, outcome, reason, work
from controller.bench import Bench, Ready
from controller.look import Job, View, Work, look, outdated, read
from controller.marks import Marks
from controller.model import Ref, Refusal, Source, Step
from controller.plan import plan
from controller.prune import Outcomes, prune
from controller.records import Records
from controller.recover import Recovered, Recovery, abandon, recover
from controller.report import Report
from controller.session import opened
from controller.trail import Trail
from controller.triage import live
from sealer import console
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from controller.bench import Done
    from controller.effects import Effects
    from controller.model import Intent, Target
    from controller.recover import Settled
    from controller.report import Change
    from controller.session import Session


def deliver(job: Job, effects: Effects | None = None) -> Report:
    """Apply a source once. Raises SealerError for what concerns the whole run; the rest is in the report."""
    with opened(job, lambda: job.now, effects) as session:
        return apply(job, session)


def apply(job: Job, session: Session) -> Report:
    """Apply a source in an open session, which may serve many runs."""
    return loop.run(_Run(job, session).deliver())


class _Run:
    """One run: what it has found out, and what it will report."""

    def __init__(self, job: Job, session: Session) -> None:
        self.job = job
        self.state = session.state
        self.session = session
        self.marks = Marks(job.settings.ring)
        self.trail = Trail(session.log, job.location.source)
        self.places = session.places(job)
        self.changes: list[Change] = []
        self.good: set[Ref] = set()
        self.failed: set[Ref] = set()
        self._told: str | None = None

    async def deliver(self) -> Report:
        """From recovery to report."""
        started = time.monotonic()
        recovery, recovered = await self._recovered()
        pending = recovered.again
        view = await look(self.job, self.state, self.places, self.marks, self.trail, recovered.waiting)
        todo = work.to_open(view)
        if recovery is not None:
            wanted = {t: wanted for each in todo if not each.again for t, wanted in each.verdict.inputs.items()}
            pending = abandon(recovery, pending, wanted)
        self.changes += outcome.recovered(view, recovered.done)
        records = None if self.job.dry_run or self.state is None else self._records(view)
        self.good |= {each.ref for each in view.triages if each.do == "skip"}
        self.failed |= {each.ref for each in view.triages if each.do in ("keep", "refuse")}
        if self.job.settings.ring is None:
            self.changes += outcome.unopened(view, [each.document for each in todo if not each.again])
            self.good |= {each.document.ref for each in todo}
        else:
            await self._open(view, todo, records, pending)
        self.changes += outcome.stopped(view, {each.document.ref for each in todo})
        self.changes += outcome.unreadable(view)
        if records is not None:
            self._record_rest(records, view, {each.document.ref for each in todo})
            self._write(records, view)
        stopped = self.job.stop()
        refusal = "" if stopped else await self._prune(view, records, recovered.waiting)
        hook = "" if self.job.dry_run or stopped else self._on_change()
        self._expire()
        return self._report(view, refusal, hook, stopped=stopped, seconds=time.monotonic() - started)

    async def _recovered(self) -> tuple[Recovery | None, Recovered]:
        if self.job.dry_run or self.state is None:
            return None, Recovered()
        recovery = Recovery(
            self.state,
            self.trail,
            self.places.by_uid,
            self.marks,
            self.session.effects,
            self.job.settings.cluster,
            self.job.now,
            self._interrupted,
        )
        return recovery, await recover(recovery, self.trail.vouched(self.state.meta()))

    def _interrupted(self, done: Sequence[Settled]) -> Mapping[str, str]:
        meta = self.state.meta() if self.state is not None else {}
        deaf = "" if self.job.on_change else self.job.location.source
        return onchange.interrupted(meta, done, self.places.label, deaf)

    async def _open(
        self, view: View, todo: list[Work], records: Records | None, pending: Mapping[Target, Intent]
    ) -> None:
        targets = [target for each in todo for target in each.verdict.inputs]
        again = await read(self.places, outdated(view, targets, self.marks), view.observed, self.marks, self.trail)
        view = replace(view, observed={**view.observed, **again}) if again else view
        with contextlib.ExitStack() as stack:
            async for part in self._batches(view, todo, pending, stack):
                self.changes += outcome.of_done(view, part)
                for done in part:
                    (self.failed if done.why or done.work.again else self.good).add(done.work.document.ref)
                if records is not None:
                    records.fingerprinted(self.marks.key().prefix)
                    records.batch(part, view.keys.digest, self.job.now)
                    self._write(records, view)

    async def _batches(
        self, view: View, todo: list[Work], pending: Mapping[Target, Intent], stack: contextlib.ExitStack
    ) -> AsyncIterator[list[Done]]:
        if not todo or self.marks.ring is None:
            return
        from controller import batch  # cryptography and YAML: not for a run in which nothing is opened
        from controller.open import Opener, RingKeys

        bench = Bench(
            self.places,
            view.known.deliveries,
            view.observed,
            view.silent,
            view.keys,
            stack.enter_context(Opener(RingKeys(self.marks.ring))),
            self.marks.key,
            lambda each: work.body_of(view, each),
            self.session.effects,
            self.trail,
            self.state,
            pending,
            self.job.now,
        )
        # The bar counts documents, a batch is taken from it at once.
        counted = iter(console.progress(todo, total=len(todo), doing="delivering"))
        ready = batch.begin(bench, counted)
        while ready.works:
            # The next batch is being opened while this one is written.
            following = Ready.none() if self.job.stop() else batch.begin(bench, counted)
            yield await batch.run(bench, ready, dry_run=self.job.dry_run)
            ready = following

    def _records(self, view: View) -> Records:
        location = self.job.location
        source = Source(location.source, location.kind, location.where, view.reading.revision, self.job.now)
        meta = {"owner": self.job.settings.cluster, "keyring": view.keys.digest, **work.base(view)}
        records = Records(view.known, source, meta, view.reading.fresh, work.whole(view, self.state))
        records.stores(self.places.specs)
        return records

    def _record_rest(self, records: Records, view: View, opened: AbstractSet[Ref]) -> None:
        """What needed no opening: drift that was none, refusals, moves, what can't be read."""
        documents = {each.ref: each for each in view.selection.snapshot.documents}
        now, rest = self.job.now, [each for each in view.triages if each.ref not in opened]
        for step in plan(rest, (), view.known.deliveries, view.observed, now):
            if step.op == "record":
                records.settled(view.known.deliveries[step.target], step.expect, now)
        refused = []
        for triage in rest:
            if triage.do == "skip":
                with contextlib.suppress(SourceError):  # its file was changed meanwhile: next time
                    records.unchanged(documents[triage.ref], view.load, now)
            elif records.failed(documents[triage.ref], triage.reason, view.keys.digest, now):
                records.recorded(outcome.silent(view, documents[triage.ref]))
                refused.append(self.trail.event("refuse", triage.ref, "refused", reason.short(triage.reason)))
        for known, why in outcome.hidden(view):
            records.unreadable(known, why, now)
        records.forget(work.forgotten(view))
        for known in outcome.missing(view):
            if outcome.stands(view, known.ref):
                records.gone(known, outcome.GONE, now)
            else:
                records.dropped(known.ref)
        self.trail.end((), refused)

    async def _prune(self, view: View, records: Records | None, waiting: Collection[Target]) -> str:
        """Withdraw what is gone; why it is kept, if it is against somebody's will."""
        job = self.job
        wanted = {ref: frozenset(verdict.inputs) for ref, verdict in view.verdicts.items()}
        steps = prune(
            view.selection.snapshot,
            wanted,
            Outcomes(self.good, self.failed),
            view.known.deliveries,
            view.known.documents,
            job.configuration.limits,
            allowed=job.allow_prune or not job.prune,
            others=view.selection.others,
            moved=work.moved(view),
        )
        if isinstance(steps, Refusal):
            self.changes += outcome.gone(view, steps.kept, "")
            return steps.reason
        if not job.prune:
            self.changes += outcome.gone(view, [view.known.deliveries[step.target] for step in steps], "--no-prune")
        elif records is None or self.state is None:
            self.changes += outcome.planned(view, steps)
        elif steps:
            await self._withdraw(view, records, steps, waiting)
        return ""

    async def _withdraw(
        self, view: View, records: Records, steps: tuple[Step, ...], waiting: Collection[Target]
    ) -> None:
        from controller import withdraw
        from controller.resolve import withdrawn

        state = self.state
        if state is None:
            return
        bench = withdraw.Means(
            self.places, view.known.deliveries, self.session.effects, self.trail, state, self.job.now, waiting
        )
        standing = {ref: {each.target for each in mine if live(each)} for ref, mine in view.known.of_ref.items()}
        for part in withdraw.batches(steps):
            if self.job.stop():
                return
            done = await withdraw.withdraw(bench, part)
            self.changes += outcome.withdrawn(view, done)
            for each in done:
                if each.ended:
                    records.ended([each.step.target])
                if each.over:
                    records.recorded([withdrawn(view.known.deliveries[each.step.target], self.job.now)])
                    standing[each.step.ref].discard(each.step.target)
                    if not standing[each.step.ref] and each.step.ref not in view.verdicts:
                        records.dropped(each.step.ref)
            self._write(records, view)

    def _write(self, records: Records, view: View) -> None:
        """Commit what a batch came to, and with it what the operator's command has to be told."""
        if self.state is None:
            return
        key = onchange.key(self.job.location.source)
        before = view.known.meta.get(key, "")
        told = onchange.gathered(before, self.changes) if self.job.on_change else before
        recorded = before if self._told is None else self._told
        records.write(self.state, self.trail.meta, {key: told} if told != recorded else {})
        self._told = told

    def _expire(self) -> None:
        """Destroy what was deleted long ago; nothing is written where nothing is due."""
        local = self.places.by_uid.get(outcome.LOCAL)
        if not self.job.dry_run and local is not None:
            from controller.stores.local import LocalStore

            if isinstance(local, LocalStore):
                local.expire()

    def _on_change(self) -> str:
        if self.state is None:
            return ""
        return onchange.tell(self.job, self.state, self.session.effects, self.trail)

    def _report(self, view: View, refusal: str, hook: str, *, stopped: bool, seconds: float) -> Report:
        job = self.job
        named = {each.name for each in self.changes}
        return Report(
            job.settings.cluster,
            job.location.source,
            job.location.shown,
            view.reading.revision,
            job.key[:8],
            job.dry_run,
            job.settings.ring is not None,
            self.state is not None,
            tuple(self.changes),
            sum(str(each.ref) not in named for each in view.triages),
            view.selection.others,
            seconds,
            refusal,
            hook,
            stopped,
        )
