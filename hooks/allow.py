"""`sealer:allow RULE REASON`: a finding that people accept where it stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

_MARK = re.compile(r"sealer:allow[ \t]+([a-z0-9-]+)(?:[ \t]+(\S.*))?")
_ONLY_COMMENT = re.compile(r"\s*(?:#|//|--|;|<!--|/\*|\*)")
_CLOSING = re.compile(r"\s*(?:\*/|-->|#\}|\}\})\s*$")

Mark = Literal["yes", "no", "no reason"]


def allowed(lines: Sequence[str], line: int, rule: str) -> Mark:
    """Whether the line (from 1) says so at its end, or a line of comment directly above it. A reason is needed."""
    here = _mark(lines[line - 1], rule) if 0 < line <= len(lines) else "no"
    if here != "no" or not 1 < line <= len(lines) + 1:
        return here
    above = lines[line - 2]
    return _mark(above, rule) if _ONLY_COMMENT.match(above) else "no"


def _mark(text: str, rule: str) -> Mark:
    for found in _MARK.finditer(text):
        if found[1] == rule:
            return "yes" if _CLOSING.sub("", found[2] or "").strip() else "no reason"
    return "no"
