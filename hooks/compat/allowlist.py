"""An allowlist of gitleaks: what its paths, expressions, stop words and commits leave out, one of them or all.

Of what rules of gitleaks find (`hooks.compat.own`), secret, match and line are known. Of what ours find, a match is
what a rule of gitleaks would have taken there: the value and the sign behind it, alone or from the name that it is
assigned to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hooks.compat.patterns import Search, search
from sealer.errors import DocumentError

if TYPE_CHECKING:
    from hooks.finding import Finding, Value

_KNOWN = {
    "description", "condition", "commits", "paths", "regextarget", "regexes", "stopwords", "targetrules", "id",
}  # fmt: skip
# Of a name, what stands between, and quotes before a value.
_NAME = re.compile(r"""[\w.-]{1,70}[ \t\w.-]{0,20}[\s'"]{0,3}(?:[=:>|,?]{1,3}=?|=>)[`'"\s=]{0,5}\Z""")
_LONGEST = 128
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

    def admits_file(self, path: str) -> bool:
        """Whether everything in a file is left out, for its path alone."""
        wanted = bool(self.paths) and not (self.all_of and (self.commits or self.regexes or self.stopwords))
        return wanted and any(found(path) for found in self.paths)

    def admits(self, path: str, secret: str, match: str, line: str) -> bool:
        """Whether what a rule of gitleaks found is left out. A list with commits is asked when they are known."""
        if self.commits and self.all_of:
            return False
        low = secret.lower()
        text = {"match": match, "line": line}.get(self.target, secret)
        asked = []
        if self.all_of and self.paths:
            asked.append(bool(path) and any(found(path) for found in self.paths))
        if self.regexes:
            asked.append(bool(text) and any(found(text) for found in self.regexes))
        if self.stopwords:
            asked.append(any(word in low for word in self.stopwords))
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
            texts = [line] if self.target == "line" or one.value is None else list(_matches(one.value, line))
            yield any(found(text) for found in self.regexes for text in texts)
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
    target = str(fields.get("regextarget", "") or "secret")
    if target not in ("secret", "match", "line"):
        warn(f"{where} has a regexTarget that is not match or line; taken for the value")
        target = "secret"
    return Allowlist(
        rules or tuple(texts(fields, "targetrules", where, warn)),
        condition not in _OR,
        tuple(text.lower() for text in texts(fields, "commits", where, warn)),
        patterns(fields, "paths", where, warn),
        target,
        patterns(fields, "regexes", where, warn),
        tuple(text.lower() for text in texts(fields, "stopwords", where, warn)),
    )


def texts(fields: dict[str, Any], name: str, where: str, warn: Warn) -> list[str]:
    """A list of texts; gitleaks takes one text for several, with commas between."""
    value = fields.get(name, [])
    if isinstance(value, str):
        return value.split(",") if value else []
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return value
    warn(f"{where}: {name} is not a list of texts, and is passed over")
    return []


def patterns(fields: dict[str, Any], name: str, where: str, warn: Warn) -> tuple[Search, ...]:
    """A list of expressions. Raises DocumentError for one that can't be read."""
    return tuple(
        expression(text, f"{where}: expression {number} of {name}")
        for number, text in enumerate(texts(fields, name, where, warn), 1)
    )


def expression(text: str, where: str) -> Search:
    """One expression. Raises DocumentError: what is left out, or found, by it can't be known."""
    found = search(text)
    if found is None:
        raise DocumentError(
            "can't be read: RE2 lacks what it asks for",
            file=where,
            way_out="write it as gitleaks takes it, without looking ahead or behind and without \\1",
        )
    return found


def _matches(value: Value, line: str) -> Iterator[str]:
    """What a rule of gitleaks may have matched where the value stands. It goes no further than to expressions."""
    found: list[str] = []
    value.satisfies(lambda text: found.extend(_around(line, text)))
    yield from found


def _around(line: str, value: str) -> Iterator[str]:
    yield value
    at = line.find(value) if value else -1
    while at >= 0:
        end = at + len(value) + 1
        yield line[at:end]
        if name := _NAME.search(line[max(at - _LONGEST, 0) : at]):
            yield name[0] + line[at:end]
        at = line.find(value, end)
