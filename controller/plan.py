"""Which steps bring the targets to what is wanted, after opening (DELIVERY section 2). Pure; one batch at a time.

put      write the value; `expect` is the version that was seen
record   the value stands there already: only state changes
adopt    as record, for a value of ours that state had lost
keep     nothing is done, what was delivered stays      refuse   nothing is done, and nothing of it stands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.model import Delivery, Desired, Observed, Ref, Step, Target, Triage
from controller.triage import live

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def plan(
    triages: Sequence[Triage],
    desired: Iterable[Desired],
    deliveries: Mapping[Target, Delivery],
    observed: Mapping[Target, Observed],
    now: int,  # noqa: ARG001  # retry times come with the remote stores
) -> tuple[Step, ...]:
    """The steps of one batch: those of a document stand together."""
    wanted: dict[Ref, list[Desired]] = {}
    for each in desired:
        wanted.setdefault(each.ref, []).append(each)
    steps: list[Step] = []
    unopened = [triage for triage in triages if triage.ref not in wanted]
    of_ref = _by_ref(deliveries.values()) if unopened else {}
    for triage in triages:
        if triage.ref in wanted:
            steps += [_step(each, deliveries.get(each.target), observed[each.target]) for each in wanted[triage.ref]]
        else:
            steps += _without(triage, of_ref.get(triage.ref, ()), observed)
    return tuple(steps)


def _step(desired: Desired, delivery: Delivery | None, seen: Observed) -> Step:
    same = seen.presence == "present" and _known(desired, delivery, seen)
    expect = seen.version if seen.presence != "absent" else ""
    if not same:
        return Step("put", desired.target, desired.ref, expect, desired.fingerprint)
    return Step("record" if live(delivery) else "adopt", desired.target, desired.ref, expect, desired.fingerprint)


def _known(desired: Desired, delivery: Delivery | None, seen: Observed) -> bool:
    """Whether the wanted value is known to stand there: recorded under the version seen, or read there.

    A recorded fingerprint of a former state key says nothing, neither that nor the contrary.
    """
    recorded = delivery is not None and live(delivery) and delivery.version == seen.version
    if delivery is not None and recorded and _key(delivery.fingerprint) == _key(desired.fingerprint):
        return delivery.fingerprint == desired.fingerprint
    return seen.fingerprint == desired.fingerprint != ""


def _key(fingerprint: str) -> str:
    return fingerprint.partition(":")[0]


def _without(triage: Triage, deliveries: Iterable[Delivery], observed: Mapping[Target, Observed]) -> Iterator[Step]:
    """Steps of a document that was not opened: drift that proved to be none is recorded, the rest is only said."""
    for delivery in deliveries:
        seen = observed.get(delivery.target)
        if triage.do == "skip":
            if seen is not None and (seen.version, "delivered") != (delivery.version, delivery.state):
                yield Step("record", delivery.target, triage.ref, seen.version, delivery.fingerprint)
        elif triage.do == "keep" and live(delivery):
            yield Step("keep", delivery.target, triage.ref, delivery.version, "", triage.reason)
        elif triage.do == "refuse":
            yield Step("refuse", delivery.target, triage.ref, "", "", triage.reason)


def _by_ref(deliveries: Iterable[Delivery]) -> dict[Ref, list[Delivery]]:
    found: dict[Ref, list[Delivery]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.ref, []).append(delivery)
    return found
