"""From a tree to pairs: every text under its key, lists of `{name: X, value: Y}`, `A=b` in lists, files inside texts.

What a Secret of Kubernetes holds is left to `hooks.manifest`, the metadata of SOPS to nobody. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import keyname, lazy
from hooks.structure import kube
from hooks.structure.pair import Pair
from hooks.structure.tree import LIST, TEXT, Node, join, maps

MAX_NESTED = 3
"""How deep files inside of texts are read (a config file in a ConfigMap in a template)."""

_NAMES = ("name", "key", "Name", "Key", "ParameterKey", "parameterKey", "parameter_key", "variable", "OptionName", "id")
_VALUES = (
    "value",
    "Value",
    "ParameterValue",
    "parameterValue",
    "default",
    "defaultValue",
    "Default",
    "DefaultValue",
    "secret",
    "current_value",
)
_ASSIGNED = lazy.compile(r"(?:export\s+)?(-{0,2}[A-Za-z_][\w.-]{0,100})=(.*)", re.DOTALL)
_OPTION = lazy.compile(r"--?[A-Za-z][\w.-]{0,60}")


def pairs(root: Node, where: str, *, depth: int = 0) -> Iterator[Pair]:
    """Every pair of a tree."""
    hidden: set[int] = set()
    for node, path in maps(root, hidden):
        hidden.update(id(child) for child in _hidden(node))
        yield from _named(node, path, where)
        if path.startswith("secrets.") and path.count(".") == 1:
            yield from _composed(node, path, where)
        for key, child in node.entries:
            if id(child) in hidden:
                continue
            if child.kind == TEXT:
                yield from _text(child, key, join(path, key), where, depth)
            elif child.kind == LIST:
                yield from _items(child, key, join(path, key), where, depth)
    if root.kind == LIST:
        yield from _items(root, "", "", where, depth)


def _hidden(node: Node) -> Iterator[Node]:
    """What of a map others read, or is sealed."""
    if kube.is_secret(node):
        yield from node.all("data")
        yield from node.all("stringData")
    elif kube.is_sealed(node):
        yield from node.all("spec")
    if kube.is_sops(node):
        yield from node.all("sops")


def _named(node: Node, path: str, where: str) -> Iterator[Pair]:
    """`{name: X, value: Y}`: the value is X's; without a name (`X: {value: Y}`) as well."""
    if "random_password" in node.texts("type"):
        yield from _generated(node, path, where)
    name = next((child for each in _NAMES for child in node.all(each) if child.kind == TEXT), None)
    if name is None and "op" in (key for key, _ in node.entries):  # {op: add, path: /data/DB_PASSWORD, value: x}
        name = next((child for child in node.all("path") if child.kind == TEXT), None)
    said = name.text.rpartition("/")[2].replace("~1", "/") if name is not None else path.rpartition(".")[2]
    if not said or len(said) > 200:
        return
    for each in _VALUES:
        for child in node.all(each):
            if child.kind == TEXT:
                full = join(path, said) if name is not None else path
                yield Pair(said, full, child.text, child.line, child.end, child.quoted, where)


def _composed(node: Node, path: str, where: str) -> Iterator[Pair]:
    """`secrets: {NAME: {content: x}}` of Compose: whatever its name, it is a secret."""
    name = path.rpartition(".")[2]
    for child in node.all("content"):
        if child.kind == TEXT:
            key = name if keyname.is_credential(name) else "secret"
            yield Pair(key, path, child.text, child.line, child.end, child.quoted, where)


def _generated(node: Node, path: str, where: str) -> Iterator[Pair]:
    """Of the state of Terraform the passwords that it made: only the type of the resource says what `result` is."""
    for instance, _ in maps(node):
        for child in instance.all("result"):
            if child.kind == TEXT:
                yield Pair("password", join(path, "password"), child.text, child.line, child.end, True, where)


def _text(node: Node, key: str, path: str, where: str, depth: int) -> Iterator[Pair]:
    yield Pair(key, path, node.text, node.line, node.end, node.quoted, where)
    if depth < MAX_NESTED and len(node.text) > 4:
        yield from _nested(node, key, path, depth)


def _nested(node: Node, key: str, path: str, depth: int) -> Iterator[Pair]:
    """The pairs of a file that stands in a text, with the lines of the whole file where each is a line of it."""
    from hooks.structure.formats import inner

    read = inner(key, node.text)
    if read is None:
        return
    for pair in read(node.text, depth + 1):
        pair.path = join(path, pair.path)
        if node.body:
            pair.line, pair.end = (min(node.body + at - 1, max(node.end, node.body)) for at in (pair.line, pair.end))
        else:
            pair.line, pair.end = node.line, node.end
        yield pair


def _items(node: Node, key: str, path: str, where: str, depth: int) -> Iterator[Pair]:
    """Texts of a list: `A=b`, `--option=x`, `--option` and then its value, else values of the list's key."""
    before = ""
    for _, child in node.entries:
        if child.kind != TEXT:
            before = ""
            continue
        text = child.text
        place = (child.line, child.end, child.quoted, where)
        if match := _ASSIGNED.fullmatch(text):
            name = match[1].lstrip("-")
            yield Pair(name, join(path, name), match[2], *place)
        elif before and not text.startswith("-"):
            yield Pair(before.lstrip("-"), join(path, before.lstrip("-")), text, *place)
        elif key:
            yield from _text(child, key, path, where, depth)
        elif "\n" in text and depth < MAX_NESTED:
            yield from _nested(child, key, path, depth)
        before = text if _OPTION.fullmatch(text) else ""
