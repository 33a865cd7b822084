"""XML by its tags: elements, attributes, and how files name a value. No parser, so no entity expands. Pure.

<password>x</password>           <property name="password">x</property>      <add key="Password" value="x"/>
<key>password</key><string>x</string>                                        <name>password</name><value>x</value>
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from hooks import lazy
from hooks.structure.lines import Lines
from hooks.structure.pair import Pair
from hooks.structure.tree import join

_TOKEN = lazy.compile(
    r"<!--(?:[^-]|-(?!->))*+(?:-->)?|<!\[CDATA\[(?P<cdata>(?:[^\]]|\](?!\]>))*+)(?:\]\]>)?|<\?[^>]*+>?|<![^>]*+>?"
    r"""|</(?P<close>[\w:.-]+)\s*+>|<(?P<open>[\w:.-]+)(?P<attributes>(?:[^<>"']|"[^"]*+"|'[^']*+')*+)>|(?P<text>[^<]++)|<"""
)
_ATTRIBUTE = lazy.compile(r"""(?P<name>[\w:.-]+)\s*=\s*(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)')""")
_NAMES = frozenset(("name", "key", "id", "property", "variable", "option", "optionname", "field"))
_VALUES = frozenset(("value", "connectionstring", "string", "data", "content", "defaultvalue", "default"))
_MAX_DEPTH = 200


class _Element:
    __slots__ = ("before", "children", "name", "named", "start", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.named = ""  # by an attribute: name="password"
        self.text = ""
        self.start = 0
        self.children = 0
        self.before = ""  # by the element before it: <key>password</key>, <name>password</name>


def pairs(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """Every element and attribute with a text."""
    at = Lines(text)
    open_ = [_Element("")]
    for match in _TOKEN.finditer(text):
        if match["open"]:
            attributes = match["attributes"]
            element = _Element(match["open"].rpartition(":")[2])
            parent = open_[-1]
            parent.children += 1
            path = ".".join(each.name for each in open_[1:][-8:])
            yield from _attributes(element, attributes, match.start("attributes"), path, at)
            if not attributes.endswith("/") and len(open_) < _MAX_DEPTH:
                open_.append(element)
        elif match["close"]:
            name = match["close"].rpartition(":")[2]
            for back in range(1, min(len(open_), 4)):  # a tag that was never closed costs only itself
                if open_[-back].name == name:
                    element = open_[-back]
                    del open_[-back:]
                    yield from _element(element, open_, at)
                    break
        elif match["text"] or match["cdata"]:
            last = open_[-1]
            if not last.text.strip():
                last.start = match.start("cdata" if match["cdata"] else "text")
                last.text = ""
            last.text += match["cdata"] or html.unescape(match["text"])


def _attributes(element: _Element, attributes: str, start: int, path: str, at: Lines) -> Iterator[Pair]:
    found = list(_ATTRIBUTE.finditer(attributes)) if "=" in attributes else []
    values = {match["name"].rpartition(":")[2]: html.unescape(match[match.lastgroup or "double"]) for match in found}
    named = next((value for name, value in values.items() if name.lower() in _NAMES), "")
    element.named = named if len(named) < 200 else ""
    for match in found:
        name = match["name"].rpartition(":")[2]
        begin, end = match.span(match.lastgroup or "double")
        place = at.span(start + begin, start + end)
        if name.lower() in _VALUES and element.named:
            yield Pair(element.named, join(path, element.named), values[name], *place, True, "xml")
            if name.lower() != "connectionstring":
                continue
        where = join(path, f"{element.name}.{name}")
        yield Pair(name, where, html.unescape(match[match.lastgroup or "double"]), *place, True, "xml")


def _element(element: _Element, open_: list[_Element], at: Lines) -> Iterator[Pair]:
    value = element.text.strip()
    parent = open_[-1]
    low = element.name.lower()
    if element.children or not value:
        return
    if low in ("key", "name") and len(value) < 200:
        parent.before = value
    key = element.named or (parent.before or parent.named if low in _VALUES else "") or element.name
    if low in _VALUES:
        parent.before = ""
    begin = element.start + len(element.text) - len(element.text.lstrip())
    path = ".".join(each.name for each in open_[1:][-8:])
    yield Pair(key, join(path, key), value, *at.span(begin, begin + len(value)), False, "xml")
