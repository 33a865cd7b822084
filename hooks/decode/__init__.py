"""Text behind encodings: base64, hex, escapes, and gzip in these; nested, within a budget. Pure, and never raises.

Only runs that could be text are decoded, and given the offsets where the engine found a trigger, only those around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hooks.text import Text

if TYPE_CHECKING:
    from hooks.decode.run import Run

DEPTH = 3
"""So many encodings inside of each other are undone; gzip in one is none of its own."""

BUDGET = 32 * 1024 * 1024
"""So many decoded bytes of one blob are looked at."""

RUNS = 50_000
"""So many runs of one blob are tried."""


class Decoded:
    """A text that was encoded, the lines of the original that the run spans, and what was undone: `base64, gzip`."""

    __slots__ = ("end", "how", "line", "text")

    def __init__(self, text: Text, line: int, end: int, how: str) -> None:
        self.text = text
        self.line = line
        self.end = end
        self.how = how

    def __repr__(self) -> str:
        return f"Decoded({self.text!r}, {self.line}, {self.end}, {self.how!r})"


def decoded(text: Text, at: Sequence[int] | None = None) -> Iterator[Decoded]:
    """Every text that is encoded in a text, outer ones first. `at`: where triggers ended, to look only there."""
    todo: list[tuple[bytes, int, int, str, int]] = [(text.data, 0, 0, "", 0)]
    budget, left = BUDGET, RUNS
    while todo:
        data, line, end, how, depth = todo.pop()
        for run in _runs(data, sorted(at) if at is not None and not depth else None):
            budget -= len(run.data)
            left -= 1
            if budget < 0 or left < 0:
                return
            if not run.data:
                continue
            if not depth:
                line, end = text.line(run.start), text.line(max(run.end - 1, run.start))
            inner = f"{how}, {run.how}" if how else run.how
            yield Decoded(Text(text.path, run.data), line, end, inner)
            if depth + 1 < DEPTH:
                todo.append((run.data, line, end, inner, depth + 1))


def _runs(data: bytes, at: Sequence[int] | None) -> Iterator[Run]:
    from hooks.decode import base64, escapes

    finders: tuple[Callable[[bytes, Iterable[int] | None], Iterator[Run]], ...] = (
        base64.runs,
        escapes.escaped,
        escapes.numbers,
    )
    for finder in finders:
        yield from finder(data, at)
