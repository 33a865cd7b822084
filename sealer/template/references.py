"""Which items a template reads, as far as that can be told without values; for `sealer check` and `sealer render`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sealer.template.language import nodes

_FORGIVING = frozenset(
    ("and", "or", "not", "default", "coalesce", "empty", "any", "all", "ternary", "hasKey", "get", "dig", "toJson")
)
"""Functions that are asked about what may be missing."""


class Reference(NamedTuple):
    """An item that is read, and the offset where."""

    item: str
    at: int


def references(tree: nodes.Tree) -> Iterator[Reference]:
    """Items whose value is used as it is: `.key`, `$.key` and `index . "key"`, where dot is all items.

    What is only asked about (`if`, `with`, `default` and their like) may be missing, and is left out; so is what stands
    in templates that others define, where dot is whatever they are given.
    """
    yield from _all(tree.nodes, root=True)


def _all(found: Sequence[nodes.Node], *, root: bool) -> Iterator[Reference]:
    for node in found:
        match node:
            case nodes.Action():
                yield from _pipe(node.pipe, root=root)
            case nodes.Branch():
                if node.word == "range":
                    yield from _pipe(node.pipe, root=root)
                yield from _all(node.body, root=root and node.word == "if")
                yield from _all(node.otherwise or (), root=root)
            case nodes.Invoke() if node.pipe is not None:
                yield from _pipe(node.pipe, root=root)


def _pipe(pipe: nodes.Pipe, *, root: bool) -> Iterator[Reference]:
    first = (command.operands[0] for command in pipe.commands)
    if any(isinstance(node, nodes.Name) and node.name in _FORGIVING for node in first):
        return
    for command in pipe.commands:
        yield from _command(command, root=root)


def _command(command: nodes.Command, *, root: bool) -> Iterator[Reference]:
    match command.operands:
        case (nodes.Name(name="index"), whole, nodes.String() as key, *_) if _is_root(whole, root=root):
            yield Reference(key.value.decode("utf-8", "replace"), key.at)
            return
    for operand in command.operands:
        match operand:
            case nodes.Field() if root:
                yield Reference(operand.names[0], operand.at)
            case nodes.Variable(name="$") if operand.names:
                yield Reference(operand.names[0], operand.at)
            case nodes.Pipe():
                yield from _pipe(operand, root=root)
            case nodes.Chain(node=nodes.Pipe() as inner):
                yield from _pipe(inner, root=root)


def _is_root(node: nodes.Node, *, root: bool) -> bool:
    return node == nodes.Variable(node.at, "$", ()) or (root and isinstance(node, nodes.Dot))
