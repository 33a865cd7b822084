"""Taking out of the stores what the source no longer asks for: the steps of `prune`, in batches (DELIVERY section 4).

The same order as for a put: the log, intents, effects, the log again; then the caller records.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.model import Intent, Step
from controller.stores.base import Delete, OutcomeUnknown, StoreError, Unavailable
from controller.trail import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from controller.effects import Effects
    from controller.model import Delivery, Target
    from controller.places import Places
    from controller.state import State
    from controller.trail import Trail

SIZE = 256


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What came of one step: `error` says why it stands there still."""

    step: Step
    error: StoreError | None = None

    @property
    def ended(self) -> bool:
        """Whether its intent came to an end."""
        return not isinstance(self.error, OutcomeUnknown)


@dataclass(frozen=True, slots=True)
class Bench:
    """All that withdrawing takes."""

    places: Places
    deliveries: Mapping[Target, Delivery]
    effects: Effects
    trail: Trail
    state: State
    now: int


def batches(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Steps, as many as go into one transaction."""
    return (steps[start : start + SIZE] for start in range(0, len(steps), SIZE))


async def withdraw(bench: Bench, steps: Sequence[Step]) -> list[Withdrawn]:
    """Carry out one batch of steps, in their order."""
    gone = [step for step in steps if step.op == "delete" and step.target.store not in bench.places.by_uid]
    deletes = [step for step in steps if step.op == "delete" and step.target.store in bench.places.by_uid]
    audits = bench.trail.begin("delete", [(step.ref, step.target.store) for step in deletes])
    intents = [_intent(bench, step, audit) for step, audit in zip(deletes, audits, strict=True)]
    if intents:
        with bench.state.begin("intents") as transaction:
            transaction.put_intents(intents)
    results: dict[Target, StoreError | None] = {step.target: _unreachable(bench, step) for step in gone}
    by_store: dict[str, list[Delete]] = {}
    for step in deletes:
        by_store.setdefault(step.target.store, []).append(Delete(step.target, step.expect, bench.places.owner))
    for uid, batch in by_store.items():
        results.update(await bench.effects.delete(bench.places.by_uid[uid], batch))
    done = [Withdrawn(step, results.get(step.target)) for step in steps]
    sequences = {step.target: audit for step, audit in zip(deletes, audits, strict=True)}
    bench.trail.end(
        [_ended(sequences[each.step.target], each) for each in done if each.step.target in sequences and each.ended],
        [
            bench.trail.event("withdraw", each.step.ref, "done", "retained", each.step.target.store)
            for each in done
            if each.step.op == "withdraw"
        ],
    )
    return done


def _intent(bench: Bench, step: Step, audit: int) -> Intent:
    before = bench.deliveries[step.target]
    return Intent(
        step.target, "delete", step.ref, before.source, before.seq + 1, os.urandom(16).hex(), step.expect, "",
        before.input, before.keys, before.on_delete, audit, bench.now,
    )  # fmt: skip


def _ended(sequence: int, each: Withdrawn) -> Ended:
    return Ended(sequence, "failed", each.error.what) if each.error is not None else Ended(sequence, "done")


def _unreachable(bench: Bench, step: Step) -> StoreError:
    label = bench.places.label(step.target.store)
    return Unavailable(f"store {label} is configured no more", way_out=f"configure store {label} again (--config)")
