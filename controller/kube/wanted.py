"""The Secret that should stand, and the one write that brings it there: who owns what stands decides. Pure.

Bitnami's rules (bitnami-sealed-secrets.md 4.5, 5.4):

    nothing stands               created, with an ownerReference
    ours by ownerReference       replaced
    annotated managed            taken over: replaced wholesale, with our ownerReference
    annotated patch              items, labels and annotations merged into it; ownerReference only if also managed
    anything else                refused

and three of ours: a Secret that carries our mark for this SealedSecret is ours without an ownerReference (theirs writes
one with `skip-set-owner-references` once, and then calls it unmanaged); one whose owner is a SealedSecret of that very
name, deleted and made again, passes to the new one; of a Secret of ours, labels and annotations of others stay.

A Secret is created by POST, which can't overwrite what came in between, and changed by one JSON merge patch that names
uid and resourceVersion: server-side apply costs the API server twice as much, and leaves behind the keys of what a POST
made.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from controller.kube import names
from controller.kube.standing import Mark, marked, texts
from sealer.errors import SealerError

if TYPE_CHECKING:
    from sealer.documents.document import SealedSecret
    from sealer.secret import Secret

MOST = 1024 * 1024
"""Bytes of all values of a Secret that the API server takes (core/v1 MaxSecretSize)."""
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Hold = Literal["ours", "managed", "patch", "both"]


class NotWritten(SealerError):
    """A Secret that can't be brought to what it should be. `reason` is the word in the status."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Owner:
    """The SealedSecret that a Secret is of."""

    name: str
    uid: str

    def reference(self) -> dict[str, Any]:
        """As an ownerReference of its controller."""
        return {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand: the secret, whose it is, and the mark without its fingerprint."""

    secret: Secret
    owner: Owner
    owned: bool
    input: str = ""
    fingerprint: str = field(default="", repr=False)


def of(secret: Secret) -> Secret:
    """The secret as it is delivered: what must not be copied from a template is left out."""
    kept = {name: text for name, text in secret.annotations.items() if name not in (_APPLIED, names.DELIVERED)}
    return replace(secret, annotations=kept)


def owned(document: SealedSecret) -> bool:
    """Whether the Secret is to have an ownerReference."""
    return document.template.annotations.get(names.SKIP_OWNER) != "true"


def hold(standing: Mapping[str, Any], owner: Owner) -> Hold:
    """By what right a standing Secret may be written to. Raises NotWritten for one of somebody else."""
    metadata = standing["metadata"]
    annotations = texts(metadata.get("annotations"))
    managed, patch = annotations.get(names.MANAGED) == "true", annotations.get(names.PATCH) == "true"
    controller = _controller(metadata)
    if controller.get("uid") == owner.uid:
        return "patch" if patch and not managed else "both" if patch else "ours"
    if patch:
        return "both" if managed else "patch"
    if managed:
        return "managed"
    mark = marked(standing)
    again = (controller.get("kind"), controller.get("name")) == (names.KIND, owner.name)
    if again or (not controller and mark is not None and mark.uid == owner.uid):
        return "ours"
    raise NotWritten("Unmanaged", f'Resource "{metadata["name"]}" already exists and is not managed by SealedSecret')


def check(wanted: Wanted, standing: Mapping[str, Any] | None) -> None:
    """Raise NotWritten for what the API server would refuse in any case."""
    secret = wanted.secret
    size = sum(map(len, secret.items.values()))
    if size > MOST:
        raise NotWritten("TooLarge", f"the items take {size:,} bytes, and a Secret holds {MOST:,}")
    if standing is None:
        return
    at = f"{secret.namespace}/{secret.name}"
    if str(standing.get("type") or "Opaque") != secret.type:
        raise NotWritten(
            "TypeChanged", f"Error updating {at}: the type of a Secret can't be changed; delete the Secret"
        )
    if standing.get("immutable") is True and (_data(secret) != texts(standing.get("data")) or not secret.immutable):
        what = "the target Secret is immutable. Delete it, or give the SealedSecret another name"
        raise NotWritten("Immutable", f"Error updating {at}: {what}")


def created(wanted: Wanted) -> dict[str, Any]:
    """The body of the POST."""
    secret = wanted.secret
    metadata: dict[str, Any] = {
        "name": secret.name,
        "namespace": secret.namespace,
        "annotations": {**secret.annotations, names.DELIVERED: _mark(wanted, patch=False).text()},
    }
    if secret.labels:
        metadata["labels"] = dict(secret.labels)
    if wanted.owned:
        metadata["ownerReferences"] = [wanted.owner.reference()]
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret.type, "data": _data(secret)}
    return body | ({"immutable": True} if secret.immutable else {})


def patched(wanted: Wanted, standing: Mapping[str, Any], right: Hold) -> dict[str, Any]:
    """The merge patch that makes a standing Secret what it should be."""
    secret, before = wanted.secret, standing["metadata"]
    merge = right in ("patch", "both")
    mark = _mark(wanted, patch=merge)
    former = marked(standing)
    labels, annotations = texts(before.get("labels")), texts(before.get("annotations"))
    wholesale = right == "managed" or former is None
    gone_labels = set() if merge else set(labels if wholesale else former.labels if former else ())
    gone_annotations = set() if merge else set(annotations if wholesale else former.annotations if former else ())
    gone_items = set() if merge else set(texts(standing.get("data")))
    if merge and former is not None:  # what we merged in before, and merge in no more
        gone_labels, gone_annotations, gone_items = set(former.labels), set(former.annotations), set(former.items)
    metadata: dict[str, Any] = {
        "uid": before["uid"],
        "resourceVersion": before["resourceVersion"],
        "labels": {**dict.fromkeys(gone_labels & set(labels)), **secret.labels},
        "annotations": {
            **dict.fromkeys(gone_annotations & set(annotations)), **secret.annotations, names.DELIVERED: mark.text(),
        },
    }  # fmt: skip
    if right != "patch":
        metadata["ownerReferences"] = [wanted.owner.reference()] if wanted.owned else None
    body: dict[str, Any] = {"metadata": metadata, "data": {**dict.fromkeys(gone_items), **_data(secret)}}
    return body | ({"immutable": True} if secret.immutable and standing.get("immutable") is not True else {})


def differs(wanted: Wanted, standing: Mapping[str, Any], right: Hold) -> bool:
    """Whether a write would change anything but our mark: a Secret that is right is left alone, whoever made it."""
    patch = patched(wanted, standing, right)
    before = standing["metadata"]
    annotations = {k: v for k, v in patch["metadata"]["annotations"].items() if k != names.DELIVERED}
    same = (
        _holds(texts(standing.get("data")), patch["data"])
        and _holds(texts(before.get("labels")), patch["metadata"]["labels"])
        and _holds(texts(before.get("annotations")), annotations)
        and "immutable" not in patch
    )
    if same and "ownerReferences" in patch["metadata"]:
        mine = [each for each in before.get("ownerReferences") or () if each.get("controller")]
        wanted_uid = [wanted.owner.uid] if wanted.owned else []
        same = [each.get("uid") for each in mine] == wanted_uid
    return not same


def _holds(found: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(found.get(name) == text for name, text in wanted.items())


def _mark(wanted: Wanted, *, patch: bool) -> Mark:
    secret = wanted.secret
    return Mark(
        wanted.owner.uid,
        wanted.input,
        wanted.fingerprint,
        tuple(sorted(secret.items)),
        tuple(sorted(secret.labels)),
        tuple(sorted(secret.annotations)),
        patch,
    )


def _data(secret: Secret) -> dict[str, str]:
    return {name: base64.b64encode(value).decode("ascii") for name, value in sorted(secret.items.items())}


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    owners = [each for each in metadata.get("ownerReferences") or () if isinstance(each, dict)]
    return next((each for each in owners if each.get("controller") is True), {})


def keeping(secret: Secret, drew: frozenset[str], standing: Mapping[str, Any], input_: str) -> Secret:
    """The secret with what a template drew as it stands, while the input is the one that it was drawn for."""
    mark = marked(standing)
    if mark is None or mark.input != input_:
        return secret
    stands = texts(standing.get("data"))
    kept = {name: base64.b64decode(stands[name]) for name in drew & set(stands)}
    return replace(secret, items={**secret.items, **kept})
