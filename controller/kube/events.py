"""Events about a SealedSecret, with Bitnami's words (bitnami-sealed-secrets.md 4.4); on transitions only. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.kube import names

UNSEALED = "Unsealed"
UNSEAL_FAILED = "ErrUnsealFailed"
UPDATE_FAILED = "ErrUpdateFailed"

_WELL = "SealedSecret unsealed successfully"
LONGEST = 1024
_LONGEST_NAME = 253


def event(item: Mapping[str, Any], reason: str, message: str, now: str, suffix: str) -> dict[str, Any]:
    """An Event. `suffix` makes its name unique; `now` as RFC 3339, to the second."""
    metadata = item["metadata"]
    said = {UNSEALED: _WELL, UNSEAL_FAILED: f"Failed to unseal: {message}"}.get(reason, message)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": metadata["namespace"], "name": _name(metadata["name"], suffix)},
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Normal" if reason == UNSEALED else "Warning",
        "reason": reason,
        "message": said[:LONGEST],
        "source": {"component": names.COMPONENT},
        "reportingComponent": names.COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _name(of: str, suffix: str) -> str:
    """A name that the API server takes, however long that of the object is."""
    return f"{of[: _LONGEST_NAME - 1 - len(suffix)].rstrip('-.')}.{suffix}"
