"""Strings parted into lists, lists of strings sorted and joined, as Sprig has them."""

from __future__ import annotations

from typing import Any

from sealer.template.functions.table import Table
from sealer.template.limits import bounded, fits
from sealer.template.text.printing import shown
from sealer.template.text.runes import kept, raw
from sealer.template.values import ANY, INT, STRING, STRING_MAP, STRINGS, Map, Slice

TABLE = define = Table()


@define("join", STRING, ANY, result=STRING)
def _join(separator: bytes, value: Any) -> bytes:
    """`join SEPARATOR LIST`: elements of any type as toString has them, nil left out; what is no list stands alone."""
    parts = strings(value)
    fits(len(separator) * len(parts) + sum(map(len, parts)))
    return separator.join(parts)


def strings(value: Any) -> list[bytes]:
    """A list as strings, without its nils; anything else as a list of one."""
    if value is None:
        return []
    if not isinstance(value, Slice):
        return [shown(value)]
    return [shown(item) for item in value.items if item is not None]


@define("sortAlpha", ANY, result=STRINGS)
def _sort_alpha(value: Any) -> Slice:
    """In order of bytes; a []string is sorted in place, as in Sprig."""
    if not isinstance(value, Slice):
        return Slice([shown(value)], STRINGS)
    if value.type == STRINGS:
        value.items.sort()
        return value
    return Slice(sorted(strings(value)), STRINGS)


@define("toStrings", ANY, result=STRINGS)
def _to_strings(value: Any) -> Slice:
    """A list as a []string, each element as toString has it, nil left out; what is no list is one of one."""
    return value if isinstance(value, Slice) and value.type == STRINGS else Slice(strings(value), STRINGS)


@define("splitList", STRING, STRING, result=STRINGS)
def _split_list(separator: bytes, data: bytes) -> Slice:
    """`splitList SEPARATOR TEXT`: a []string; "" parts characters, where Python refuses it."""
    return Slice(parts(data, separator, -1), STRINGS)


@define("split", STRING, STRING, result=STRING_MAP)
def _split(separator: bytes, data: bytes) -> Map:
    """`split SEPARATOR TEXT`: a dict of parts by number, `(split "," .x)._0`; splitList gives a list."""
    return _numbered(parts(data, separator, -1))


@define("splitn", STRING, INT, STRING, result=STRING_MAP)
def _splitn(separator: bytes, count: int, data: bytes) -> Map:
    """`splitn SEPARATOR COUNT TEXT`: as split, but COUNT parts at most (Python's maxsplit + 1); below 0 all, 0 none."""
    return _numbered(parts(data, separator, count))


def parts(data: bytes, separator: bytes, count: int) -> list[bytes]:
    """strings.SplitN: at most `count` parts, all if it is below 0; an empty separator parts characters."""
    if count == 0:
        return []
    if separator:
        bounded(data.count(separator))
        return data.split(separator, count - 1 if count > 0 else -1)
    text = kept(data)
    whole = len(text) if count < 0 else min(count - 1, len(text))
    bounded(whole)
    found = [raw(character) for character in text[:whole]]
    return [*found, raw(text[whole:])] if text[whole:] else found


def _numbered(found: list[bytes]) -> Map:
    return Map({b"_%d" % number: item for number, item in enumerate(found)}, STRING_MAP)
