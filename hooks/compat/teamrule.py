"""A rule that a team wrote for gitleaks, with its expressions compiled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hooks.compat.allowlist import Allowlist
    from hooks.compat.patterns import Search
    from hooks.rule import Rule


@dataclass(frozen=True, slots=True)
class Required:
    """Another rule that has to match as well, in as many lines and columns; None: anywhere in the file."""

    theirs: str
    lines: int | None
    columns: int | None


@dataclass(frozen=True, slots=True)
class TeamRule:
    """One rule; `name` is its id with us, `theirs` that in the file. Without `regex` it is about names of files.

    `hidden`: it is only there for others that require it.
    """

    name: str
    theirs: str
    rule: Rule
    regex: str
    compiled: Any
    group: int
    entropy: float
    keywords: tuple[str, ...]
    path: Search | None
    allowlists: tuple[Allowlist, ...]
    required: tuple[Required, ...]
    hidden: bool

    def over(self, base: TeamRule) -> TeamRule:
        """This rule in the place of one with its id in a file that is extended: what it lacks is taken from there."""
        return replace(
            base,
            rule=self.rule if self.rule.description else base.rule,
            regex=self.regex or base.regex,
            compiled=self.compiled or base.compiled,
            group=self.group or base.group,
            entropy=self.entropy or base.entropy,
            keywords=(*base.keywords, *self.keywords),
            path=self.path or base.path,
            allowlists=(*base.allowlists, *self.allowlists),
        )

    def with_more(self, lists: tuple[Allowlist, ...], entropy: float) -> TeamRule:
        """This rule with more allowlists, and with another entropy unless that is 0."""
        return replace(self, allowlists=(*self.allowlists, *lists), entropy=entropy or self.entropy)
