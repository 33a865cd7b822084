"""Edits of files in place: only the bytes that must change do (DESIGN section 5).

Comments, order, quotes, anchors, line endings and all other documents survive. Every result is read again; if it does
not say exactly what was meant, nothing is returned. Items that come through an alias or `<<`, or that carry an anchor,
are refused: an alias has its anchor's marks, so that editing it would overwrite the anchor's value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sealer.documents.fields import Fields, Path
from sealer.documents.node import BOM, Kind, Node
from sealer.documents.splice import Splice, Value, Writer, apply
from sealer.documents.stream import KIND, Entry, Source, identity, read
from sealer.errors import DocumentError

_ITEMS = ("spec", "encryptedData")
_ANNOTATIONS = ("metadata", "annotations")


def set_items(data: bytes, path: str, index: int, items: Mapping[str, str]) -> bytes:
    """The file with these items of document `index` replaced or added in spec.encryptedData."""
    if len(items) > 1:
        try:
            return _edit(data, path, index).put_all(_ITEMS, items)
        except DocumentError:
            pass  # one by one it may go, and says which can't be
    for key, text in items.items():
        data = _edit(data, path, index).put((*_ITEMS, key), text)
    return data


def remove_items(data: bytes, path: str, index: int, keys: Iterable[str]) -> bytes:
    """The file without these items of document `index`."""
    for key in keys:
        data = _edit(data, path, index).drop((*_ITEMS, key))
    return data


def set_annotations(data: bytes, path: str, index: int, annotations: Mapping[str, str | None]) -> bytes:
    """The file with these metadata.annotations of document `index` set; None removes one, if it is there."""
    for key, text in annotations.items():
        edit = _edit(data, path, index)
        if text is not None:
            data = edit.put((*_ANNOTATIONS, key), text)
        elif edit.has((*_ANNOTATIONS, key)):
            data = edit.drop((*_ANNOTATIONS, key), and_parent=True)
    return data


def replace_document(data: bytes, path: str, index: int, body: Mapping[str, Any]) -> bytes:
    """The file with document `index` rendered anew from `body`, in the file's format; all others keep every byte.

    `body` is a SealedSecret or a Secret: no other kind is read well enough to be compared.
    """
    return replace_documents(data, path, {index: body})


def replace_documents(data: bytes, path: str, bodies: Mapping[int, Mapping[str, Any]]) -> bytes:
    """As `replace_document`, for several documents of a file at once: it is read and checked once, not for each."""
    source = read(data, path)
    entries = list(source.entries())
    splices: list[Splice] = []
    line = 0
    for index in sorted(bodies):
        edit = _Edit(source, entries, index)
        splices += edit.render(bodies[index])
        line = line or edit.node.line
    return _checked(source, apply(source.text, splices), {index: dict(body) for index, body in bodies.items()}, line)


def append_document(data: bytes, path: str, body: Mapping[str, Any]) -> bytes:
    """The file with one more document at its end, in the file's format. `body` as for `replace_document`."""
    from sealer.documents.render import to_json, to_yaml

    source = read(data, path)
    entries = list(source.entries())
    for entry in entries:
        if isinstance(entry.node, DocumentError):
            raise entry.node
    text = source.text
    newline = "\r\n" if "\r\n" in text else "\n"
    rendered = (to_json(body) if source.format == "json" else to_yaml(body)).decode()
    if text and not text.endswith(("\n", "\r")):
        text += newline
    if source.format == "yaml" and entries and text.splitlines()[-1] != "---":
        text += "---" + newline
    return _checked(source, text + rendered.replace("\n", newline), {len(entries): dict(body)}, text.count("\n") + 1)


def _edit(data: bytes, path: str, index: int) -> _Edit:
    source = read(data, path)
    return _Edit(source, list(source.entries()), index)


class _Edit:
    """One change of one document."""

    def __init__(self, source: Source, entries: Sequence[Entry], index: int) -> None:
        path = source.path
        self.source = source
        self.index = index
        if index >= len(entries):
            way_out = "the file changed meanwhile: start again"
            raise DocumentError(f"has no document number {index + 1}", file=path, way_out=way_out)
        entry: Entry = entries[index]
        if isinstance(entry.node, DocumentError):
            raise entry.node
        if isinstance(entry.root, DocumentError):
            raise entry.root
        if entry.node.kind is not Kind.MAP or identity(entry.node, entry.implied)[1] not in (KIND, "Secret"):
            what, way_out = "is neither a SealedSecret nor a Secret", "only these are edited"
            raise DocumentError(what, file=path, line=entry.node.line, way_out=way_out)
        self.entry = entry
        self.node: Node = entry.node
        self.root: Node = entry.root
        self.fields = Fields(path, entry.path)
        self.body = self.node.plain()
        self.writer = Writer(self.source.text, self.node, json=self.source.format == "json")
        self.flow = self._descend()

    def has(self, trail: tuple[str, ...]) -> bool:
        node: Node | None = self.node
        for name in trail:
            node = node.get(name) if node is not None else None
        return node is not None

    def put(self, trail: tuple[str, ...], text: str) -> bytes:
        """Set the text at a path, and make the maps that lead to it."""
        return self.put_all(trail[:-1], {trail[-1]: text})

    def put_all(self, trail: tuple[str, ...], texts: Mapping[str, str]) -> bytes:
        """Set several texts of the map at a path; the file is read and checked once."""
        splices = [splice for key, text in texts.items() for splice in self._put((*trail, key), text)]
        expected = self.body
        for name in trail:
            expected[name] = expected.get(name) or {}
            expected = expected[name]
        expected.update(texts)
        return self._done(splices)

    def drop(self, trail: tuple[str, ...], *, and_parent: bool = False) -> bytes:
        """Remove the pair at a path; with `and_parent` also the map around it, if it held only that and no comment."""
        mapping, parent, parent_key, expected = self.node, self.node, self.node, self.body
        for depth, name in enumerate(trail[:-1], 1):
            parent = mapping
            parent_key, mapping = self._own(mapping, trail[:depth])
            expected = expected[name]
        key, value = self._own(mapping, trail)
        if value.anchor:
            raise self._anchored(key, trail)
        del expected[trail[-1]]
        whole = self.source.text[parent_key.start : self.writer.end(parent_key, mapping)]
        if and_parent and not expected and "#" not in whole and parent.own > 1:
            holder = self.body
            for name in trail[:-2]:
                holder = holder[name]
            del holder[trail[-2]]
            return self._done(self.writer.drop(parent, _number(parent, trail[-2]), parent_key))
        return self._done(self.writer.drop(mapping, _number(mapping, trail[-1]), parent_key))

    def render(self, body: Mapping[str, Any]) -> list[Splice]:
        """Replace the whole document."""
        from sealer.documents.render import to_yaml

        text, writer, start = self.source.text, self.writer, self.node.start
        before = text[writer.line_start(start) : start]
        if self.flow or self.node.kind is not Kind.MAP:
            broken = writer.line_end(start) < self.node.end and writer.json
            rendered = json.dumps(body, indent=writer.step if broken else None, ensure_ascii=False, sort_keys=True)
            rendered = rendered.replace("\n", writer.newline + before[: len(before) - len(before.lstrip())])
            return [Splice(start, self.node.end, rendered)]
        lines = to_yaml(body).decode().splitlines(keepends=True)
        indent = "" if before.startswith("---") else " " * len(before)
        rendered = "".join(indent + line if line.strip() and number else line for number, line in enumerate(lines))
        if before.startswith("---"):
            rendered = "\n" + rendered
        rendered = rendered.replace("\n", writer.newline)
        return [Splice(start, writer.block_end(self.node, len(indent)), rendered)]

    def _put(self, trail: tuple[str, ...], text: str) -> list[Splice]:
        mapping = self.node
        for depth in range(1, len(trail)):
            path, rest = trail[:depth], trail[depth:]
            if mapping.get(path[-1]) is None:
                return self._add(mapping, path, _nested(rest, text))
            key, node = self._own(mapping, path)
            if node.kind is Kind.NULL or (node.kind is Kind.MAP and not node.items and not node.merges):
                if node.anchor:
                    raise self._anchored(key, path)
                return self.writer.fill(mapping, key, node, rest[0], _nested(rest[1:], text))
            if node.kind is not Kind.MAP:
                raise self.fields.refused(f"is {node.kind.value}, not a map", key.line, path, "remove it first")
            mapping = node
        if mapping.get(trail[-1]) is None:
            return self._add(mapping, trail, text)
        key, node = self._own(mapping, trail)
        if node.anchor:
            raise self._anchored(key, trail)
        if node.kind in (Kind.MAP, Kind.SEQ):
            raise self.fields.refused(f"is {node.kind.value}, not text", key.line, trail, "remove it first")
        return self.writer.replace(node, text, flow=bool(mapping.style))

    def _add(self, mapping: Node, path: Path, value: Value) -> list[Splice]:
        if not mapping.own:  # only `<<` stands there, and the line after it is not known
            raise self._merged(mapping, path)
        return self.writer.add(mapping, str(path[-1]), value)

    def _own(self, mapping: Node, trail: tuple[str, ...]) -> tuple[Node, Node]:
        """The pair at the end of a path; refused unless it stands in this map itself and not through an alias."""
        for number, (key, value) in enumerate(mapping.items):
            if key.text == trail[-1]:
                if number >= mapping.own:
                    raise self._merged(mapping, trail)
                if value.alias:
                    what = "is an alias: changing it would change its anchor's value"
                    raise self.fields.refused(what, key.line, trail, "write the value out in place of the alias")
                return key, value
        way_out = "look at the names that the document has"
        raise self.fields.refused("is not there", mapping.line, trail, way_out)

    def _merged(self, mapping: Node, trail: Path) -> DocumentError:
        what = "comes through `<<`: changing it would change what it is merged from"
        line = mapping.merges[0].line if mapping.merges else mapping.line
        return self.fields.refused(what, line, trail, "write the key out beside `<<` by hand")

    def _anchored(self, key: Node, trail: Path) -> DocumentError:
        what = "carries an anchor: other values may depend on it"
        return self.fields.refused(what, key.line, trail, "remove the anchor and write its aliases out")

    def _descend(self) -> bool:
        """Check that the way from the root is free of aliases; whether the document stands in flow style."""
        node, flow = self.root, bool(self.root.style)
        for part in self.entry.path:
            if isinstance(part, int):
                node = node.children[part]
            else:
                pairs = [value for key, value in node.items[: node.own] if key.text == part]
                if not pairs:
                    raise self._merged(node, ())
                node = pairs[0]
            if node.alias:
                what = "is an alias: changing it would change its anchor"
                raise self.fields.refused(what, node.line, (), "write the document out in place of the alias")
            flow = flow or bool(node.style)
        return flow

    def _done(self, splices: list[Splice]) -> bytes:
        return _checked(self.source, apply(self.source.text, splices), {self.index: self.body}, self.node.line)


def _nested(names: tuple[str, ...], text: str) -> Value:
    value: Value = text
    for name in reversed(names):
        value = {name: value}
    return value


def _number(mapping: Node, name: str) -> int:
    return next(number for number, (key, _) in enumerate(mapping.items) if key.text == name)


def _checked(source: Source, text: str, bodies: Mapping[int, Mapping[str, Any]], line: int = 0) -> bytes:
    """The new file as bytes, if each of these documents is now its body and all others are what they were."""
    data = (BOM + text if source.bom else text).encode()
    wanted = [_said(entry) for entry in source.entries()]
    after = read(data, source.path)
    now = [_said(entry) for entry in after.entries()]
    for index, body in bodies.items():
        wanted[index : index + 1] = [json.dumps(body, sort_keys=True)]
    if after.format != source.format or now != wanted:
        raise DocumentError(
            f"document {min(bodies) + 1} can't be edited in place without touching what should stay",
            file=source.path,
            line=line,
            way_out="lay it out as plain block lines without anchors, with a newline at the end",
        )
    return data


def _said(entry: Entry) -> str:
    # As JSON, because in Python True, 1 and 1.0 are equal.
    node = entry.node
    return f"!{node.what}" if isinstance(node, DocumentError) else json.dumps(node.plain(), sort_keys=True)
