"""What to do about each document, for the whole set and without a key (DELIVERY section 2). Pure.

skip     all targets hold what this document delivers
open     there is work: opening decides which
keep     it can't or may not be delivered, and what it delivered before stays
refuse   as keep, and nothing of it stands anywhere
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller import reason
from controller.model import Delivery, Document, Failure, Keys, Observed, Ref, Snapshot, Target, Triage
from controller.places import kin
from controller.reason import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from controller.verdict import Verdict
    from sealer.errors import SealerError

COMPROMISED = "compromised"


def triage(
    snapshot: Snapshot,
    deliveries: Mapping[Target, Delivery],
    failures: Mapping[Ref, Failure],
    observed: Mapping[Target, Observed],
    verdicts: Mapping[Ref, Verdict],
    keys: Keys,
    now: int,  # noqa: ARG001  # retry times come with the remote stores
    silent: Mapping[Target, SealerError] | None = None,
    others: Mapping[Target, str] | None = None,
) -> tuple[Triage, ...]:
    """One decision a ref, in the order of the documents.

    A target missing from `observed` could not be looked at; `silent` says why. It stops its document only where the
    other targets need no work. `others` are targets that another source of this state delivered to.
    """
    documents: dict[Ref, list[Document]] = {}
    for each in snapshot.documents:
        documents.setdefault(each.ref, []).append(each)
    shared = _shared(documents, verdicts)
    found = []
    for ref, same in documents.items():
        verdict = verdicts[ref]
        stop = (
            _collision(same, shared.get(ref, ()))
            or verdict.reason
            or _foreign(verdict, deliveries, observed, others or {})
        )
        missing = "" if stop else unobserved(verdict, observed, silent or {})
        found.append(
            _stopped(ref, verdict, deliveries, stop)
            if stop
            else _one(same[0], verdict, deliveries, failures.get(ref), observed, keys, missing)
        )
    return tuple(found)


def settled(target: Target, wanted: str, deliveries: Mapping[Target, Delivery], seen: Observed) -> bool:
    """Whether a target holds what was recorded, and that is what is wanted, also if it was out of sight meanwhile.

    Another version than the recorded one is drift, unless the value read there has the recorded fingerprint.
    """
    delivery = deliveries.get(target)
    if not live(delivery) or delivery is None or delivery.state == "failed":
        return False
    if delivery.input != wanted or seen.presence != "present":
        return False
    return seen.version == delivery.version or (seen.fingerprint != "" and seen.fingerprint == delivery.fingerprint)


def live(delivery: Delivery | None) -> bool:
    """Whether something was delivered that stays."""
    return delivery is not None and delivery.state != "withdrawn" and delivery.version != ""


def _one(
    document: Document,
    verdict: Verdict,
    deliveries: Mapping[Target, Delivery],
    failure: Failure | None,
    observed: Mapping[Target, Observed],
    keys: Keys,
    missing: str,
) -> Triage:
    seen = [(target, wanted, observed[target]) for target, wanted in verdict.inputs.items() if target in observed]
    if all(settled(target, wanted, deliveries, each) for target, wanted, each in seen):
        return _stopped(document.ref, verdict, deliveries, missing) if missing else Triage(document.ref, "skip")
    stop = (
        _failed_before(document, failure, keys)
        or _rejected_before(verdict, deliveries)
        or _compromised(document, verdict, deliveries, keys)
    )
    return _stopped(document.ref, verdict, deliveries, stop) if stop else Triage(document.ref, "open")


def _stopped(ref: Ref, verdict: Verdict, deliveries: Mapping[Target, Delivery], why: str) -> Triage:
    kept = any(live(deliveries.get(target)) for target in verdict.inputs)
    return Triage(ref, "keep" if kept else "refuse", why)


def _failed_before(document: Document, failure: Failure | None, keys: Keys) -> str:
    same = failure is not None and failure.digest == document.digest and failure.keyring == keys.digest
    return failure.reason if same and failure else ""


def _rejected_before(verdict: Verdict, deliveries: Mapping[Target, Delivery]) -> str:
    for target, wanted in verdict.inputs.items():
        delivery = deliveries.get(target)
        if delivery is not None and delivery.state == "failed" and delivery.input == wanted:
            return delivery.reason
    return ""


def _compromised(document: Document, verdict: Verdict, deliveries: Mapping[Target, Delivery], keys: Keys) -> str:
    """A compromised key opens only what was delivered: whoever else has it could have sealed anything new."""
    bad = [key for key in document.recipients if keys.status.get(key) == COMPROMISED]
    if not bad or delivered(verdict, deliveries):
        return ""
    return compromised(bad)


def delivered(verdict: Verdict, deliveries: Mapping[Target, Delivery]) -> bool:
    """Whether this very document stands in one of its targets, or did when it was last looked at."""
    return any(
        live(deliveries.get(target)) and deliveries[target].input == wanted and deliveries[target].state != "failed"
        for target, wanted in verdict.inputs.items()
    )


def compromised(ids: Iterable[str]) -> str:
    """The reason for a document that a compromised key would open."""
    named = ", ".join(sorted(each[:8] for each in ids))
    what = f"sealed to the compromised key {named}, and not what was delivered before: seal it again"
    return reason.dump(Cause(reason.COMPROMISED, (), what))


def _foreign(
    verdict: Verdict,
    deliveries: Mapping[Target, Delivery],
    observed: Mapping[Target, Observed],
    others: Mapping[Target, str],
) -> str:
    """Why a target is not ours to write to; in a store that adopts, only what another source has.

    Whose it is says what stands there; where that is lost or can't be seen, who is known to have delivered it.
    """
    cluster, _, source = verdict.owner.partition("/")
    for target in verdict.inputs:
        seen = observed.get(target)
        present = seen is not None and seen.presence == "present"
        owner = seen.owner if seen and present else f"{cluster}/{others.get(target, source)}"
        if owner == verdict.owner:
            continue
        adopted = target.store in verdict.adopting and not kin(verdict.owner, owner)
        if adopted or (not owner and live(deliveries.get(target))):
            continue
        what = f"belongs to {owner}, which delivered it first"
        way_out = "take it out of one of the two sources (there without `retain`), or give it another name"
        if kin(verdict.owner, owner):
            way_out += f"; if this is that source under a new name: --source-name {owner.partition('/')[2]}"
        if not owner:
            what = "stands there already, and sealer did not put it there"
            way_out = "delete it there, or let the store adopt what it finds: `adopt: true` (--config)"
        return reason.dump(Cause(reason.FOREIGN, (), what, way_out))
    return ""


def unobserved(verdict: Verdict, observed: Mapping[Target, Observed], silent: Mapping[Target, SealerError]) -> str:
    """Why one of a document's targets could not be looked at, in its store's own words; "" if all could."""
    for target in verdict.inputs:
        if target not in observed:
            store, error = verdict.labels.get(target.store, target.store), silent.get(target)
            what = f"store {store}: {error}" if error else f"store {store} does not answer"
            way_out = error.way_out if error and error.way_out else "apply again later"
            return reason.dump(Cause(reason.UNAVAILABLE, (), what, way_out))
    return ""


def _collision(same: Sequence[Document], others: Sequence[Ref]) -> str:
    if len(same) > 1:
        places = " and ".join(sorted(str(each.origin) for each in same))
        return reason.dump(
            Cause(reason.COLLISION, (), f"stands twice, in {places}: neither is delivered", "take one of them out")
        )
    if others:
        named = ", ".join(str(each) for each in others)
        return reason.dump(
            Cause(reason.COLLISION, (), f"goes to the same place as {named}: neither is delivered", "rename one")
        )
    return ""


def _shared(documents: Mapping[Ref, object], verdicts: Mapping[Ref, Verdict]) -> dict[Ref, list[Ref]]:
    """Refs that a store maps to one target, each with the others."""
    wanting: dict[Target, list[Ref]] = {}
    for ref in documents:
        for target in verdicts[ref].inputs:
            wanting.setdefault(target, []).append(ref)
    return {
        ref: [other for other in refs if other != ref] for refs in wanting.values() if len(refs) > 1 for ref in refs
    }
