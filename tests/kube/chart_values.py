"""Bitnami's chart, by its values alone: the name and default of each, and something else that it can be set to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

LIST = Path(__file__).with_name("chart_values.yaml")

OWN_DEFAULTS = {
    "image.registry", "image.repository", "image.tag",  # another image
    "metrics.prometheusRule.groups",  # theirs is among ours
}  # fmt: skip
OURS = {
    "replicaCount", "updateStrategy", "requireIdentity", "tokenAudiences", "cluster", "workers", "labelSelector",
    "auditLog.enabled", "auditLog.size", "auditLog.storageClass", "auditLog.accessModes", "auditLog.existingClaim",
}  # fmt: skip
WITHOUT_EFFECT = {
    "kubeVersion",  # Helm's capabilities: nothing here depends on them
    "rbac.pspEnabled",  # Kubernetes has no PodSecurityPolicy any more
}


def entries() -> list[dict[str, Any]]:
    """Each: `path`, `default`, `changed`, and `with`: other values under which the change can be seen."""
    found: list[dict[str, Any]] = yaml.safe_load(LIST.read_text())
    return found


def nested(path: str, value: Any) -> dict[str, Any]:
    """`value` under a path with dots."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def merged(*values: dict[str, Any]) -> dict[str, Any]:
    """Maps merged as Helm merges values, the last one winning."""
    result: dict[str, Any] = {}
    for each in values:
        for name, value in each.items():
            old = result.get(name)
            result[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def flat(values: dict[str, Any], leaves: set[str], prefix: str = "") -> dict[str, Any]:
    """Values by path; maps end at those that `leaves` names, which users fill."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value and path not in leaves:
            found |= flat(value, leaves, f"{path}.")
        else:
            found[path] = value
    return found
