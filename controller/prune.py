"""What is withdrawn because the source no longer asks for it (DELIVERY section 5). Pure; once a run, after all else.

A delivery goes if its document is gone, or if the document is delivered and no longer names that store, or names one
that now writes elsewhere. The scope is one source id and the prefix that was applied.

delete      take it out of its store        withdraw    `sealer.dev/on-delete: retain`: it stays there, unmanaged
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.model import Refusal, Step
from controller.triage import live

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

    from controller.configuration import Limits
    from controller.model import Delivery, Known, Ref, Snapshot, Target

INCOMPLETE = "a part of the source can't be read"
FOREIGN = "all documents here are for other clusters now"
FAILED = "a document that was never delivered fails, and may be a renamed one"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a run came to: documents that hold all that they ask for, and those that don't."""

    good: AbstractSet[Ref]
    failed: AbstractSet[Ref]


def prune(
    snapshot: Snapshot,
    wanted: Mapping[Ref, Collection[Target]],
    outcomes: Outcomes,
    deliveries: Mapping[Target, Delivery],
    documents: Mapping[Ref, Known],
    limits: Limits,
    *,
    allowed: bool = False,
    others: int = 0,
    moved: str = "",
) -> tuple[Step, ...] | Refusal:
    """The steps that withdraw what is gone, or why all of it is kept.

    `wanted` are the targets of each document that is there, `others` counts those here for other clusters; `allowed`
    is the operator's --allow-prune, `moved` says that paths count from another folder than before. What was read from
    a file or folder that can't be read now is not gone, whatever is allowed.
    """
    broken = [problem.path for problem in snapshot.problems]
    scope = [
        each
        for each in deliveries.values()
        if live(each) and (each.ref in wanted or _in_scope(documents.get(each.ref), snapshot.prefix, broken))
    ]
    going = sorted((each for each in scope if _gone(each, wanted, outcomes)), key=lambda each: (each.ref, each.target))
    why = moved or (FOREIGN if others and not snapshot.documents else "")
    why = why or _refused(snapshot, len(going), len(scope), outcomes, deliveries, limits)
    if why and going and not allowed:
        return Refusal(why, tuple(going))
    return tuple(
        Step("withdraw" if each.on_delete == "retain" else "delete", each.target, each.ref, each.version)
        for each in going
    )


def _gone(delivery: Delivery, wanted: Mapping[Ref, Collection[Target]], outcomes: Outcomes) -> bool:
    if delivery.ref not in wanted:
        return True
    return delivery.ref in outcomes.good and delivery.target not in wanted[delivery.ref]


def _refused(
    snapshot: Snapshot,
    going: int,
    standing: int,
    outcomes: Outcomes,
    deliveries: Mapping[Target, Delivery],
    limits: Limits,
) -> str:
    if not snapshot.complete or snapshot.problems:
        return INCOMPLETE
    if outcomes.failed - {each.ref for each in deliveries.values() if live(each)}:
        return FAILED
    most = max(limits.prune_count, standing * limits.prune_percent // 100)
    return f"{going} of {standing} would go, and at most {most} may" if going > most else ""


def _in_scope(known: Known | None, prefix: str, broken: Collection[str]) -> bool:
    """Whether what a document delivered is this run's to withdraw once the document is gone."""
    if known is None:  # its record is lost: only where all is read can it be told that it is gone
        return not prefix and not broken
    if prefix and not known.path.startswith(f"{prefix}/"):
        return False
    return not any(path in (".", known.path) or known.path.startswith(f"{path}/") for path in broken)
