"""What the tree of an expression tells: how long a match is, what it holds, how to write it anew. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product

from hooks.engine.tree import ALL, Alt, At, Bytes, Cat, Group, Repeat, Tree

_MOST_TEXTS = 400
_WIDEST_SET = 16
_MOST_BRANCHES = 24
_FIXED, _LONG, _MORE = 4, 5, 8
EMPTY = Cat(())


def width(tree: Tree) -> tuple[int, int | None]:
    """The least and the greatest number of bytes of a match; None where there is no greatest."""
    match tree:
        case Bytes():
            return 1, 1
        case At():
            return 0, 0
        case Group(part):
            return width(part)
        case Repeat(part, least, most):
            low, high = width(part)
            return low * least, 0 if high == 0 else None if high is None or most is None else high * most
        case Cat(parts):
            widths = [width(part) for part in parts]
            highs = [high for _, high in widths]
            return sum(low for low, _ in widths), _sum(highs)
        case Alt(parts):
            widths = [width(part) for part in parts]
            highs = [high for _, high in widths]
            return min(low for low, _ in widths), None if None in highs else max(high or 0 for high in highs)


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def trimmed(tree: Tree) -> Tree:
    """A tree that matches the shortest begins of what the other does: vectorscan reports each end of a match."""
    match tree:
        case Group(part, number, name):
            return Group(trimmed(part), number, name)
        case Repeat(part, least, _):
            return EMPTY if not least else Repeat(part, least, least)
        case Alt(parts):
            return Alt(tuple(trimmed(part) for part in parts))
        case Cat(parts):
            kept = list(parts)
            while kept:
                kept[-1] = trimmed(kept[-1])
                if width(kept[-1])[1] or isinstance(kept[-1], At):
                    break
                kept.pop()
            return Cat(tuple(kept))
    return tree


def telling(tree: Tree) -> Tree:
    r"""The begin of a tree up to where few other texts match: past a fixed text and 8 bytes more.

    A `\b` that it begins with is left out where that text is long: what stands before is looked at later.
    """
    kept: list[Tree] = []
    run = longest = more = 0
    for part in _flat(tree):
        kept.append(part)
        if isinstance(part, At):
            continue
        one = isinstance(part, Bytes) and part.mask.bit_count() <= 2
        given = 1 if one else fixed(part)
        run = run + 1 if one else 0
        least = width(part)[0]
        if longest >= _FIXED and isinstance(part, Repeat) and isinstance(part.part, Bytes) and more + least >= _MORE:
            kept[-1] = Repeat(part.part, _MORE - more, _MORE - more)
            more = _MORE
        elif longest >= _FIXED and not one:
            more += least - given
        longest = max(longest, run, 0 if one else given)
        if more >= _MORE:
            break
    if longest >= _LONG and kept[0] == At(r"\b") and len(kept) > 1:
        kept = kept[1:]
    return Cat(tuple(kept))


def render(tree: Tree) -> bytes:
    """The expression for vectorscan and RE2 alike: no flags, nothing captured, sets of bytes written out."""
    match tree:
        case Bytes(mask):
            return _set(mask)
        case At(what):
            return {"^": b"(?m:^)", "$": b"(?m:$)"}.get(what, what.encode())
        case Group(part):
            return b"(?:" + render(part) + b")"
        case Alt(parts):
            return b"(?:" + b"|".join(map(render, parts)) + b")"
        case Cat(parts):
            return b"".join(map(render, parts))
        case Repeat(part, least, most):
            inner = render(part)
            inner = inner if isinstance(part, Bytes) else b"(?:" + inner + b")"
            return inner + _quantifier(least, most)


def _quantifier(least: int, most: int | None) -> bytes:
    if most is None:
        return {0: b"*", 1: b"+"}.get(least, b"{%d,}" % least)
    if (least, most) == (0, 1):
        return b"?"
    return b"{%d}" % least if least == most else b"{%d,%d}" % (least, most)


@cache
def _set(mask: int) -> bytes:
    if mask == ALL:
        return rb"[\x00-\xff]"
    ranges = _ranges(mask)
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _byte(ranges[0][0])
    inverted = _ranges(ALL ^ mask)
    sign, ranges = (b"^", inverted) if len(inverted) < len(ranges) else (b"", ranges)
    members = [_byte(low) if low == high else _byte(low) + b"-" + _byte(high) for low, high in ranges]
    return b"[" + sign + b"".join(members) + b"]"


@cache
def _ranges(mask: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while mask:
        low = (mask & -mask).bit_length() - 1
        filled = mask >> low
        high = low + (~filled & (filled + 1)).bit_length() - 2
        found.append((low, high))
        mask = mask >> (high + 1) << (high + 1)
    return found


def _byte(byte: int) -> bytes:
    return bytes([byte]) if chr(byte).isalnum() and byte < 128 else rb"\x%02x" % byte


def holds(tree: Tree, keywords: Sequence[str]) -> bool:
    """Whether it is sure that each match holds one of the keywords, in any case."""
    found = texts(tree)
    if found is not None:
        return all(any(word in text for word in keywords) for text in found)
    match tree:
        case Group(part):
            return holds(part, keywords)
        case Repeat(part, least, _):
            return least > 0 and holds(part, keywords)
        case Alt(parts):
            return all(holds(part, keywords) for part in parts)
        case Cat():
            return _holds_one(_flat(tree), keywords)
    return False


def _flat(tree: Tree) -> list[Tree]:
    """The parts of a sequence, with those of sequences and groups in it."""
    if isinstance(tree, Group):
        return _flat(tree.part)
    if isinstance(tree, Cat):
        return [inner for part in tree.parts for inner in _flat(part)]
    return [tree]


def _holds_one(parts: list[Tree], keywords: Sequence[str], depth: int = 0) -> bool:
    """Whether a sequence holds a keyword: in one of its parts, or over the parts of a run that has only few texts."""
    run: list[str] = [""]
    before: list[Tree] = []
    for place, part in enumerate(parts):
        found = texts(part)
        if found is None:
            if holds(part, keywords) or _holds_each(before, part, parts[place + 1 :], keywords, depth):
                return True
            run, before = [""], []
            continue
        if len(run) * len(found) > _MOST_TEXTS:
            run, before = [""], []
        run = sorted({start + text for start, text in product(run, found)}) if len(found) <= _MOST_TEXTS else [""]
        before.append(part)
        if all(any(word in text for word in keywords) for text in run):
            return True
    return False


def _holds_each(before: list[Tree], part: Tree, rest: list[Tree], keywords: Sequence[str], depth: int) -> bool:
    """Whether a sequence holds a keyword whichever branch of one of its parts is taken."""
    if not isinstance(part, Alt) or depth > 2 or len(part.parts) > _MOST_BRANCHES:
        return False
    return all(_holds_one([*before, *_flat(branch), *rest], keywords, depth + 1) for branch in part.parts)


def texts(tree: Tree) -> list[str] | None:
    """All that a tree matches, in lower case; None where that is too much. Places match the empty text."""
    match tree:
        case At():
            return [""]
        case Bytes(mask):
            found = {chr(byte).lower() for low, high in _ranges(mask) for byte in range(low, high + 1)}
            return sorted(found) if len(found) <= _WIDEST_SET else None
        case Group(part):
            return texts(part)
        case Alt(parts):
            branches = [texts(part) for part in parts]
            joined = {text for branch in branches for text in branch or ()}
            return None if None in branches or len(joined) > _MOST_TEXTS else sorted(joined)
        case Cat(parts):
            return _joined([texts(part) for part in parts])
        case Repeat(part, least, most):
            if most is None or most > 16:
                return None
            inner = texts(part)
            counted = [_joined([inner] * count) for count in range(least, most + 1)]
            if None in counted:
                return None
            return sorted({text for one in counted for text in one or ()})


def _joined(parts: Sequence[list[str] | None]) -> list[str] | None:
    found = [""]
    for part in parts:
        if part is None or len(found) * len(part) > _MOST_TEXTS:
            return None
        found = [before + text for before in found for text in part]
    return sorted(set(found))


def fixed(tree: Tree) -> int:
    """How many bytes of each match are given, in runs of two and more; a letter in both of its cases counts."""
    match tree:
        case Group(part):
            return fixed(part)
        case Repeat(part, least, _):
            return fixed(part) if least else 0
        case Alt(parts):
            return min(map(fixed, parts))
    total = run = 0
    for part in (*_flat(tree), EMPTY):
        if isinstance(part, Bytes) and part.mask.bit_count() <= 2:
            run += 1
        elif not isinstance(part, At):
            total += run if run > 1 else 0
            total += fixed(part) if isinstance(part, Repeat | Alt) else 0
            run = 0
    return total
