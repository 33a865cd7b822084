"""Expressions as trees of bytes: what they are made of. Pure; `syntax` reads them, `shape` asks what they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALL = (1 << 256) - 1
"""The set of all bytes."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """One byte out of a set, as a mask of 256 bits."""

    mask: int


@dataclass(frozen=True, slots=True)
class At:
    r"""A place, no byte: `\b`, `\B`, `\A`, `\z`, and `^`, `$` for the begin and the end of a line."""

    what: str


@dataclass(frozen=True, slots=True)
class Cat:
    """One part behind the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One part of several."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part from `least` to `most` times; `most` None for ever."""

    part: Tree
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A part that is captured."""

    part: Tree
    number: int
    name: str


Tree = Bytes | At | Cat | Alt | Repeat | Group


def mask(*members: int | str | tuple[str, str]) -> int:
    """A set of bytes: numbers, the characters of texts, ranges."""
    bits = 0
    for one in members:
        if isinstance(one, int):
            bits |= 1 << one
        elif isinstance(one, str):
            bits |= mask(*one.encode("latin-1"))
        else:
            bits |= mask(*range(ord(one[0]), ord(one[1]) + 1))
    return bits


UPPER, LOWER = mask(("A", "Z")), mask(("a", "z"))


def folded(bits: int) -> int:
    """A set with both cases of its ASCII letters."""
    return bits | (bits & UPPER) << 32 | (bits & LOWER) >> 32


def groups(tree: Tree) -> list[Group]:
    """The groups of a tree, in order of their numbers."""
    found: list[Group] = []
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, Group):
            found.append(node)
        left += _parts(node)
    return sorted(found, key=lambda group: group.number)


def _parts(tree: Tree) -> Sequence[Tree]:
    match tree:
        case Cat(parts) | Alt(parts):
            return parts
        case Repeat(part) | Group(part):
            return (part,)
    return ()
