"""Rules that a team wrote for gitleaks, found as gitleaks finds them: beside the engine's, on every text of a run.

What they find counts by their terms alone: keywords in the text, the path, the entropy of the group, allowlists judged
on the secret, the match or the line, and what else has to stand near. One of ours that finds the same value in the same
line gives way, so that a value is told once.
"""

from __future__ import annotations

import os
from collections import Counter
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hooks.compat import gitleaks
from hooks.compat.words import Words
from hooks.engine.found import DECODE
from hooks.finding import Hit, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooks.compat.gitleaks import Gitleaks
    from hooks.compat.teamrule import Required, TeamRule
    from hooks.engine.found import Candidates
    from hooks.text import Text

STDIN = "stdin"
"""What is read from a pipe has no path that a rule could be about."""


class Match(NamedTuple):
    """Where an expression matched, as gitleaks counts lines and columns, and the secret in it."""

    line: int
    end: int
    column: int
    secret: bytes


class Own:
    """The rules of one `.gitleaks.toml`."""

    __slots__ = ("_by_commit", "_by_id", "_by_name", "_lists", "_rules", "_top", "_words", "digest")

    def __init__(self, config: Gitleaks, top: str) -> None:
        self._by_id = {rule.theirs: rule for rule in config.own}
        self._by_commit = {rule.name for rule in config.own if any(one.commits for one in rule.allowlists)}
        shown = [rule for rule in config.own if not rule.hidden]
        self._rules = [rule for rule in shown if rule.regex]
        self._by_name = [rule for rule in shown if not rule.regex]
        self._lists = config.everywhere()
        self._words = Words([rule.keywords for rule in self._rules], [rule.regex for rule in self._rules])
        self._top = top
        self.digest = config.digest

    def ids(self) -> set[str]:
        """The ids of these rules."""
        return {rule.name for rule in (*self._rules, *self._by_name)}

    def join(self, hits: list[Hit], text: Text, found: Candidates) -> list[Hit]:
        """What was found in a text, and what these rules find there."""
        own = [*self.named(text.path, text.data), *self._hits(text)]
        for inner in self._decoded(text, found):
            inside = self._hits(inner.text)
            own += (Hit(hit.rule, inner.line, inner.end, value=hit.value, decoded=inner.how) for hit in inside)
        if not own:
            return hits
        own = [hit for hit in own if not _says_less(hit, [*own, *hits])]
        # What may be accepted by its commit later is told by both until then.
        sure = [hit for hit in own if hit.rule.id not in self._by_commit]
        rest = [hit for hit in hits if not _gives_way(hit, sure)]
        return sorted([*own, *rest], key=lambda hit: (hit.line, hit.rule.id))

    def named(self, path: str, data: bytes | None) -> list[Hit]:
        """What is found by the name of a file alone; a file without a byte holds nothing."""
        if not self._by_name or data == b"" or path == STDIN:
            return []
        path = self._relative(path)
        if any(one.admits_file(path) for one in self._lists):
            return []
        return [
            Hit(rule.rule, 1, 1)
            for rule in self._by_name
            if rule.path is not None
            and rule.path(path)
            and not any(one.admits_file(path) for one in rule.allowlists)
            and (not rule.keywords or any(word.encode() in (data or b"").lower() for word in rule.keywords))
        ]

    def _hits(self, text: Text) -> Iterator[Hit]:
        numbers = self._words.present(text.data)
        path = self._relative(text.path)
        if not numbers or (path and any(one.admits_file(path) for one in self._lists)):
            return
        data = text.data
        for number in numbers:
            rule = self._rules[number]
            for match in self._composite(rule, path, data) if rule.required else self._matches(rule, path, data):
                yield Hit(rule.rule, match.line, match.end, value=Value(match.secret))

    def _decoded(self, text: Text, found: Candidates) -> Iterator[Any]:
        """Texts behind encodings, where a keyword of these rules or a trigger of the engine is."""
        at = self._words.encoded(text.data)
        if DECODE in found:
            ours = found.at(DECODE)
            at = None if ours is None or at is None else sorted({*at, *ours})
        if at is None or at:
            from hooks.decode import decoded

            yield from decoded(text, at)

    def _composite(self, rule: TeamRule, path: str, data: bytes) -> Iterator[Match]:
        """Matches beside which each required rule has one."""
        found = list(self._matches(rule, path, data))
        if not found:
            return
        parts = [(one, list(self._matches(self._by_id[one.theirs], path, data))) for one in rule.required]
        for match in found:
            if all(any(_near(match, other, part) for other in others) for part, others in parts):
                yield match

    def _matches(self, rule: TeamRule, path: str, data: bytes) -> Iterator[Match]:
        if rule.path is not None and not (path and rule.path(path)):
            return
        if path and any(one.admits_file(path) for one in rule.allowlists):
            return
        if not rule.regex:
            yield Match(0, 0, 0, b"")
            return
        for found in rule.compiled.finditer(data):
            whole = found.group().strip(b"\n")
            start = found.start()
            end = start + len(whole)
            if not whole:
                continue
            secret = _secret(rule, whole)
            if rule.entropy and _entropy(secret) <= rule.entropy:
                continue
            if not _admitted((*self._lists, *rule.allowlists), path, secret, whole, _line(data, start, end)):
                before = data.rfind(b"\n", 0, start + 1)
                line = data.count(b"\n", 0, start + 1) + 1
                yield Match(line, line + whole.count(b"\n"), start - max(before, 0) + 1, secret)

    def _relative(self, path: str) -> str:
        """A path from the top of the repository; empty for what has none."""
        if path == STDIN:
            return ""
        return os.path.relpath(os.path.join(os.path.realpath("."), path), self._top)


def use(top: str) -> None:
    """Look for what the rules of the `.gitleaks.toml` in force look for. Raises SourceError or DocumentError."""
    from hooks import scanner

    here = os.path.realpath(top or ".")
    config = gitleaks.find(Path(here))
    scanner.extra = Own(config, here) if config is not None and config.own else None


def _secret(rule: TeamRule, whole: bytes) -> bytes:
    """The group that is the secret, looked for in the match alone, as gitleaks does."""
    again = rule.compiled.search(whole)
    groups = again.groups() if again else ()
    if not groups:
        return whole
    if rule.group:
        return groups[rule.group - 1] or b""
    return next(filter(None, groups), whole)


def _line(data: bytes, start: int, end: int) -> bytes:
    """The lines of a match, with the line feed before them: gitleaks judges by that, too."""
    stop = data.find(b"\n", max(end, start))
    return data[max(data.rfind(b"\n", 0, start + 1), 0) : len(data) if stop < 0 else stop]


def _admitted(lists: tuple[Any, ...], path: str, secret: bytes, whole: bytes, line: bytes) -> bool:
    said = [part.decode("utf-8", "replace") for part in (secret, whole, line)]
    return any(one.admits(path, *said) for one in lists)


def _near(match: Match, other: Match, part: Required) -> bool:
    """Whether a required match is as near as its rule says."""
    if part.lines is not None and abs(match.line - other.line) > part.lines:
        return False
    return part.columns is None or abs(match.column - other.column) <= part.columns


def _entropy(secret: bytes) -> float:
    """Shannon's, of characters, by the number of bytes."""
    shares = [count / len(secret) for count in Counter(secret.decode("utf-8", "replace")).values()]
    return -sum(share * log2(share) for share in shares)


def _says_less(hit: Hit, others: list[Hit]) -> bool:
    """Whether a generic rule found what another one says more of."""
    if "generic" not in hit.rule.id or hit.value is None:
        return False
    return any(_at(hit, one) and "generic" not in one.rule.id and _holds(one, hit) for one in others)


def _gives_way(hit: Hit, own: list[Hit]) -> bool:
    """Whether a rule of the team's own found the value of this hit as well; one that can be sealed is kept."""
    return not hit.sealable and any(_at(hit, one) and _holds(one, hit) for one in own)


def _at(one: Hit, other: Hit) -> bool:
    return one.line <= other.end and other.line <= one.end


def _holds(one: Hit, other: Hit) -> bool:
    return one.value is not None and other.value is not None and one.value.holds(other.value)
