"""What stands in the cluster under a name, and the mark that says what we put there. Pure.

    sealer.dev/delivered: {"version":1,"uid":...,"input":...,"fingerprint":...,"items":[...],"labels":[...],...}

The mark (schema `delivered-mark.v1.json`) is on Secrets that we wrote. It holds names and a keyed fingerprint: whoever
can read a Secret sees its values anyway. It is believed of what it says only as far as the fingerprint shows it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.fingerprint import fingerprint
from controller.kube import names
from controller.kube.cache import Delivered
from controller.kube.document import STORE
from sealer.formats.binding import CLUSTER_WIDE, NAMESPACE_WIDE
from sealer.formats.wire import canonical_plain
from sealer.secret import Ref, Secret

if TYPE_CHECKING:
    from controller.fingerprint import FingerprintKey

_VERSION = 1
_COUNT = (CLUSTER_WIDE, NAMESPACE_WIDE, names.ON_DELETE)


@dataclass(frozen=True, slots=True)
class Mark:
    """What we put there: for which SealedSecret (its uid), from which input, and the names that were ours in it.

    `patch`: only those items were ours; without it all are.
    """

    uid: str
    input: str
    fingerprint: str
    items: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    patch: bool = False

    def text(self) -> str:
        """As it is written."""
        value = {
            "version": _VERSION, "uid": self.uid, "input": self.input, "fingerprint": self.fingerprint,
            "items": list(self.items), "labels": list(self.labels), "annotations": list(self.annotations),
            "patch": self.patch,
        }  # fmt: skip
        return canonical_plain(value).decode("ascii")


@dataclass(frozen=True, slots=True)
class Standing:
    """A Secret as the watch shows it."""

    uid: str
    version: str


def of(item: Mapping[str, Any]) -> Standing:
    """What stands, from an object or its metadata alone."""
    metadata = item["metadata"]
    return Standing(metadata["uid"], metadata["resourceVersion"])


def counts(annotation: str) -> bool:
    """Whether delivery depends on an annotation of a SealedSecret: a change of these alone counts no generation."""
    return annotation in _COUNT


def marked(secret: Mapping[str, Any]) -> Mark | None:
    """The mark of a Secret; None if there is none that can be read."""
    text = texts(secret["metadata"].get("annotations")).get(names.DELIVERED)
    try:
        value = json.loads(text) if text else None
        if not isinstance(value, dict) or value.get("version") != _VERSION:
            return None
        items, labels, annotations = (
            tuple(str(each) for each in value[name]) for name in ("items", "labels", "annotations")
        )
        said = (str(value["uid"]), str(value["input"]), str(value["fingerprint"]))
        return Mark(*said, items, labels, annotations, value["patch"] is True)
    except (ValueError, KeyError, TypeError):
        return None


def settled(item: Mapping[str, Any], wanted: str, seen: Standing | None, *, watched: bool) -> Delivered | None:
    """What a SealedSecret was delivered to, if its status says so of this input and that very Secret stands.

    Without a watch of Secrets (`watched`) the status alone is believed.
    """
    status = item.get("status")
    if not isinstance(status, dict) or status.get("observedGeneration") != item["metadata"].get("generation"):
        return None
    conditions = [each for each in status.get("conditions") or () if isinstance(each, dict)]
    good = any(each.get("type") == "Synced" and each.get("status") == "True" for each in conditions)
    ref = status.get("secretRef")
    if not good or not wanted or status.get("input") != wanted or not isinstance(ref, dict):
        return None
    found = Delivered(str(ref.get("uid", "")), str(ref.get("resourceVersion", "")))
    if not watched:
        return found
    return found if seen is not None and (seen.uid, seen.version) == (found.uid, found.version) else None


def print_of(key: FingerprintKey, ref: Ref, secret: Secret) -> str:
    """The fingerprint of a secret as it was delivered."""
    return fingerprint(key, "delivered", STORE, ref, secret)


def print_of_standing(key: FingerprintKey, ref: Ref, secret: Mapping[str, Any], mark: Mark) -> str:
    """The fingerprint of what stands, as far as it is ours; "" if it can't be read."""
    try:
        items = {name: base64.b64decode(text) for name, text in texts(secret.get("data")).items()}
    except (binascii.Error, ValueError):
        return ""
    labels = texts(secret["metadata"].get("labels"))
    annotations = texts(secret["metadata"].get("annotations"))
    found = Secret(
        name=ref.name,
        namespace=ref.namespace,
        items={name: value for name, value in items.items() if not mark.patch or name in mark.items},
        type=str(secret.get("type") or "Opaque"),
        labels={name: labels[name] for name in mark.labels if name in labels},
        annotations={name: annotations[name] for name in mark.annotations if name in annotations},
        immutable=secret.get("immutable") is True,
    )
    return print_of(key, ref, found)


def texts(value: object) -> dict[str, str]:
    """A map of texts, whatever else is in it left out."""
    return {str(k): v for k, v in value.items() if isinstance(v, str)} if isinstance(value, Mapping) else {}
