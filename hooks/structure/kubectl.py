"""Secrets that a command makes or patches, as scripts, workflows and documents hold them. Pure, linear to the text.

    kubectl create secret generic x --from-literal=token=v           (also "token=v", token='v', with a blank for the =)
    kubectl create secret docker-registry x --docker-password=v
    kubectl patch secret x -p '{"stringData": {"token": "v"}}'       (also in double quotes, and --type=json)

Of what a shell puts together, only literals are values: `"$X"` and `$(...)` are judged as what is filled in later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.rule import KUBERNETES_SECRET
from hooks.structure import json5, kustomize
from hooks.structure.item import Item, leaves
from hooks.structure.tree import MAP, TEXT, Node

_BLANKS = r"""[\s"',\\]{1,40}"""
_VALUE = (
    r"""(?:\\?"(?P<double>(?:[^"\\\n]|\\[^"\n])*+)\\?"|'(?P<single>[^'\n]*+)'"""
    r"""|(?P<word>(?:\\\S|\$\([^)\n]{0,200}+\)|\$\{[^}\n]{0,200}+\}|[^\s"'`;|&<>\\])++))"""
)
_STEP = lazy.compile(
    rf"""\bcreate{_BLANKS}(?P<made>secret|configmap|cm)\b|\bpatch{_BLANKS}(?P<patched>secrets?)\b"""
    rf"""|--from-literal[=\s]{{1,20}}(?:(?P<around>["'])(?P<named>[\w.\-]{{1,200}})=(?P<whole>(?:(?!(?P=around))[^\n])*+)"""
    rf"""|(?P<key>[\w.\-]{{1,200}})={_VALUE})"""
    rf"""|--docker-password[=\s]{{1,20}}{_VALUE.replace("?P<", "?P<docker_")}"""
    r"""|\s(?:-p|--patch)[=\s]{0,20}(?P<quote>["'])(?P<patch>\s*[{\[](?:(?!(?P=quote))(?:[^\\]|\\[\s\S]))*+)"""
)
_COMMAND = lazy.compile(rf"(?:create|patch){_BLANKS}secret")
_REACH = 4000
"""How far from its command an option is looked for, in characters."""


def items(text: str) -> Iterator[Item]:
    """The values of every such command, whether they leak or not."""
    if not any(mark in text for mark in ("--from-literal", "--docker-password", "patch")):
        return
    if not _COMMAND.search(text):  # a program that patches: to look for options in all of it takes long
        return
    line, counted, last, begun = 1, 0, "", 0
    for step in _STEP.finditer(text):
        if step["made"] or step["patched"]:
            last, begun = step["made"] or "patch", step.start()
            continue
        if step.start() - begun > _REACH or last not in (("patch",) if step["patch"] else ("secret",)):
            continue
        place = step.start(step.lastgroup or 0)
        line += text.count("\n", counted, place)
        counted = place
        yield from _patched(step, line) if step["patch"] else _made(step, line)


def _made(step: re.Match[str], line: int) -> Iterator[Item]:
    value = next((step[name] for name in _VALUES if step[name] is not None), "")
    yield _item(step["named"] or step["key"] or "docker-password", Node(TEXT, line, text=value))


_VALUES = ("whole", "double", "single", "word", "docker_double", "docker_single", "docker_word")


def _patched(step: re.Match[str], line: int) -> Iterator[Item]:
    text = step["patch"]
    if step["quote"] == '"':
        text = text.replace('\\"', '"')
    for _, node in json5.tree(text, line).entries:
        for field in ("data", "stringData"):
            for values in node.all(field) if node.kind == MAP else ():
                for _, key, leaf in leaves(values, (field,), field):
                    yield _item(key, leaf, encoded=field == "data")
        for _, each in node.entries if node.kind != MAP else ():
            for item in kustomize.patched(each, (), "Secret"):
                item.command = True
                yield item


def _item(key: str, node: Node, *, encoded: bool = False) -> Item:
    item = Item(KUBERNETES_SECRET, (), key, node, encoded=encoded)
    item.command = True
    return item
