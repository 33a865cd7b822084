"""What an earlier run left open is settled before anything else happens (DELIVERY section 4).

Each audit intent is closed once: by what is found out here, or by the put that is tried again under the same token.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from controller.fingerprint import fingerprint
from controller.resolve import End, moved, outdated, recorded, resolve
from controller.stores.base import Mark, OutcomeUnknown, Put, StoreError, Unavailable
from controller.trail import Ended
from sealer.errors import SealerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from controller.audit.log import Scan
    from controller.audit.record import Outcome
    from controller.effects import Effects
    from controller.marks import Marks
    from controller.model import Delivery, Intent, Observed, Target
    from controller.state import State
    from controller.stores.base import Store
    from controller.trail import Trail
    from sealer.secret import Secret

_SAID: Mapping[End, tuple[Outcome, str]] = {
    "record": ("recovered", ""),
    "drop": ("abandoned", ""),
    "conflict": ("failed", "another version stands there"),
}


@dataclass(frozen=True, slots=True)
class Recovery:
    """All that recovering takes. `stores` are by uid; `cluster` begins the owner of each mark.

    `told` gives what is to be remembered besides, for the operator's command, of what was done.
    """

    state: State
    trail: Trail
    stores: Mapping[str, Store]
    marks: Marks
    effects: Effects
    cluster: str
    now: int
    told: Callable[[Sequence[Settled]], Mapping[str, str]] = lambda _: {}


Settled = tuple["Intent", "Delivery | None", "Delivery"]
"""An intent that happened, with what was and is recorded of its target."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Puts that did not happen, to be tried again; and what did happen, with what was and is recorded of it.

    `waiting` are targets of which nothing can be told yet: until then nothing is written there.
    """

    again: Mapping[Target, Intent] = field(default_factory=dict)
    done: tuple[Settled, ...] = ()
    waiting: frozenset[Target] = frozenset()


async def recover(with_: Recovery, scan: Scan) -> Recovered:
    """Settle what was begun and not ended."""
    intents = with_.state.intents()
    if not intents and not scan.open:
        return Recovered()
    seen, secrets = await _seen(with_, intents)
    before = {each.target: each for each in with_.state.deliveries()} if intents else {}
    again: dict[Target, Intent] = {}
    ended: list[Ended] = []
    over: list[Target] = []
    done: list[Settled] = []
    for each in intents:
        closed = scan.closed.get(each.audit)
        end = resolve(each, seen.get(each.target), closed.outcome if closed else "")
        if end == "record":
            version = await _completed(with_, each, seen[each.target], secrets.get(each.target))
            unsure = each.op == "put" and outdated(each, seen[each.target])
            now = recorded(each, before.get(each.target), version or "", with_.now, unsure=unsure)
            if version is None:
                continue  # its mark could not be written: the intent stays
            done += [(each, before.get(each.target), now)] if now is not None else []
        if end == "again":
            again[each.target] = each
        elif end != "ask":
            over.append(each.target)
            ended.append(Ended(each.audit, *_SAID[end]))
    kept = {each.audit for each in intents}
    ended += [Ended(sequence, "abandoned") for sequence in scan.open if sequence not in kept]
    with_.trail.end(ended)
    if ended or over:  # else all of it waits for a store that doesn't answer
        told = with_.told(done) if done else {}
        with with_.state.begin("recovered") as transaction:
            transaction.put_deliveries(delivery for _, _, delivery in done)
            transaction.drop_intents(over)
            transaction.put_meta(**with_.trail.meta(), **told)
    waiting = frozenset(each.target for each in intents if each.target not in again) - set(over)
    return Recovered(again, tuple(done), waiting)


def unsettled() -> Unavailable:
    """Why nothing is done at a target that waits."""
    what = "what an interrupted run did there can't be told yet"
    return Unavailable(what, way_out="apply again once the store answers")


def abandon(with_: Recovery, pending: Mapping[Target, Intent], wanted: Mapping[Target, str]) -> dict[Target, Intent]:
    """Close the puts that nothing asks for any more; the others. `wanted` is the input of each target to be opened."""
    kept = {target: each for target, each in pending.items() if wanted.get(target) == each.input}
    lost = [each for target, each in pending.items() if target not in kept]
    if lost:
        with_.trail.end(Ended(each.audit, "abandoned") for each in lost)
        with with_.state.begin("abandoned") as transaction:
            transaction.drop_intents([each.target for each in lost])
            transaction.put_meta(**with_.trail.meta())
    return kept


async def _seen(with_: Recovery, intents: Iterable[Intent]) -> tuple[dict[Target, Observed], dict[Target, Secret]]:
    """What stands at each target, with the fingerprint of the value where its version moved."""
    found: dict[Target, Observed] = {}
    secrets: dict[Target, Secret] = {}
    of_store: dict[str, list[Intent]] = {}
    for each in intents:
        of_store.setdefault(each.target.store, []).append(each)
    for uid, mine in of_store.items():
        store = with_.stores.get(uid)
        if store is None:
            continue
        seen = await store.observe([each.target for each in mine])
        found.update((target, each) for target, each in seen.items() if not isinstance(each, StoreError))
    reads = [each for each in intents if moved(each, found.get(each.target))]
    sequences = with_.trail.begin("read", [(each.ref, each.target.store) for each in reads])
    ended: list[Ended] = []
    for each, sequence in zip(reads, sequences, strict=True):
        try:
            secret = await with_.stores[each.target.store].read(each.target)
        except SealerError as error:
            ended.append(Ended(sequence, "failed", error.what))
            if isinstance(error, (Unavailable, OutcomeUnknown)):
                del found[each.target]  # whose it is can't be told yet
            continue
        ended.append(Ended(sequence, "done"))
        secrets[each.target] = secret
        mark = fingerprint(with_.marks.key(), "delivered", each.target.store, each.ref, secret)
        found[each.target] = replace(found[each.target], fingerprint=mark)
    with_.trail.end(ended)
    return found, secrets


async def _completed(with_: Recovery, intent: Intent, seen: Observed, secret: Secret | None) -> str | None:
    """The version that stands there, its mark written if it isn't ours yet; None if the store did not take it."""
    if secret is None or seen.token == intent.token:
        return seen.version
    mark_print = fingerprint(with_.marks.key(), "mark", intent.target.store, intent.ref, secret)
    mark = Mark(f"{with_.cluster}/{intent.source}", intent.token, mark_print, intent.seq)
    put = Put(intent.target, secret, seen.version, mark, adopt=True, mark_only=True)
    result = (await with_.effects.put(with_.stores[intent.target.store], [put]))[intent.target]
    return result if isinstance(result, str) else None
