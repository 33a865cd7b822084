"""Files of known formats as pairs of a name and its value: config files, manifests, environments. Pure, never raises.

The format is told by the file's name, else by how its text begins. Source code and prose are `hooks.code`'s.
"""

from __future__ import annotations

from hooks.structure.pair import Pair

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hooks.structure.formats import Reader
    from hooks.text import Text

MAX_PAIRS = 100_000
"""How many pairs of one file are looked at."""


def pairs(text: Text, near: Sequence[int] | None = None) -> Iterator[Pair]:
    """Every pair of a file, in no certain order; none for what is no known format.

    `near`: offsets where triggers matched; a tree is only read if a credential may stand around one of these.
    """
    from hooks.structure.formats import is_unread, reader
    from hooks.structure.parts import parts

    if is_unread(text.path):
        return
    read = reader(text.path, text.text)
    if read is None or not _is_worth(read, text, near):
        return
    source = text.text
    if "\r" in source and "\n" not in source:  # an old Mac's: one line to all others
        source = source.replace("\r", "\n")
        last = 1
    else:
        last = source.count("\n") + 1
    for number, pair in enumerate(read(source, 0)):
        if number >= MAX_PAIRS:
            text.partly = f"of its names and values only {MAX_PAIRS:,} were looked at"
            return
        pair.line = min(max(pair.line, 1), last)
        pair.end = min(max(pair.end, pair.line), last)
        yield pair
        yield from parts(pair)


def _is_worth(read: Reader, text: Text, near: Sequence[int] | None) -> bool:
    """Whether a text is to be read: as a tree, if a credential may stand in it, else in any case."""
    from hooks.structure.formats import MAX_TREE, TREES

    form = TREES.get(read)
    if form is None:
        return True
    from hooks import place
    from hooks.structure.lines import may_hold, may_hold_near

    where = place.of(text.path)
    if near:
        return may_hold_near(text.data, near, form, where)
    return len(text.text) > MAX_TREE or may_hold(text.text, form, where)


__all__ = ("Pair", "pairs")
