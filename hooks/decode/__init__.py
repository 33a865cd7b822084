"""Text behind encodings: base64, hex, escapes, and gzip in these; nested, within a budget. Pure, and never raises.

Only runs that could be text are decoded, and given the offsets where the engine found a trigger, only those around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hooks.decode.packed import ARCHIVES
from hooks.text import Text

TYPE_CHECKING = False  # typing's own would be an import.
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
    todo = [(text, 0, 0, "", 0)]
    budget, left = BUDGET, RUNS
    while todo:
        outer, line, end, how, depth = todo.pop()
        for run in _runs(outer.data, sorted(at) if at is not None and not depth else None):
            left -= 1
            if left < 0:
                text.partly = f"of its encoded runs only {RUNS:,} were undone"
                return
            if not depth:
                line, end = text.line(run.start), text.line(max(run.end - 1, run.start))
            for inner in _texts(outer.path, run):
                budget -= len(inner.data)
                if budget < 0:
                    text.partly = f"of what its encoded runs hold only {BUDGET >> 20} MiB were looked at"
                    return
                said = f"{how}, {run.how}" if how else run.how
                yield Decoded(inner, line, end, said)
                if depth + 1 < DEPTH:
                    todo.append((inner, line, end, said, depth + 1))


def _texts(path: str, run: Run) -> Iterator[Text]:
    """What a run decodes to: a text, or those of an archive; what can't be read of that is passed over."""
    if run.how.rpartition(" ")[2] not in ARCHIVES:
        yield from (Text(path, run.data),) if run.data else ()
        return
    from hooks.archive import members
    from hooks.blobs import Blob

    for member in members(Blob(path, run.data)):
        if member.data:
            yield Text(member.path, member.data)


def _runs(data: bytes, at: Sequence[int] | None) -> Iterator[Run]:
    from hooks.decode import base64, escapes

    finders: tuple[Callable[[bytes, Sequence[int] | None], Iterator[Run]], ...] = (
        base64.runs,
        escapes.escaped,
        escapes.joined,
        escapes.numbers,
    )
    for finder in finders:
        yield from finder(data, at)
