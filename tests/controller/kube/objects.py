"""SealedSecrets and Secrets as an API server shows them, and what it makes of a merge patch."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any

from controller.fingerprint import derive
from controller.kube import names, standing, wanted
from controller.kube.wanted import Owner, Wanted
from sealer.secret import Ref, Secret
from tests.controller.samples import state_key

DB = Ref("shop", "db")
UID, OTHER = "11111111-aaaa", "22222222-bbbb"
INPUT, LATER = "ab" * 32, "cd" * 32
OWNER = Owner(DB.name, UID)
KEY = derive(*state_key())
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def sealed(spec: object = None, *, generation: int = 1, uid: str = UID, **metadata: Any) -> dict[str, Any]:
    """A SealedSecret."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {
            "namespace": DB.namespace,
            "name": DB.name,
            "uid": uid,
            "resourceVersion": "7",
            "generation": generation,
            **metadata,
        },
        "spec": {"encryptedData": {}} if spec is None else spec,
    }


def secret(items: Mapping[str, bytes] | None = None, **metadata: Any) -> dict[str, Any]:
    """A Secret that stands; `type` and `immutable` beside what else goes into its metadata."""
    top = {name: metadata.pop(name) for name in ("type", "immutable") if name in metadata}
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "namespace": DB.namespace,
            "name": DB.name,
            "uid": "99999999-cccc",
            "resourceVersion": "41",
            **metadata,
        },
        "type": "Opaque",
        **top,
    }
    if items is not None:
        body["data"] = {name: base64.b64encode(value).decode() for name, value in items.items()}
    return body


def made(want: Wanted) -> dict[str, Any]:
    """What stands once a Secret was created."""
    body = wanted.created(want)
    body["metadata"] |= {"uid": "99999999-cccc", "resourceVersion": "41"}
    return body


def reference(uid: str = UID, name: str = DB.name, **more: Any) -> dict[str, Any]:
    """An ownerReference as Bitnami's controller writes it."""
    return {
        "apiVersion": names.API_VERSION, "kind": names.KIND, "name": name, "uid": uid, "controller": True, **more,
    }  # fmt: skip


def plain(items: Mapping[str, bytes] | None = None, **more: Any) -> Secret:
    """What a SealedSecret opened to."""
    return Secret(name=DB.name, namespace=DB.namespace, items=items or {}, **more)


def want(items: Mapping[str, bytes] | None = None, **more: Any) -> Wanted:
    """What should stand: `uid`, `input`, `owned` and `finalizers` beside what the secret itself has."""
    owner = Owner(DB.name, more.pop("uid", UID))
    owned, input_ = more.pop("owned", True), more.pop("input", INPUT)
    finalizers = more.pop("finalizers", ())
    found = wanted.of(plain(items, **more))
    return Wanted(found, owner, owned, input_, standing.print_of(KEY, DB, found), finalizers)


def merged(stands: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """What an API server makes of a JSON merge patch (RFC 7386). An AssertionError stands for 409."""
    for name in ("uid", "resourceVersion"):
        assert patch["metadata"][name] == stands["metadata"][name]
    found: dict[str, Any] = _merged(stands, patch)
    metadata = found["metadata"]
    for owner, name in ((metadata, "labels"), (metadata, "annotations"), (found, "data")):
        if not owner.get(name):
            owner.pop(name, None)  # Go leaves empty maps out
    return found


def _merged(stands: object, patch: object) -> Any:
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    found = dict(stands) if isinstance(stands, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name), value)
    return found


def values(stands: Mapping[str, Any]) -> dict[str, bytes]:
    """The items of a Secret."""
    return {name: base64.b64decode(text) for name, text in stands.get("data", {}).items()}


def right(stands: Mapping[str, Any]) -> bool:
    """Whether the mark shows that what was delivered stands; nothing is opened for it."""
    mark = standing.marked(stands)
    return mark is not None and standing.print_of_standing(KEY, DB, stands, mark) == mark.fingerprint
