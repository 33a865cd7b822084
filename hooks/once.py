"""One hit for each value of what the detectors found: of the rule that says most. Pure."""

from __future__ import annotations

from hooks.rule import RULES, WARNING

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.finding import Forms, Hit, Value

_MOST_LINES = 10_000
_MOST_NEAR = 100
"""With so many hits on one line each is compared part by part; of more it is only told if they are equal."""
_NAMED = ("generic-", "basic-auth-", "connection-string-", "authorization-")


def _rank(hit: Hit) -> int:
    """Rules of providers say most, then what is a leak by its form, then environments, then names."""
    if hit.rule.id in RULES:
        return 1 if hit.rule.id == "env-file" else 2
    if hit.rule.id.startswith(_NAMED):
        return 0
    return 3 if hit.rule.severity != WARNING else 2


def once(found: list[Hit]) -> list[Hit]:
    """One hit for each value: of the rule that says most, with what the others know of its place."""
    kept: list[Hit] = []
    forms: list[Forms | None] = []
    by_line: dict[int, list[int]] = {}
    by_value: dict[tuple[int, Value | None], int] = {}
    for hit in sorted(found, key=_rank, reverse=True):
        lines = range(hit.line, min(hit.end, hit.line + _MOST_LINES) + 1)
        same = {by_value[line, hit.value] for line in lines if (line, hit.value) in by_value}
        mine = None
        if not same:
            # A long line has a hundred hits to compare each one with: how a value may be written is worked out once.
            mine = hit.value.forms() if hit.value is not None else None
            near = {number for line in lines for number in by_line.get(line, ())}
            same = {number for number in near if mine is None or (one := forms[number]) is None or one.same(mine)}
        for number in same:
            old = kept[number]
            kept[number] = old.but(key=old.key or hit.key, sealable=old.sealable or hit.sealable)
        if not same:
            for line in lines:
                numbers = by_line.setdefault(line, [])
                if len(numbers) < _MOST_NEAR:
                    numbers.append(len(kept))
                by_value.setdefault((line, hit.value), len(kept))
            kept.append(hit)
            forms.append(mine)
    return kept
