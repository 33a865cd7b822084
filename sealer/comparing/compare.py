"""What changed between two sets of sealed documents, without a key (DESIGN section 13, `sealer diff`). Pure.

Documents are the same secret if namespace, name and cluster are the same, wherever they stand. A new envelope of an
item says nothing about its value: only who can open it is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealer.checking.recipients import envelopes
from sealer.documents.document import Manifest, SealedSecret, Template
from sealer.formats.envelope_v1 import EnvelopeV1
from sealer.report import count
from sealer.sealing.targets import STORES

if TYPE_CHECKING:
    from sealer.checking.recipients import Envelope
    from sealer.documents.document import Document

UNKNOWN = "a new value or not: needs a key"
LINGERS = "still in Git history, so revoke"

ClustersOf = Callable[[SealedSecret], tuple[str, ...]]
Named = Callable[[str], str]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One line. `sign` is +, ~ or -; `item` is empty for a whole secret; `what` a word for machines."""

    clusters: tuple[str, ...]
    secret: str
    item: str
    sign: str
    what: str
    text: str
    path: str

    @property
    def cluster(self) -> str:
        """The clusters in one word."""
        return ",".join(self.clusters) or "-"


def compare(
    old: Iterable[Document], new: Iterable[Document], clusters_of: ClustersOf, named: Named
) -> list[Difference]:
    """All differences, sorted. `clusters_of` says for whom a document is, `named` whose key an id is."""
    before, after = list(old), list(new)
    plain = {(each.secret.namespace, each.secret.name) for each in before if isinstance(each, Manifest)}
    pairs = _pairs(_sealed(before), _sealed(after), clusters_of)
    found: list[Difference] = []
    for left, right in pairs:
        doc = right or left
        if doc is None:
            continue
        say = _Speaker(clusters_of(doc), doc)
        if right is None:
            found.append(say("-", "secret-removed", "", f"removed, {_items(doc)}: {LINGERS} {_them(doc)}"))
        elif left is None:
            leaked = "; it was in plaintext before, so change the values" if (doc.namespace, doc.name) in plain else ""
            found.append(say("+", "secret-added", "", f"added, {_items(doc)}: {', '.join(doc.items)}{leaked}"))
        else:
            found += [*_whole(left, right, say), *_each_item(left, right, say, named)]
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Speaker:
    clusters: tuple[str, ...]
    doc: SealedSecret

    def __call__(self, sign: str, what: str, item: str, text: str) -> Difference:
        secret = f"{self.doc.namespace}/{self.doc.name}" if self.doc.namespace else self.doc.name
        return Difference(self.clusters, secret, item, sign, what, text, self.doc.place.file)


def _sealed(documents: Iterable[Document]) -> list[SealedSecret]:
    return [each for each in documents if isinstance(each, SealedSecret)]


def _pairs(
    old: Sequence[SealedSecret], new: Sequence[SealedSecret], clusters_of: ClustersOf
) -> Iterator[tuple[SealedSecret | None, SealedSecret | None]]:
    """Each old document with its new self: first those that stayed in their file, then those that moved."""
    left, right = list(old), list(new)
    stays: list[Callable[[SealedSecret], object]] = [
        lambda doc: (doc.place.file, doc.namespace, doc.name),
        lambda doc: (clusters_of(doc), doc.namespace, doc.name),
    ]
    for key in stays:
        waiting: dict[object, list[SealedSecret]] = {}
        for doc in left:
            waiting.setdefault(key(doc), []).append(doc)
        rest = []
        for doc in right:
            candidates = waiting.get(key(doc))
            if candidates:
                yield candidates.pop(0), doc
            else:
                rest.append(doc)
        left, right = [doc for candidates in waiting.values() for doc in candidates], rest
    yield from ((doc, None) for doc in left)
    yield from ((None, doc) for doc in right)


def _whole(old: SealedSecret, new: SealedSecret, say: _Speaker) -> Iterator[Difference]:
    if old.place.file != new.place.file:
        yield say("~", "moved", "", f"moved to {new.place.file}")
    if old.scope is not new.scope:
        yield say("~", "scope", "", f"scope {new.scope.value}, was {old.scope.value}")
    before, after = old.annotations.get(STORES), new.annotations.get(STORES)
    if before != after:
        yield say("~", "stores", "", f"stores {after or 'not named'}, was {before or 'not named'}")
    changed = _template(old.template, new.template)
    if changed:
        yield say("~", "template", "", f"template changed: {', '.join(changed)}")


def _template(old: Template, new: Template) -> list[str]:
    """The names of the parts that differ; a value in clear may be a secret all the same, and is not shown."""
    parts = [
        part for part in ("type", "labels", "annotations", "immutable") if getattr(old, part) != getattr(new, part)
    ]
    keys = sorted(old.data.keys() | new.data.keys())
    return parts + [f"data.{key}" for key in keys if old.data.get(key, ...) != new.data.get(key, ...)]


def _each_item(old: SealedSecret, new: SealedSecret, say: _Speaker, named: Named) -> Iterator[Difference]:
    before, after = envelopes(old.items), envelopes(new.items)
    for item in sorted(old.items.keys() | new.items.keys()):
        if item not in new.items:
            yield say("-", "removed", item, f"removed: {LINGERS} it")
        elif item not in old.items:
            yield say("+", "added", item, "added")
        elif old.items[item] != new.items[item]:
            rekeyed = _rekeyed(before.get(item), after.get(item), named)
            what, said = ("rekeyed", rekeyed) if rekeyed else ("resealed", f"re-sealed ({UNKNOWN})")
            yield say("~", what, item, said)


def _rekeyed(old: Envelope | None, new: Envelope | None, named: Named) -> str:
    """How the recipients of an item changed; "" if they did not, or can't be told."""
    if old is None or new is None:
        return ""
    before, after = _readers(old, named), _readers(new, named)
    gone = [reader for reader in before if reader not in after]
    come = [reader for reader in after if reader not in before]
    if not gone and not come:
        return ""
    parts = [f"now {', '.join(come)}"] * bool(come) + [f"no longer {', '.join(gone)}"] * bool(gone)
    return f"re-keyed: {'; '.join(parts)} ({UNKNOWN})"


def _readers(envelope: Envelope, named: Named) -> list[str]:
    if isinstance(envelope, EnvelopeV1):
        return [f"v1 of {envelope.bits:,} bits"]
    return [named(key_id) for key_id in envelope.recipients]


def _items(doc: SealedSecret) -> str:
    return count(len(doc.items), "item")


def _them(doc: SealedSecret) -> str:
    return "it" if len(doc.items) == 1 else "them"
