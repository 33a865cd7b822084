"""Words within names: snake_case, kebab-case and PascalCase as the xstrings package makes them, which Sprig uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto

from sealer.template.text.runes import INVALID, SPACES, is_letter, is_number, is_punctuation, is_upper, lower, upper


class _Word(Enum):
    NONE = auto()
    NUMBER = auto()
    UPPER = auto()
    LETTERS = auto()
    CONNECTOR = auto()
    PUNCTUATION = auto()
    OTHER = auto()


_UNITS = re.compile("[\udc80-\udcff]*[^\udc80-\udcff]|[\udc80-\udcff]+", re.DOTALL)
"""A character with the bytes before it that are no UTF-8: they count as a part of it."""
_QUIET = (_Word.CONNECTOR, _Word.PUNCTUATION)
"""What needs no connector before it."""


def joined(text: str, connector: str) -> str:
    """A name in lower case, its words joined by a connector."""
    out: list[str] = []
    kind, word, rest = _next(_UNITS.findall(text))
    while rest:
        if kind is not _Word.CONNECTOR:
            out.append(_low(kind, word, connector))
        before, last = kind, word
        kind, word, rest = _next(rest)
        if before is _Word.NUMBER:
            kind, word, rest = _run(out, kind, word, rest, connector)
        elif before is _Word.CONNECTOR:
            out.append(_low(before, last, connector))
        elif before is not _Word.PUNCTUATION:
            kind, word, rest = _after_letters(out, kind, word, rest, connector)
    out.append(_low(kind, word, connector))
    return "".join(out)


def _run(out: list[str], kind: _Word, word: str, rest: list[str], connector: str) -> tuple[_Word, str, list[str]]:
    """Small letters and digits behind a number belong to it; a connector parts them from what follows."""
    while kind in (_Word.LETTERS, _Word.NUMBER):
        out.append(_low(kind, word, connector))
        kind, word, rest = _next(rest)
    if kind is not _Word.NONE and kind not in _QUIET:
        out.append(connector)
    return kind, word, rest


def _after_letters(
    out: list[str], kind: _Word, word: str, rest: list[str], connector: str
) -> tuple[_Word, str, list[str]]:
    if kind is not _Word.NUMBER:
        if kind not in _QUIET:
            out.append(connector)
        return kind, word, rest
    if not rest:
        return kind, word, rest
    number = word
    kind, word, rest = _next(rest)
    if kind is not _Word.LETTERS:
        out.append(number)
        if kind not in _QUIET:
            out.append(connector)
        return kind, word, rest
    out += (connector, number)
    return _run(out, kind, word, rest, connector)


def _low(kind: _Word, word: str, connector: str) -> str:
    if kind not in (_Word.UPPER, _Word.CONNECTOR):
        return word
    return "".join(connector if _is_connector(one) else lower(one) if is_upper(one) else one for one in word)


def _is_connector(character: str) -> bool:
    return character in "-_" or character in SPACES


def _next(units: list[str]) -> tuple[_Word, str, list[str]]:
    """The next word, its kind, and what is left."""
    first = units[0][-1] if units else ""
    if not units or first in INVALID:
        return _Word.NONE, "".join(units), []
    if _is_connector(first):
        kind, end = _Word.CONNECTOR, _while(units, 1, _is_connector)
    elif is_punctuation(first):
        kind, end = _Word.PUNCTUATION, _while(units, 1, is_punctuation)
    elif is_upper(first):
        kind, end = _Word.UPPER, _capitals(units)
    elif _is_alphabet(first):
        kind, end = _Word.LETTERS, _while(units, 1, _is_small)
    elif is_number(first):
        kind, end = _Word.NUMBER, _while(units, 1, is_number)
    else:
        kind, end = _Word.OTHER, _while(units, 1, _is_other)
    return kind, "".join(units[:end]), units[end:]


def _capitals(units: list[str]) -> int:
    """Where a word ends that begins with a capital: `Name`, `NAME`, or `NAME` before `Next`."""
    if len(units) > 1 and is_upper(units[1][-1]):
        end = _while(units, 2, is_upper)
        return end - 1 if end < len(units) and _is_alphabet(units[end][-1]) else end
    return _while(units, 1, _is_small)


def _is_small(character: str) -> bool:
    return _is_alphabet(character) and not is_upper(character)


def _is_alphabet(character: str) -> bool:
    """A letter of a script that has words; Chinese characters are none."""
    return is_letter(character) and not any(first <= character <= last for first, last in _CHINESE)


_CHINESE = (("\u4e00", "\u9fcc"), ("\u3400", "\u4d85"), ("\U00020000", "\U0002b81d"))


def _is_other(character: str) -> bool:
    return not (
        _is_connector(character) or _is_alphabet(character) or is_number(character) or is_punctuation(character)
    )


def _while(units: Sequence[str], start: int, is_part: Callable[[str], bool]) -> int:
    end = start
    while end < len(units) and (is_part(units[end][-1]) or units[end][-1] in INVALID):
        end += 1
    return end


def pascal(text: str) -> str:
    """A name in PascalCase."""
    start = _while(text, 0, _is_connector)
    if start >= len(text):
        return text
    out = [text[:start]]
    current, was_upper = upper(text[start]), is_upper(text[start])
    for following in text[start + 1 :]:
        before, current = current, following
        if _is_connector(before):
            if not _is_connector(current):
                was_upper, current = is_upper(current), upper(current)
                continue
        elif was_upper:
            if is_upper(current):
                current = lower(current)
            else:
                was_upper = False
        out.append(before)
    out.append(current)
    return "".join(out)
