"""Reads what looks like YAML, line by line, where no parser can: Helm and Jinja templates, Markdown, code. Pure.

By indentation alone it finds maps and lists and what stands under their keys; lines that are only a template are passed
over, lines that are no YAML end the maps they stand in. It is the last resort: what parses is read by
`sealer.documents.yamlio`. Types are not told; of anchors and merges only texts and maps of texts are followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hooks import lazy, partly
from hooks.structure import json5
from hooks.structure.tree import LIST, MAP, TEXT, Node

MAX_NODES = 200_000
_MAX_STACK = 100
_MAX_FLOW = 400

_TEMPLATE_LINE = lazy.compile(
    r"\s*(?:(?:\{\{(?:[^}]|\}(?!\}))*+\}\}|\{%(?:[^%]|%(?!\}))*+%\}|<%(?:[^%]|%(?!>))*+%>)\s*+)++(?:#.*)?$"
)
_TEMPLATE_OPEN = lazy.compile(r"\s*\{\{-?\s*/\*|\s*\{#")
_KEY = lazy.compile(
    r"""(?P<indent>[ \t]*)(?P<dashes>(?:-[ \t]+)*)(?:[&!]\S+[ \t]+)?(?P<quote>["']?)"""
    r"""(?P<key>\{\{.*?\}\}[-\w.]*|<<|(?:[A-Za-z0-9_.$/@~<]|\\[ux])[^:"'{}\[\],#]*?)(?P=quote)"""
    r"""[ \t]*:(?:[ \t]+(?P<rest>.*)|$)"""
)
_JSON_KEY = lazy.compile(r"""(?P<indent>[ \t]*)(?P<dashes>)(?P<quote>")(?P<key>[^"\\]*)":[ \t]*(?P<rest>.*)$""")
_ITEM = lazy.compile(r"(?P<indent>[ \t]*)-[ \t]+(?P<rest>.*)$")
_CLOSING = lazy.compile(r"\s*[\]})]+\s*,?\s*$")
_OPENING = lazy.compile(r"\s*(?:-\s*)?[\[{]\s*$")
_MARKER = lazy.compile(r"(?:---|\.\.\.)(?:\s|$)")
_PROPERTY = lazy.compile(r"(?:[&!][^\s{}]*(?:\s+|$))+")
_ANCHOR = lazy.compile(r"&(\S+)")
_ALIAS = lazy.compile(r"\*([^\s,\[\]{}]+)\s*(?:#.*)?$")
_BLOCK = lazy.compile(r"[|>][-+0-9]*\s*(?:#.*)?$")
_COMMENT = lazy.compile(r"(?:^|\s)#.*$")
_FOLD = lazy.compile(r"\\?[ \t\r]*+\n\s*+")
_CLOSED = {'"': lazy.compile(r'((?:[^"\\]|\\[\s\S])*+)"'), "'": lazy.compile(r"((?:[^']|'')*+)'")}


def read(text: str, line: int = 1) -> Node:
    """A list of every map that begins at the outermost level. `line` is where the text begins."""
    reader = _Reader(text, line)
    reader.read()
    return reader.root


class _Frame:
    """A map or list that is open, how deep it is indented, and what stands in it last."""

    __slots__ = ("indent", "node")

    def __init__(self, indent: int, node: Node) -> None:
        self.indent = indent
        self.node = node


class _Reader:
    def __init__(self, text: str, line: int) -> None:
        self.lines = text.split("\n")
        self.first = line
        self.at = 0
        self.root = Node(LIST, line)
        self.open: list[_Frame] = []
        self.count = 0
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.aliases: list[tuple[Node, int, str]] = []

    def read(self) -> None:
        while self.at < len(self.lines) and self.count < MAX_NODES:
            line = self.lines[self.at].rstrip("\r")
            self.at += 1
            if not line.strip() or line.lstrip().startswith("#") or _OPENING.match(line) or _TEMPLATE_LINE.match(line):
                continue
            if _MARKER.match(line):
                self.open.clear()
            elif _TEMPLATE_OPEN.match(line):
                self.skip_comment(line)
            elif match := _KEY.match(line) or _JSON_KEY.match(line):
                self.pair(match)
            elif _CLOSING.match(line):
                self.close(_width(line) + 1)
            elif item := _ITEM.match(line):
                self.item(item)
            else:
                self.close(_width(line))
        if self.at < len(self.lines):
            partly.tell(f"only the first {MAX_NODES:,} of its names and values were read")
        self.resolve()

    @property
    def number(self) -> int:
        """The line that was read last."""
        return self.first + self.at - 1

    def skip_comment(self, line: str) -> None:
        """Pass over a template's comment of several lines."""
        closing = "#}" if line.lstrip().startswith("{#") else "*/"
        while closing not in line and self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1

    def pair(self, match: re.Match[str]) -> None:
        """A `key: value` line, and the lines that belong to its value."""
        outer = len(match["indent"].expandtabs(8))
        indent = outer + len(match["dashes"])
        key = match["key"].strip()
        if match["quote"] == '"' and "\\" in key:
            key = json5.unescaped(key)
        self.close(outer + 1 if match["dashes"] else indent + 1)
        if match["dashes"]:
            self.begin(indent, self.below(LIST))
        elif not self.open or self.open[-1].indent < indent:
            self.begin(indent, None)
        into = self.open[-1].node
        self.put(into, key, match["rest"] or "", indent, json=match["quote"] == '"')
        if into.kind == LIST:  # keys where a list is open: a broken text
            into.entries[-1] = ("", into.entries[-1][1])

    def item(self, match: re.Match[str]) -> None:
        """A `- value` line."""
        outer = len(match["indent"].expandtabs(8))
        self.close(outer + 1)
        into = self.below(LIST)
        if into is not self.root:
            self.put(into, "", match["rest"], outer, json=False)

    def begin(self, indent: int, into: Node | None) -> None:
        """A new map: in a list, or below what stands last."""
        if len(self.open) >= _MAX_STACK:
            return
        if into is None:
            node = self.misplaced() or self.below(MAP)
        else:
            node = Node(MAP, self.number)
            into.entries.append(("", node))
        if node is self.root:
            node = Node(MAP, self.number)
            self.root.entries.append(("", node))
        self.open.append(_Frame(indent, node))
        self.count += 1

    def misplaced(self) -> Node | None:
        """The innermost map, if what stands last in it has a value: a key indented too deep is its own."""
        last = self.open[-1].node.entries[-1:] if self.open and self.open[-1].node.kind == MAP else []
        if last and last[0][1].kind == TEXT and last[0][1].text and "{{" not in last[0][1].text:
            return self.open[-1].node
        return None

    def below(self, kind: str) -> Node:
        """The collection below what stands last in the innermost open map: made, if there is none yet."""
        if not self.open:
            return self.root
        frame = self.open[-1]
        if frame.node.kind == LIST and kind == LIST:
            return frame.node
        entries = frame.node.entries
        key, last = entries[-1] if entries else ("", None)
        if last is not None and last.kind == kind == LIST:
            return last
        node = Node(kind, self.number)
        if last is not None and last.kind == TEXT and not last.text and not last.quoted:
            entries[-1] = (key, node)
        else:
            entries.append((key, node))
        return node

    def put(self, into: Node, key: str, rest: str, indent: int, *, json: bool) -> None:
        """One value with its key into a map or list."""
        node = self.value(rest, indent, json=json)
        node.end = max(node.end, self.number)
        into.entries.append((key, node))
        self.count += 1
        if rest[:1] in "&!" and (anchor := _ANCHOR.match(rest) or _ANCHOR.search(rest[:80])):
            self.anchors[anchor[1]] = (into, len(into.entries) - 1)
        elif rest[:1] == "*" and (alias := _ALIAS.match(rest)):
            self.aliases.append((into, len(into.entries) - 1, alias[1]))

    def close(self, indent: int) -> None:
        """End the maps that are indented as deep as this or deeper."""
        while self.open and self.open[-1].indent >= indent:
            self.open.pop()

    def value(self, rest: str, indent: int, *, json: bool) -> Node:
        line = self.number
        rest = _PROPERTY.sub("", rest.strip(), count=1) if rest[:1] in ("&", "!") else rest.strip()
        if _BLOCK.match(rest):
            return Node(TEXT, line, text=self.block(indent), quoted=True, body=line + 1)
        if rest[:1] in ("'", '"'):
            return Node(TEXT, line, text=self.quoted(rest, json=json), quoted=True)
        if (rest[:1] == "{" and rest[:2] != "{{") or (rest[:1] == "[" and rest[:2] != "[["):
            return self.collection(rest, line)
        plain = _COMMENT.sub("", rest) if "{{" not in rest else rest
        if json:
            plain = plain.rstrip(", ")
        return Node(TEXT, line, text="\n".join([plain.strip(), *self.continuation(indent)]) if plain else plain)

    def collection(self, rest: str, line: int) -> Node:
        """A flow map or list, over as many lines as its brackets take."""
        depth = rest.count("{") + rest.count("[") - rest.count("}") - rest.count("]")
        text, more = [rest], 0
        while depth > 0 and more < _MAX_FLOW and self.at + more < len(self.lines):
            following = self.lines[self.at + more]
            depth += following.count("{") + following.count("[") - following.count("}") - following.count("]")
            text.append(following)
            more += 1
        if depth > 0:  # never closed, or very long: what opens here is read line by line, like a block
            text, more = [rest if rest[1:].strip() else ""], 0
        self.at += more
        return next(json5.values("\n".join(text), line, flow=True), Node(TEXT, line))

    def block(self, indent: int) -> str:
        """The lines of a block scalar: all that are deeper, and template lines wherever they stand."""
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip("\r")
            if line.strip() and _width(line) <= indent and not _TEMPLATE_LINE.match(line):
                break
            taken.append(line.expandtabs(8))
            self.at += 1
        while taken and not taken[-1].strip():  # blank lines behind it are not its own
            taken.pop()
            self.at -= 1
        width = min((_width(line) for line in taken if line.strip() and _width(line) > indent), default=0)
        return "\n".join(line[min(width, _width(line)) :].rstrip() for line in taken)

    def quoted(self, rest: str, *, json: bool) -> str:
        """A quoted scalar; it may go on over the next lines up to its closing quote."""
        quote = rest[0]
        text = rest[1:]
        for more in range(0 if json else 200):
            if _CLOSED[quote].match(text) or self.at + more >= len(self.lines):
                break
            text += "\n" + self.lines[self.at + more]
        found = _CLOSED[quote].match(text)
        if not found:
            return rest[1:].rstrip(",")
        self.at += found[0].count("\n")
        inner = _FOLD.sub(_folded, found[1]) if "\n" in found[1] else found[1]
        return inner.replace("''", "'") if quote == "'" else json5.unescaped(inner)

    def continuation(self, indent: int) -> Iterator[str]:
        """Further lines of a plain scalar: deeper ones that are no keys."""
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip("\r")
            deeper = line.strip() and _width(line) > indent
            if not deeper or _KEY.match(line) or _TEMPLATE_LINE.match(line) or line.lstrip().startswith(("#", "- ")):
                return
            self.at += 1
            yield line.strip()

    def resolve(self) -> None:
        """Aliases of texts and of maps of texts, one step deep, so that nothing can grow or go round."""
        for into, index, name in self.aliases[:1000]:
            if name not in self.anchors:
                continue
            source, at = self.anchors[name]
            node = source.entries[at][1]
            key, alias = into.entries[index]
            if node.kind == TEXT:
                into.entries[index] = (key, Node(TEXT, alias.line, alias.end, node.text, node.quoted))
            elif key == "<<":
                into.entries += [(name, child) for name, child in node.entries[:1000] if child.kind == TEXT]
            else:
                copy = Node(node.kind, alias.line, alias.end)
                copy.entries = [(name, child) for name, child in node.entries[:1000] if child.kind == TEXT]
                into.entries[index] = (key, copy)


def _folded(match: re.Match[str]) -> str:
    return "" if match[0][0] == "\\" else "\n" * (match[0].count("\n") - 1) or " "


def _width(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip(" "))


__all__: Sequence[str] = ("read",)
