"""Sealed files as `sealer seal` would write them, with values that are made at run time."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealer.documents import render
from sealer.formats import keys, sshsig
from sealer.formats.binding import Binding, Scope
from sealer.sealing.seal import Recipients, seal_item
from sealer.secret import Secret

if TYPE_CHECKING:
    import pytest

    from tests.sealer.shop import Shop


def binding(text: str, scope: Scope = Scope.STRICT) -> Binding:
    namespace, _, name = text.rpartition("/")
    return Binding(scope, namespace or None, name)


def sealed(
    ref: str,
    items: Iterable[str] | Mapping[str, bytes],
    *to: keys.PrivateKey,
    scope: Scope = Scope.STRICT,
    template: Mapping[str, Any] | None = None,
    annotations: Mapping[str, str] | None = None,
    bound: str = "",
) -> bytes:
    """A SealedSecret for `ref`; with `bound` its items are sealed for that one instead."""
    values = items if isinstance(items, Mapping) else {item: secrets.token_hex(8).encode() for item in items}
    recipients = Recipients("v2" if to[0].algorithm == keys.KEM else "v1", tuple(key.public for key in to), ("x",))
    place = binding(ref, scope)
    envelopes = {
        item: seal_item(value, binding(bound, scope) if bound else place, item, recipients)
        for item, value in values.items()
    }
    secret = Secret(name=place.name, namespace=place.namespace)
    return render.to_yaml(render.sealed_body(place, envelopes, template, annotations=annotations or {}, secret=secret))


def trust(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust every cluster of the shop, as CI does."""
    pins = {
        name: sshsig.fingerprint(sshsig.identity_line(cluster.identity.public_key()))
        for name, cluster in shop.clusters.items()
    }
    monkeypatch.setenv("SEALER_TRUST", ",".join(f"{name}={pin}" for name, pin in pins.items()))


def commit(root: Path, message: str = "change") -> str:
    """Everything in a folder as a commit, in a repository that is made if there is none; its short id."""
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", message], cwd=root, check=True)
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, check=True, capture_output=True)
    return os.fsdecode(done.stdout).strip()
