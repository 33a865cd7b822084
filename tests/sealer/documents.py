"""Sealed documents and Secrets as texts, for the tests of this package."""

from __future__ import annotations

import base64
import secrets


def envelope(size: int = 60) -> str:
    """A text that looks like an envelope; documents are read without looking into it."""
    return "AgA" + base64.b64encode(secrets.token_bytes(size)).decode()


def sealed(*, spec: str = "  encryptedData: {}\n", metadata: str = "  name: db\n  namespace: payments\n") -> str:
    """A SealedSecret in YAML."""
    return f"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n{metadata}spec:\n{spec}"


def secret(body: str, *, metadata: str = "  name: db\n  namespace: payments\n") -> str:
    """A Secret manifest in YAML: its metadata, then `body`."""
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n{metadata}{body}"
