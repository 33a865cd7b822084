"""One batch of a delivery: audit, open, plan, intents, effects (DELIVERY section 4). Plaintext lives only here.

    begin   1  the log says what will be opened and put; only then is anything opened
    run     2  open, plan    3  commit intents    4  effects    5  the log says what came of it
    records 6  deliveries and the end of intents, by the caller

In a dry run everything up to the plan happens, and nothing after it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from controller import loop, reason
from controller.bench import Bench, Done, Ready
from controller.fingerprint import both
from controller.model import Desired, Intent, Ref, Step, Target
from controller.open import Opened
from controller.plan import plan
from controller.reason import Cause
from controller.results import outcomes, said
from controller.stores.base import Mark, Put, Rejected, StoreError
from controller.triage import COMPROMISED, compromised, delivered
from controller.verdict import input_of
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from controller.look import Work
    from sealer.documents.document import SealedSecret

SIZE = 256
BYTES = 32 * 1024 * 1024
"""Sealed text of one batch, but for its last document: a batch is held in memory several times over."""


def begin(bench: Bench, work: Iterator[Work]) -> Ready:
    """Take a batch from what is to be done, read its documents, and start on opening them."""
    works: dict[Ref, Work] = {}
    bodies: dict[Ref, SealedSecret] = {}
    failed: dict[Ref, str] = {}
    size = 0
    while len(works) < SIZE and size < BYTES and (each := next(work, None)) is not None:
        ref = each.document.ref
        works[ref] = each
        try:
            bodies[ref] = bench.load(each)
            size += sum(map(len, bodies[ref].items.values()))
        except SourceError as error:
            failed[ref] = reason.dump(Cause(reason.UNREADABLE, (), error.what, error.way_out))
    opens, puts = _announce(bench, [works[ref] for ref in bodies])
    return Ready(works, bodies, failed, opens, puts, bench.opener.begin(bodies))


def _announce(bench: Bench, works: list[Work]) -> tuple[dict[Ref, int], dict[Target, int]]:
    """Tell the log what is about to be opened, and put where; a put that is tried again was announced before."""
    refs = [each.document.ref for each in works]
    targets = {t: each.document.ref for each in works for t in each.verdict.inputs if t in bench.observed}
    puts = {target: bench.pending[target].audit for target in targets if target in bench.pending}
    fresh = [target for target in targets if target not in puts]
    entries = [bench.trail.intent("open", ref) for ref in refs]
    entries += [bench.trail.intent("put", targets[target], target.store) for target in fresh]
    sequences = iter(bench.trail.begin_all(entries))
    opens = dict(zip(refs, sequences, strict=False))
    return opens, puts | dict(zip(fresh, sequences, strict=True))


async def run(bench: Bench, ready: Ready, *, dry_run: bool) -> list[Done]:
    """Bring one batch of documents to their targets; what came of each, in their order."""
    works = ready.works
    opened, failed = _open(bench, ready)
    desired = [each for ref, found in opened.items() for each in _desired(bench, works[ref], found)]
    steps = plan([works[ref].triage for ref in opened], desired, bench.deliveries, bench.observed, bench.now)
    results: dict[Target, str | StoreError] = {}
    for ref, found in opened.items():
        results.update(_rejected(bench, works[ref], found))
    intents: list[Intent] = []
    if not dry_run:
        wanted = {each.target: each for each in desired}
        puts = [step for step in steps if step.op == "put" and step.target not in results]
        intents = [_intent(bench, ready, step, wanted[step.target]) for step in puts]
        results |= await _effects(bench, intents, opened, wanted)
    done = list(outcomes(bench, ready, failed, steps, desired, intents, results))
    if not dry_run:
        bench.trail.end(said(ready, done, results))
    return done


def _open(bench: Bench, ready: Ready) -> tuple[dict[Ref, Opened], dict[Ref, str]]:
    failed = dict(ready.failed)
    opened: dict[Ref, Opened] = {}
    for ref, result in bench.opener.open(ready.bodies, ready.opening):
        why = result if isinstance(result, str) else _refused(bench, ready.works[ref], result)
        if why:
            failed[ref] = why
        elif isinstance(result, Opened):
            opened[ref] = result
    loop.check()
    return opened, failed


def _refused(bench: Bench, work: Work, opened: Opened) -> str:
    """Why an opened document is not delivered: v1 shows only now which key it was sealed to."""
    bad = [key for key in opened.keys if bench.keys.status.get(key) == COMPROMISED]
    if bad and not work.again and not delivered(work.verdict, bench.deliveries):
        return compromised(bad)
    return ""


def _rejected(bench: Bench, work: Work, opened: Opened) -> Iterator[tuple[Target, Rejected]]:
    """Targets that would not take what they are to hold: found out before anything is sent to any store."""
    for target in work.verdict.inputs:
        problem = next(iter(bench.store(target.store).lint(target, opened.secret)), None)
        if problem is not None and target in bench.observed:
            yield target, Rejected(problem.what, way_out=problem.way_out)


def _desired(bench: Bench, work: Work, found: Opened) -> Iterator[Desired]:
    ref = work.document.ref
    size = sum(len(value) for value in found.secret.items.values())
    for target, wanted in work.verdict.inputs.items():
        if target not in bench.observed:  # it will fail for that; the other stores get theirs
            continue
        stands_for = input_of(work.good, target.store, work.verdict.owner) if work.again else wanted
        delivered_print, mark_print = both(bench.mark(), target.store, ref, found.secret)
        keys, items = tuple(sorted(found.keys)), tuple(sorted(found.secret.items))
        on_delete = work.document.on_delete
        yield Desired(target, ref, stands_for, delivered_print, mark_print, keys, size, items, on_delete)


def _intent(bench: Bench, ready: Ready, step: Step, desired: Desired) -> Intent:
    """What is about to be put; under the token of an earlier run, if that one did not come to it."""
    before, earlier = bench.deliveries.get(step.target), bench.pending.get(step.target)
    seq = before.seq + 1 if before else 1
    return Intent(
        step.target, "put", step.ref, ready.works[step.ref].document.origin.source,
        earlier.seq if earlier else seq, earlier.token if earlier else os.urandom(16).hex(), step.expect,
        desired.fingerprint, desired.input, desired.keys, desired.on_delete, ready.puts[step.target], bench.now,
    )  # fmt: skip


async def _effects(
    bench: Bench, intents: list[Intent], opened: Mapping[Ref, Opened], wanted: Mapping[Target, Desired]
) -> dict[Target, str | StoreError]:
    """Commit the intents, then write, a batch a store; the version or the error of each target."""
    if intents and bench.state is not None:
        uids = {each.target.store for each in intents}
        with bench.state.begin("intents") as transaction:
            transaction.put_stores(spec for spec in bench.places.specs if spec.uid in uids)
            transaction.put_intents(intents)
    puts: dict[str, list[Put]] = {}
    for each in intents:
        secret = opened[each.ref].secret
        mark = Mark(bench.places.owner, each.token, wanted[each.target].mark, each.seq)
        adopt = _adopts(bench, each.target)
        puts.setdefault(each.target.store, []).append(Put(each.target, secret, each.expect, mark, adopt))
    results: dict[Target, str | StoreError] = {}
    for uid, batch in puts.items():
        results.update(await bench.effects.put(bench.store(uid), batch))
    return results


def _adopts(bench: Bench, target: Target) -> bool:
    """Whether triage let us write over what is not marked as ours. What appears only now is never taken over."""
    seen = bench.observed[target]
    return seen.presence == "present" and (not seen.owner or bench.places.adopts(target.store, seen.owner))
