"""Environments: `.env`, shells (sh, fish, PowerShell, cmd), Dockerfiles, units of systemd, options. Pure.

One search over the text for each way to write it, in any file of these: scripts hold here-documents of `.env` files and
Dockerfiles hold shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.randomness import looks_random
from hooks.structure.lines import Lines
from hooks.structure.pair import Pair

_QUOTED = r""""(?P<double>(?:[^"\\]|\\[\s\S]){0,8000}+)"|\$?'(?P<single>[^']{0,8000}+)'"""
_WORD = r"""(?P<word>(?:\$\{[^}\n]*+\}|\$\([^)\n]*+\)|\\\S|[^\s;&|<>"'`()\\]|(?<=\S)[()](?=\S))++)"""
# A=b, export A=b C=d, A=b command, -e A=b, ENV A=b, ARG A=b, Environment="A=b", set A=b, --option=b
_ASSIGNED = lazy.compile(
    rf"""(?<![\w$./{{-])(?!Environment=)-{{0,2}}(?:(?<=-)D)?(?P<name>[A-Za-z_][\w.-]{{0,120}}+)\+?=(?:{_QUOTED}|{_WORD})""",
    re.ASCII,
)
# NAME = value on a line of its own, as some dotenv files, make and PowerShell have it; name: value there, too.
_SPACED = lazy.compile(
    rf"""^[ \t]*(?:export[ \t]+|set[ \t]+|\$(?:env:|global:|script:)?)?(?P<name>[A-Za-z_][\w.-]{{0,120}}+)"""
    rf"""[ \t]*(?:(?<=[ \t])[:?]?=|[:?]=|=(?=[ \t])|:(?=[ \t]))[ \t]*(?:{_QUOTED}|(?P<word>[^\n]*))""",
    re.ASCII | re.MULTILINE,
)
_POWERSHELL = lazy.compile(rf"\$env:(?P<name>\w+)[ \t]*=[ \t]*(?:{_QUOTED}|{_WORD})", re.IGNORECASE)
# ENV A b, set -gx A b, setx A b, --option b, -e A
_FOLLOWED = lazy.compile(
    rf"""(?:^[ \t]*ENV[ \t]+|\bset[ \t]+(?:-\w+[ \t]+|--[a-z]+[ \t]+)+|\bsetx[ \t]+"?|(?<!\S)--)"""
    rf"""(?P<name>[A-Za-z_][\w.-]{{1,120}}+)"?[ \t]+(?![-=]|\\)(?:{_QUOTED}|{_WORD})""",
    re.ASCII | re.MULTILINE,
)
# "A=b" in quotes: Environment="A=b", set "A=b"
_INSIDE = lazy.compile(r"""["'](?P<name>[A-Za-z_][\w.-]{0,120}+)=(?P<word>[^"'\n]*+)["']""", re.ASCII)
_SETTER = lazy.compile(
    r"""SetEnvironmentVariable\(\s*["'](?P<name>\w+)["']\s*,\s*["'](?P<single>[^"'\n]*+)["']""", re.IGNORECASE
)
# : ${A:=b}, what A is unless it was set
_UNLESS = lazy.compile(
    r"""^[ \t]*:[ \t]+"?(?P<word>\$\{(?P<name>[A-Za-z_]\w{0,120}+):?=[^{}$\n]{1,500}\})""", re.ASCII | re.MULTILINE
)
_COMMENT = lazy.compile(r"(?:^|[ \t])#.*$")


def pairs(text: str, depth: int = 0, where: str = "shell") -> Iterator[Pair]:  # noqa: ARG001
    """Every assignment, and every option with its value."""
    at = Lines(text)
    seen: set[int] = set()
    for pattern in (_ASSIGNED, _POWERSHELL, _FOLLOWED, _SPACED, _INSIDE, _SETTER, _UNLESS):
        for match in pattern.finditer(text):
            start = match.start("name")
            if start in seen:
                continue
            seen.add(start)
            value, place, quoted = _value(match)
            if pattern is _SPACED and not quoted:
                value = _COMMENT.sub("", value)
            value = value.strip()
            if (value or quoted) and (not _is_comment(text, start) or looks_random(value)):
                yield Pair(match["name"], match["name"], value, *at.span(place, place + len(value)), quoted, where)


def _is_comment(text: str, start: int) -> bool:
    """Whether a place is commented out: most of these are examples: only what was drawn at random is real."""
    begin = text.rfind("\n", 0, start) + 1
    return text[begin : min(start, begin + 200)].lstrip().lower().startswith(("#", "rem ", "::"))


def environment(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of a `.env` file."""
    return pairs(text, depth, "env")


def _value(match: re.Match[str]) -> tuple[str, int, bool]:
    groups = match.groupdict()
    if groups.get("double") is not None:
        return match["double"].replace('\\"', '"').replace("\\$", "$"), match.start("double"), True
    if groups.get("single") is not None:
        return match["single"], match.start("single"), True
    return match["word"].rstrip("\r"), match.start("word"), False
