"""Reads what looks like YAML, line by line, where no parser can: Helm and Jinja templates, Markdown, code. Pure.

By indentation alone it finds maps and what stands under their keys; lines that are only a template are passed over,
lines that are no YAML end the maps they stand in. It is the last resort: what parses is read by
`sealer.documents.yamlio`. Nothing is interpreted: no anchors, no merges, no types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_MAPS = 100_000


@dataclass(slots=True)
class Scalar:
    """A text and the lines it spans."""

    text: str = field(repr=False)
    line: int
    end: int


@dataclass(slots=True)
class Map:
    """Pairs in order, keys may repeat (branches of a template). `under` is the key that it stands below.

    `items` are the texts behind dashes, where these and no pairs stand below a key.
    """

    indent: int
    under: str = ""
    pairs: list[tuple[str, Scalar, Map | None]] = field(default_factory=list, repr=False)
    items: list[Scalar] = field(default_factory=list, repr=False)

    def get(self, key: str) -> list[tuple[Scalar, Map | None]]:
        """Everything that stands under a key."""
        return [(scalar, child) for name, scalar, child in self.pairs if name == key]


_TEMPLATE_LINE = re.compile(r"\s*(?:(?:\{\{.*?\}\}|\{%.*?%\}|<%.*?%>)\s*)+(?:#.*)?$")
_TEMPLATE_OPEN = re.compile(r"\s*\{\{-?\s*/\*|\s*\{#")
_KEY = re.compile(
    r"""(?P<indent>[ \t]*)(?P<dashes>(?:-[ \t]+)*)(?P<quote>["']?)"""
    r"""(?P<key>\{\{.*?\}\}[-\w.]*|[A-Za-z0-9_.$/@~<][^:"'{}\[\],#]*?)(?P=quote)[ \t]*:(?:[ \t]+(?P<rest>.*)|$)"""
)
_JSON_KEY = re.compile(r"""(?P<indent>[ \t]*)(?P<dashes>)(?P<quote>")(?P<key>[^"\\]*)":[ \t]*(?P<rest>.*)$""")
_ITEM = re.compile(r"(?P<indent>[ \t]*)-[ \t]+(?P<rest>.*)$")
_CLOSING = re.compile(r"\s*[\]})]+\s*,?\s*$")
_OPENING = re.compile(r"\s*(?:-\s*)?[\[{]\s*$")
_PROPERTY = re.compile(r"(?:[&!][^\s{}]*\s+)+")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(?:#.*)?$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


def maps(text: str) -> list[Map]:
    """Every map of a text, outer ones first."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.at = 0
        self.open: list[Map] = []
        self.found: list[Map] = []

    def read(self) -> list[Map]:
        while self.at < len(self.lines) and len(self.found) < MAX_MAPS:
            line = self.lines[self.at].rstrip("\r")
            self.at += 1
            if not line.strip() or line.lstrip().startswith("#") or _OPENING.match(line) or _TEMPLATE_LINE.match(line):
                continue
            if _TEMPLATE_OPEN.match(line):
                self.skip_comment(line)
            elif match := _KEY.match(line) or _JSON_KEY.match(line):
                self.pair(match)
            elif _CLOSING.match(line):
                self.close(_width(line) + 1)
            elif item := _ITEM.match(line):
                self.item(item)
            else:
                self.close(_width(line))
        return self.found

    def skip_comment(self, line: str) -> None:
        """Pass over a template's comment of several lines."""
        closing = "#}" if line.lstrip().startswith("{#") else "*/"
        while closing not in line and self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1

    def pair(self, match: re.Match[str]) -> None:
        """A `key: value` line, and the lines that belong to its value."""
        number = self.at
        outer = len(match["indent"].expandtabs(8))
        indent = outer + len(match["dashes"])
        if match["dashes"]:
            self.close(outer + 1)
        else:
            self.close(indent + 1)
        if not self.open or self.open[-1].indent < indent:
            self.begin(indent, is_item=bool(match["dashes"]))
        text = self.value(match["rest"] or "", indent, match["quote"] == '"')
        self.open[-1].pairs.append((match["key"].strip(), Scalar(text, number, self.at), None))

    def begin(self, indent: int, *, is_item: bool) -> None:
        new = Map(indent)
        if self.open and self.open[-1].pairs:
            key, scalar, child = self.open[-1].pairs[-1]
            new.under = key
            if child is None and not is_item:
                self.open[-1].pairs[-1] = (key, scalar, new)
        self.open.append(new)
        self.found.append(new)

    def item(self, match: re.Match[str]) -> None:
        """A `- value` line: kept under the key that it stands below."""
        self.close(len(match["indent"].expandtabs(8)) + 1)
        if not self.open:
            return
        parent = self.open[-1]
        number = self.at
        text = self.value(match["rest"], len(match["indent"].expandtabs(8)), False)
        if parent.pairs:
            key, scalar, child = parent.pairs[-1]
            if child is None:
                child = Map(parent.indent + 1)
                parent.pairs[-1] = (key, scalar, child)
            child.items.append(Scalar(text, number, self.at))

    def close(self, indent: int) -> None:
        """End the maps that are indented as deep as this or deeper."""
        while self.open and self.open[-1].indent >= indent:
            self.open.pop()

    def value(self, rest: str, indent: int, json: bool) -> str:
        rest = _PROPERTY.sub("", rest.strip(), count=1) if rest[:1] in "&!" else rest.strip()
        if _BLOCK.match(rest):
            return self.block(indent)
        if rest[:1] in ("'", '"'):
            return self.quoted(rest, json)
        if rest[:1] == "{" and rest[:2] != "{{":
            return rest
        plain = _COMMENT.sub("", rest) if "{{" not in rest else rest
        return "\n".join([plain, *self.continuation(indent)]) if plain else plain

    def block(self, indent: int) -> str:
        """The lines of a block scalar: all that are deeper, and template lines wherever they stand."""
        taken = []
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip("\r")
            if line.strip() and _width(line) <= indent and not _TEMPLATE_LINE.match(line):
                break
            taken.append(line.strip())
            self.at += 1
        return "\n".join(taken)

    def quoted(self, rest: str, json: bool) -> str:
        """A quoted scalar; it may go on over the next lines up to its closing quote."""
        quote = rest[0]
        closing = re.compile(r'(?:[^"\\]|\\.)*"' if quote == '"' else r"(?:[^']|'')*'", re.DOTALL)
        text = rest[1:]
        for more in range(0 if json else 200):
            if closing.match(text) or self.at + more >= len(self.lines):
                break
            text += "\n" + self.lines[self.at + more]
        found = closing.match(text)
        if not found:
            return rest[1:].rstrip(",")
        self.at += found[0].count("\n")
        inner = found[0][:-1]
        return inner.replace("''", "'") if quote == "'" else _unescape(inner)

    def continuation(self, indent: int) -> Iterator[str]:
        """Further lines of a plain scalar: deeper ones that are no keys."""
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip("\r")
            deeper = line.strip() and _width(line) > indent
            if not deeper or _KEY.match(line) or _TEMPLATE_LINE.match(line) or line.lstrip().startswith(("#", "- ")):
                return
            self.at += 1
            yield line.strip()


def flow(text: str) -> list[tuple[str, str]]:
    """The pairs of a flow map in one line: `{password: x, "user": "y"}`."""
    pair = re.compile(r"""["']?([\w.$-]+)["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,{}]*))""")
    return [
        (m[1], next((part for part in m.groups()[1:] if part is not None), "").strip()) for m in pair.finditer(text)
    ]


def _unescape(text: str) -> str:
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t").replace("\\/", "/").replace("\\\\", "\\")


def _width(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip(" "))


__all__: Sequence[str] = ("Map", "Scalar", "flow", "maps")
