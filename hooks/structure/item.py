"""One value of a Secret of Kubernetes as it stands in a text, and the values below a node of one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hooks.structure.kube import is_sealed, is_secret
from hooks.structure.tree import MAP, TEXT, Node
from hooks.value import decode

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.rule import Rule

Parts = tuple[str | int, ...]


class Item:
    """One value of a Secret. `encoded`: in base64; `beside`: in clear beside sealed ones, or commented out.

    `command`: it stands in a command that makes or patches a Secret, not in a manifest.
    """

    __slots__ = ("beside", "body", "command", "encoded", "end", "key", "line", "path", "rule", "sealable", "text")

    def __init__(self, rule: Rule, parts: Parts, key: str, node: Node, *, encoded: bool = False) -> None:
        from sealer.documents.node import join  # dataclasses and inspect come with it

        self.rule = rule
        self.path = join(parts)
        self.key = key
        self.text = node.text
        self.encoded = encoded
        self.line = node.line
        self.end = node.end
        self.body = node.body
        self.sealable = False
        self.beside = False
        self.command = False

    def __repr__(self) -> str:
        return f"Item({self.rule.id}, line {self.line})"

    @property
    def data(self) -> bytes:
        """What Kubernetes hands out: the decoded bytes; the text itself where it is no base64."""
        decoded = decode(self.text) if self.encoded else None
        return self.text.encode("utf-8", "replace") if decoded is None else decoded


def leaves(node: Node, parts: Parts, key: str) -> Iterator[tuple[Parts, str, Node]]:
    """Every text in the maps below a node, with the path of each. No Secret nests, but people write it.

    What is a Secret itself is left out: it is read where it stands, and each of many inside of each other only once.
    """
    todo = [(node, parts[:-1], key)]
    while todo:
        one, where, name = todo.pop()
        if one.kind == TEXT:
            yield where, name, one
        elif one.kind == MAP and len(where) < 30 and not (one.get("kind") and (is_secret(one) or is_sealed(one))):
            inner = (*where, name)
            todo += [(child, inner, key or name) for key, child in reversed(one.entries)]
