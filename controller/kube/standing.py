"""What stands in the cluster under a name, and the mark that says what we put there. Pure.

    sealer.dev/delivered: {"version":1,"secret":"ns/name","uid":...,"input":...,"fingerprint":...,"labels":[...],...}

The mark (schema `delivered-mark.v1.json`) is on Secrets that we wrote. It holds names and a keyed fingerprint: whoever
can read a Secret sees its values anyway. What it says of values is believed only as far as the fingerprint shows it,
and what it says of whose a Secret is only under the name that it was written for: a copy takes the mark along.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from controller.fingerprint import fingerprint
from controller.kube import names
from controller.kube.cache import Delivered
from controller.kube.document import STORE
from sealer.errors import FormatError
from sealer.formats import strictjson
from sealer.formats.binding import CLUSTER_WIDE, NAMESPACE_WIDE
from sealer.formats.wire import canonical_plain
from sealer.sealing.targets import STORES
from sealer.secret import Ref, Secret

if TYPE_CHECKING:
    from controller.fingerprint import FingerprintKey

_VERSION = 1
_COUNT = (CLUSTER_WIDE, NAMESPACE_WIDE, names.ON_DELETE, STORES)
_TEXTS = {
    "secret": re.compile(r"[-a-z0-9]{1,63}/[-.a-z0-9]{1,253}", re.ASCII),
    "uid": re.compile(r"[-0-9A-Za-z]{1,64}", re.ASCII),
    "input": re.compile(r"[0-9a-f]{64}", re.ASCII),
    "fingerprint": re.compile(r"([0-9a-f]{8}:[0-9a-f]{32})?", re.ASCII),
}
_REQUEST = 128
"""Characters; Flux writes a time."""
_LISTS = ("items", "labels", "annotations")
_FLAGS = ("patch", "owned")


@dataclass(frozen=True, slots=True)
class Mark:
    """What we put there: as which Secret, for which SealedSecret (its uid), from which input, under which names.

    `patch`: only `items` of it were ours; without it all are, and `items` is empty. `owned`: with an ownerReference.
    """

    secret: str
    uid: str
    input: str
    fingerprint: str = field(repr=False)
    items: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    patch: bool = False
    owned: bool = True

    def text(self) -> str:
        """As it is written: canonical JSON."""
        value: dict[str, Any] = {name: getattr(self, name) for name in (*_TEXTS, *_FLAGS)}
        value |= {name: list(getattr(self, name)) for name in _LISTS}
        return canonical_plain({"version": _VERSION, **value}).decode("ascii")


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


def requested(item: Mapping[str, Any]) -> str:
    """The value by which another look at a SealedSecret is asked for; "" if there is none, or one that is too long."""
    text = texts(item["metadata"].get("annotations")).get(names.REQUESTED, "")
    return text if len(text) <= _REQUEST else ""


def answered(item: Mapping[str, Any]) -> bool:
    """Whether the status of a SealedSecret answers what was asked for last."""
    status, wanted = item.get("status"), requested(item)
    return not wanted or (isinstance(status, Mapping) and status.get("lastHandledReconcileAt") == wanted)


def marked(secret: Mapping[str, Any]) -> Mark | None:
    """The mark of a Secret; None if there is none, or one that is not of our form: that says nothing."""
    text = texts(secret["metadata"].get("annotations")).get(names.DELIVERED)
    return mark_of(text) if text else None


def mark_of(text: str) -> Mark | None:
    """A mark as it was written; None if it is of another version or form."""
    try:
        value = strictjson.loads(text.encode("utf-8", "surrogatepass"), FormatError)
    except FormatError:
        return None
    if not isinstance(value, dict) or value.keys() != {"version", *_TEXTS, *_LISTS, *_FLAGS}:
        return None
    good = (
        value["version"] is not True
        and value["version"] == _VERSION
        and all(isinstance(value[name], str) and form.fullmatch(value[name]) for name, form in _TEXTS.items())
        and all(_names(value[name]) for name in _LISTS)
        and all(isinstance(value[name], bool) for name in _FLAGS)
    )
    if not good:
        return None
    fields: dict[str, Any] = {name: tuple(each) if name in _LISTS else each for name, each in value.items()}
    del fields["version"]
    return Mark(**fields)


def _names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len({*value}) == len(value)


def settled(item: Mapping[str, Any], wanted: str, seen: Standing | None, *, watched: bool) -> Delivered | None:
    """What a SealedSecret was delivered to, if its status says so of this input and that very Secret stands.

    None, too, while another look is asked for. Without a watch of Secrets (`watched`) the status alone is believed.
    """
    status = item.get("status")
    if not isinstance(status, dict) or status.get("observedGeneration") != item["metadata"].get("generation"):
        return None
    conditions = [each for each in status.get("conditions") or () if isinstance(each, dict)]
    good = any(each.get("type") == "Synced" and each.get("status") == "True" for each in conditions)
    ref = status.get("secretRef")
    if not good or not wanted or status.get("input") != wanted or not isinstance(ref, dict) or not answered(item):
        return None
    found = Delivered(str(ref.get("uid", "")), str(ref.get("resourceVersion", "")))
    if not watched:
        return found
    return shared(found, seen) if seen is not None and is_same(found, seen) else None


def is_same(delivered: Delivered, seen: Standing) -> bool:
    """Whether what stands is what was delivered."""
    return (seen.uid, seen.version) == (delivered.uid, delivered.version)


def shared(delivered: Delivered | None, seen: Standing | None) -> Delivered | None:
    """What was delivered, in the same texts as what stands, if it is that: both are kept, ten thousand times."""
    if delivered is None or seen is None or not is_same(delivered, seen):
        return delivered
    return Delivered(seen.uid, seen.version)


def print_of(key: FingerprintKey, ref: Ref, secret: Secret) -> str:
    """The fingerprint of a secret as it was delivered.

    `immutable` is not in it: what stands is never made so, as theirs doesn't either, and never undone.
    """
    return fingerprint(key, "delivered", STORE, ref, replace(secret, immutable=False))


def print_of_standing(key: FingerprintKey, ref: Ref, secret: Mapping[str, Any], mark: Mark) -> str:
    """The fingerprint of what stands, as far as it is ours.

    "" if it can't be read, if it was written under another name, or if the ownerReference that we gave it is gone.
    """
    if mark.secret != str(ref) or (mark.owned and controller(secret["metadata"]).get("uid") != mark.uid):
        return ""
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
    )
    return print_of(key, ref, found)


def controller(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ownerReference of an object's controller; empty if it has none."""
    owners = [each for each in metadata.get("ownerReferences") or () if isinstance(each, Mapping)]
    return next((each for each in owners if each.get("controller") is True), {})


def texts(value: object) -> dict[str, str]:
    """A map of texts, whatever else is in it left out."""
    return {str(k): v for k, v in value.items() if isinstance(v, str)} if isinstance(value, Mapping) else {}
