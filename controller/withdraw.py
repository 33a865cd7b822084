"""Taking out of the stores what the source no longer asks for: the steps of `prune`, in batches (DELIVERY section 4).

The same order as for a put: the log, intents, effects, the log again; then the caller records.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller.model import Intent, Step
from controller.recover import unsettled
from controller.stores.base import Delete, NotOurs, OutcomeUnknown, StoreError, Unavailable
from controller.trail import Ended

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from controller.effects import Effects
    from controller.model import Delivery, Observed, Target
    from controller.places import Places
    from controller.state import State
    from controller.trail import Trail

SIZE = 256


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What came of one step: `error` says why it stands there still.

    `tried` says that its store was asked to delete it, `lost` that it belongs to somebody else by now.
    """

    step: Step
    error: StoreError | None = None
    tried: bool = False
    lost: bool = False

    @property
    def ended(self) -> bool:
        """Whether its intent came to an end."""
        return self.tried and not isinstance(self.error, OutcomeUnknown)

    @property
    def over(self) -> bool:
        """Whether it is managed no more."""
        return self.error is None or self.lost


@dataclass(frozen=True, slots=True)
class Means:
    """All that withdrawing takes. Of what is `waiting` nothing can be told yet."""

    places: Places
    deliveries: Mapping[Target, Delivery]
    effects: Effects
    trail: Trail
    state: State
    now: int
    waiting: Collection[Target] = ()


def batches(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Steps, as many as go into one transaction."""
    return (steps[start : start + SIZE] for start in range(0, len(steps), SIZE))


async def withdraw(means: Means, steps: Sequence[Step]) -> list[Withdrawn]:
    """Carry out one batch of steps, in their order."""
    looked = await _looked(means, [step for step in steps if step.op == "delete"])
    deletes = [each for each in looked.values() if isinstance(each, Step)]
    audits = means.trail.begin("delete", [(step.ref, step.target.store) for step in deletes])
    intents = [_intent(means, step, audit) for step, audit in zip(deletes, audits, strict=True)]
    if intents:
        with means.state.begin("intents") as transaction:
            transaction.put_intents(intents)
    by_store: dict[str, list[Delete]] = {}
    for step in deletes:
        by_store.setdefault(step.target.store, []).append(Delete(step.target, step.expect, means.places.owner))
    results: dict[Target, StoreError | None] = {}
    for uid, batch in by_store.items():
        results.update(await means.effects.delete(means.places.by_uid[uid], batch))
    done = [_withdrawn(step, looked.get(step.target), results) for step in steps]
    sequences = {step.target: audit for step, audit in zip(deletes, audits, strict=True)}
    means.trail.end(
        [_ended(sequences[each.step.target], each) for each in done if each.ended],
        [
            means.trail.event(
                "withdraw", each.step.ref, "done", each.error.what if each.error else "retained", each.step.target.store
            )
            for each in done
            if each.step.op == "withdraw" or each.lost
        ],
    )
    return done


async def _looked(means: Means, steps: Sequence[Step]) -> dict[Target, Step | StoreError]:
    """Each step with the version that stands there: whoever edited it, it goes. Or why it can't be taken."""
    found: dict[Target, Step | StoreError] = {}
    of_store: dict[str, list[Step]] = {}
    for step in steps:
        if step.target.store not in means.places.by_uid:
            found[step.target] = _unreachable(means, step)
        elif step.target in means.waiting:
            found[step.target] = unsettled()
        else:
            of_store.setdefault(step.target.store, []).append(step)
    for uid, mine in of_store.items():
        seen = await means.places.by_uid[uid].observe([step.target for step in mine])
        found.update((step.target, _standing(step, seen[step.target], means.places.owner)) for step in mine)
    return found


def _standing(step: Step, seen: Observed | StoreError, owner: str) -> Step | StoreError:
    if isinstance(seen, StoreError) or seen.presence != "present":
        return seen if isinstance(seen, StoreError) else step
    if not seen.owner:
        return NotOurs("nothing there says whose it is", way_out="delete it there by hand")
    return replace(step, expect=seen.version) if seen.owner == owner else NotOurs(f"belongs to {seen.owner}")


def _withdrawn(step: Step, looked: Step | StoreError | None, results: Mapping[Target, StoreError | None]) -> Withdrawn:
    if isinstance(looked, StoreError):
        return Withdrawn(step, looked, lost=isinstance(looked, NotOurs) and not looked.way_out)
    return Withdrawn(step, results.get(step.target), tried=step.target in results)


def _intent(means: Means, step: Step, audit: int) -> Intent:
    before = means.deliveries[step.target]
    return Intent(
        step.target, "delete", step.ref, before.source, before.seq + 1, os.urandom(16).hex(), step.expect, "",
        before.input, before.keys, before.on_delete, audit, means.now,
    )  # fmt: skip


def _ended(sequence: int, each: Withdrawn) -> Ended:
    return Ended(sequence, "failed", each.error.what) if each.error is not None else Ended(sequence, "done")


def _unreachable(means: Means, step: Step) -> StoreError:
    label = means.places.label(step.target.store)
    return Unavailable(f"store {label} is configured no more", way_out=f"configure store {label} again (--config)")
