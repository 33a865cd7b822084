"""YAML as a tree: by a real parser what parses, document by document, and loosely what does not. Pure, never raises.

A template, a custom tag or a slip in one document so costs only that one its exact reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hooks import lazy
from hooks.structure.tree import LIST, MAP, TEXT, Node

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from sealer.documents import node as parsed

MAX_PARSED = 4 << 20
"""How long a document may be, in characters, to be parsed; a longer one is read line by line."""

_BLOCKS = ("|", ">")
_BREAKS = lazy.compile("[\r\x85\u2028\u2029]")
_MARKER = lazy.compile(r"^---(?=\s|$)", re.MULTILINE)
_TEMPLATE = lazy.compile(r"^[ \t]*\{\{|:[ \t]+\{\{|^[ \t]*\{%|:[ \t]+\{%", re.MULTILINE)


def roots(text: str, wanted: Callable[[str], bool] | None = None) -> Iterator[Node]:
    """The documents of a stream; of these, if that is asked, only those whose text is wanted."""
    starts = [0, *(match.start() for match in _MARKER.finditer(text) if match.start())]
    line, counted = 1, 0
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line += text.count("\n", counted, begin)
        counted = begin
        part = text[begin:end]
        if part.strip() and (wanted is None or wanted(part)):
            yield from _document(part, line)


def _document(text: str, line: int) -> Iterator[Node]:
    found = _exactly(text, line) if len(text) <= MAX_PARSED and not _TEMPLATE.search(text) else None
    if found is None:
        from hooks import loose

        yield loose.read(text, line)
    else:
        yield from found


def _exactly(text: str, line: int) -> list[Node] | None:
    from sealer.documents import yamlio
    from sealer.errors import DocumentError

    found: list[Node] = []
    # Other line breaks of YAML are none of the file's: with them, line numbers would be others.
    text = _BREAKS.sub(" ", text.replace("\r\n", "\n"))
    for root in yamlio.documents(text, ""):
        if isinstance(root, DocumentError):
            return None
        found.append(_converted(root, text, line))
    return found


def _converted(root: parsed.Node, text: str, line: int) -> Node:
    from sealer.documents.node import Kind

    offset = line - 1
    top = Node(LIST, line)
    top.exact = True
    todo = [(root, top, "")]
    while todo:
        node, into, key = todo.pop()
        number = node.line + offset
        if node.kind is Kind.MAP:
            new = Node(MAP, number)
            todo += [(value, new, name.text) for name, value in reversed(node.items)]
        elif node.kind is Kind.SEQ:
            new = Node(LIST, number)
            todo += [(child, new, "") for child in reversed(node.children)]
        else:
            end = number if node.alias else number + text.count("\n", node.start, max(node.start, node.end - 1))
            new = Node(TEXT, number, end, node.text, bool(node.style))
            if node.style in _BLOCKS and not node.alias:
                new.body = number + 1
        new.exact = True
        into.entries.append((key, new))
    return top
