"""A document as a tree of nodes with offsets, the same for YAML and JSON (DESIGN section 5).

Nodes say where in the text they stand, so that errors can name a line and edits can keep every other byte. Nothing
here parses: `yamlio` and `jsonio` build nodes. No repr and no message shows text of a document, only names.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealer.errors import DocumentError
from sealer.shell import quote

MAX_DEPTH = 100
"""Deepest nesting that is read. Real manifests stay below 20; libyaml and json would overflow the C stack."""

BOM = "\ufeff"

_MARKS = tuple(re.compile(mark, re.MULTILINE) for mark in (r"^<{7} ", r"^={7}\r?$", r"^>{7} "))


class Kind(enum.Enum):
    """What a node is. The value is the word that users read."""

    MAP = "a map"
    SEQ = "a list"
    STR = "text"
    INT = "a number"
    FLOAT = "a number with a fraction"
    BOOL = "a boolean"
    NULL = "empty"


@dataclass(slots=True)
class Node:
    """One value of a document.

    `items` of a map are its own pairs, then those that `<<` brought in; the first `own` are its own, `merges` are the
    `<<` keys. `children` are a list's. `start` and `end` are offsets into the text without a BOM, `line` counts from 1.
    `style` is empty for plain scalars and block collections, the opening character for all else. A node reached
    through an alias is a copy with `alias` set: it has the offsets of its anchor.
    """

    kind: Kind
    start: int
    end: int
    line: int
    text: str = field(default="", repr=False)
    style: str = ""
    anchor: bool = False
    alias: bool = False
    items: Sequence[tuple[Node, Node]] = field(default=(), repr=False)
    children: Sequence[Node] = field(default=(), repr=False)
    own: int = 0
    merges: tuple[Node, ...] = field(default=(), repr=False)

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        for name, value in self.items:
            if name.text == key:
                return value
        return None

    def plain(self) -> Any:
        """This node as plain JSON values."""
        kind = self.kind
        if kind is Kind.STR:
            return self.text
        if kind is Kind.MAP:
            return {key.text: value.plain() for key, value in self.items}
        if kind is Kind.SEQ:
            return [child.plain() for child in self.children]
        return _WORDS[self.text][1] if kind in (Kind.NULL, Kind.BOOL) else number(self.text)


_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_WORDS: dict[str, tuple[Kind, bool | float | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (Kind.NULL, None)),
    **dict.fromkeys(_TRUE, (Kind.BOOL, True)),
    **dict.fromkeys(_FALSE, (Kind.BOOL, False)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (Kind.FLOAT, math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (Kind.FLOAT, -math.inf)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (Kind.FLOAT, math.nan)),
}
HINTS = frozenset(["", *"yYnNtTfFoO~+-.0123456789"])
"""How a plain YAML scalar has to begin to be anything but text."""

_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)


def resolve(text: str) -> Kind:
    """What a plain YAML scalar is to kubeseal (Go's yaml.v2): dates, base-60 numbers and `=` are text."""
    if text[:1] not in HINTS:
        return Kind.STR
    word = _WORDS.get(text)
    if word is not None:
        return word[0]
    if text[0] > "9":  # a letter, and none of the words above
        return Kind.STR
    if text[0] == ".":
        return Kind.FLOAT if _FLOAT.fullmatch(text) else Kind.STR
    digits = text.replace("_", "")
    if _INT.fullmatch(digits):
        return Kind.INT
    return Kind.FLOAT if _FLOAT.fullmatch(digits) else Kind.STR


def number(text: str) -> float:
    """The value of a scalar of kind INT or FLOAT; not finite where JSON has no such number."""
    if text in _WORDS:
        return float(_WORDS[text][1] or 0)
    digits = text.replace("_", "")
    if len(digits) > 250:  # beyond any float, and int() refuses very long ones
        return math.inf
    if not _INT.fullmatch(digits):
        return float(digits)
    sign, body = (-1, digits[1:]) if digits[0] == "-" else (1, digits.removeprefix("+"))
    return sign * (int(body, 8) if re.match("0[0-9]", body) else int(body, 0))


def decode(data: bytes, file: str) -> tuple[str, bool]:
    """The text of a document without its BOM, and whether it had one. Raises DocumentError unless it is UTF-8."""
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 3 and 0 in data[:2])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "is UTF-16, not UTF-8" if utf16 else "is not UTF-8"
    else:
        if not utf16:
            return (text[1:], True) if text.startswith(BOM) else (text, False)
        what, line = "is UTF-16 or UTF-32, not UTF-8", 1
    raise DocumentError(what, file=file, line=line, way_out="save the file as UTF-8") from None


def conflict(text: str, file: str) -> DocumentError | None:
    """What is said of a text that breaks its grammar, if that is so because a merge left its marks in it."""
    places: list[int] = []
    for mark in _MARKS:
        found = mark.search(text, places[-1] if places else 0)
        if found is None:
            return None
        places.append(found.start())
    line = text.count("\n", 0, places[0]) + 1
    way_out = f"git checkout --ours {quote(file)}; or --theirs"
    return DocumentError("a merge conflict", file=file, line=line, way_out=way_out)


def shown(key: str) -> str:
    """A key as it may stand in a message: a name, or only its length where it could be a value in a wrong place."""
    return key if re.fullmatch(r"[-._/A-Za-z0-9]{1,80}", key, re.ASCII) else f"<key of {len(key)} characters>"


def join(parts: Sequence[str | int]) -> str:
    """A path inside a document: `items[2].spec.encryptedData.password`."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}" if text else shown(part)
    return text


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it that stand in its own text, in order."""
    yield node
    for key, value in node.items[: node.own]:
        yield key
        if not value.alias:
            yield from walk(value)
    for child in node.children:
        if not child.alias:
            yield from walk(child)
