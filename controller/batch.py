"""One batch of a delivery: open, plan, effects (DELIVERY section 4). Plaintext lives only here.

The order leaves room for what comes with crash safety: audit before `open`, intents between `plan` and `effects`. In a
dry run everything up to the plan happens, and nothing after it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from controller import loop, reason
from controller.fingerprint import FingerprintKey, fingerprint
from controller.model import Delivery, Desired, Keys, Observed, Ref, Step, Target
from controller.open import Opened, Opener, Opening
from controller.plan import plan
from controller.reason import Cause
from controller.stores.base import Mark, Put, Rejected, Store, StoreError
from controller.triage import COMPROMISED, compromised, delivered
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from controller.effects import Effects
    from controller.look import Work
    from controller.model import DeliveryState
    from sealer.documents.document import SealedSecret

SIZE = 256
BYTES = 32 * 1024 * 1024
"""Sealed text of one batch, but for its last document: a batch is held in memory several times over."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one document: `why` is the stored form of a reason, or empty; `steps` are those of its targets."""

    work: Work
    why: str = ""
    body: SealedSecret | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    @property
    def put(self) -> bool:
        """Whether a value was written, or would be."""
        return any(step.op == "put" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a batch needs, the same for every batch of a run."""

    stores: Mapping[str, Store]
    deliveries: Mapping[Target, Delivery]
    observed: Mapping[Target, Observed]
    keys: Keys
    opener: Opener
    mark: Callable[[], FingerprintKey]
    load: Callable[[Work], SealedSecret]
    effects: Effects
    now: int


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch whose documents are read; those that take long are being opened already."""

    works: Mapping[Ref, Work]
    bodies: Mapping[Ref, SealedSecret] = field(repr=False)
    failed: Mapping[Ref, str]
    opening: Opening = field(repr=False)


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
    return Ready(works, bodies, failed, bench.opener.begin(bodies))


async def run(bench: Bench, ready: Ready, *, dry_run: bool) -> list[Done]:
    """Bring one batch of documents to their targets; what came of each, in their order."""
    works = ready.works
    opened, failed = _open(bench, ready)
    desired = [each for ref, found in opened.items() for each in _desired(bench, works[ref], found)]
    steps = plan([works[ref].triage for ref in opened], desired, bench.deliveries, bench.observed, bench.now)
    results = {} if dry_run else await _effects(bench, steps, opened, works)
    return list(_outcomes(bench, ready, failed, steps, desired, results))


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
    """Why an opened document is not delivered: v1 shows only now which key it was sealed to; stores have limits."""
    bad = [key for key in opened.keys if bench.keys.status.get(key) == COMPROMISED]
    if bad and not work.again and not delivered(work.verdict, bench.deliveries):
        return compromised(bad)
    for target in work.verdict.inputs:
        for problem in bench.stores[target.store].lint(target, opened.secret):
            return reason.dump(Cause(reason.STORE, (), problem.what, problem.way_out))
    return ""


def _desired(bench: Bench, work: Work, found: Opened) -> Iterator[Desired]:
    ref = work.document.ref
    size = sum(len(value) for value in found.secret.items.values())
    for target, wanted in work.verdict.inputs.items():
        before = bench.deliveries.get(target)
        stands_for = before.input if work.again and before is not None else wanted
        mark = fingerprint(bench.mark(), "delivered", target.store, ref, found.secret)
        yield Desired(target, ref, stands_for, mark, tuple(sorted(found.keys)), size, tuple(sorted(found.secret.items)))


async def _effects(
    bench: Bench,
    steps: Iterable[Step],
    opened: Mapping[Ref, Opened],
    works: Mapping[Ref, Work],
) -> dict[Target, str | StoreError]:
    """Write what has to be written, a batch a store; the version or the error of each target."""
    puts: dict[str, list[Put]] = {}
    for step in steps:
        if step.op == "put":
            secret = opened[step.ref].secret
            before = bench.deliveries.get(step.target)
            mark = Mark(
                works[step.ref].verdict.owner,
                os.urandom(16).hex(),
                fingerprint(bench.mark(), "mark", step.target.store, step.ref, secret),
                before.seq + 1 if before else 1,
            )
            puts.setdefault(step.target.store, []).append(Put(step.target, secret, step.expect, mark))
    results: dict[Target, str | StoreError] = {}
    for uid, batch in puts.items():
        results.update(await bench.effects.put(bench.stores[uid], batch))
    return results


def _outcomes(
    bench: Bench,
    ready: Ready,
    failed: Mapping[Ref, str],
    steps: Iterable[Step],
    desired: Iterable[Desired],
    results: Mapping[Target, str | StoreError],
) -> Iterator[Done]:
    wanted = {each.target: each for each in desired}
    of_ref: dict[Ref, list[Step]] = {}
    for step in steps:
        of_ref.setdefault(step.ref, []).append(step)
    for ref, work in ready.works.items():
        if ref in failed:
            yield Done(work, failed[ref])
            continue
        mine = of_ref.get(ref, [])
        deliveries = [_delivery(bench, work, step, wanted[step.target], results.get(step.target)) for step in mine]
        why = next((each.reason for each in deliveries if each.reason), "")
        yield Done(work, why, ready.bodies[ref], tuple(mine), tuple(deliveries))


def _delivery(bench: Bench, work: Work, step: Step, desired: Desired, result: str | StoreError | None) -> Delivery:
    """What is recorded of one target after its step."""
    before = bench.deliveries.get(step.target)
    if isinstance(result, StoreError):
        return _undelivered(bench, work, step, desired, result)
    seq = before.seq if before else 0
    return Delivery(
        step.target,
        step.ref,
        work.document.origin.source,
        seq + 1 if step.op in ("put", "adopt") else seq,
        desired.input,
        desired.fingerprint,
        result if result is not None else step.expect,
        desired.keys,
        "delivered",
        changed_at=bench.now if before is None or step.op == "put" else before.changed_at,
    )


def _undelivered(bench: Bench, work: Work, step: Step, desired: Desired, error: StoreError) -> Delivery:
    """The last delivered version stays; what the store rejected for good is not offered again."""
    lasting = isinstance(error, Rejected)
    code = reason.STORE if lasting else reason.UNAVAILABLE
    why = reason.dump(Cause(code, (), f"store {step.target.store}: {error.what}", error.way_out))
    before = bench.deliveries.get(step.target)
    state: DeliveryState = "failed" if lasting else "pending"
    if before is None:
        source = work.document.origin.source
        return Delivery(step.target, step.ref, source, 1, desired.input, "", "", (), state, why, bench.now)
    return replace(before, input=desired.input, state=state, reason=why, changed_at=bench.now)
