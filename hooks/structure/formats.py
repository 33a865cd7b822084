"""Which reader a file is for: by its name, else by how its text begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hooks.structure.pair import Pair
from hooks.text import Text  # noqa: TC001

Reader = Callable[[str], Iterator[Pair]]


def reader(text: Text) -> Reader | None:  # noqa: ARG001
    """The reader of a file; None if its format is none of ours."""
    return None


def inner(key: str, text: str) -> Callable[[str, int], Iterator[Pair]] | None:  # noqa: ARG001
    """The reader of a text inside a file."""
    return None
