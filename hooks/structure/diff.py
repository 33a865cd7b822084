"""Patches as the files that they make: each line on its own number, without the sign before it. Pure.

What a patch takes away was in a file, so that it is read as well as what it adds.
"""

from __future__ import annotations

from hooks import lazy

_BEGIN = lazy.compile(r"(?:From [0-9a-f]{40} |diff -|Index: |--- \S)")
_HEAD = ("--- ", "+++ ")


def is_patch(text: str) -> bool:
    """Whether a text is a patch from its beginning on, and no document that shows one."""
    return _BEGIN.match(text) is not None and "\n@@ -" in text


def plain(text: str) -> str:
    """The lines of the files; an empty one for each that is none of theirs, and YAML's mark where a file begins."""
    return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    if line.startswith(_HEAD):
        return "---"
    return line[1:] if line[:1] in ("+", "-", " ") else ""
