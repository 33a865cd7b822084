"""Jupyter notebooks: the code of their cells, line by line where it stands in the file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooks.structure import json5
from hooks.structure.tree import LIST, TEXT, Node, maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooks.structure.pair import Pair

MAX_NOTEBOOK = 16 << 20


def pairs(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """The pairs of every cell; what it printed is left alone."""
    if len(text) > MAX_NOTEBOOK:
        return
    root = Node(LIST, 1)
    root.entries = [("", node) for node in json5.values(text)]
    for node, _ in maps(root):
        if node.get("cell_type") is None:
            continue
        for source in node.all("source"):
            rows = [source] if source.kind == TEXT else [child for _, child in source.entries if child.kind == TEXT]
            yield from _cell(rows)


def _cell(rows: list[Node]) -> Iterator[Pair]:
    from hooks import code
    from hooks.text import Text

    # Each row is a line of code, and a line of the file.
    numbers = [row.line for row in rows for _ in range(max(1, row.text.count("\n")))]
    source = "".join(row.text for row in rows)
    for pair in code.pairs(Text("cell.py", source.encode("utf-8", "replace"))):
        if numbers:
            pair.line = numbers[min(pair.line, len(numbers)) - 1]
            pair.end = numbers[min(pair.end, len(numbers)) - 1]
        yield pair
