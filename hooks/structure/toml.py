"""TOML by its lines, because `tomllib` has no line numbers and reads nothing of a file with one slip. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.structure import json5
from hooks.structure.pair import Pair
from hooks.structure.tree import LIST, Node, join
from hooks.structure.walk import pairs as walked

_TABLE = lazy.compile(r"[ \t]*\[\[?[ \t]*(?P<name>[^\[\]\n]+?)[ \t]*\]\]?[ \t]*(?:#.*)?\r?$")
_PAIR = lazy.compile(
    r"""[ \t]*(?P<name>(?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*(?:[\w-]+|"[^"\n]*"|'[^'\n]*'))*)[ \t]*=[ \t]*"""
)
_LONG = lazy.compile(r'"""(?P<double>(?:[^"\\]|\\[\s\S]|"(?!""))*+)"""|' + r"'''(?P<single>(?:[^']|'(?!''))*+)'''")
_TEXT = lazy.compile(r""""(?P<double>(?:[^"\\\n]|\\.)*+)"|'(?P<single>[^'\n]*+)'|(?P<word>[^#\n]*)""")
_INLINE = 50_000


def pairs(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of a TOML file, with the table before the name."""
    at, line, table = 0, 1, ""
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if match := _TABLE.match(text, at, end):
            table = _name(match["name"])
        elif match := _PAIR.match(text, at, end):
            name = join(table, _name(match["name"]))
            found, end = _value(text, match.end(), end, name, line, depth)
            yield from found
        line += text.count("\n", at, end + 1)
        at = end + 1


def _value(text: str, at: int, end: int, name: str, line: int, depth: int) -> tuple[list[Pair], int]:
    """The pairs of one value, and where the last of its lines ends."""
    if text[at : at + 1] in ("{", "["):
        return _collection(text, at, end, name, line, depth)
    match = _LONG.match(text, at)
    if match is None:
        match = _TEXT.match(text, at, end)
        if match is None:
            return [], end
    group = match.lastgroup or "word"
    value = match[group] if group != "double" else json5.unescaped(match["double"])
    last = line + match[0].count("\n")
    close = text.find("\n", match.end())
    pair = Pair(name.rpartition(".")[2], name, value.strip(), line, last, group != "word", "toml")
    return [pair], max(end, len(text) if close < 0 else close) if last > line else end


def _collection(text: str, at: int, end: int, name: str, line: int, depth: int) -> tuple[list[Pair], int]:
    level, stop = 0, at
    for match in re.finditer(r""""(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|#[^\n]*|[\[\]{}]""", text[at : at + _INLINE]):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if level == 0 and match[0] in "]}":
            stop = at + match.end()
            break
    if stop == at:
        return [], end
    root = Node(LIST, line)
    root.entries = [("", node) for node in json5.values(text[at:stop], line)]
    if root.entries and root.entries[0][1].kind == LIST:
        holder = Node("map", line)
        holder.entries = [(name.rpartition(".")[2], root.entries[0][1])]
        root.entries = [("", holder)]
    found = list(walked(root, "toml", depth=depth))
    for pair in found:
        pair.path = join(name, pair.path)
    close = text.find("\n", stop)
    return found, max(end, len(text) if close < 0 else close)


def _name(dotted: str) -> str:
    return re.sub(r"""["']|\s*(?=\.)|(?<=\.)\s*""", "", dotted)
