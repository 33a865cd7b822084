"""An allowlist of gitleaks: what its paths, expressions, stop words and commits leave out, one of them or all.

Its `regexTarget = "match"` is judged by the line, which the match is a part of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hooks.compat.patterns import Search, search

if TYPE_CHECKING:
    from hooks.finding import Finding

_KNOWN = {
    "description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords", "targetRules", "id",
}  # fmt: skip
_AND = ("and", "&&")
_OR = ("or", "||", "")

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Allowlist:
    """One list. `rules` are those of gitleaks that it is about; none: all."""

    rules: tuple[str, ...]
    all_of: bool
    commits: tuple[str, ...]
    paths: tuple[Search, ...]
    target: str
    regexes: tuple[Search, ...]
    stopwords: tuple[str, ...]

    @property
    def needs_lines(self) -> bool:
        """Whether it looks at lines."""
        return bool(self.regexes) and self.target != "secret"

    def allows(self, one: Finding, path: str, line: str) -> bool:
        """Whether a finding is left out."""
        asked = list(self._answers(one, path, line))
        return bool(asked) and (all if self.all_of else any)(asked)

    def _answers(self, one: Finding, path: str, line: str) -> Iterator[bool]:
        """What each part that the list has says."""
        if self.commits:
            yield bool(one.commit) and any(commit.startswith(one.commit) for commit in self.commits)
        if self.paths:
            yield any(found(path) for found in self.paths)
        if self.regexes and self.target == "secret":
            yield one.value is not None and any(map(one.value.satisfies, self.regexes))
        elif self.regexes:
            yield any(found(line) for found in self.regexes)
        if self.stopwords:
            yield one.value is not None and one.value.satisfies(
                lambda value: any(word in value.lower() for word in self.stopwords)
            )


def read(fields: dict[str, Any], where: str, warn: Warn, rules: tuple[str, ...] = ()) -> Allowlist:
    """The list that a table holds. What of it means nothing here goes to `warn`."""
    for name in fields.keys() - _KNOWN:
        warn(f"{where} has the field {name}, which means nothing here")
    condition = str(fields.get("condition", "")).lower()
    if condition not in (*_AND, *_OR):
        warn(f"{where} has a condition that is neither AND nor OR; taken for AND")
    target = str(fields.get("regexTarget", "") or "secret")
    if target not in ("secret", "match", "line"):
        warn(f"{where} has a regexTarget that is not match or line; taken for the value")
        target = "secret"
    return Allowlist(
        rules or tuple(texts(fields, "targetRules", where, warn)),
        condition not in _OR,
        tuple(text.lower() for text in texts(fields, "commits", where, warn)),
        patterns(fields, "paths", where, warn),
        target,
        patterns(fields, "regexes", where, warn),
        tuple(text.lower() for text in texts(fields, "stopwords", where, warn)),
    )


def texts(fields: dict[str, Any], name: str, where: str, warn: Warn) -> list[str]:
    """A list of texts."""
    value = fields.get(name, [])
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return value
    warn(f"{where}: {name} is not a list of texts, and is passed over")
    return []


def patterns(fields: dict[str, Any], name: str, where: str, warn: Warn) -> tuple[Search, ...]:
    """A list of expressions; one that can't be read is named, and matches nothing."""
    found = []
    for number, text in enumerate(texts(fields, name, where, warn), 1):
        if compiled := search(text):
            found.append(compiled)
        else:
            warn(f"{where}: expression {number} of {name} can't be read, and is passed over")
            found.append(_nothing)
    return tuple(found)


def _nothing(_: str) -> bool:
    return False
