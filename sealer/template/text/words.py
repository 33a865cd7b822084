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


class _Words:
    """The words of a name, one after the other."""

    def __init__(self, text: str) -> None:
        self._units = _UNITS.findall(text)
        self._at = 0

    def left(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._units)

    def next(self) -> tuple[_Word, str]:
        """The next word and its kind; NONE at the end, and for bytes that are no UTF-8."""
        units, start = self._units, self._at
        first = units[start][-1] if start < len(units) else ""
        if not first or first in INVALID:
            self._at = len(units)
            return _Word.NONE, "".join(units[start:])
        kind, self._at = self._word(first, start)
        return kind, "".join(units[start : self._at])

    def _word(self, first: str, start: int) -> tuple[_Word, int]:
        if _is_connector(first):
            return _Word.CONNECTOR, self._while(start + 1, _is_connector)
        if is_punctuation(first):
            return _Word.PUNCTUATION, self._while(start + 1, is_punctuation)
        if is_upper(first):
            return _Word.UPPER, self._capitals(start)
        if _is_alphabet(first):
            return _Word.LETTERS, self._while(start + 1, _is_small)
        if is_number(first):
            return _Word.NUMBER, self._while(start + 1, is_number)
        return _Word.OTHER, self._while(start + 1, _is_other)

    def _capitals(self, start: int) -> int:
        """Where a word ends that begins with a capital: `Name`, `NAME`, or `NAME` before `Next`."""
        units = self._units
        if start + 1 < len(units) and is_upper(units[start + 1][-1]):
            end = self._while(start + 2, is_upper)
            return end - 1 if end < len(units) and _is_alphabet(units[end][-1]) else end
        return self._while(start + 1, _is_small)

    def _while(self, start: int, is_part: Callable[[str], bool]) -> int:
        return _while(self._units, start, is_part)


def joined(text: str, connector: str) -> str:
    """A name in lower case, its words joined by a connector."""
    out: list[str] = []
    words = _Words(text)
    kind, word = words.next()
    while words.left():
        if kind is not _Word.CONNECTOR:
            out.append(_low(kind, word, connector))
        before, last = kind, word
        kind, word = words.next()
        if before is _Word.NUMBER:
            kind, word = _run(out, words, kind, word, connector)
        elif before is _Word.CONNECTOR:
            out.append(_low(before, last, connector))
        elif before is not _Word.PUNCTUATION:
            kind, word = _after_letters(out, words, kind, word, connector)
    out.append(_low(kind, word, connector))
    return "".join(out)


def _run(out: list[str], words: _Words, kind: _Word, word: str, connector: str) -> tuple[_Word, str]:
    """Small letters and digits behind a number belong to it; a connector parts them from what follows."""
    while kind in (_Word.LETTERS, _Word.NUMBER):
        out.append(_low(kind, word, connector))
        kind, word = words.next()
    if kind is not _Word.NONE and kind not in _QUIET:
        out.append(connector)
    return kind, word


def _after_letters(out: list[str], words: _Words, kind: _Word, word: str, connector: str) -> tuple[_Word, str]:
    if kind is not _Word.NUMBER:
        if kind not in _QUIET:
            out.append(connector)
        return kind, word
    if not words.left():
        return kind, word
    number = word
    kind, word = words.next()
    if kind is not _Word.LETTERS:
        out.append(number)
        if kind not in _QUIET:
            out.append(connector)
        return kind, word
    out += (connector, number)
    return _run(out, words, kind, word, connector)


def _low(kind: _Word, word: str, connector: str) -> str:
    if kind not in (_Word.UPPER, _Word.CONNECTOR):
        return word
    return "".join(connector if _is_connector(one) else lower(one) if is_upper(one) else one for one in word)


def _is_connector(character: str) -> bool:
    return character in "-_" or character in SPACES


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
