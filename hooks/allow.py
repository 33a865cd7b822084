"""Marks in a line by which people accept a finding where it stands. Pure.

Ours is `sealer:allow RULE REASON`, at the end of the line or in a comment of its own above it. Those of other scanners
accept whatever is on their line: `gitleaks:allow`, `betterleaks:allow`, `trufflehog:ignore`, and of detect-secrets
`pragma: allowlist secret`, or `pragma: allowlist nextline secret` on the line above.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from hooks.finding import Value

    Mark = Literal["yes", "", "no reason", "no rule", "another rule"]
    """Whether a finding is accepted; what a mark lacks that is there and does not count; empty where there is none."""

MARKS = ("sealer:allow", "gitleaks:allow", "betterleaks:allow", "trufflehog:ignore", "pragma:")
"""One of these is in every text that has a mark."""

# Compiled, and kept by `re`, where there is a mark.
_MARK = r"sealer:allow[ \t]+([a-z0-9-]+)(?:[ \t]+(\S.*))?"
_ANY_MARK = r"sealer:allow\b"
_COMMENT = r"(?:^|[\s;,){}\]\"'`>])(?:#|//|/\*|\*|<!--|--|;|%|'|@?rem\b|\{\{!|\{#|\(\*|\{-|\.\.|dnl\b)|;"
_ONLY_COMMENT = r"\s*(?:#|//|--|;|<!--|/\*|\*)"
_CLOSING = r"\s*(?:\*/|-->|#\}|\}\})\s*$"
_FOREIGN = (
    r"(?:\bgitleaks|\bbetterleaks):allow\b|\btrufflehog:ignore\b"
    r"|(?:#|//|/\*|'|--|;|<!--|\{\{!--)[ \t]*pragma: ?(?:allow|white)list[ -]secret\b"
)
_NEXT_LINE = r"(?:#|//|/\*|'|--|;|<!--|\{\{!--)[ \t]*pragma: ?(?:allow|white)list[ -]nextline[ -]secret\b"


def marked(text: str) -> bool:
    """Whether there is any mark in a text, so that its lines are worth a look."""
    return any(mark in text for mark in MARKS)


def allowed(lines: Sequence[str], line: int, rule: str, value: Value | None = None) -> Mark:
    """Whether the line (from 1) says so, or a line of comment directly above it. Ours needs a reason.

    On the line of the value ours is in a comment or behind the value: what stands before it is a name or a text.
    """
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    above = lines[line - 2] if 1 < line <= len(lines) + 1 else ""
    here = _mark(text, rule) if _is_behind(text, value) else ""
    if here in ("", "no rule", "another rule") and re.match(_ONLY_COMMENT, above):
        here = _mark(above, rule) or here
    if here not in ("yes", "no reason") and (re.search(_FOREIGN, text) or re.search(_NEXT_LINE, above)):
        return "yes"
    return here


def _is_behind(text: str, value: Value | None) -> bool:
    before = text.partition("sealer:allow")[0]
    if re.search(_COMMENT, before, re.IGNORECASE):
        return True
    return value is not None and value.satisfies(lambda shown: shown in before)


def _mark(text: str, rule: str) -> Mark:
    named = list(re.finditer(_MARK, text))
    for found in named:
        if found[1] == rule:
            return "yes" if re.sub(_CLOSING, "", found[2] or "").strip() else "no reason"
    if named:
        return "another rule"
    return "no rule" if re.search(_ANY_MARK, text) else ""
