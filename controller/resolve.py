"""What became of an effect whose end nobody recorded (DELIVERY section 4, the table of kills). Pure.

record      it happened: its delivery is recorded, and its mark completed where that is missing
again       it did not: the same document is put again under the same token, another closes it as abandoned
drop        it did not, and needs no second try
conflict    somebody else wrote there meanwhile: the next look decides as for any other drift
ask         the store doesn't answer: the intent stays
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from controller.model import Delivery, Observed

if TYPE_CHECKING:
    from controller.model import Intent

End = Literal["record", "again", "drop", "conflict", "ask"]

UNDONE = ("failed", "unchanged", "refused", "abandoned")
"""Outcomes in the log that say that nothing happened at the store."""


def moved(intent: Intent, seen: Observed | None) -> bool:
    """Whether another version stands there than before the effect: whose it is, its value tells."""
    return intent.op == "put" and seen is not None and seen.presence == "present" and seen.version != intent.expect


def resolve(intent: Intent, seen: Observed | None, closed: str = "") -> End:
    """How an intent ended. `closed` is the outcome that stands in the log already, if one does.

    `seen.fingerprint` is of the value that was read there, as it would be recorded; read only where it `moved`.
    """
    if closed in UNDONE:
        return "drop"
    if seen is None:
        return "ask"
    if intent.op == "delete":
        if seen.presence != "present":
            return "record"
        return "drop" if seen.version == intent.expect else "conflict"
    if not moved(intent, seen):
        unwritten = seen.version == intent.expect or (seen.presence == "absent" and not intent.expect)
        return "again" if unwritten else "conflict"
    if outdated(intent, seen):
        return "record" if seen.token == intent.token else "conflict"
    return "record" if seen.fingerprint and seen.fingerprint == intent.fingerprint else "conflict"


def outdated(intent: Intent, seen: Observed) -> bool:
    """Whether the state key was rotated since: two fingerprints then say nothing about each other."""
    return seen.fingerprint != "" and _key(seen.fingerprint) != _key(intent.fingerprint)


def recorded(
    intent: Intent, before: Delivery | None, version: str, now: int, *, unsure: bool = False
) -> Delivery | None:
    """The delivery that an intent comes to once it happened; None if a delete left nothing to record.

    `unsure`: only the token says so, and a mark outlives a hand edit. Without an input it is opened and compared.
    """
    if intent.op == "delete":
        return withdrawn(before, now) if before is not None else None
    return Delivery(
        intent.target, intent.ref, intent.source, intent.seq, "" if unsure else intent.input, intent.fingerprint,
        version, intent.keys, "delivered", "", now, intent.on_delete,
    )  # fmt: skip


def withdrawn(delivery: Delivery, now: int) -> Delivery:
    """A delivery that is managed no more."""
    return replace(delivery, seq=delivery.seq + 1, state="withdrawn", reason="", changed_at=now)


def _key(fingerprint: str) -> str:
    return fingerprint.partition(":")[0]
