"""Many literals as few expressions: vectorscan takes a millisecond for each expression that it compiles. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

_Branch = dict[int, "_Branch"]


def expressions(literals: Iterable[bytes]) -> list[bytes]:
    """Expressions of which one matches wherever a literal stands: one for each two bytes that literals begin with.

    What only goes on from a shorter literal is left out, since the shorter one matches there as well.
    """
    groups: dict[bytes, list[bytes]] = defaultdict(list)
    for literal in sorted(literals):
        groups[literal[:2]].append(literal)
    return [_expression(_tree(group)) for group in groups.values()]


def _tree(literals: list[bytes]) -> _Branch:
    root: _Branch = {}
    last = None
    for literal in literals:  # sorted, so that a shorter one comes directly before what it is the begin of
        if last is not None and literal.startswith(last):
            continue
        last = literal
        branch = root
        for byte in literal:
            branch = branch.setdefault(byte, {})
    return root


def _expression(branch: _Branch) -> bytes:
    tails: dict[bytes, list[int]] = defaultdict(list)
    for byte, rest in branch.items():
        tails[_expression(rest)].append(byte)
    parts = [_set(members) + tail for tail, members in tails.items()]
    return parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")" if parts else b""


def _set(members: list[int]) -> bytes:
    signs = [bytes([byte]) if chr(byte).isalnum() and byte < 128 else rb"\x%02x" % byte for byte in members]
    return signs[0] if len(signs) == 1 else b"[" + b"".join(signs) + b"]"
