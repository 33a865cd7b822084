"""What `status --from-cluster` says: SealedSecrets as the API shows them, as rows of `status`. Pure.

It believes what their controller wrote, ours or Bitnami's: `Synced` is in both. A status of an older generation says
nothing of the document that is there now. What stands is told by the Secrets alone, where they could be listed: a
status may be older than they are, and Bitnami's never says what it delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller import reason
from controller.kube import names
from controller.kube.standing import controller, marked
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
_OF_A_RULE = ("Unmanaged", "Refused")
"""Reasons that end in `refused`: what stands under the name is left as it is, whosever it is."""


@dataclass(frozen=True, slots=True)
class Stands:
    """A Secret that stands. `by_name`: a SealedSecret of its name delivered it, as its owner or its mark says."""

    uid: str
    version: str
    by_name: bool


Standing = dict[tuple[str, str], Stands]
"""What stands, by namespace and name."""


def stands(item: Mapping[str, Any]) -> tuple[tuple[str, str], Stands]:
    """A Secret, from its metadata alone, of which nothing else is kept: an annotation of kubectl may hold values."""
    metadata = item["metadata"]
    place = str(metadata["namespace"]), str(metadata["name"])
    owner, mark = controller(metadata), marked(item)
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    owned = (group, owner.get("kind"), owner.get("name")) == (names.GROUP, names.KIND, place[1])
    by_name = owned or (mark is not None and mark.secret == "/".join(place))
    return place, Stands(str(metadata["uid"]), str(metadata["resourceVersion"]), by_name)


def rows(objects: Iterable[Mapping[str, Any]], standing: Standing | None = None) -> tuple[Row, ...]:
    """One row a SealedSecret, what needs looking at first. Without `standing` it isn't known what stands."""
    found = [_row(each, standing) for each in objects]
    return tuple(sorted(found, key=lambda row: (row.state == DELIVERED, row.namespace, row.name)))


def _row(item: Mapping[str, Any], standing: Standing | None) -> Row:
    metadata, status = item["metadata"], _map(item.get("status"))
    namespace, name = str(metadata.get("namespace", "")), str(metadata["name"])
    conditions = status.get("conditions")
    named = {str(each.get("type")): each for each in conditions or () if isinstance(each, dict)}
    synced, ref = named.get("Synced", {}), _map(status.get("secretRef"))
    word = str(synced.get("reason") or _map(named.get("Stalled")).get("reason") or "")
    there = standing.get((namespace, name)) if standing is not None else None
    state = _verdict(synced.get("status"), metadata.get("generation"), status)
    if state == DELIVERED and standing is not None and there is None:
        state = "missing"
    elif state == "failed" and word in _OF_A_RULE:
        state = "refused"
    elif state == "failed" and there is not None and (there.by_name or there.uid == ref.get("uid")):
        state = "stale"
    version = str(ref.get("resourceVersion", "")) if state == DELIVERED else ""
    why = ""
    if state not in (DELIVERED, "missing", "pending"):
        why = reason.dump(Cause(_CODES.get(word, reason.STORE), (), str(synced.get("message") or word)))
    return Row(
        "",
        namespace,
        name,
        STORE,
        state,
        there.version if there is not None and state == "stale" else version,
        _milliseconds(str(synced.get("lastTransitionTime") or metadata.get("creationTimestamp") or "")),
        why,
        said="".join(each.text for each in reason.load(why)),
    )


def _verdict(synced: object, generation: object, status: Mapping[str, Any]) -> str:
    """What the controller said of the document that is there now."""
    if status.get("observedGeneration") != generation or synced not in ("True", "False"):
        return "pending"
    return DELIVERED if synced == "True" else "failed"


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _milliseconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return 0
