"""What things are called in the API: addresses, labels, annotations, and our name as a writer. Each once, and here.

Bitnami's names are theirs to the letter, since both controllers read what the other wrote
(`shared/reference/bitnami-sealed-secrets.md`, sections 1 to 4); names that begin with `sealer.dev/` are ours.
"""

from __future__ import annotations

GROUP = "bitnami.com"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "SealedSecret"
PLURAL = "sealedsecrets"

MANAGER = "sealed-secrets-controller"
"""The field manager of all that we write."""
COMPONENT = "sealed-secrets"
"""Who reports our events: Bitnami's name, which alerts and dashboards filter by."""

_THEIRS = "sealedsecrets.bitnami.com"
MANAGED = f"{_THEIRS}/managed"
PATCH = f"{_THEIRS}/patch"
SKIP_OWNER = f"{_THEIRS}/skip-set-owner-references"
KEY_LABEL = f"{_THEIRS}/sealed-secrets-key"
KEY_ACTIVE = "active"
KEY_COMPROMISED = "compromised"

OUR_KEY = "sealer.dev/key"
"""Label of our own key Secrets: `sealing` (v2), `identity` or `state`."""
KEY_STATUS = "sealer.dev/key-status"
"""Label of our own key Secrets: `retired`, `compromised`; without it: active."""
KEY_SEQUENCE = "sealer.dev/key-sequence"
"""Annotation of the identity: the sequence of the key bundle, and of which keys."""
DELIVERED = "sealer.dev/delivered"
"""Annotation of a Secret: what we put there, so that a restart opens nothing."""
ON_DELETE = "sealer.dev/on-delete"
REQUESTED = "reconcile.fluxcd.io/requestedAt"
"""Annotation of a SealedSecret that asks for another look, under Flux's name; each new value asks once."""


def sealed_secrets(namespace: str = "", name: str = "") -> str:
    """The address of all SealedSecrets, of those of a namespace, or of one."""
    return _address(f"/apis/{GROUP}/{VERSION}", PLURAL, namespace, name)


def status(namespace: str, name: str) -> str:
    """The address of a SealedSecret's status, the only part of one that is ever written."""
    return sealed_secrets(namespace, name) + "/status"


def secrets(namespace: str = "", name: str = "") -> str:
    """The address of Secrets, as `sealed_secrets`."""
    return _address("/api/v1", "secrets", namespace, name)


def events(namespace: str) -> str:
    """Where events about objects of a namespace go."""
    return _address("/api/v1", "events", namespace, "")


def _address(base: str, plural: str, namespace: str, name: str) -> str:
    place = f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"
    return f"{place}/{name}" if name else place
