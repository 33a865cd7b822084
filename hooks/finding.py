"""One leak that was found: where and what kind, never the value.

Detectors make `Hit`s, which have lines but no path; the scanner turns them into findings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooks.randomness import looks_random

if TYPE_CHECKING:
    from hooks.rule import Rule

REDACTED = "********"

_NAME = re.compile(r"[-._/A-Za-z0-9]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a detector found. `line` to `end` is what the value spans; `sealable`: `sealer seal --in-place` takes it."""

    rule: Rule
    line: int
    end: int
    key: str = ""
    sealable: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit in a file. `key` is the path inside the document or the variable, `commit` where a range brought it in."""

    path: str
    line: int
    rule: Rule
    key: str = ""
    sealable: bool = False
    commit: str = ""
    unreasoned: bool = False
    """A `sealer:allow` stands there, but without a reason."""

    @property
    def excerpt(self) -> str:
        """What of the line may be shown."""
        return f"{self.key}: {REDACTED}" if self.key else REDACTED


def shown(key: str, value: str) -> str:
    """A key as it may be printed: a name that says nothing of the value, or only its length."""
    if _NAME.fullmatch(key) and not (len(value) > 3 and value in key and value != key) and not looks_random(key):
        return key
    return f"<key of {len(key)} characters>"
