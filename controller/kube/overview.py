"""What `status --from-cluster` says: SealedSecrets as the API shows them, as rows of `status`. Pure.

It believes what their controller wrote, ours or Bitnami's: `Synced` is in both. A status of an older generation says
nothing of the document that is there now.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller import reason
from controller.reason import Cause
from controller.status import DELIVERED, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STORE = "kubernetes"

_CODES = {
    "NoMatchingKey": reason.NO_KEY,
    "ScopeMismatch": reason.BOUND,
    "TemplateError": reason.TEMPLATE,
    "Unmanaged": reason.FOREIGN,
    "Refused": reason.NEVER,
    "Compromised": reason.COMPROMISED,
}


def rows(objects: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """One row a SealedSecret, what needs looking at first."""
    found = [_row(each) for each in objects]
    return tuple(sorted(found, key=lambda row: (row.state == DELIVERED, row.namespace, row.name)))


def _row(item: Mapping[str, Any]) -> Row:
    metadata, status = item["metadata"], _map(item.get("status"))
    conditions = status.get("conditions")
    named = {str(each.get("type")): each for each in conditions or () if isinstance(each, dict)}
    synced = named.get("Synced", {})
    state = _state(synced.get("status"), metadata.get("generation"), status)
    since = synced.get("lastTransitionTime") or metadata.get("creationTimestamp") or ""
    return Row(
        "",
        str(metadata.get("namespace", "")),
        str(metadata["name"]),
        STORE,
        state,
        str(_map(status.get("secretRef")).get("resourceVersion", "")) if state in (DELIVERED, "stale") else "",
        _milliseconds(str(since)),
        "" if state in (DELIVERED, "pending") else _why(synced, named),
    )


def _state(synced: object, generation: object, status: Mapping[str, Any]) -> str:
    if status.get("observedGeneration") != generation or synced not in ("True", "False"):
        return "pending"
    if synced == "True":
        return DELIVERED
    return "stale" if status.get("secretRef") else "failed"


def _why(synced: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    word = str(synced.get("reason") or _map(named.get("Stalled")).get("reason") or "")
    said = str(synced.get("message") or word)
    return reason.dump(Cause(_CODES.get(word, reason.STORE), (), said))


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _milliseconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return 0
