"""Marks in a line by which people accept a finding where it stands. Pure.

Ours is `sealer:allow RULE REASON`, at the end of the line or in a comment of its own above it. Those of other scanners
accept whatever is on their line: `gitleaks:allow`, `betterleaks:allow`, `trufflehog:ignore`, and of detect-secrets
`pragma: allowlist secret`, or `pragma: allowlist nextline secret` on the line above.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

MARKS = ("sealer:allow", "gitleaks:allow", "betterleaks:allow", "trufflehog:ignore", "pragma:")
"""One of these is in every text that has a mark."""

_MARK = re.compile(r"sealer:allow[ \t]+([a-z0-9-]+)(?:[ \t]+(\S.*))?")
_ONLY_COMMENT = re.compile(r"\s*(?:#|//|--|;|<!--|/\*|\*)")
_CLOSING = re.compile(r"\s*(?:\*/|-->|#\}|\}\})\s*$")
_FOREIGN = re.compile(
    r"(?:\bgitleaks|\bbetterleaks):allow\b|\btrufflehog:ignore\b"
    r"|(?:#|//|/\*|'|--|;|<!--|\{\{!--)[ \t]*pragma: ?(?:allow|white)list[ -]secret\b"
)
_NEXT_LINE = re.compile(r"(?:#|//|/\*|'|--|;|<!--|\{\{!--)[ \t]*pragma: ?(?:allow|white)list[ -]nextline[ -]secret\b")

Mark = Literal["yes", "no", "no reason"]


def marked(text: str) -> bool:
    """Whether there is any mark in a text, so that its lines are worth a look."""
    return any(mark in text for mark in MARKS)


def allowed(lines: Sequence[str], line: int, rule: str) -> Mark:
    """Whether the line (from 1) says so, or a line of comment directly above it. Ours needs a reason."""
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    above = lines[line - 2] if 1 < line <= len(lines) + 1 else ""
    here = _mark(text, rule)
    if here == "no" and _ONLY_COMMENT.match(above):
        here = _mark(above, rule)
    if here == "no" and (_FOREIGN.search(text) or _NEXT_LINE.search(above)):
        return "yes"
    return here


def _mark(text: str, rule: str) -> Mark:
    for found in _MARK.finditer(text):
        if found[1] == rule:
            return "yes" if _CLOSING.sub("", found[2] or "").strip() else "no reason"
    return "no"
