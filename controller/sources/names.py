"""Which files of a source count, by their names. The same for a directory and for a commit. Pure."""

from __future__ import annotations

from controller.model import Problem
from controller.reason import UNREADABLE

SUFFIXES = (".yaml", ".yml", ".json")
MARK = b"SealedSecret"
"""A file without these bytes holds no sealed document."""
SEARCHED = 256 * 1024 * 1024
"""A file that is too large to be read is searched for them up to this size: a lock file, a fixture."""

OUT = "is a link out of the source, and is not followed"


def fits(name: str) -> bool:
    """Whether a file of this name is read."""
    return name.lower().endswith(SUFFIXES)


def passed_over(name: str) -> bool:
    """Whether a file or folder is left out: Git's own, ours, the generations of a mounted volume."""
    return name == ".git" or name.startswith((".sealer", ".."))


def printable(path: str) -> str:
    """A path as text that can be printed, whatever bytes it is of."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in path)


def no_text(path: str) -> Problem:
    """Names go into tables, reports and commands to paste: one that isn't text is a problem, not a path."""
    return Problem(printable(path), 0, UNREADABLE, "has a name that is not printable text", "rename it")
