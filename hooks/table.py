r"""Tables with a column of credentials: CSV and its kin, Markdown, reStructuredText's simple bars. Pure.

name,password          | host | password |
alice,x                |------|----------|
                       | db1  | x        |

and rows of names and values, `apiKey | x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hooks import keyname, lazy, letters
from hooks.structure.pair import Pair

_ENDINGS = (".csv", ".tsv", ".md", ".markdown", ".mdx", ".txt", ".rst", ".adoc", ".org")
_SIGNS = ("|", "\t", ";", ",")
_MOST_ROWS = 5_000
_MOST_CELLS = 100
_NAME_AND_VALUE = 2
_SHORTEST = 12
_DRAWN = 0.8
_CELL = lazy.compile(r'"((?:[^"]|"")*)"')
_KEPT = lazy.compile(r"\0(\d+)\0")
_NUMBER = lazy.compile(r"\d+(?:\.\d+)*")
_RULER = lazy.compile(r"[\s|:+=-]+")


def is_table(name: str) -> bool:
    """Whether a file is one that may hold tables, by its name."""
    return name.endswith(_ENDINGS)


def pairs(text: str, near: Sequence[int]) -> Iterator[Pair]:
    """The cells below each heading that names a credential; `near`: the lines, from 1, where one was seen."""
    lines = text.split("\n")
    done = 0
    for number in sorted(set(near)):
        if number <= done or number > len(lines):
            continue
        heads, sign = _cells(lines[number - 1])
        if sign == "|" and len(heads) == _NAME_AND_VALUE and _is_row(*heads):
            yield Pair(heads[0].replace(" ", "_"), heads[0], heads[1], number, number, True, "table")
            continue
        columns = [at for at, head in enumerate(heads) if len(head) < 40 and keyname.kind(head.replace(" ", "_"))]
        if not columns or len(heads) < 2 or not _is_first(lines, number, heads, sign):
            continue
        for done, line in enumerate(lines[number : number + _MOST_ROWS], number + 1):
            if line.strip() and _RULER.fullmatch(line):
                continue
            cells = _split(line, sign)
            if len(cells) != len(heads):
                break
            for at in columns:
                if cells[at]:
                    yield Pair(heads[at].replace(" ", "_"), heads[at], cells[at], done, done, True, "table")


def _is_row(name: str, value: str) -> bool:
    """Whether a row gives a name its value, as tables of variables do; most others tell its type or what it is for."""
    return keyname.is_credential(name.replace(" ", "_")) and len(value) >= _SHORTEST and letters.share(value) >= _DRAWN


def _is_first(lines: Sequence[str], number: int, heads: Sequence[str], sign: str) -> bool:
    """Whether a line begins a table: a row that only speaks of tokens has others above, or numbers in it."""
    above = lines[number - 2].strip() if number > 1 else ""
    if above and not _RULER.fullmatch(above) and len(_split(above, sign)) == len(heads):
        return False
    return not any(_NUMBER.fullmatch(head) for head in heads)


def _cells(line: str) -> tuple[list[str], str]:
    for sign in _SIGNS:
        if sign in line:
            return _split(line, sign), sign
    return [], ""


def _split(line: str, sign: str) -> list[str]:
    """The cells of a row, without quotes and marks around them."""
    line = line.strip("\r ")
    if sign == "|":
        line = line.removeprefix("|").removesuffix("|")
    if '"' in line and sign != "|":
        quoted: list[str] = []

        def kept(match: re.Match[str]) -> str:
            quoted.append(match[1].replace('""', '"'))
            return f"\0{len(quoted) - 1}\0"

        parts = _CELL.sub(kept, line.replace("\0", "")).split(sign)[:_MOST_CELLS]
        return [_KEPT.sub(lambda match: quoted[int(match[1])], part).strip() for part in parts]
    return [part.strip(" `*\t") for part in line.split(sign)[:_MOST_CELLS]]
