"""The README as tests run it: its blocks and commands, by the heading that they stand under."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "README.md"


def part(heading: str) -> str:
    """What stands under a heading (`## Seal`), up to the next one of whatever level. All of it: ``."""
    text = PAGE.read_text()
    if not heading:
        return text
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"the README has no {heading}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(language: str, heading: str = "") -> list[str]:
    """Its blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", part(heading), re.MULTILINE | re.DOTALL)


def script(heading: str, having: str) -> str:
    """The block of commands that has this in it, as a script that stops at what fails."""
    (found,) = (block for block in blocks("console", heading) if having in block)
    return "set -eu\n" + re.sub(r"^\$ ", "", found, flags=re.MULTILINE)


def inline(heading: str, having: str) -> str:
    """The command with this in it that stands in a sentence or on an indented line of its own."""
    text = re.sub(r"^```.*?^```", "", part(heading), flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`]+)`|^ {7}(\S.*)$", text, re.MULTILINE)
    (found,) = (one or other for one, other in spans if having in (one or other))
    return str(found)
