"""Patches as the files that they make: each line on its own number, without the sign before it. Pure.

What a patch takes away was in a file, so that it is read as well as what it adds. Where a hunk ends its head says:
`--- x` in it is the line `-- x`, and behind it the head of a file ("Unified Format" in the manual of GNU diff).
"""

from __future__ import annotations

from hooks import lazy

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN = lazy.compile(r"(?:From [0-9a-f]{40} |diff -|Index: |--- \S)")
_HUNK = lazy.compile(r"@@ -[0-9]{1,9}(?:,([0-9]{1,9}))? \+[0-9]{1,9}(?:,([0-9]{1,9}))? @@")
_OLD, _NEW = "--- ", "+++ "
_SIGNATURE = "--"
"""What `git format-patch` ends a mail with, before its version."""


def is_patch(text: str) -> bool:
    """Whether a text is a patch from its beginning on, and no document that shows one."""
    return _BEGIN.match(text) is not None and "\n@@ -" in text


def plain(text: str) -> str:
    """The lines of the files; an empty one for each that is none of theirs, and YAML's mark where a file begins."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: list[str]) -> Iterator[str]:
    old = new = 0  # lines that the hunk still has of either file
    for number, line in enumerate(lines):
        if (old > 0 or new > 0) and not ((old, new) != (1, 1) and _is_head(lines, number)):
            sign = line[:1] if line.strip() else " "  # an editor may have taken the blank from an empty line
            if sign in ("+", "-", " ", "\\"):
                old -= sign in ("-", " ")
                new -= sign in ("+", " ")
                yield "" if sign == "\\" else line[1:]
                continue
        if found := _HUNK.match(line):
            old, new = (int(count or 1) for count in found.groups())
            yield ""
            continue
        old = new = 0
        if line.startswith((_OLD, _NEW)):
            yield "---"
        elif line.rstrip() == _SIGNATURE:
            yield ""
        else:  # beyond what the hunk's head says, if somebody changed the patch by hand
            yield line[1:] if line[:1] in ("+", "-", " ") else ""


def _is_head(lines: list[str], number: int) -> bool:
    """Whether another file begins here, whatever the hunk before says, as in a patch that somebody changed by hand."""
    expected = (_OLD, _NEW, "@@ -")
    return all(line.startswith(each) for line, each in zip(lines[number : number + 3], expected, strict=False))
