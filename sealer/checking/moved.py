"""What an item was sealed for, if it was not sealed for the place where it stands. Pure.

A v2 envelope carries a digest of its scope, namespace, name and item. The digest can't be read back, but it can be
compared with every place that the item may come from: its neighbours, other scopes, the other documents of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING

from sealer.errors import NameRefused
from sealer.formats.binding import Binding, Scope, bind

if TYPE_CHECKING:
    from sealer.documents.document import SealedSecret

RENAMED = "renamed, moved or pasted"
_NEAR = 8
"""Folders of a path, from either end, that may be a namespace or a name."""
_MOST_GUESSES = 300_000
"""Digests made to tell where items come from, about two seconds: beyond that they are only called moved."""


class Origins:
    """The places that items may come from. Digests are made for an item key when the first one is looked for."""

    def __init__(self, refs: Iterable[tuple[str | None, str]]) -> None:
        self._refs = list(dict.fromkeys(refs))
        self._by_item: dict[str, dict[bytes, Binding]] = {}
        self._guesses = 0
        self._last: SealedSecret | None = None
        self._of_last: Mapping[bytes | None, str] = {}

    def told(self, doc: SealedSecret, binding: Binding, item: str, moved: Mapping[str, bytes]) -> str:
        """What happened to an item whose digest (in `moved`, with all others of its document) is not the right one."""
        found = moved[item]
        other = self._neighbours(doc, binding).get(found)
        if other is not None and other != item:
            return _neighbour(binding, item, other, moved)
        place = self._elsewhere(doc, binding, item, found)
        here = _said(binding)
        if place is None:
            return f"was not sealed for {here}: {RENAMED}"
        if place.scope is not binding.scope and (place.namespace, place.name) == (binding.namespace, binding.name):
            return f"was sealed with scope {place.scope.value}, not {binding.scope.value}: the annotation was changed"
        return f"was sealed for {_said(place)}, not for {here}: {RENAMED}"

    def _neighbours(self, doc: SealedSecret, binding: Binding) -> Mapping[bytes | None, str]:
        """The items of a document by the digest that each should have; kept for the document that was asked about."""
        if self._last is not doc:
            self._last, self._of_last = doc, {_digest(binding, other): other for other in sorted(doc.items)}
        return self._of_last

    def _elsewhere(self, doc: SealedSecret, binding: Binding, item: str, found: bytes) -> Binding | None:
        # Parts of the path as namespace and name: a file that was moved often still says where it was, or belongs.
        parts = doc.place.file.split("/")
        words = [word.removesuffix(".yaml").removesuffix(".yml") for word in (*parts[:_NEAR], *parts[-_NEAR:])]
        near = product(Scope, dict.fromkeys([binding.namespace, *words]), dict.fromkeys([binding.name, *words]))
        for scope, namespace, name in near:
            place = Binding(scope, namespace, name)
            if _digest(place, item) == found:
                return place
        if item not in self._by_item:
            self._guesses += 3 * len(self._refs)
            if self._guesses > _MOST_GUESSES:
                return None
            places = (Binding(scope, *ref) for ref in self._refs for scope in Scope)
            self._by_item[item] = {digest: place for place in places if (digest := _digest(place, item)) is not None}
        return self._by_item[item].get(found)


def _digest(binding: Binding, item: str) -> bytes | None:
    try:
        return bind(binding.context(item))
    except NameRefused:
        return None


def _neighbour(binding: Binding, item: str, other: str, moved: Mapping[str, bytes]) -> str:
    if moved.get(other) == _digest(binding, item):
        return f"holds what was sealed as {other}: the two are swapped"
    return f"holds what was sealed as {other}: pasted, or the item was renamed"


def _said(binding: Binding) -> str:
    if binding.scope is Scope.CLUSTER_WIDE:
        return "the whole cluster"
    if binding.scope is Scope.NAMESPACE_WIDE:
        return f"namespace {binding.namespace}"
    return f"{binding.namespace}/{binding.name}"
