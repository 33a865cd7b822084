"""What a batch came to: for the state, for the report, and for the audit log (DELIVERY section 4). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller import reason
from controller.bench import Bench, Done, Ready
from controller.model import Delivery, Desired, Intent, Ref, Step, Target
from controller.reason import Cause
from controller.stores.base import NotOurs, OutcomeUnknown, Rejected, StoreError, Unavailable
from controller.trail import Ended
from controller.triage import live

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from controller.audit.record import Outcome
    from controller.look import Work
    from controller.model import DeliveryState
    from sealer.errors import SealerError


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A target that did not get what it should, and what that was."""

    target: Target
    label: str
    ref: Ref
    source: str
    input: str
    now: int


def outcomes(
    bench: Bench,
    ready: Ready,
    failed: Mapping[Ref, str],
    steps: Iterable[Step],
    desired: Iterable[Desired],
    intents: Iterable[Intent],
    results: Mapping[Target, str | StoreError],
) -> Iterator[Done]:
    """What came of each document of a batch, in their order."""
    wanted = {each.target: each for each in desired}
    of_ref: dict[Ref, list[Step]] = {}
    for step in steps:
        of_ref.setdefault(step.ref, []).append(step)
    unknown = {target for target, result in results.items() if isinstance(result, OutcomeUnknown)}
    ended = {each.target for each in intents if not isinstance(results.get(each.target), OutcomeUnknown)}
    for ref, work in ready.works.items():
        pending = [target for target in work.verdict.inputs if target in bench.pending]
        if ref in failed:
            yield Done(work, failed[ref], ended=tuple(pending))
            continue
        mine = of_ref.get(ref, [])
        deliveries = [_delivery(bench, work, step, wanted[step.target], results.get(step.target)) for step in mine]
        deliveries += _silent(bench, work)
        why = next((each.reason for each in deliveries if each.reason), "")
        over = [t for t in work.verdict.inputs if t in ended or (t in pending and t not in unknown)]
        yield Done(work, why, ready.bodies[ref], tuple(mine), tuple(deliveries), tuple(over))


def said(ready: Ready, done: Iterable[Done], results: Mapping[Target, str | StoreError]) -> Iterator[Ended]:
    """What the log is told of a batch. A put whose end is unknown stays open: the next run finds out."""
    for each in done:
        ref = each.work.document.ref
        opened = ref not in ready.opens or each.body is not None
        if ref in ready.opens:
            yield Ended(ready.opens[ref], "done" if opened else "failed", "" if opened else reason.short(each.why))
        for target in each.work.verdict.inputs:
            if target in ready.puts and not isinstance(results.get(target), OutcomeUnknown):
                yield Ended(ready.puts[target], *_put_said(results.get(target), opened=opened))


def _put_said(result: str | StoreError | None, *, opened: bool) -> tuple[Outcome, str]:
    if isinstance(result, StoreError):
        return "failed", result.what
    if result is not None:
        return "done", f"version {result}"
    return ("unchanged", "") if opened else ("failed", "not opened")


def _delivery(bench: Bench, work: Work, step: Step, desired: Desired, result: str | StoreError | None) -> Delivery:
    """What is recorded of one target after its step."""
    before = bench.deliveries.get(step.target)
    if isinstance(result, StoreError):
        return _refused(bench, work, step, desired.input, result)
    seq = before.seq if before else 0
    earlier = bench.pending.get(step.target)
    return Delivery(
        step.target,
        step.ref,
        work.document.origin.source,
        earlier.seq if earlier else seq + 1 if step.op in ("put", "adopt") else seq,
        desired.input,
        desired.fingerprint,
        result if result is not None else step.expect,
        desired.keys,
        "delivered",
        changed_at=bench.now if before is None or step.op == "put" else before.changed_at,
        on_delete=desired.on_delete,
    )


def undelivered(
    place: Undelivered, before: Delivery | None, error: SealerError, *, lasting: bool = False, code: str = ""
) -> Delivery:
    """What is recorded of a target that did not get its value; what was delivered there before stays.

    What the store rejected for good is not offered again until the input changes: that one is then recorded. Otherwise
    the input stays that of what stands there, as far as it is known.
    """
    way_out = error.way_out or ("" if lasting else "apply again later")
    why = reason.dump(Cause(code or reason.UNAVAILABLE, (), f"store {place.label}: {error.what}", way_out))
    state: DeliveryState = "failed" if lasting else "pending"
    if before is None or not live(before):
        seq = before.seq if before else 0
        return Delivery(place.target, place.ref, place.source, seq, place.input, "", "", (), state, why, place.now)
    known = "" if before.state == "failed" else before.input
    wanted = place.input if lasting else known
    return replace(before, input=wanted, state=state, reason=why, changed_at=place.now)


def _refused(bench: Bench, work: Work, step: Step, wanted: str, error: StoreError) -> Delivery:
    lasting = isinstance(error, Rejected)
    code = reason.STORE if lasting else reason.FOREIGN if isinstance(error, NotOurs) else reason.UNAVAILABLE
    before = bench.deliveries.get(step.target)
    return undelivered(_place(bench, work, step.target, wanted), before, error, lasting=lasting, code=code)


def _silent(bench: Bench, work: Work) -> Iterator[Delivery]:
    """Targets that could not even be looked at."""
    for target, wanted in work.verdict.inputs.items():
        if target not in bench.observed:
            error = bench.silent.get(target) or Unavailable("does not answer")
            yield undelivered(_place(bench, work, target, wanted), bench.deliveries.get(target), error)


def _place(bench: Bench, work: Work, target: Target, wanted: str) -> Undelivered:
    label, document = bench.places.label(target.store), work.document
    return Undelivered(target, label, document.ref, document.origin.source, wanted, bench.now)
