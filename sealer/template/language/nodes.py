"""What a template is made of. `at` is an offset in characters.

The words are those of Go's text/template/parse, as far as it has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """Anything; `at` is where an error about it points."""

    at: int


@dataclass(frozen=True, slots=True)
class Text(Node):
    """What is copied."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Dot(Node):
    """`.`"""


@dataclass(frozen=True, slots=True)
class Nil(Node):
    """`nil`"""


@dataclass(frozen=True, slots=True)
class Bool(Node):
    """`true` or `false`"""

    value: bool


@dataclass(frozen=True, slots=True)
class String(Node):
    """A quoted string, unquoted."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A constant, as each type that it fits in, else None. `default` is its value where no type is asked for."""

    integer: int | None
    unsigned: int | None
    floating: float | None
    paired: complex | None
    default: int | float | complex | None


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`.a.b` of dot"""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$x.a.b`: a variable's name with its `$`, and fields of it."""

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A function."""

    name: str


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """`(pipeline).a.b` or `function.a.b`"""

    node: Node
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command(Node):
    """Operands side by side: the first one is a function, or stands alone."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    """Commands, each with the result of the one before as its last argument; then the variables that are set."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...]
    assigns: bool


@dataclass(frozen=True, slots=True)
class Action(Node):
    """`{{pipeline}}`: printed, unless it sets a variable."""

    pipe: Pipe


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """if, with or range by `word`."""

    word: str
    pipe: Pipe
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] | None


@dataclass(frozen=True, slots=True)
class Leave(Node):
    """`{{break}}` or `{{continue}}`"""

    again: bool


@dataclass(frozen=True, slots=True)
class Invoke(Node):
    """`{{template "name" pipeline}}`, which `{{block}}` is as well."""

    name: str
    pipe: Pipe | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed text: its own nodes, and those of all that it defines, by name; `tokens` is how many these were."""

    text: str
    nodes: tuple[Node, ...]
    defined: dict[str, tuple[Node, ...]]
    tokens: int


def functions(found: Iterable[Node]) -> Iterator[str]:
    """The names of all functions in nodes, those of inner ones too."""
    for node in found:
        if isinstance(node, Name):
            yield node.name
        yield from functions(_inner(node))


def _inner(node: Node) -> Iterable[Node]:
    match node:
        case Action():
            return (node.pipe,)
        case Pipe():
            return node.commands
        case Command():
            return node.operands
        case Chain():
            return (node.node,)
        case Branch():
            return (node.pipe, *node.body, *(node.otherwise or ()))
        case Invoke():
            return (node.pipe,) if node.pipe is not None else ()
    return ()
