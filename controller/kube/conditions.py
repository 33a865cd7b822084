"""The status of a SealedSecret: the same truth for everybody who asks (operators.md 3.3). Pure.

    Synced        first, since the printer columns of the CRD read index 0; message as Bitnami's: empty if all is well
    Ready         the same, for kstatus (Flux, `kubectl wait`)
    Stalled       only where nothing will change by itself
    Reconciling   only while it will be tried again

observedGeneration is written however it ends. No value and no fingerprint is in it: a status is read by more people
than a Secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OURS = ("observedGeneration", "conditions", "input", "keys", "secretRef")
_LONGEST = 1024
_TIMES = ("lastUpdateTime", "lastTransitionTime")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one SealedSecret. `again`: it will be tried again by itself, so it is not stalled.

    `input`, `keys` and `secret` (name, uid, resourceVersion) are of what stands; empty: nothing that we know of.
    """

    good: bool
    reason: str
    message: str = ""
    again: bool = False
    input: str = ""
    keys: tuple[str, ...] = ()
    secret: tuple[str, str, str] | None = None


def status(former: Mapping[str, Any] | None, outcome: Outcome, generation: int, now: str) -> dict[str, Any] | None:
    """The merge patch of the status; None if nothing but times would change. `now` as RFC 3339."""
    former = former or {}
    before = {str(each.get("type")): each for each in former.get("conditions") or () if isinstance(each, dict)}
    message = outcome.message if len(outcome.message) <= _LONGEST else outcome.message[: _LONGEST - 3] + "..."
    word = "True" if outcome.good else "False"
    wanted = [("Synced", word, message), ("Ready", word, message)]
    if not outcome.good:
        wanted.append(("Reconciling" if outcome.again else "Stalled", "True", message))
    conditions = [
        _condition(before.get(kind), kind, word, outcome.reason, said, generation, now) for kind, word, said in wanted
    ]
    body: dict[str, Any] = {"observedGeneration": generation, "conditions": conditions}
    if outcome.good:
        name, uid, version = outcome.secret or ("", "", "")
        body |= {"input": outcome.input, "keys": list(outcome.keys)}
        body["secretRef"] = {"name": name, "uid": uid, "resourceVersion": version}
    if _plain({**former, **body}) == _plain(former):
        return None
    return body


def changed(former: Mapping[str, Any] | None, body: Mapping[str, Any] | None) -> bool:
    """Whether a new status is worth an event: another verdict, another reason or message, another generation."""
    if body is None:
        return False
    return _said(former or {}) != _said(body)


def _said(value: Mapping[str, Any]) -> tuple[object, ...]:
    synced = next((c for c in value.get("conditions") or () if isinstance(c, dict) and c.get("type") == "Synced"), {})
    return (synced.get("status"), synced.get("reason"), synced.get("message"), value.get("observedGeneration"))


def _condition(
    before: Mapping[str, Any] | None, kind: str, word: str, reason: str, message: str, generation: int, now: str
) -> dict[str, Any]:
    kept = before.get("lastTransitionTime") if before and before.get("status") == word else None
    return {
        "type": kind,
        "status": word,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastUpdateTime": now,
        "lastTransitionTime": kept or now,
    }


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """All of ours in a status but its times."""
    ours = {name: value[name] for name in _OURS if value.get(name) is not None}
    ours["conditions"] = [
        {name: each[name] for name in each if name not in _TIMES}
        for each in value.get("conditions") or ()
        if isinstance(each, dict)
    ]
    return ours
