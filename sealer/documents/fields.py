"""Strict reading of a document's fields: every refusal names file, line and path, none shows a value."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sealer.documents.node import Kind, Node, join, shown
from sealer.errors import DocumentError, NameRefused
from sealer.formats.binding import check_item

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """Reads fields of one document. `prefix` is its path inside the file (`items[2]` of a List)."""

    file: str
    prefix: Path

    def refused(self, what: str, line: int, path: Path, way_out: str) -> DocumentError:
        """The error to raise for something at a path of this document."""
        return DocumentError(what, file=self.file, line=line, path=join(self.prefix + path), way_out=way_out)

    def map(self, node: Node, path: Path, known: AbstractSet[str] | None = None, hint: str = "") -> dict[str, Node]:
        """The values of a map by key. With `known`, any other key is refused; `hint` is the way out for it."""
        if node.kind is not Kind.MAP:
            raise self.refused(f"is {node.kind.value}, not a map", node.line, path, "write `key: value` lines")
        fields = {key.text: value for key, value in node.items}
        if known is not None and not known >= fields.keys():
            key = next(key for key, _ in node.items if key.text not in known)
            what = "is not a field that is read here"
            raise self.refused(what, key.line, (*path, key.text), hint or "check the spelling and the indent")
        return fields

    def text(self, node: Node | None, path: Path) -> str | None:
        """A text; None if the field is absent, null or empty."""
        if node is None or node.kind is Kind.NULL:
            return None
        return self._text(node, path) or None

    def required(self, node: Node | None, line: int, path: Path) -> str:
        """A text that has to be there."""
        found = self.text(node, path)
        if found is None:
            raise self.refused("is missing", line, path, f"add `{path[-1]}:` to {join(path[:-1]) or 'the document'}")
        return found

    def flag(self, node: Node | None, path: Path) -> bool:
        """A boolean; False if the field is absent or null."""
        if node is None or node.kind is Kind.NULL:
            return False
        if node.kind is not Kind.BOOL:
            raise self.refused(f"is {node.kind.value}, not true or false", node.line, path, "write true or false")
        return bool(node.plain())

    def texts(self, node: Node | None, path: Path) -> dict[str, str]:
        """A map of texts; empty if the field is absent or null."""
        if node is None or node.kind is Kind.NULL:
            return {}
        if node.kind is not Kind.MAP:
            self.map(node, path)
        return {key.text: self.value(key, value, path) for key, value in node.items}

    def items(
        self, node: Node | None, path: Path, *, nulls: bool = False
    ) -> tuple[dict[str, str | None], dict[str, int]]:
        """A map of texts whose keys are keys of a secret, and the line of each; with `nulls`, values may be null."""
        found: dict[str, str | None] = {}
        lines: dict[str, int] = {}
        if node is None or node.kind is Kind.NULL:
            return found, lines
        if node.kind is not Kind.MAP:
            self.map(node, path)
        for key, value in node.items:
            name = key.text
            try:
                check_item(name)
            except NameRefused as error:
                raise self.refused(error.what, key.line, path, "rename it") from None
            found[name] = None if nulls and value.kind is Kind.NULL else self.value(key, value, path)
            lines[name] = key.line
        return found, lines

    def value(self, key: Node, value: Node, path: Path) -> str:
        """The text of one pair of a map of texts."""
        if value.kind is Kind.STR:
            return value.text
        if value.kind is Kind.NULL and value.end == key.end:
            # `{word}`: a key that never had a colon may be a value in the wrong place.
            raise self.refused("a key without ':'", key.line, path, "write `key: value`")
        return self._text(value, (*path, key.text), key.line)

    def _text(self, node: Node, path: Path, line: int = 0) -> str:
        if node.kind is Kind.STR:
            return node.text
        key = shown(str(path[-1]))
        if node.kind is Kind.NULL:
            what, way_out = "has no value", f'for an empty text write {key}: ""'
        elif node.kind in (Kind.MAP, Kind.SEQ):
            what, way_out = f"is {node.kind.value}, not text", "write one text; check the indent"
        else:
            what, way_out = f"is {node.kind.value}, not text", f'quote it: {key}: "..."'
        raise self.refused(what, line or node.line, path, way_out)
