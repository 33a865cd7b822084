"""The Secret that should stand, and the one write that brings it there: who owns what stands decides. Pure.

Bitnami's rules (bitnami-sealed-secrets.md 4.5, 5.4):

    nothing stands               created, with an ownerReference
    ours by ownerReference       replaced
    annotated managed            taken over: replaced wholesale, with our ownerReference
    annotated patch              items, labels and annotations merged into it; ownerReference only if also managed.
                                 What was merged in once is never taken out again
    anything else                refused

`immutable` and finalizers are given to what is created, and to nothing that stands. Three rules are ours. A Secret with
our mark for this SealedSecret is ours without an ownerReference, and one that never had one passes to the next
SealedSecret of that name (theirs writes a Secret with `skip-set-owner-references` once, and then calls it unmanaged).
One whose owner is a SealedSecret of that very name, deleted and made again, passes to the new one, before the cluster
collects it. Of a Secret of ours, labels and annotations of others stay.

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
from controller.kube.standing import Mark, controller, marked, texts
from controller.sources.entry import BITNAMI_KEY, RESERVED
from controller.verdict import NEVER
from sealer.errors import SealerError

if TYPE_CHECKING:
    from sealer.documents.document import SealedSecret
    from sealer.kube.client import ApiError
    from sealer.secret import Secret

MOST = 1024 * 1024
"""Bytes of all values of a Secret that the API server takes (core/v1 MaxSecretSize)."""
LEFT_OUT = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
    names.DELIVERED,
)
"""Annotations of a template that are never delivered: copies of whole objects, and a mark of somebody's own making."""

NEEDS = {
    "kubernetes.io/tls": "the items tls.crt and tls.key",
    "kubernetes.io/dockerconfigjson": "the item .dockerconfigjson, in JSON",
    "kubernetes.io/dockercfg": "the item .dockercfg, in JSON",
    "kubernetes.io/basic-auth": "the item username, or password, or both",
    "kubernetes.io/ssh-auth": "the item ssh-privatekey, not empty",
}
"""The items that the API server demands of a Secret, by its type (ValidateSecret in Kubernetes' pkg/apis/core)."""

Hold = Literal["ours", "managed", "patch", "both"]


class NotWritten(SealerError):
    """A Secret that can't be brought to what it should be. `reason` is the word in the status."""

    def __init__(self, reason: str, text: str, *, way_out: str = "") -> None:
        super().__init__(text, way_out=way_out)
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
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand: the secret, whose it is, whether an ownerReference says so, and what the mark is to say."""

    secret: Secret
    owner: Owner
    owned: bool
    input: str = ""
    fingerprint: str = field(default="", repr=False)
    finalizers: tuple[str, ...] = ()


def of(secret: Secret) -> Secret:
    """The secret as it is delivered: what must not be copied from a template is left out."""
    kept = {name: text for name, text in secret.annotations.items() if name not in LEFT_OUT}
    return replace(secret, annotations=kept)


def owned(document: SealedSecret) -> bool:
    """Whether the Secret is to have an ownerReference."""
    return document.template.annotations.get(names.SKIP_OWNER) != "true"


def hold(standing: Mapping[str, Any], owner: Owner) -> Hold:
    """By what right a standing Secret may be written to. Raises NotWritten for one of somebody else."""
    metadata = standing["metadata"]
    annotations = texts(metadata.get("annotations"))
    managed, patch = annotations.get(names.MANAGED) == "true", annotations.get(names.PATCH) == "true"
    former = controller(metadata)
    ours, heir = former.get("uid") == owner.uid, _heir(former, owner)
    if patch:
        return "both" if managed or heir else "patch"
    if ours or heir:
        return "ours"
    if not former and _remembered(marked(standing), metadata, owner):
        return "ours"
    if managed:
        return "managed"
    name, namespace = metadata["name"], metadata.get("namespace")
    what = f'Resource "{name}" already exists and is not managed by SealedSecret'
    command = f"kubectl annotate secret {name} -n {namespace} {names.MANAGED}=true"
    raise NotWritten("Unmanaged", what, way_out=f"to hand it over: {command} ({names.PATCH}=true merges into it)")


def _heir(former: Mapping[str, Any], owner: Owner) -> bool:
    """Whether a Secret was of an earlier SealedSecret of this name: there is one of a name at a time."""
    group = str(former.get("apiVersion", "")).partition("/")[0]
    same = (group, former.get("kind"), former.get("name")) == (names.GROUP, names.KIND, owner.name)
    return same and former.get("uid") != owner.uid


def _remembered(mark: Mark | None, metadata: Mapping[str, Any], owner: Owner) -> bool:
    """Whether a Secret without an owner is ours by its mark. What we only merged into never is."""
    if mark is None or mark.patch or mark.secret != f"{metadata.get('namespace')}/{metadata['name']}":
        return False
    return mark.uid == owner.uid or not mark.owned


def check(wanted: Wanted, standing: Mapping[str, Any] | None) -> None:
    """Raise NotWritten for what is never delivered (DELIVERY section 1), and what the API server takes in no case.

    A secret out of the old `spec.data` shows its type and labels only here.
    """
    secret = wanted.secret
    planted = sorted(n for n in (*secret.labels, *secret.annotations) if n == BITNAMI_KEY or n.startswith(RESERVED))
    if planted:
        raise NotWritten("Refused", f"it sets {planted[0]}, which marks sealing keys and is never delivered")
    if secret.type in NEVER:
        raise NotWritten("Refused", f"type {secret.type} is never delivered")
    stands = texts(standing.get("data")) if standing else {}
    merged = standing is not None and texts(standing["metadata"].get("annotations")).get(names.PATCH) == "true"
    items = _data(secret)
    kept = [text for name, text in stands.items() if name not in items] if merged else []
    size = sum(map(len, secret.items.values())) + sum(len(text) // 4 * 3 - text[-2:].count("=") for text in kept)
    if size > MOST:
        what = f"the items take {size:,} bytes, and a Secret holds {MOST:,}"
        raise NotWritten("TooLarge", what, way_out="make several SealedSecrets of it")
    if standing is None:
        return
    at = f"{secret.namespace}/{secret.name}"
    if str(standing.get("type") or "Opaque") != secret.type:
        what = f"Error updating {at}: the type of a Secret can't be changed; delete the Secret"
        raise NotWritten("TypeChanged", what, way_out=_anew(secret))
    if standing.get("immutable") is True and not (_holds(stands, items) and (merged or stands.keys() <= items.keys())):
        what = "the target Secret is immutable. Delete it, or give the SealedSecret another name"
        raise NotWritten("Immutable", f"Error updating {at}: {what}", way_out=_anew(secret))


def _anew(secret: Secret) -> str:
    return f"it is made anew at once after: kubectl delete secret {secret.name} -n {secret.namespace}"


def refused(secret: Secret, error: ApiError) -> NotWritten:
    """The error for a Secret that the API server called invalid. It names the type's items, and shows no value."""
    needs = NEEDS.get(secret.type)
    way_out = f"type {secret.type} needs {needs}" if needs else ""
    return NotWritten(error.reason or "Invalid", error.what, way_out=way_out)


def created(wanted: Wanted) -> dict[str, Any]:
    """The body of the POST."""
    secret = wanted.secret
    metadata: dict[str, Any] = {
        "name": secret.name,
        "namespace": secret.namespace,
        "annotations": {**secret.annotations, names.DELIVERED: _mark(wanted, patch=False, owned=wanted.owned).text()},
    }
    if secret.labels:
        metadata["labels"] = dict(secret.labels)
    if wanted.owned:
        metadata["ownerReferences"] = [wanted.owner.reference()]
    if wanted.finalizers:
        metadata["finalizers"] = list(wanted.finalizers)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret.type, "data": _data(secret)}
    return body | ({"immutable": True} if secret.immutable else {})


def patched(wanted: Wanted, standing: Mapping[str, Any], right: Hold, *, changed: bool = True) -> dict[str, Any]:
    """The merge patch that makes a standing Secret what it should be.

    `changed`: for all that is known the SealedSecret is another than what stands was made from. If it is not, labels
    and annotations of a Secret of ours that bears no mark may be those of others, and stay.
    """
    secret, before = wanted.secret, standing["metadata"]
    merge = right in ("patch", "both")
    former = marked(standing)
    labels, annotations = texts(before.get("labels")), texts(before.get("annotations"))
    if merge:
        gone_labels, gone_annotations, gone_items = set[str](), set[str](), set[str]()
    else:
        wholesale = right == "managed" or (former is None and changed)
        gone_labels = set(labels if wholesale else former.labels if former else ())
        gone_annotations = set(annotations if wholesale else former.annotations if former else ())
        gone_items = set(texts(standing.get("data")))
    mark = _mark(wanted, patch=merge, owned=wanted.owned and right != "patch")
    metadata: dict[str, Any] = {
        "uid": before["uid"],
        "resourceVersion": before["resourceVersion"],
        "labels": {**dict.fromkeys(sorted(gone_labels & labels.keys())), **secret.labels},
        "annotations": {
            **dict.fromkeys(sorted(gone_annotations & annotations.keys())), **secret.annotations,
            names.DELIVERED: mark.text(),
        },
    }  # fmt: skip
    if right != "patch":
        metadata["ownerReferences"] = [wanted.owner.reference()] if wanted.owned else None
    return {"metadata": metadata, "data": {**dict.fromkeys(sorted(gone_items)), **_data(secret)}}


def differs(wanted: Wanted, standing: Mapping[str, Any], right: Hold, *, changed: bool = True) -> bool:
    """Whether a write would change anything but our mark: a Secret that is right is left alone, whoever made it."""
    patch = patched(wanted, standing, right, changed=changed)
    before = standing["metadata"]
    annotations = {k: v for k, v in patch["metadata"]["annotations"].items() if k != names.DELIVERED}
    same = (
        _holds(texts(standing.get("data")), patch["data"])
        and _holds(texts(before.get("labels")), patch["metadata"]["labels"])
        and _holds(texts(before.get("annotations")), annotations)
    )
    if same and "ownerReferences" in patch["metadata"]:
        return controller(before).get("uid") != (wanted.owner.uid if wanted.owned else None)
    return not same


def _holds(found: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(found.get(name) == text for name, text in wanted.items())


def _mark(wanted: Wanted, *, patch: bool, owned: bool) -> Mark:
    secret = wanted.secret
    return Mark(
        secret=f"{secret.namespace}/{secret.name}",
        uid=wanted.owner.uid,
        input=wanted.input,
        fingerprint=wanted.fingerprint,
        items=tuple(sorted(secret.items)) if patch else (),
        labels=tuple(sorted(secret.labels)),
        annotations=tuple(sorted(secret.annotations)),
        patch=patch,
        owned=owned,
    )


def _data(secret: Secret) -> dict[str, str]:
    return {name: base64.b64encode(value).decode("ascii") for name, value in sorted(secret.items.items())}


def keeping(
    secret: Secret, drew: frozenset[str], standing: Mapping[str, Any], input_: str, *, unchanged: bool = False
) -> Secret:
    """The secret with what a template drew as it stands, while the input is the one that it was drawn for.

    `unchanged` says so of a Secret that bears no mark, as one that Bitnami's controller made.
    """
    mark = marked(standing)
    if (mark.input != input_) if mark is not None else not unchanged:
        return secret
    stands = texts(standing.get("data"))
    kept = {name: base64.b64decode(stands[name]) for name in drew & stands.keys()}
    return replace(secret, items={**secret.items, **kept})
