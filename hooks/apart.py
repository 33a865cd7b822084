"""Names apart from their values: in `INSERT INTO`, names that are unpacked, arguments on the next line. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hooks import lazy
from hooks.structure.pair import Pair
from hooks.syntax import last, unescaped

_INSERT = lazy.compile(
    r"(?i:insert\s+into\s+\S+\s*)\((?P<names>[^()]{3,500})\)\s*(?i:values)\s*\((?P<values>.{3,1000}?)\)\s*(?:[,;]|$)"
)
_TARGETS = lazy.compile(
    r"\s*(?:(?:const|let|var|local|my)\s+)?"
    r"[(\[]?(?P<names>[\w.$@]+(?:[ \t]*,[ \t]*[\w.$@]+){1,9})[)\]]?\s*:?=(?!=)"
)
_VALUE = lazy.compile(
    r"\s*[(\[]?(?:[urb]?(?P<q>[\"'])(?P<value>(?:(?!(?P=q))(?:\\.|[^\\]))*)(?P=q)"
    r"|[\w.]+(?:\([^()]*\))?)\s*[)\]]?\s*(?:,|;|$|#.*$)"
)
_ITEM = lazy.compile(r"\s*N?'(?P<text>(?:[^'\\]|''|\\.)*)'|[^,]+")

_OPTION = lazy.compile(r"(?P<indent>\s*)- [\"']?--?(?P<key>[A-Za-z][\w.\-]{2,60})[\"']?\s*")
_ARGUMENT = lazy.compile(r"(?P<indent>\s*)- (?P<q>[\"']?)(?P<value>[^\s\"'`<>{}$,\-][^\s\"'`<>{}$]{3,500})(?P=q)")


def pairs(line: str, low: str) -> Iterator[Pair]:
    """The pairs of one line, whose number is 0 here. `low`: the line in lower case."""
    if "," in line and "=" in line:
        yield from _unpacked(line)
    if "insert" in low:
        yield from inserted(line)


def inserted(line: str) -> Iterator[Pair]:
    """Values of columns that hold credentials: `INSERT INTO t (name, password) VALUES ('x', 'v')`."""
    for match in _INSERT.finditer(line):
        names = [name.strip(" `\"'[]") for name in match["names"].split(",")]
        for name, item in zip(names, _ITEM.finditer(match["values"]), strict=False):
            if item["text"]:
                yield Pair(name, name, item["text"], 0, 0, True, "sql")


def _unpacked(line: str) -> Iterator[Pair]:
    """Several names that are given as many values at once: `USER, PASSWORD = "bob", "v"`; "" is no literal."""
    match = _TARGETS.match(line)
    if match is None:
        return
    names, at = [name.strip() for name in match["names"].split(",")], match.end()
    literals: list[str | None] = []
    while len(literals) <= len(names) and (value := _VALUE.match(line, at)):
        literals.append(value["value"])
        at = value.end()
    if len(literals) == len(names):
        yield from (
            Pair(last(name), name, unescaped(value or "", ""), 0, 0, True, "code")
            for name, value in zip(names, literals, strict=True)
        )


def listed(line: str, following: str) -> Iterator[Pair]:
    """An option and its argument as two items of a list, as containers are started: `- --password`, then `- v`."""
    option, argument = _OPTION.fullmatch(line), _ARGUMENT.fullmatch(following.rstrip())
    if option and argument and option["indent"] == argument["indent"]:
        yield Pair(option["key"], option["key"], argument["value"], 1, 1, bool(argument["q"]), "prose")
