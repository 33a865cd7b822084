"""INI, `.cfg`, `.conf`, `.properties`, and what looks like them: sections, `=` or `:`, continued lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.structure.json5 import unescaped
from hooks.structure.pair import Pair
from hooks.structure.tree import join

_SECTION = lazy.compile(r"\s*\[+\s*(?P<name>[^\[\]\n]+?)\s*\]+\s*(?:[#;].*)?$")
_PAIR = lazy.compile(
    r"""(?P<indent>\s*)(?P<name>(?:\\.|[^\s=:#;!\[\\<>])(?:\\.|[^=:\n\\<>]){0,200}?)\s*[=:]\s*(?P<value>.*)$"""
)
# requirepass x, bindpw x, secret "x";
_REGISTRY = lazy.compile(r"\s*//[^\s=]+?:(?=\w+\s*=)")
_WORDS = lazy.compile(
    r"""\s*(?P<name>[\w.-]*(?:pass|passwd|password|secret|token|bindpw|rootpw|masterauth|requirepass|api[-_]?key"""
    r"""|key))[ \t]+"""
    r"""(?P<value>"[^"]*"|'[^']*'|[^\s#;]+);?\s*$""",
    re.IGNORECASE,
)
_COMMENT = lazy.compile(r"[ \t][#;].*$")
_COMMENTED = lazy.compile(r"\s*[#;]+\s?(?=[A-Za-z_][\w.-]*\s?[=:]\s*\S)")
_MOST = 200


def pairs(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """The pairs of an INI file, with the section before the name."""
    return _read(text, "ini")


def properties(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """The pairs of a `.properties` file of Java."""
    return _read(text, "properties")


def _read(text: str, where: str) -> Iterator[Pair]:
    lines = text.split("\n")
    at, section = 0, ""
    while at < len(lines):
        line = lines[at].rstrip("\r")
        at += 1
        if registry := _REGISTRY.match(line):  # .npmrc: //registry.npmjs.org/:_authToken=x
            line = line[registry.end() :]
        if commented := _COMMENTED.match(line):
            yield from _commented(line[commented.end() :], section, at, where)
            continue
        if match := _SECTION.match(line):
            section = match["name"]
        elif match := _PAIR.match(line) or _WORDS.match(line):
            first = at
            value, at = _continued(
                match["value"], lines, at, len(match["indent"]) if "indent" in match.re.groupindex else 0, where
            )
            name = match["name"].strip().strip("\"'")
            text_, quoted = _bare(value, where)
            yield Pair(name.rpartition(".")[2], join(section, name), text_, first, at, quoted, where)


def _commented(line: str, section: str, at: int, where: str) -> Iterator[Pair]:
    """A pair that was commented out: most are examples, so only what was drawn at random is taken for real."""
    from hooks.randomness import looks_random

    match = _PAIR.match(line)
    if match:
        value, quoted = _bare(match["value"], where)
        if looks_random(value):
            name = match["name"].strip()
            yield Pair(name.rpartition(".")[2], join(section, name), value, at, at, quoted, where)


def _continued(value: str, lines: list[str], at: int, indent: int, where: str) -> tuple[str, int]:
    """A value with the lines that go on with it: behind a backslash, or indented deeper (INI only)."""
    taken = [value]
    while at < len(lines) and len(taken) < _MOST:
        line = lines[at].rstrip("\r")
        if taken[-1].endswith("\\"):
            taken[-1] = taken[-1][:-1]
            taken.append(line.strip())
        elif where == "ini" and _deeper(line, indent) and not _PAIR.match(line):
            taken.append(line.strip())
        else:
            break
        at += 1
    if len(taken) == 1:
        return value, at
    return ("\n" if where == "ini" else "").join(part for part in taken if part), at


def _deeper(line: str, indent: int) -> bool:
    bare = line.lstrip()
    return bool(bare) and bare[0] not in "#;[" and len(line) - len(bare) > indent


def _bare(value: str, where: str) -> tuple[str, bool]:
    """A value without quotes and comment, and whether it was quoted."""
    value = value.strip()
    quote = value[:1]
    if quote in ("'", '"') and (end := value.find(quote, 1)) > 0:
        return value[1:end], True
    if where == "properties":
        return (unescaped(value) if "\\" in value else value), False
    return _COMMENT.sub("", value).strip().rstrip(";"), False
