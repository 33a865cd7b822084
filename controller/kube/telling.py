"""What is said of a SealedSecret: its status, and an event where the verdict changes. Only `/status` is written.

The status is written whole, by PUT, as Bitnami's controller does it: the API server takes a sixth less for that than
for a merge patch, and refuses it with 409 if anybody wrote in between, so that no condition of others is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.kube import conditions, events, names, standing
from sealer.kube.client import METADATA, ApiError
from sealer.secret import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.kube.conditions import Outcome
    from controller.kube.parts import Parts

_NOT_FOUND = 404
_OF_A_WRITE = ("Unmanaged", "Immutable", "TooLarge", "TypeChanged", "Invalid")


class Teller:
    """Tells of outcomes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def tell(self, key: str, item: dict[str, Any], outcome: Outcome) -> None:
        """Write the status, and note an event if the verdict is another. Raises ApiError, Unreachable, Away."""
        parts = self._parts
        namespace, _, name = key.partition("/")
        former = status_of(item)
        now = f"{parts.clock():%Y-%m-%dT%H:%M:%SZ}"
        generation = int(item["metadata"].get("generation", 0))
        body = conditions.status(former, outcome, generation, now, standing.requested(item))
        if body is None:
            return
        if parts.update_status:
            parts.may()
            try:
                whole = _whole(item, {**former, **body})
                where = names.status(namespace, name)
                await parts.client.replace(where, whole, accept=METADATA, fieldManager=names.MANAGER)
            except ApiError as error:
                if error.status != _NOT_FOUND:  # 409, too: others were faster, or it is another of that name by now
                    raise
                return
        if conditions.changed(former, body):
            if not outcome.good:
                parts.log("warning", "failed", name=key, reason=outcome.reason, message=outcome.message)
                parts.audit.refused(Ref(namespace, name), outcome.reason, outcome.message)
            reason = events.UNSEALED if outcome.good else _event_reason(outcome)
            await parts.recorder.take(item, reason, outcome.message, now)


def status_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The status of an object as it was seen."""
    status = item.get("status")
    return status if isinstance(status, dict) else {}


def _whole(item: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """What is put to `/status`: of all else the API server keeps what there is, so that it need not be sent."""
    metadata = {name: item["metadata"][name] for name in ("namespace", "name", "uid", "resourceVersion")}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": {}, "status": status}


def _event_reason(outcome: Outcome) -> str:
    written = outcome.again or outcome.reason in _OF_A_WRITE
    return events.UPDATE_FAILED if written else events.UNSEAL_FAILED
