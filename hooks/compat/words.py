"""Which of many rules may find something in a text: their keywords in it, in one pass. Whatever the case.

Where a keyword is in base64, a rule may match what that decodes to.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hooks.engine.vectorscan import Vectorscan

_SHORTEST = 4


class Words:
    """Keywords of rules. A rule without any is always worth a look."""

    __slots__ = ("_always", "_encoded", "_first", "_of", "_words")

    def __init__(self, keywords: Sequence[Sequence[str]], regexes: Sequence[str]) -> None:
        self._always = [number for number, words in enumerate(keywords) if not words]
        self._of: dict[str, list[int]] = {}
        for number, words in enumerate(keywords):
            for word in words:
                self._of.setdefault(word, []).append(number)
        self._words = list(self._of)
        forms: set[bytes] = set()
        for words, regex in zip(keywords, regexes, strict=True):
            forms.update(form for word in words for form in _forms(word, regex))
        self._encoded = sorted(forms)
        self._first = self._database() if self._words else None

    def present(self, data: bytes) -> list[int]:
        """The numbers of rules without keywords, and of those with one in the text."""
        if not self._words:
            return self._always
        if self._first is not None:
            last = len(self._words)
            found = {number for number in self._first.scan(data).found if number < last}
        else:
            low = data.lower()
            found = {number for number, word in enumerate(self._words) if word.encode() in low}
        return sorted({*self._always, *(rule for number in found for rule in self._of[self._words[number]])})

    def encoded(self, data: bytes) -> list[int] | None:
        """Where a keyword ends in base64; None: anywhere, there are too many."""
        if self._first is None:
            return sorted(data.find(form) + len(form) for form in self._encoded if form in data)
        number = len(self._words)
        found = self._first.scan(data)
        return found.at(number) if number in found else []

    def _database(self) -> Vectorscan | None:
        from hooks.engine import vectorscan
        from hooks.engine.build import Built

        loaded = vectorscan.extension() if os.environ.get("SEALER_SCAN_ENGINE") != "re2" else None
        if loaded is None:
            return None
        patterns = [(b"(?i)" + _literal(word.encode()), number, True) for number, word in enumerate(self._words)]
        patterns += [(_literal(form), len(self._words), False) for form in self._encoded]
        return vectorscan.compiled(loaded[0], Built((), tuple(patterns)))


def _literal(word: bytes) -> bytes:
    return b"".join(rb"\x%02x" % byte for byte in word)


def _forms(word: str, regex: str) -> Iterator[bytes]:
    """What stands in the base64 of every text with a word in it, in the cases that its rule writes."""
    low, at, cases = regex.lower(), -1, set[str]()
    while (at := low.find(word, at + 1)) >= 0:
        cases.add(regex[at : at + len(word)])
    for case in cases or {word}:
        data = case.encode()
        for offset in range(3):
            first, last = (offset * 8 + 5) // 6, (offset + len(data)) * 8 // 6
            if last - first >= _SHORTEST:
                yield b2a_base64(bytes(offset) + data + bytes(3), newline=False)[first:last]
