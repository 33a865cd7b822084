"""What one pass over a text found: which rules and which detectors are worth a closer look. It imports nothing."""

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 100_000
"""So many places are kept of one rule or detector; where there are more, all of the text is looked at."""

DETECTORS = 1 << 20
"""The number of the first detector; rules have numbers from 0."""

MANIFEST, PAIRS, CODE, DECODE, KEY = (DETECTORS + number for number in range(5))
"""The detectors' numbers, in the order of `hooks.engine.triggers.NAMES`."""


class Candidates:
    """Numbers of rules and detectors with the offsets where a match ends; no offsets: anywhere in the text."""

    __slots__ = ("found",)

    def __init__(self, found: dict[int, list[int]]) -> None:
        self.found = found

    def __bool__(self) -> bool:
        return bool(self.found)

    def __contains__(self, number: int) -> bool:
        return number in self.found

    def rules(self) -> "Iterator[tuple[int, list[int]]]":
        """The rules with their offsets, in order of numbers."""
        return ((number, self.at(number) or []) for number in sorted(self.found) if number < DETECTORS)

    def at(self, number: int) -> list[int] | None:
        """Where matches of one end, in order; None if that isn't known."""
        ends = self.found.get(number)
        return sorted(ends) if ends and len(ends) < MOST else None


def note(number: int, _start: int, end: int, _flags: int, found: dict[int, list[int]]) -> None:
    """What vectorscan calls for each match."""
    ends = found.get(number)
    if ends is None:
        found[number] = [end]
    elif len(ends) < MOST:
        ends.append(end)
