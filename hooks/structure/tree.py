"""What the readers of nested formats make: maps, lists and texts with the lines that they stand on. Pure.

Keys may repeat (branches of a template, careless files). No repr shows a text.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

MAX_DEPTH = 100
"""Deepest nesting that is read; what is deeper is passed over."""

MAP, LIST, TEXT = "map", "list", "text"


class Node:
    """One value. `entries` are a map's pairs and, under empty keys, a list's values.

    `quoted`: a text in quotes or a block, so a literal. `body`: the line of a block's first line, where each further
    line of the text is the next line of the file; 0 where that isn't so. `exact`: read by a real parser.
    """

    __slots__ = ("body", "end", "entries", "exact", "kind", "line", "quoted", "text")

    def __init__(self, kind: str, line: int, end: int = 0, text: str = "", quoted: bool = False, body: int = 0) -> None:
        self.kind = kind
        self.line = line
        self.end = end or line
        self.text = text
        self.quoted = quoted
        self.body = body
        self.exact = False
        self.entries: list[tuple[str, Node]] = []

    def __repr__(self) -> str:
        return f"Node({self.kind}, line {self.line})"

    def all(self, key: str) -> Iterator[Node]:
        """Everything that stands under a key."""
        return (node for name, node in self.entries if name == key)

    def get(self, key: str) -> Node | None:
        """What stands under a key first."""
        return next(self.all(key), None) if self.kind == MAP else None

    def texts(self, key: str) -> list[str]:
        """The texts under a key."""
        return [node.text for node in self.all(key) if node.kind == TEXT] if self.kind == MAP else []


def maps(root: Node, hidden: Container[int] = ()) -> Iterator[tuple[Node, str]]:
    """Every map of a tree with its path; a list's maps have the path of the list and their number.

    Nothing is looked for in nodes whose id is in `hidden`; it may grow by what a map that was given shows.
    """
    todo = [(root, "")]
    while todo:
        node, path = todo.pop()
        if node.kind == MAP:
            yield node, path
        for number in range(len(node.entries) - 1, -1, -1):
            key, child = node.entries[number]
            if child.kind != TEXT and id(child) not in hidden:
                todo.append((child, join(path, key) if node.kind == MAP else join(path, str(number)) if path else ""))


def join(path: str, key: str) -> str:
    """A path with one more name; of a path that is endless, its end."""
    return f"{path[-400:]}.{key}" if path else key
