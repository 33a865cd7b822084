"""Opening a SealedSecret. Pure: the document and the keys come in, no file and no prompt is touched.

A Secret comes out whole or not at all; all items that fail are named in one error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sealer import template
from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, NameRefused, NoKey, SealerError
from sealer.formats import envelope_v1, envelope_v2
from sealer.formats.binding import Binding, bind, of_item
from sealer.sealing.seal import envelope_of
from sealer.secret import Secret
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.documents.document import SealedSecret
    from sealer.formats.keys import PrivateKey

# What one item can fail with, the gravest first. All else concerns the keys (a wrong passphrase, an unreadable file).
OF_AN_ITEM = (BoundElsewhere, CannotOpen, NameRefused, EnvelopeError, NoKey)


class PrivateKeys(Protocol):
    """The private keys at hand."""

    def get(self, key_id: str) -> PrivateKey | None:
        """The key with this id of 16 hex digits, if it is there."""

    def rsa(self) -> Sequence[PrivateKey]:
        """All RSA keys, newest first: a v1 envelope doesn't say which it needs."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening each item gave: values, the ids of the keys that opened them, and an error for each other item."""

    items: Mapping[str, bytes] = field(repr=False)
    keys: frozenset[str]
    failures: Mapping[str, SealerError]


def open_item(text: str, binding: Binding, item: str, keys: PrivateKeys) -> tuple[bytes, str]:
    """The value of one item and the id of the key that opened it: one private operation for v2.

    Raises NoKey, BoundElsewhere, CannotOpen, EnvelopeError or NameRefused.
    """
    return _open(text, binding, binding.context(item), keys)


def _open(text: str, binding: Binding, context: bytes, keys: PrivateKeys) -> tuple[bytes, str]:
    envelope = envelope_of(text)
    if isinstance(envelope, envelope_v1.EnvelopeV1):
        value, private = envelope_v1.open_envelope(envelope, binding.label(), keys.rsa())
        return value, private.id
    if envelope.bind != bind(context):  # before a key is looked for: that may ask for a passphrase
        raise BoundElsewhere("was sealed for another scope, namespace, name or item")
    for key_id in envelope.recipients:
        found = keys.get(key_id)
        if found is not None:
            return envelope_v2.open_envelope(envelope, context, found), key_id
    sealed_to = ", ".join(key_id[:8] for key_id in envelope.recipients)
    raise NoKey(f"sealed to {sealed_to}; you hold no such key")


def open_all(doc: SealedSecret, keys: PrivateKeys) -> Opened:
    """Every item of a document opened, each by itself; never raises for an item. What concerns the keys is raised."""
    values: dict[str, bytes] = {}
    used: set[str] = set()
    failures: dict[str, SealerError] = {}
    binding = doc.binding
    try:
        place = binding.place()
    except NameRefused as error:
        return Opened({}, frozenset(), dict.fromkeys(sorted(doc.items), error))
    for item in sorted(doc.items):
        try:
            values[item], key_id = _open(doc.items[item], binding, place + of_item(item), keys)
            used.add(key_id)
        except OF_AN_ITEM as error:
            failures[item] = error
    return Opened(values, frozenset(used), failures)


def unseal(doc: SealedSecret, keys: PrivateKeys) -> tuple[Secret, frozenset[str]]:
    """The Secret of a document with its template applied, and the ids of the keys that opened it.

    Raises TemplateRefused before any key is used, or one error that names every item that doesn't open.
    """
    template.check(doc.template, doc.place.file)
    opened = open_all(doc, keys)
    if opened.failures:
        raise failed(opened.failures, doc) from None
    secret = Secret(
        name=doc.name,
        namespace=doc.namespace,
        items=template.render(doc.template, opened.items, doc.place.file),
        type=doc.template.type or "Opaque",
        labels=doc.template.labels,
        annotations=doc.template.annotations,
        immutable=doc.template.immutable,
    )
    return secret, opened.keys


def failed(failures: Mapping[str, SealerError], doc: SealedSecret) -> SealerError:
    """One error for all items of a document that don't open: items of one cause together, sorted.

    Its type is that of the gravest cause: an answer (bound elsewhere, does not open) outweighs a missing key.
    """
    causes: dict[str, list[str]] = {}
    for item in sorted(failures):
        causes.setdefault(failures[item].what, []).append(item)
    what = "; ".join(f"{', '.join(items)}: {cause}" for cause, items in causes.items())
    kind = next((kind for kind in OF_AN_ITEM if any(isinstance(e, kind) for e in failures.values())), CannotOpen)
    first = next(item for item in sorted(failures) if isinstance(failures[item], kind))
    line = doc.lines.get(first, doc.place.line)
    way_out = failures[first].way_out or (
        "pass the key: --private-key SRC" if kind is NoKey else f"sealer set {quote(doc.place.file)} {first}"
    )
    return kind(what, where=f"{doc.place.file}:{line}", way_out=way_out)
