"""The first pass by RE2, for where there is no wheel of vectorscan: slower, with the same findings.

RE2 matches a set of expressions in one pass, too, but says only which are there, not where. So keywords choose the
rules, which are then confirmed in the whole text; of detectors that ask where, each expression is looked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hooks.engine.confirm import exact
from hooks.engine.found import CODE, DECODE, MOST, PAIRS, Candidates

if TYPE_CHECKING:
    from hooks.engine.build import Built

_MEMORY = 256 << 20
"""The most that a set may take for its states; what it takes grows with what it meets."""
_PLACED = (PAIRS, CODE, DECODE)


class Re2:
    """All keywords and triggers as sets of expressions."""

    __slots__ = ("_always", "_exact", "_keywords", "_rules", "_triggers", "_words")

    def __init__(self, built: Built) -> None:
        self._always = [number for number, record in enumerate(built.records) if not record.keywords]
        words: dict[bytes, list[int]] = {}
        for number, record in enumerate(built.records):
            for word in record.keywords:
                words.setdefault(word, []).append(number)
        self._rules = list(words.values())
        self._keywords = _set([b"(?i)" + _literal(word) for word in words])
        self._triggers = [pattern for pattern in built.patterns if pattern[1] >= 1 << 20]
        self._words = _set([expression for expression, _, _ in self._triggers])
        self._exact: dict[int, Any] = {}

    def scan(self, data: bytes) -> Candidates:
        """What is worth a closer look."""
        found: dict[int, list[int]] = {number: [] for number in self._always}
        for word in self._keywords.Match(data) or ():
            found.update((number, []) for number in self._rules[word])
        for index in self._words.Match(data) or ():
            number = self._triggers[index][1]
            ends = found.setdefault(number, [])
            if number in _PLACED and len(ends) < MOST:
                ends += self._ends(index, data)
        return Candidates(found)

    def _ends(self, index: int, data: bytes) -> list[int]:
        compiled = self._exact.get(index)
        if compiled is None:
            compiled = self._exact[index] = exact(self._triggers[index][0])
        return [match.end() for match in compiled.finditer(data)]


def _set(patterns: list[bytes]) -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _MEMORY
    found = re2.Set.SearchSet(options)
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


def _literal(word: bytes) -> bytes:
    return b"".join(bytes([byte]) if chr(byte).isalnum() and byte < 128 else rb"\x%02x" % byte for byte in word)
