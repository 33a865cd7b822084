"""Candidates into hits: the exact expression around each, then what its value is made of. Only where something matched.

An expression is looked for in a window around the places where vectorscan saw it end. A window reaches as far before
and behind them as a match can be long, and windows that touch are one, so that what is found is what would be found in
the whole text: no match begins before its window. Where a match has no bound, the whole text is the window.
"""

from __future__ import annotations

from bisect import bisect_right

from hooks.engine.values import issued, plausible
from hooks.finding import Hit, Value
from hooks.rule import WARNING, Rule

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from hooks.engine.build import Record, Records
    from hooks.engine.found import Candidates
    from hooks.text import Text

_MEMORY = 8 << 20
"""So many bytes of windows are remembered: the versions of a file hold the same ones again and again."""
_PER_RULE = 32 << 20
_BEFORE = 200
"""So many bytes before a password its scheme begins, and behind it its host ends."""


class _Match:
    """A value, and all that the rule's expression took."""

    __slots__ = ("end", "rule", "size", "start")

    def __init__(self, rule: int, start: int, end: int, size: int) -> None:
        self.rule = rule
        self.start = start
        self.end = end
        self.size = size

    def moved(self, by: int) -> _Match:
        return _Match(self.rule, self.start + by, self.end + by, self.size)


def exact(pattern: bytes) -> Any:
    """An expression as RE2 has it, over bytes. Raises re2.error."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _PER_RULE
    return re2.compile(pattern, options)


class Confirm:
    """The rules' expressions, compiled when they are first needed, and what they found in the windows before."""

    __slots__ = ("_exact", "_loose", "_memory", "_paths", "_records", "_rules", "_windows")

    def __init__(self, records: Records | Sequence[Record]) -> None:
        self._records = records
        self._exact: dict[int, Any] = {}
        self._loose: dict[int, Any] = {}
        self._rules: dict[tuple[int, str], Rule] = {}
        self._paths: dict[str, Any] = {}
        self._windows: dict[tuple[int, bool, bool, bytes], tuple[_Match, ...]] = {}
        self._memory = _MEMORY

    def hits(self, text: Text, candidates: Candidates) -> list[Hit]:
        """One hit for each value, of the rule that says most about it."""
        found: list[_Match] = []
        for number, ends in candidates.rules():
            if self._applies(number, text.path):
                found += self._matches(number, text.data, ends)
        return [self._hit(text, match) for match in self._best(found) if _opens(text, match)]

    def _applies(self, number: int, path: str) -> bool:
        record = self._records[number]
        if record.only and not self._path(record.only, path):
            return False
        return not (record.never and self._path(record.never, path))

    def _path(self, pattern: str, path: str) -> bool:
        compiled = self._paths.get(pattern)
        if compiled is None:
            compiled = self._paths[pattern] = exact(b"(?is)" + pattern.encode())
        return compiled.fullmatch(path.encode("utf-8", "replace")) is not None

    def _matches(self, number: int, data: bytes, ends: list[int]) -> Iterator[_Match]:
        """What a rule finds around the places where it may end."""
        width = self._records[number].window
        if not width or not ends:
            if self._may_hold(number, data):
                yield from self._search(number, data, 0, len(data))
            return
        for low, high in _regions(ends, width, len(data)):
            # One byte more on each side tells whether a word ends there; the search doesn't go over it.
            first, last = max(low - 1, 0), min(high + 1, len(data))
            window = data[first:last]
            key = number, low > first, last > high, window
            known = self._windows.get(key)
            if known is None:
                known = tuple(self._search(number, window, low - first, high - first))
                self._remember(key, known)
            yield from (match.moved(first) for match in known)

    def _may_hold(self, number: int, data: bytes) -> bool:
        r"""Whether a whole text may hold a match: RE2 skips to what one begins with, but not behind a `\b`."""
        pattern = self._records[number].pattern
        if not pattern.startswith(rb"\b"):
            return True
        loose = self._loose.get(number)
        if loose is None:
            loose = self._loose[number] = exact(pattern[2:])
        return loose.search(data) is not None

    def _remember(self, key: tuple[int, bool, bool, bytes], found: tuple[_Match, ...]) -> None:
        self._memory -= len(key[3]) + 200
        if self._memory < 0:
            self._windows.clear()
            self._memory = _MEMORY
        self._windows[key] = found

    def _search(self, number: int, data: bytes, low: int, high: int) -> Iterator[_Match]:
        record = self._records[number]
        compiled = self._exact.get(number)
        if compiled is None:
            compiled = self._exact[number] = exact(record.pattern)
        for match in compiled.finditer(data, low, high):
            start, end = match.span(record.group)
            if start < end and plausible(record, data[start:end]):
                yield _Match(number, start, end, match.end() - match.start())

    def _best(self, found: list[_Match]) -> list[_Match]:
        """Of values that share bytes, the one of the rule that says most, then of the longest match."""
        starts: list[int] = []  # of those that are kept; none of them shares bytes with another
        kept: dict[int, _Match] = {}
        for match in sorted(found, key=self._order):
            at = bisect_right(starts, match.start)
            before = at > 0 and kept[starts[at - 1]].end > match.start
            if not before and not (at < len(starts) and starts[at] < match.end):
                starts.insert(at, match.start)
                kept[match.start] = match
        return [kept[start] for start in starts]

    def _order(self, match: _Match) -> tuple[int, int, int, int, int]:
        rank = self._records[match.rule].rank
        return -rank, -match.size, match.start - match.end, match.start, match.rule

    def _hit(self, text: Text, match: _Match) -> Hit:
        found = text.data[match.start : match.end]
        record = self._records[match.rule]
        # A token whose checksum is wrong is told, but stops nobody.
        severity = record.severity if issued(record, found) else WARNING
        rule = self._rules.get((match.rule, severity))
        if rule is None:
            rule = Rule(record.id, record.description, severity, record.remediation)
            self._rules[match.rule, severity] = rule
        return Hit(rule, text.line(match.start), text.line(match.end - 1), value=Value(found))


def _opens(text: Text, match: _Match) -> bool:
    """Whether the password of a URL is more than an example, which its host and the place of the file tell."""
    data = text.data
    if data[match.end : match.end + 1] != b"@" or b"://" not in data[max(match.start - _BEFORE, 0) : match.start]:
        return True
    import re

    from hooks.embedded import opens

    host = re.match(rb"[^\s/?#:@\"'<>`,)]*", data[match.end + 1 : match.end + _BEFORE])
    password = data[match.start : match.end].decode("utf-8", "replace")
    return opens(password, text.path, host[0].decode("utf-8", "replace") if host else "")


def _regions(ends: Sequence[int], width: int, size: int) -> Iterator[tuple[int, int]]:
    """Windows around ends in order, with those that touch joined."""
    low = high = -1
    for end in ends:
        if high < 0:
            low, high = end - width, end + width
        elif end - width <= high:
            high = end + width
        else:
            yield max(low, 0), min(high, size)
            low, high = end - width, end + width
    yield max(low, 0), min(high, size)
