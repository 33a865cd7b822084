"""What delivery has to know of a sealed document before it is opened, both directions of its cached form. Pure.

The table `parsed` keeps these entries by the digest of a file's bytes, so that a known file isn't parsed again
(DELIVERY section 4). An entry holds names and digests, no ciphertext; whoever opens a document reads its file again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from controller import jsontext
from sealer.errors import FormatError
from sealer.sealing.targets import STORES, split_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealer.documents.document import File, SealedSecret

PARSER = "2"
"""Version of what is in an entry and in a digest: another one parses every file again."""

ON_DELETE = "sealer.dev/on-delete"
RESERVED = "sealer.dev/key"
"""Labels and annotations of our own key Secrets begin so; no template may set one."""
BITNAMI_KEY = "sealedsecrets.bitnami.com/sealed-secrets-key"


@dataclass(frozen=True, slots=True)
class Entry:
    """One sealed document of a file.

    `stores` is None without the annotation. `recipients` are the key ids of its v2 items; `unkeyed` says that some item
    carries none (v1, or malformed), or that there is no item; `v1` that some item is in that format. `reserved` are
    forbidden labels of the template.
    """

    index: int
    line: int
    namespace: str
    name: str
    scope: str
    digest: str
    stores: tuple[str, ...] | None
    on_delete: str
    type: str
    reserved: tuple[str, ...]
    recipients: tuple[str, ...]
    unkeyed: bool
    v1: bool
    items: tuple[str, ...]


_NAMES = tuple(each.name for each in fields(Entry))
_TUPLES = tuple(number for number, each in enumerate(fields(Entry)) if "tuple" in str(each.type))

_WORDS = tuple(number for number, each in enumerate(fields(Entry)) if each.name in ("namespace", "scope", "type"))
# Both are words that many documents share: each is kept once.


def entries(file: File) -> tuple[tuple[Entry, SealedSecret], ...]:
    """The sealed documents of a file; all others are passed over."""
    from sealer.documents.document import SealedSecret

    return tuple((entry_of(each), each) for each in file.documents if isinstance(each, SealedSecret))


def entry_of(document: SealedSecret) -> Entry:
    """The entry of one sealed document."""
    from sealer.formats import envelope_v2

    recipients, unkeyed = _recipients(document)
    annotations, template = document.annotations, document.template
    return Entry(
        index=document.place.index,
        line=document.place.line,
        namespace=document.namespace or "",
        name=document.name,
        scope=document.scope.value,
        digest=digest(document),
        stores=tuple(dict.fromkeys(split_list(annotations[STORES]))) if STORES in annotations else None,
        on_delete=annotations.get(ON_DELETE, ""),
        type=template.type or "Opaque",
        reserved=tuple(name for name in sorted({*template.labels, *template.annotations}) if _reserved(name)),
        recipients=recipients,
        unkeyed=unkeyed,
        v1=any(not text.startswith(envelope_v2.PREFIX) for text in document.items.values()),
        items=tuple(sorted({*document.items, *(key for key, text in template.data.items() if text is not None)})),
    )


def digest(document: SealedSecret) -> str:
    """Hex SHA-256 of canonical JSON of all that delivery depends on: neither path nor other metadata."""
    return hashlib.sha256(jsontext.canonical(depends(document))).hexdigest()


def depends(document: SealedSecret) -> dict[str, Any]:
    """All of a document that delivery depends on, as JSON values."""
    template = document.template
    return {
        "namespace": document.namespace or "",
        "name": document.name,
        "scope": document.scope.value,
        "stores": document.annotations.get(STORES),
        "onDelete": document.annotations.get(ON_DELETE),
        "items": dict(document.items),
        "template": {
            "labels": dict(template.labels),
            "annotations": dict(template.annotations),
            "type": template.type,
            "immutable": template.immutable,
            "data": dict(template.data),
        },
    }


def dump(found: Iterable[Entry]) -> bytes:
    """The cached form of a file's entries."""
    return jsontext.compact([[getattr(entry, name) for name in _NAMES] for entry in found])


def load(data: bytes) -> tuple[Entry, ...]:
    """The entries of a cached form."""
    result = []
    for row in json.loads(data):
        for number in _TUPLES:
            words = row[number]
            row[number] = None if words is None else tuple(map(sys.intern, words))
        for number in _WORDS:
            row[number] = sys.intern(row[number])
        result.append(Entry(*row))
    return tuple(result)


def _recipients(document: SealedSecret) -> tuple[tuple[str, ...], bool]:
    from sealer.formats import envelope_v2  # not needed, nor cryptography, where all files are known

    found: set[str] = set()
    unkeyed = not document.items
    for text in document.items.values():
        try:
            found.update(envelope_v2.recipients(text))
        except FormatError:
            unkeyed = True
    return tuple(sorted(found)), unkeyed


def _reserved(name: str) -> bool:
    return name == BITNAMI_KEY or name.startswith(RESERVED)
