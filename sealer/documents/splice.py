"""Changes to a text by offsets: how a pair gets into a map, out of it, or a new value (DESIGN section 5).

Block style keeps to lines, flow style (JSON too) to commas. Nothing here decides what may be edited, and none of it is
trusted: `edit` reads the result again and compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealer.documents.node import Kind, Node, resolve

_BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = re.compile(f"\r\n|[{_BREAKS}]")
_PLAIN = re.compile(r"(?:v2:)?[A-Za-z][-A-Za-z0-9+/=_.]*", re.ASCII)
_PLAIN_KEY = re.compile(r"[A-Za-z_.][-._/A-Za-z0-9]*", re.ASCII)
_ALIAS = re.compile(rf"[ \t]*:(?:\s|#[^{_BREAKS}]*[{_BREAKS}])*\*[^\s,\[\]{{}}]+")
_COLON = re.compile(r"[ \t]*:")
_HEADER = re.compile(rf"[|>][-+0-9]*(?P<note>[ \t]+#[^{_BREAKS}]*)?")

Value = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Splice:
    """Put `text` in place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def apply(text: str, splices: Sequence[Splice]) -> str:
    """The text with all splices done; they must not overlap, and of two at one place the first given stands first."""
    parts, at = [], 0
    for splice in sorted(splices, key=lambda splice: splice.start):
        parts += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join(parts) + text[at:]


class Writer:
    """Makes splices for one text."""

    def __init__(self, text: str, root: Node, *, json: bool) -> None:
        self.text = text
        self.json = json
        found = _BREAK.search(text)
        self.newline = found[0] if found and found[0] in ("\n", "\r\n", "\r") else "\n"
        self.step = self._step(root)
        between = text[root.items[0][1].end : root.items[1][0].start] if json and root.own > 1 else ", "
        self.space = "" if between == "," else " "

    def replace(self, node: Node, value: str, *, flow: bool) -> list[Splice]:
        """A new text for a scalar, in the quotes that it has."""
        if self.json:
            return [Splice(node.start, node.end, json.dumps(value, ensure_ascii=False))]
        if node.style in ("|", ">"):
            header = _HEADER.search(self.text, node.start)
            note = (header["note"] or "") if header else ""
            return [Splice(node.start, self._content_end(node), scalar(value, "", flow=flow) + note)]
        space = " " if node.start == node.end and self.text[node.start - 1 : node.start] == ":" else ""
        if node.start == node.end and not space:  # `{password}`: not even a colon
            space = ": "
        return [Splice(node.start, node.end, space + scalar(value, node.style, flow=flow))]

    def add(self, mapping: Node, name: str, value: Value) -> list[Splice]:
        """A new pair at the end of a map that has some of its own."""
        key, last = mapping.items[mapping.own - 1]
        if mapping.style:
            return self._add_flow(mapping, name, value)
        return self._below(self.end(key, last), self._lines(self._indent(mapping), name, value))

    def fill(self, parent: Node, key: Node, node: Node, name: str, value: Value) -> list[Splice]:
        """The first pair of a map that is empty or null: `{}`, `~` or nothing."""
        inside = self.text[node.start : node.end]
        if parent.style or "#" in inside:
            return self._fill_flow(key, node, name, value)
        colon = self._colon(key)
        blank = not self.text[colon : node.start].strip()
        remove = Splice(colon, node.end, "") if blank else Splice(node.start, node.end, "")
        lines = self._lines(self._indent(parent) + self.step, name, value)
        return [remove, *self._below(node.end, lines)]

    def drop(self, mapping: Node, index: int, parent_key: Node) -> list[Splice]:
        """Remove a pair of a map's own; a map that becomes empty is left as `{}`."""
        if mapping.style:
            return self._drop_flow(mapping, index)
        key, value = mapping.items[index]
        start = self.line_start(key.start)
        splices = [Splice(start, self._next_line(self.end(key, value)), "")]
        if mapping.own == 1 and not mapping.merges:
            colon = self._colon(parent_key)
            splices.insert(0, Splice(colon, colon, " {}"))
        return splices

    def end(self, key: Node | None, value: Node) -> int:
        """Where the text of a value ends; a block's end mark stands at the next token, behind comments."""
        if value.alias:
            match = _ALIAS.match(self.text, key.end if key else value.end)
            return match.end() if match else value.end
        if value.style in ("|", ">"):
            header = _HEADER.search(self.text, value.start)
            if header and "+" in header[0]:
                return value.end
            return self._content_end(value)
        if value.kind not in (Kind.MAP, Kind.SEQ) or value.style:
            return value.end
        ends = [self.end(inner, child) for inner, child in value.items[: value.own]]
        ends += [self.end(None, child) for child in value.children if not child.alias]
        return self._last_content(max([value.start, *ends, *(merge.end for merge in value.merges)]), value.end)

    def block_end(self, node: Node, column: int) -> int:
        """Where the lines of a block map end, with the comments behind it that are indented as its own."""
        at = place = self._next_line(self.end(None, node))
        while place < len(self.text):
            stop = self._below_line(place)
            line = self.text[place:stop]
            bare = line.lstrip()
            if bare and not (bare.startswith("#") and len(line) - len(bare) > column):
                break
            at, place = (stop if bare else at), stop
        return at

    def line_start(self, at: int) -> int:
        """Where the line of an offset begins."""
        last = self.text.rfind("\n", 0, at)
        # The others are rare: looked for in the whole text before, they would make many edits quadratic.
        return max(last, *(self.text.rfind(char, last + 1, at) for char in _BREAKS[1:])) + 1

    def line_end(self, at: int) -> int:
        """Where the line of an offset ends, before its break."""
        match = _BREAK.search(self.text, at)
        return match.start() if match else len(self.text)

    def _next_line(self, at: int) -> int:
        """Where the line after an offset begins; the offset itself if a line begins there."""
        return at if at and self.text[at - 1] in _BREAKS else self._below_line(at)

    def _below_line(self, at: int) -> int:
        match = _BREAK.search(self.text, at)
        return match.end() if match else len(self.text)

    def _content_end(self, block: Node) -> int:
        return block.start + len(self.text[block.start : block.end].rstrip(" \t" + _BREAKS))

    def _last_content(self, low: int, high: int) -> int:
        # Between the last thing with marks of its own and the next token stand comments, blank lines and aliases.
        at, end = low, low
        while at < high:
            stop = min(self._below_line(at), high)
            line = self.text[at:stop]
            if line.strip() and not line.strip().startswith("#"):
                end = at + len(line.rstrip())
            at = stop
        return end

    def _below(self, end: int, lines: str) -> list[Splice]:
        at = self._next_line(end)
        if at == len(self.text) and (at == 0 or self.text[at - 1] not in _BREAKS):
            return [Splice(at, at, self.newline + lines.removesuffix(self.newline))]
        return [Splice(at, at, lines)]

    def _lines(self, indent: str, name: str, value: Value) -> str:
        if isinstance(value, str):
            return f"{indent}{key_text(name)}: {scalar(value, '', flow=False)}{self.newline}"
        inner = "".join(self._lines(indent + self.step, inner, text) for inner, text in value.items())
        return f"{indent}{key_text(name)}:{self.newline}{inner}"

    def _indent(self, mapping: Node) -> str:
        start = mapping.items[0][0].start
        before = self.text[self.line_start(start) : start]
        column = before.rfind("?") if before.rstrip().endswith("?") else len(before)
        return " " * column

    def _step(self, root: Node) -> str:
        if not root.own:
            return "  "
        base = self._leading(root.start) if self.json else self._indent(root)
        for _, value in root.items[: root.own]:
            if value.kind is Kind.MAP and value.own and not value.alias and bool(value.style) is self.json:
                inner = self._leading(value.items[0][0].start) if self.json else self._indent(value)
                outer = self._leading(root.items[0][0].start) if self.json else base
                if len(inner) > len(outer):
                    return inner[len(outer) :]
        return "  "

    def _leading(self, at: int) -> str:
        start = self.line_start(at)
        line = self.text[start : self.line_end(at)]
        return line[: len(line) - len(line.lstrip())]

    def _colon(self, key: Node) -> int:
        match = _COLON.match(self.text, key.end)
        return match.end() if match else key.end

    def _pair(self, name: str, value: Value, *, colon: str, quote: bool, indent: str | None) -> str:
        if self.json:
            text = json.dumps(value, ensure_ascii=False, indent=None if indent is None else self.step)
            text = text.replace("\n", self.newline + (indent or ""))
            return json.dumps(name, ensure_ascii=False) + colon + text
        key = double(name) if quote else key_text(name)
        return f"{key}{colon if quote else ': '}{self._flow(value)}"

    def _flow(self, value: Value) -> str:
        if isinstance(value, str):
            return scalar(value, "", flow=True)
        return "{" + ", ".join(f"{key_text(key)}: {self._flow(inner)}" for key, inner in value.items()) + "}"

    def _add_flow(self, mapping: Node, name: str, value: Value) -> list[Splice]:
        key, last = mapping.items[mapping.own - 1]
        end = self.end(key, last)
        before = mapping.start if mapping.own == 1 else self.end(*mapping.items[mapping.own - 2])
        gap = re.split(r"[,{]", self.text[before : key.start])[-1]
        if gap.strip():  # a comment stands there
            gap = self.newline + " " * (key.start - self.line_start(key.start))
        colon = self.text[key.end : last.start]
        colon = colon if not last.alias and re.fullmatch(r"[ \t]*:[ \t]*", colon) else ": "
        broken = _BREAK.search(gap) is not None
        indent = self._leading(key.start) if broken else None
        pair = self._pair(name, value, colon=colon, quote=key.style == '"', indent=indent)
        comma = self.text.find(",", end, mapping.end) if re.match(r"\s*,", self.text[end : mapping.end]) else -1
        at = end if comma < 0 else comma + 1
        line_end = self.line_end(at)
        if broken and line_end < mapping.end - 1:  # the line may end in a comment, which stays with its own value
            commas = [Splice(end, end, ",")] if comma < 0 else []
            return [*commas, Splice(line_end, line_end, gap + pair)]
        lead = "," if comma < 0 else ""
        return [Splice(at, at, lead + (self.space if mapping.own == 1 and not gap else gap) + pair)]

    def _fill_flow(self, key: Node, node: Node, name: str, value: Value) -> list[Splice]:
        broken = self.json and self.step and self.line_start(key.start) == key.start - len(self._leading(key.start))
        indent = self._leading(key.start) + self.step if broken else None
        pair = self._pair(name, value, colon=": ", quote=self.json, indent=indent)
        if indent is not None:
            pair = self.newline + indent + pair + self.newline + self._leading(key.start)
        if node.kind is Kind.MAP and self.text[node.start : node.end].strip("{} \t"):  # a comment inside
            at = self.text.index("{", node.start) + 1
            return [Splice(at, at, pair)]
        space = "" if self.json or node.start != node.end else " " if self._colon(key) > key.end else ": "
        return [Splice(node.start, node.end, f"{space}{{{pair}}}")]

    def _drop_flow(self, mapping: Node, index: int) -> list[Splice]:
        key, value = mapping.items[index]
        start, end = key.start, self.end(key, value)
        after = re.compile(r"\s*,").match(self.text, end)
        if mapping.own == 1:
            opening = self.text.index("{", mapping.start) + 1
            inner = self.text[opening:start] + self.text[after.end() if after else end : mapping.end - 1]
            whole = Splice(opening, mapping.end - 1, "")
            return [whole if not inner.strip() else Splice(start, after.end() if after else end, "")]
        if index:
            before = self.end(*mapping.items[index - 1])
            if "#" not in self.text[before:start]:
                return [Splice(before, end, "")]
        elif "#" not in self.text[end : mapping.items[1][0].start]:
            return [Splice(start, mapping.items[1][0].start, "")]
        return [Splice(start, after.end() if after else end, "")]


def scalar(text: str, style: str, *, flow: bool) -> str:
    """A text as a YAML scalar on one line: in single quotes if `style` says so, plain where that is safe."""
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    plain = style != '"' and _PLAIN.fullmatch(text) and resolve(text) is Kind.STR and not (flow and ":" in text)
    return text if plain else double(text)


def key_text(name: str) -> str:
    """A key as YAML, quoted where any YAML 1.1 reader takes it for something else."""
    return name if _PLAIN_KEY.fullmatch(name) and resolve(name) is Kind.STR else double(name)


def double(text: str) -> str:
    """A text in double quotes."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() and c != "\ufeff" else f"\\U{ord(c):08x}" for c in quoted) + '"'
