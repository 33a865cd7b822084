"""The status of a SealedSecret: the same truth for everybody who asks (operators.md 3.3). Pure.

    Synced        first, since the printer columns of the CRD read index 0; message as Bitnami's: empty if all is well
    Ready         the same, for kstatus (Flux, `kubectl wait`)
    Stalled       only where nothing will change by itself
    Reconciling   only while it will be tried again

observedGeneration is written however it ends. No value and no fingerprint is in it: a status is read by more people
than a Secret. Conditions of other types are somebody else's, and stay behind ours.

With Bitnami's own CRD the API server drops what that doesn't know (input, keys, secretRef, lastHandledReconcileAt,
observedGeneration of a condition). What was dropped is not missed: else each look would write what is dropped again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HANDLED = "lastHandledReconcileAt"
_OURS = ("observedGeneration", "conditions", "input", "keys", "secretRef", _HANDLED)
_LONGEST = 1024
"""Characters of a message, here and in an event."""
_SHORTER = 1000
"""Characters of a message that has a way out. An event puts words of its own before it (`Failed to unseal: `) and cuts
the end off what is too long; the way out stands there."""
_TIMES = ("lastUpdateTime", "lastTransitionTime")
TYPES = ("Synced", "Ready", "Stalled", "Reconciling")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one SealedSecret. `again`: it will be tried again by itself, so it is not stalled; `slow`: not soon.

    `input`, `keys` and `secret` (name, uid, resourceVersion) are of what stands; empty: nothing that we know of.
    """

    good: bool
    reason: str
    message: str = ""
    again: bool = False
    slow: bool = False
    input: str = ""
    keys: tuple[str, ...] = ()
    secret: tuple[str, str, str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _shown(self.message))


def said(what: str, way_out: str = "") -> str:
    """A message: what is wrong, then the way out. If it is too long, what is wrong is cut, and never the way out."""
    what = _shown(what)
    if not way_out:
        return what
    room = max(3, _SHORTER - len(way_out) - 2)
    return f"{what if len(what) <= room else what[: room - 3] + '...'}; {way_out}"


def status(
    former: Mapping[str, Any] | None, outcome: Outcome, generation: int, now: str, requested: str = ""
) -> dict[str, Any] | None:
    """The fields of the status to write; None if nothing but times would change. `now` as RFC 3339.

    `requested`: the request for another look (`standing.requested`) that this status answers; "" for none.
    """
    former = former or {}
    before = {str(each.get("type")): each for each in _listed(former)}
    message = outcome.message if len(outcome.message) <= _LONGEST else outcome.message[: _LONGEST - 3] + "..."
    word = "True" if outcome.good else "False"
    wanted = [("Synced", word, message), ("Ready", word, message)]
    if not outcome.good:
        wanted.append(("Reconciling" if outcome.again else "Stalled", "True", message))
    conditions = [
        _condition(before.get(kind), kind, word, outcome.reason, text, generation, now) for kind, word, text in wanted
    ]
    conditions += [dict(each) for kind, each in before.items() if kind not in TYPES]
    body: dict[str, Any] = {"observedGeneration": generation, "conditions": conditions}
    if outcome.good:
        name, uid, version = outcome.secret or ("", "", "")
        body |= {"input": outcome.input, "keys": list(outcome.keys)}
        body["secretRef"] = {"name": name, "uid": uid, "resourceVersion": version}
    if requested:
        body[_HANDLED] = requested
    if _plain({**former, **body}, former) == _plain(former, former):
        return None
    return body


def changed(former: Mapping[str, Any] | None, body: Mapping[str, Any] | None) -> bool:
    """Whether a new status is worth an event: another verdict, other words, or another input delivered.

    What Bitnami's controller said of this very generation is not said again.
    """
    if body is None:
        return False
    before, now = _said(former or {}), _said(body)
    if now[0] != "True" or before[0] != "True":
        return before != now
    inputs = [str((each or {}).get("input") or "") for each in (former, body)]
    return before[3] != now[3] or (inputs[0] != "" and inputs[0] != inputs[1])


def delivered(item: Mapping[str, Any], wanted: str) -> bool:
    """Whether the status of a SealedSecret says that this input is what its Secret was made from.

    Bitnami's controller names none, but the generation.
    """
    status = item.get("status")
    if not isinstance(status, Mapping):
        return False
    if status.get("input"):
        return bool(status["input"] == wanted)
    return _said(status)[0] == "True" and status.get("observedGeneration") == item["metadata"].get("generation")


def _shown(text: str) -> str:
    """Without what a terminal obeys: a message names items as strangers called them, and whoever lists all sees it."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def _said(value: Mapping[str, Any]) -> tuple[object, ...]:
    synced = next((each for each in _listed(value) if each.get("type") == "Synced"), {})
    return (synced.get("status"), synced.get("reason"), synced.get("message"), value.get("observedGeneration"))


def _listed(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = value.get("conditions")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


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


def _plain(value: Mapping[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """All of ours in a status but its times, and but what the API server kept of none before (`former`)."""
    ready = next((each for each in _listed(former) if each.get("type") == "Ready"), None)
    whole = ready is None or "observedGeneration" in ready
    top = _OURS if whole else ("observedGeneration",)
    left_out = _TIMES if whole else (*_TIMES, "observedGeneration")
    ours: dict[str, Any] = {name: value[name] for name in top if value.get(name) is not None}
    ours["conditions"] = [{name: each[name] for name in each if name not in left_out} for each in _listed(value)]
    return ours
