"""JSON with offsets: one value or several behind each other, as kubeseal reads them (DESIGN section 5).

Strings go through `json`'s own scanner; the structure is walked here, because `json` gives no offsets and keeps the
last of two equal members. Duplicate members, NaN and Infinity are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from json import decoder

from sealer.documents.node import MAX_DEPTH, Kind, Node, join, number, shown
from sealer.errors import DocumentError

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WORD = re.compile(r"true|false|null|-?(?:NaN|Infinity)")
_scan_string = decoder.scanstring  # type: ignore[attr-defined]
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJSON(DocumentError):
    """A text that breaks JSON's grammar: it may be YAML all the same (a flow map begins with `{` too)."""


def parse_stream(text: str, file: str) -> Iterator[Node]:
    """The values of a stream. Raises NotJSON where the grammar is broken, DocumentError for what else is refused."""
    scanner = _Scanner(text, file)
    while not scanner.at_end():
        yield scanner.value(0)


class _Scanner:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self.line = 1
        self.counted = 0
        self.trail: list[str | int] = []

    def at_end(self) -> bool:
        self.space()
        return self.at == len(self.text)

    def value(self, depth: int) -> Node:
        """The value that begins here."""
        if depth > MAX_DEPTH:
            self.trail.clear()
            raise self.refused(f"nested deeper than {MAX_DEPTH} levels", way_out="write it flatter")
        char = self.text[self.at : self.at + 1]
        if char == '"':
            return self.string()
        if char == "{":
            return self.object(depth)
        if char == "[":
            return self.array(depth)
        return self.literal()

    def string(self) -> Node:
        start, line = self.at, self.lines()
        try:
            text, self.at = _scan_string(self.text, start + 1, True)
        except ValueError:
            raise self.broken("a string is not closed, or holds a bad escape or a control character") from None
        if not text.isascii() and _SURROGATE.search(text):
            raise self.refused("half a surrogate pair", way_out="write the character itself")
        return Node(Kind.STR, start, self.at, line, text, '"')

    def literal(self) -> Node:
        start, line = self.at, self.lines()
        match = _WORD.match(self.text, start) or _NUMBER.match(self.text, start)
        if match is None:
            raise self.broken("a value is missing or misspelt")
        word = match[0]
        self.at = match.end()
        if word[-1] in "Ny":  # NaN and Infinity
            raise self.refused("is a number that JSON can't hold", way_out="quote it, if text is meant")
        kind = {"true": Kind.BOOL, "false": Kind.BOOL, "null": Kind.NULL}.get(word)
        if kind is None:
            kind = Kind.FLOAT if match.lastindex else Kind.INT
            if not math.isfinite(number(word)):
                raise self.refused("is a number that JSON can't hold", way_out="quote it, if text is meant")
        return Node(kind, start, self.at, line, word)

    def array(self, depth: int) -> Node:
        start, line = self.at, self.lines()
        children: list[Node] = []
        self.at += 1
        while self.more("]", bool(children)):
            self.trail.append(len(children))
            children.append(self.value(depth + 1))
            self.trail.pop()
        return Node(Kind.SEQ, start, self.at, line, "", "[", children=children)

    def object(self, depth: int) -> Node:
        start, line = self.at, self.lines()
        pairs: list[tuple[Node, Node]] = []
        names: set[str] = set()
        self.at += 1
        while self.more("}", bool(pairs)):
            if self.text[self.at : self.at + 1] != '"':
                raise self.broken("a member name in double quotes is missing")
            key = self.string()
            if key.text in names:
                way_out = "keep one of the two"
                raise self.refused(f"the key {shown(key.text)} stands here twice", line=key.line, way_out=way_out)
            names.add(key.text)
            self.space()
            if self.text[self.at : self.at + 1] != ":":
                raise self.broken("a key without ':'")
            self.at += 1
            self.space()
            self.trail.append(key.text)
            pairs.append((key, self.value(depth + 1)))
            self.trail.pop()
        return Node(Kind.MAP, start, self.at, line, "", "{", items=pairs, own=len(pairs))

    def more(self, closing: str, began: bool) -> bool:
        """Step over a comma or the closing bracket; whether another element follows."""
        self.space()
        char = self.text[self.at : self.at + 1]
        if char == closing:
            self.at += 1
            return False
        if began:
            if char != ",":
                raise self.broken(f"',' or '{closing}' is missing")
            self.at += 1
            self.space()
        return True

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def lines(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def broken(self, what: str) -> NotJSON:
        way_out = f"correct the lines at and above {self.lines()}"
        return NotJSON(what, file=self.file, line=self.lines(), path=join(self.trail), way_out=way_out)

    def refused(self, what: str, *, line: int = 0, way_out: str = "") -> DocumentError:
        return DocumentError(what, file=self.file, line=line or self.lines(), path=join(self.trail), way_out=way_out)
