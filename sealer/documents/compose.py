"""Composed YAML into our nodes: where duplicate keys and custom tags are refused and aliases are bounded.

Scalars are read as kubeseal reads them (`node.resolve`). The hot path of every file that is read: a document
without aliases remembers nothing. It imports no PyYAML; it sees only the attributes of its nodes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from sealer.documents.node import HINTS, MAX_DEPTH, Kind, Node, join, number, resolve, shown
from sealer.errors import DocumentError

MAX_EXPANDED = 1024 * 1024
"""How much the aliases of one document may add to it, in characters and nodes."""

Wanted = Callable[[str, str], bool]
"""Whether a document of this apiVersion and kind is read at all."""

_STR, _INT, _FLOAT = Kind.STR, Kind.INT, Kind.FLOAT  # an enum attribute costs more than a global, and each scalar asks
_PROPERTIES = ("&", "!")
_CORE = "tag:yaml.org,2002:"
_TAGGED = {"bool": Kind.BOOL, "int": Kind.INT, "float": Kind.FLOAT, "null": Kind.NULL}
_ANCHOR = re.compile(r"(?:!\S*\s+)?&")


def skim(builder: Builder, raw: Any, wanted: Wanted | None) -> Node | None:
    """A node with only the identity of a document that nobody wants; None if it has to be built."""
    if wanted is None:
        return None
    if raw.id != "mapping":
        empty = raw.id == "scalar" and not raw.tag and not raw.style and resolve(raw.value) is Kind.NULL
        return Node(Kind.NULL if empty else Kind.STR, raw.start_mark.index, raw.end_mark.index, raw.start_mark.line + 1)
    said: dict[str, tuple[Any, Any]] = {}
    for raw_key, raw_value in raw.value:
        name = raw_key.value
        if raw_key.id != "scalar" or (name == "<<" and not raw_key.style):
            return None
        if name in ("apiVersion", "kind"):
            if raw_value.id != "scalar" or name in said:
                return None
            said[name] = raw_key, raw_value
    identity = {name: raw_value.value for name, (_, raw_value) in said.items()}
    if wanted(identity.get("apiVersion", ""), identity.get("kind", "")):
        return None
    pairs = [(builder.scalar(raw_key), builder.scalar(raw_value)) for raw_key, raw_value in said.values()]
    for raw_key, raw_value in raw.value:
        if raw_key.value == "metadata" and raw_value.id == "mapping":
            named = [(k, v) for k, v in raw_value.value if k.value == "name" and v.id == "scalar" and not v.tag]
            inner = [(builder.scalar(k), builder.scalar(v)) for k, v in named]
            pairs.append((builder.scalar(raw_key), builder.node(Kind.MAP, raw_value, items=inner)))
    return builder.node(Kind.MAP, raw, items=pairs)


class Builder:
    """Turns the composed nodes of one document into ours, and refuses what we don't read.

    Whether there are `aliases` or `properties` (anchors, tags) in the text is looked for by the caller, once.
    """

    def __init__(self, text: str, file: str, *, aliases: bool, properties: bool) -> None:
        self.text = text
        self.file = file
        self.marked = properties
        self.trail: list[str | int] = []
        # Only a document with a '*' can have aliases; base64 has none, so the hot path remembers nothing.
        self.seen: dict[int, tuple[Node, int, int] | None] | None = {} if aliases else None
        self.weight = 0
        self.height = 0  # of what was built last, with all that its aliases stand for
        self.expanded = 0

    def build(self, raw: Any) -> Node:
        """The node of a composed node, which may be shared by aliases."""
        if self.seen is None:
            return self._fresh(raw)
        if id(raw) in self.seen:
            return self._again(raw)
        self.seen[id(raw)] = None
        before, highest = self.weight, self.height
        self.height = 0
        node = self._fresh(raw)
        self.weight += 1 + len(node.text)
        height = self.height + 1
        if height > MAX_DEPTH:  # the text itself is flat enough, or libyaml's composer had said so
            raise self._refused(f"aliases nest deeper than {MAX_DEPTH} levels", raw, "write out what is meant")
        self.seen[id(raw)] = (node, self.weight - before, height)
        self.height = max(height, highest)
        return node

    def _fresh(self, raw: Any) -> Node:
        if raw.id == "scalar":
            return self.scalar(raw)
        if raw.tag and raw.tag != _CORE + ("map" if raw.id == "mapping" else "seq"):
            raise self._refused("has a tag", raw, "remove the tag")
        if raw.id == "mapping":
            return self._mapping(raw)
        children = []
        for index, raw_child in enumerate(raw.value):
            self.trail.append(index)
            children.append(self.build(raw_child))
            self.trail.pop()
        return self.node(Kind.SEQ, raw, children=children)

    def _mapping(self, raw: Any) -> Node:
        pairs: list[tuple[Node, Node]] = []
        merges: list[Node] = []
        sources: list[Node] = []
        keys: set[str] = set()
        trail = self.trail
        build = self._fresh if self.seen is None else self.build
        scalar = self.scalar if self.seen is None else self.build
        for raw_key, raw_value in raw.value:
            key = scalar(raw_key) if raw_key.id == "scalar" else None
            if key is None or key.text in keys or key.kind is not _STR or (key.text == "<<" and not key.style):
                if key is None or key.text != "<<" or merges:
                    raise self._bad_key(key, keys, raw_key)
                merges.append(key)
                outer, self.height = self.height, 0
                sources += self._sources(build(raw_value), raw_key)
                self.height = max(outer, self.height - 1)  # merged pairs stand beside the map's own, not below them
                continue
            text = key.text
            keys.add(text)
            trail.append(text)
            value = scalar(raw_value) if raw_value.id == "scalar" else build(raw_value)
            trail.pop()
            if value.alias:
                value.line = key.line
            pairs.append((key, value))
        own = len(pairs)
        for source in sources:
            for key, value in source.items:
                if key.text not in keys:
                    keys.add(key.text)
                    pairs.append((key, value))
        return self.node(Kind.MAP, raw, items=pairs, own=own, merges=tuple(merges))

    def _bad_key(self, key: Node | None, keys: set[str], raw_key: Any) -> DocumentError:
        if key is None:
            return self._refused("has a key that is not text", raw_key, "write the key as text")
        if key.text in keys or key.kind is _STR:
            return self._refused(f"the key {shown(key.text)} stands here twice", raw_key, "keep one of the two")
        return self._refused(f"the key {shown(key.text)} is read as {key.kind.value}", raw_key, "quote the key")

    def _sources(self, value: Node, raw_key: Any) -> list[Node]:
        found = list(value.children) if value.kind is Kind.SEQ else [value]
        if any(source.kind is not Kind.MAP for source in found):
            raise self._refused("merges what is not a map", raw_key, "write the keys out")
        return found

    def scalar(self, raw: Any) -> Node:
        """The node of a composed scalar."""
        text, style = raw.value, raw.style or ""
        kind = _STR if style or text[:1] not in HINTS else resolve(text)
        if raw.tag:
            kind = self._tagged(raw.tag, kind, raw)
        if (kind is _FLOAT or kind is _INT) and not math.isfinite(number(text)):
            raise self._refused("is a number that JSON can't hold", raw, "quote it, if text is meant")
        mark = raw.start_mark
        start = mark.index
        anchor = self.marked and self._anchored(start)
        return Node(kind, start, raw.end_mark.index, mark.line + 1, text, style, anchor)

    def _tagged(self, tag: str, kind: Kind, raw: Any) -> Kind:
        name = tag.removeprefix(_CORE)
        if tag == _CORE + "str":
            return Kind.STR
        if tag != _CORE + name or _TAGGED.get(name) is not (
            Kind.FLOAT if name == "float" and kind is Kind.INT else kind
        ):
            raise self._refused("has a tag that is not read here", raw, "remove the tag, or quote the value")
        return _TAGGED[name]

    def node(self, kind: Kind, raw: Any, **parts: Any) -> Node:
        """A map or list with the marks of a composed node."""
        mark = raw.start_mark
        start = mark.index
        style = ("{" if kind is Kind.MAP else "[") if raw.flow_style else ""
        anchor = self.marked and self._anchored(start)
        return Node(kind, start, raw.end_mark.index, mark.line + 1, "", style, anchor, **parts)

    def _anchored(self, start: int) -> bool:
        return self.text[start : start + 1] in _PROPERTIES and _ANCHOR.match(self.text, start) is not None

    def _again(self, raw: Any) -> Node:
        assert self.seen is not None  # noqa: S101  # only called with a memory
        known = self.seen[id(raw)]
        if known is None:
            raise self._refused("is an alias of something around it", raw, "write it out")
        node, weight, height = known
        self.height = max(self.height, height)
        self.weight += weight
        self.expanded += weight
        if self.expanded > MAX_EXPANDED:
            raise self._refused("aliases expand to more than 1 MiB", raw, "write out what is meant")
        own = {name: getattr(node, name) for name in ("text", "style", "items", "children", "own", "merges")}
        return Node(node.kind, node.start, node.end, node.line, anchor=node.anchor, alias=True, **own)

    def _refused(self, what: str, raw: Any, way_out: str) -> DocumentError:
        line = raw.start_mark.line + 1
        return DocumentError(what, file=self.file, line=line, path=join(self.trail), way_out=way_out)
