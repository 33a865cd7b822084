"""How the directory of a store `files` is laid out (schemas/README.md). Pure.

.sealer                    whose this is: `files-root.v1.json`
.lock                      held by whoever writes
.data/<doc>.<n>/KEY        the items of one document as generation n wrote them; <doc> is a digest of its name
.data/<doc>.<n>.json       its mark: `files-mark.v1.json`, no value
.gen/<n>/<ns>/<name>       a link to ../../../.data/<doc>.<n>
current                    a link to .gen/<n>
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.model import Problem
from controller.stores.base import Mark
from sealer.errors import FormatError, NameRefused
from sealer.formats import strictjson
from sealer.formats.binding import check_item, check_name, check_namespace
from sealer.secret import Ref

if TYPE_CHECKING:
    from controller.model import Target
    from sealer.secret import Secret

MARKER, LOCK, DATA, GENERATIONS, CURRENT = ".sealer", ".lock", ".data", ".gen", "current"
NEXT = ".next"
"""What `current` will be, until it is renamed."""
NEW = ".new"
"""Ending of a file that takes another's place."""
MARK = ".json"
VERSION = 1

_LINK = re.compile(r"\.\./\.\./\.\./\.data/([0-9a-f]{32}\.[1-9][0-9]{0,18})", re.ASCII)
_CURRENT = re.compile(r"\.gen/([1-9][0-9]{0,18})", re.ASCII)
_DATUM = re.compile(r"([0-9a-f]{32})\.([1-9][0-9]{0,18})", re.ASCII)
_INSTANCE = re.compile(r"[0-9a-f]{8}", re.ASCII)
_TEXTS = ("owner", "token", "fingerprint", "type")


@dataclass(frozen=True, slots=True)
class Sign:
    """What `.sealer` says: which store writes here. `instance` is random, so that a root made anew is another one."""

    store: str
    instance: str

    def dump(self) -> bytes:
        """As it stands in the file."""
        return _json({"instance": self.instance, "store": self.store, "version": VERSION})

    @classmethod
    def load(cls, data: bytes) -> Sign:
        """What a file says. Raises FormatError."""
        fields = _object(data, {"instance", "store", "version"})
        store, instance = fields["store"], fields["instance"]
        if not isinstance(store, str) or not isinstance(instance, str) or not _INSTANCE.fullmatch(instance):
            raise FormatError("is not what this store writes")
        return cls(store, instance)


@dataclass(frozen=True, slots=True)
class Label:
    """What is kept beside a document's items.

    `items` are their names; `edited` is the time of an edit by another hand that the mark takes in, in nanoseconds,
    else 0.
    """

    mark: Mark
    items: tuple[str, ...]
    type: str = "Opaque"
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    immutable: bool = False
    edited: int = 0

    @classmethod
    def of(cls, secret: Secret, mark: Mark) -> Label:
        """The label of a secret that is about to be written."""
        items = tuple(sorted(secret.items))
        return cls(mark, items, secret.type, secret.labels, secret.annotations, secret.immutable)

    def dump(self) -> bytes:
        """As it stands in the file."""
        fields = {
            "annotations": dict(self.annotations),
            "edited": self.edited,
            "fingerprint": self.mark.fingerprint,
            "immutable": self.immutable,
            "items": self.items,
            "labels": dict(self.labels),
            "owner": self.mark.owner,
            "seq": self.mark.seq,
            "token": self.mark.token,
            "type": self.type,
            "version": VERSION,
        }
        return _json(fields)

    @classmethod
    def load(cls, data: bytes) -> Label:
        """What a file says. Raises FormatError."""
        known = {*_TEXTS, "annotations", "edited", "immutable", "items", "labels", "seq", "version"}
        fields = _object(data, known)
        if not (
            all(isinstance(fields[name], str) for name in _TEXTS)
            and all(type(fields[name]) is int for name in ("edited", "seq"))
            and isinstance(fields["immutable"], bool)
            and isinstance(fields["items"], list)
            and _texts(fields["items"])
            and _map(fields["labels"])
            and _map(fields["annotations"])
        ):
            raise FormatError("is not what this store writes")
        mark = Mark(fields["owner"], fields["token"], fields["fingerprint"], fields["seq"])
        return cls(
            mark, tuple(fields["items"]), fields["type"], fields["labels"], fields["annotations"],
            fields["immutable"], fields["edited"],
        )  # fmt: skip


def ref_of(target: Target) -> Ref:
    """The document of a target, its names checked: they become parts of a path. Raises NameRefused."""
    namespace, _, name = target.name.partition("/")
    return Ref(check_namespace(namespace), check_name(name))


def datum(ref: Ref, number: int) -> str:
    """The name of what generation `number` wrote of a document."""
    return f"{hashlib.sha256(str(ref).encode('ascii')).hexdigest()[:32]}.{number}"


def is_of(name: str, ref: Ref) -> bool:
    """Whether a datum is one of this document, and not another's under its name."""
    return name.partition(".")[0] == datum(ref, 0).partition(".")[0]


def version(number: int, instance: str, edited: int = 0) -> str:
    """A version: the generation that wrote it, in which root, and when another hand edited it since."""
    return f"{number}-{instance}" + (f"-{edited:x}" if edited else "")


def link_to(name: str) -> str:
    """What a document's link in a generation says."""
    return f"../../../{DATA}/{name}"


def linked(text: str) -> str | None:
    """What a link in a generation points to; None if it is not one of ours."""
    match = _LINK.fullmatch(text)
    return match[1] if match else None


def generation_of(text: str) -> int | None:
    """The number that the link `current` names; None if it is not one of ours."""
    match = _CURRENT.fullmatch(text)
    return int(match[1]) if match else None


def number_of(name: str) -> int | None:
    """Which generation wrote a datum, or its mark; None if the name is not one of ours."""
    match = _DATUM.fullmatch(name.removesuffix(MARK))
    return int(match[2]) if match else None


def problems(target: Target, secret: Secret) -> list[Problem]:
    """What can't be a file: names that aren't ours, and items that are one file where case doesn't count."""
    found: list[Problem] = []
    folded: dict[str, str] = {}
    try:
        ref_of(target)
    except NameRefused as error:
        found.append(Problem(target.name, 0, "name", error.what))
    for item in sorted(secret.items):
        try:
            check_item(item)
        except NameRefused as error:
            found.append(Problem(target.name, 0, "item", error.what))
            continue
        other = folded.setdefault(item.casefold(), item)
        if other != item:
            what = f"items {other} and {item} are one file where upper and lower case are the same"
            found.append(Problem(target.name, 0, "case", what, "rename one of the two"))
    return found


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def _object(data: bytes, known: set[str]) -> dict[str, Any]:
    fields = strictjson.loads(data, FormatError)
    if not isinstance(fields, dict) or fields.get("version") != VERSION or set(fields) != known:
        raise FormatError("is not what this store writes, or of a version that this program doesn't know")
    return fields


def _map(value: Any) -> bool:
    return isinstance(value, dict) and _texts(value.values())


def _texts(values: Iterable[Any]) -> bool:
    return all(isinstance(each, str) for each in values)
