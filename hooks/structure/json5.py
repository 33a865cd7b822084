"""JSON as people write it: comments, trailing commas, single quotes, bare words, templates, several values. Pure.

Also flow collections of YAML (`{a: b c, d: [e]}`), HCL's and TOML's inline maps (`{ a = "b" }`): only what joins a key
to its value differs. A loop over tokens, never recursion; nothing is refused, and what makes no sense is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hooks import lazy
from hooks.structure.tree import LIST, MAP, MAX_DEPTH, TEXT, Node

_TOKEN = lazy.compile(
    r"""(?P<space>[\s,;]+)|(?P<comment>//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|\#[^\n]*)"""
    r"""|(?P<string>"(?:[^"\\\n]|\\[\s\S])*+"?|'(?:[^'\\\n]|\\[\s\S])*+'?|`(?:[^`\\]|\\[\s\S])*+`?)"""
    r"""|(?P<open>\[|\{(?!\{))|(?P<close>[\]}])|(?P<assign>:=|=>|[:=])"""
    r"""|(?P<word>(?:\{\{[^{}]{0,2000}\}\}|\$\{[^{}]{0,2000}\}|[^\s,;:=\[\]{}"'`])++|\{)"""
)
# In YAML a bare text may hold blanks, colons and quotes; a colon only joins before a blank.
_FLOW = lazy.compile(
    r"""(?P<space>[\s,]+)|(?P<comment>\#[^\n]*)|(?P<string>"(?:[^"\\]|\\[\s\S])*+"|'(?:[^']|'')*+')"""
    r"""|(?P<open>\[|\{(?!\{))|(?P<close>[\]}])|(?P<assign>:(?=[\s,\[\]{}"']|$))"""
    r"""|(?P<word>(?:\{\{[^{}]{0,2000}\}\}|\$\{[^{}]{0,2000}\}|:(?![\s,\[\]{}]|$)|(?<!\s)\#|[^:,\[\]{}\#\n])++|[\{:\#])"""
)
_ESCAPE = lazy.compile(r"\\(?:u\{?([0-9A-Fa-f]{4,8})\}?|x([0-9A-Fa-f]{2})|U([0-9A-Fa-f]{8})|([\s\S]))")
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}


def values(text: str, line: int = 1, *, flow: bool = False) -> Iterator[Node]:
    """The values of a text, one behind the other. `line`: where it begins; `flow`: it is a collection of YAML."""
    reader = _Reader(text, line, flow=flow)
    reader.read()
    yield from (node for _, node in reader.root.entries)


def tree(text: str, line: int = 1) -> Node:
    """The same values as a list."""
    root = Node(LIST, line)
    root.entries = [("", node) for node in values(text, line)]
    return root


def unescaped(inner: str) -> str:
    r"""The text between double quotes, with its escapes (`\\n`, `\\u0041`, `\\x41`) undone."""
    if "\\" not in inner:
        return inner
    try:
        whole = json.loads(f'"{inner}"')
    except (ValueError, RecursionError):
        return _ESCAPE.sub(_escaped, inner)
    return whole if isinstance(whole, str) else inner


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return _SIGNS.get(match[4], match[4])
    number = int(code, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


class _Reader:
    def __init__(self, text: str, line: int, *, flow: bool) -> None:
        self.text = text
        self.flow = flow
        self.line = line
        self.counted = 0
        self.root = Node(LIST, line)
        self.open = [self.root]
        self.keys: list[Node | None] = [None]
        self.held: Node | None = None
        self.deeper = 0

    def read(self) -> None:
        for match in (_FLOW if self.flow else _TOKEN).finditer(self.text):
            kind = match.lastgroup
            if kind == "space":
                if "," in match[0] or ";" in match[0]:
                    self.flush()
            elif kind == "string":
                self.scalar(match, self.string(match[0]), True)
            elif kind == "word":
                self.scalar(match, match[0].strip(), False)
            elif kind == "assign":
                self.assign()
            elif kind == "open":
                self.flush(new=True)
                self.begin(match)
            elif kind == "close":
                self.flush()
                self.finish(match)
        self.flush()

    def lines(self, at: int) -> int:
        self.line += self.text.count("\n", self.counted, at)
        self.counted = at
        return self.line

    def string(self, token: str) -> str:
        inner = token[1:-1] if len(token) > 1 and token[-1] == token[0] else token[1:]
        if self.flow and token[0] == "'":
            return inner.replace("''", "'")
        return unescaped(inner)

    def scalar(self, match: re.Match[str], text: str, quoted: bool) -> None:
        if not text and not quoted:
            return
        self.flush()
        line = self.lines(match.start())
        self.held = Node(TEXT, line, line + match[0].count("\n"), text, quoted)

    def assign(self) -> None:
        """What was held is a key, unless one waits for its value already: then this sign is nothing."""
        if self.held is not None and self.keys[-1] is None:
            self.keys[-1] = self.held
            self.held = None

    def flush(self, *, new: bool = False) -> None:
        """Puts what is held where it belongs. `new`: a collection begins, before which a word is only a label."""
        if self.held is not None:
            if new and self.keys[-1] is None and self.open[-1].kind == MAP:
                self.keys[-1] = self.held
            else:
                self.put(self.held)
            self.held = None

    def put(self, node: Node) -> None:
        into, key = self.open[-1], self.keys[-1]
        self.keys[-1] = None
        if key is not None and into.kind == MAP:
            into.entries.append((key.text, node))
        elif into.kind == LIST:
            into.entries.append(("", node))

    def begin(self, match: re.Match[str]) -> None:
        if len(self.open) > MAX_DEPTH:
            self.deeper += 1
            return
        node = Node(MAP if match[0] == "{" else LIST, self.lines(match.start()))
        self.put(node)
        self.open.append(node)
        self.keys.append(None)

    def finish(self, match: re.Match[str]) -> None:
        if self.deeper:
            self.deeper -= 1
        elif len(self.open) > 1:
            self.open.pop().end = self.lines(match.start())
            self.keys.pop()
