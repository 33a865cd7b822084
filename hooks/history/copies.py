"""A blob that stands at several paths: which of them are looked at by themselves, and which only if another tells.

What a scan finds depends on the path by its name, by the kind of its place (`hooks.place`), and by what rules say of
paths. Those that are alike in all of that have the same findings: one of them is scanned, and the others once
something was found, since it may count at one of them and be left out at another.
"""

from __future__ import annotations

from hooks import engine, place, scanner
from hooks.engine.confirm import exact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hooks.changed import Entry


def others(entries: Sequence[Entry]) -> set[int]:
    """The numbers of the entries that have the blob of an earlier one, at a path like that one's."""
    seen: dict[str, int] = {}
    several: dict[str, list[int]] = {}
    for number, (_, oid, _) in enumerate(entries):
        one = seen.setdefault(oid, number)
        if one != number:
            several.setdefault(oid, [one]).append(number)
    if not several or scanner.extra:  # a team's rules from another tool may ask for any path
        return set()
    asked = [exact(b"(?is)" + pattern.encode()) for pattern in _patterns()]
    found: set[int] = set()
    for numbers in several.values():
        kinds = set[object]()
        for number in numbers:
            kind = _kind(entries[number][0], asked)
            if kind in kinds:
                found.add(number)
            kinds.add(kind)
    return found


def _patterns() -> list[str]:
    """What rules say of paths."""
    records = engine.current().built().records
    told = {pattern for record in records for pattern in (record.only, record.never) if pattern}
    return sorted(told)


def _kind(path: str, asked: Sequence[Any]) -> object:
    data = path.encode("utf-8", "replace")
    matching = tuple(pattern.fullmatch(data) is not None for pattern in asked)
    return path.rpartition("/")[2], place.of(path), "/credentials/" in path, matching
