"""What kustomize puts into Secrets: literals of its generators, and operations of JSON patches. Pure.

    secretGenerator: [{name: x, literals: [token=v]}]            kind: SecretGenerator, literals: [token=v]
    [{op: add, path: /stringData/token, value: v}]               value: {token: v} for a path of /data alone

Whose `data` a patch changes is said by its `target`; where nothing says it, a value in base64 is taken for a Secret's,
since a ConfigMap has none.
"""

from __future__ import annotations

from collections.abc import Iterator

from hooks import lazy
from hooks.rule import KUBERNETES_SECRET, KUSTOMIZE_SECRET
from hooks.structure import kube
from hooks.structure.item import Item, Parts, leaves
from hooks.structure.tree import LIST, MAP, TEXT, Node
from hooks.value import decode

_POINTER = lazy.compile(r"/(?P<field>data|stringData)(?:/(?P<key>[^/\s]{1,300}))?")
_MARKS = ("/data", "/stringData")
GENERATOR = "SecretGenerator"


def generated(node: Node, parts: Parts) -> Iterator[Item]:
    """The literals of every secretGenerator of a map, and of a map that is a generator itself."""
    for made in node.all("secretGenerator"):
        for number, (_, each) in enumerate(made.entries):
            yield from _literals(each, (*parts, "secretGenerator", number, "literals"))
    if GENERATOR in kube.kinds(node):
        yield from _literals(node, (*parts, "literals"))


def _literals(generator: Node, parts: Parts) -> Iterator[Item]:
    for literals in generator.all("literals") if generator.kind == MAP else ():
        for _, literal in literals.entries:
            key, _, value = literal.text.partition("=")
            node = Node(TEXT, literal.line, literal.end, _unquoted(value))
            yield Item(KUSTOMIZE_SECRET, parts, key.strip("\"' "), node)


def aim(node: Node) -> str:
    """The kind that the patches of a map are for, by its target; none if it has no target or that names no kind."""
    target = node.get("target")
    return next(iter(kube.kinds(target)), "") if target is not None else ""


def may_patch(text: str) -> bool:
    """Whether a text may hold an operation on a Secret's values."""
    return "op" in text and any(mark in text for mark in _MARKS)


def patched(node: Node, parts: Parts, kind: str) -> Iterator[Item]:
    """The values that an operation of a JSON patch writes into a Secret. `kind`: what it is for; empty if unknown."""
    pointer = _pointer(node) if kind in ("", "Secret") and node.get("op") is not None else None
    if pointer is None:
        return
    field, key = pointer
    for value in node.all("value"):
        if value.kind == LIST or (not key and value.kind == TEXT):
            continue
        for where, name, leaf in leaves(value, (*parts, field, key) if key else (*parts, field), key or field):
            if kind or field == "stringData" or _is_encoded(leaf.text):
                yield Item(KUBERNETES_SECRET, where, name, leaf, encoded=field == "data")


def _pointer(node: Node) -> tuple[str, str] | None:
    for path in node.texts("path"):
        if match := _POINTER.fullmatch(path.strip()):
            return match["field"], (match["key"] or "").replace("~1", "/").replace("~0", "~")
    return None


def _is_encoded(text: str) -> bool:
    data = decode(text)
    try:
        return data is not None and data.decode("utf-8").strip("\n").isprintable()
    except UnicodeDecodeError:
        return False


def _unquoted(text: str) -> str:
    bare = text.strip().rstrip(",")
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" else bare
