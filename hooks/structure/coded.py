"""Secrets of Kubernetes that a program makes: Terraform's resource, and literal maps of `stringData` in any language.

    resource "kubernetes_secret" "x" { data = { token = "v" } }
    new k8s.core.v1.Secret("x", { stringData: { token: "v" } })      StringData: map[string]string{"token": "v"}
    client.V1Secret(string_data={"token": "v"})
    manifest = { kind = "Secret", data = { token = "dg==" } }        "type": "kubernetes_secret", as a state has it

Only literals count: what a variable or a call yields is not in the file. Pure, in time linear to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.rule import KUBERNETES_SECRET
from hooks.structure import json5
from hooks.structure.item import Item
from hooks.structure.tree import MAP, TEXT, Node

_MADE = lazy.compile(
    r"""\bresource\s{1,9}"(?P<resource>kubernetes_secret(?:_v1)?(?:_data)?)"\s{0,9}"[^"\n]{0,200}"\s{0,9}\{"""
    r"""|\b(?P<field>[sS]tringData|string_data)\b["']?\s{0,9}[:=]\s{0,9}[\w.&*\[\]<>()]{0,60}\s{0,9}\{"""
)
_GIVEN = lazy.compile(r"""["']?\s{0,9}[:=]""")
# What says that the next map of data is a Secret's: an object of HCL in Kubernetes' words, a resource of a state.
_SAID = lazy.compile(
    r"""\bkind["']?\s{0,20}=\s{0,20}["'](?P<kind>Secret)["']|"type"\s{0,9}:\s{0,9}"kubernetes_secret(?:_v1)?\""""
)
_DATA = lazy.compile(r"""(?<![\w.$])["']?data["']?\s{0,20}[:=]\s{0,20}(?=\{)""")
_NEAR = 4000
_STEP = lazy.compile(r""""(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|`[^`]*+`?|[{}]""")
_LONGEST = 1 << 16
_HCL = {"data": False, "binary_data": True, "data_wo": False}
"""The maps of a resource that hold values, and whether these are in base64."""


def items(text: str) -> Iterator[Item]:
    """The values of every such Secret, whether they leak or not."""
    yield from _made(text)
    yield from _said(text)


def _said(text: str) -> Iterator[Item]:
    if "kubernetes_secret" not in text and '"Secret"' not in text and "'Secret'" not in text:
        return
    at, line, counted = 0, 1, 0
    data: re.Match[str] | None = None
    for said in _SAID.finditer(text):
        if said.end() < at:
            continue
        if data is None or data.start() < said.end():
            data = _DATA.search(text, said.end())
        if data is None:
            return
        if data.end() - said.end() > _NEAR:
            continue
        at = _end(text, data.end())
        line += text.count("\n", counted, data.end())
        counted = data.end()
        for node in json5.values(text[counted:at], line):
            yield from _texts(node, "data", encoded=said["kind"] is not None)


def _made(text: str) -> Iterator[Item]:
    if "kubernetes_secret" not in text and not any(_is_given(text, name) for name in ("tringData", "string_data")):
        return
    at, line, counted = 0, 1, 0
    while match := _MADE.search(text, at):
        at = _end(text, match.end() - 1)
        line += text.count("\n", counted, match.end() - 1)
        counted = match.end() - 1
        for node in json5.values(text[match.end() - 1 : at], line):
            if match["resource"]:
                yield from _resource(node, match["resource"])
            else:
                yield from _texts(node, match["field"], encoded=False)


def _is_given(text: str, name: str) -> bool:
    """Whether something is assigned to a name. Programs call it for other things: `unsafe.StringData`."""
    at = text.find(name)
    while at >= 0:
        if _GIVEN.match(text, at + len(name)):
            return True
        at = text.find(name, at + 1)
    return False


def _end(text: str, start: int) -> int:
    """Where the map ends that begins at an offset; of one that is endless, where no more of it is read."""
    level = 0
    last = min(start + _LONGEST, len(text))
    for step in _STEP.finditer(text, start, last):
        level += {"{": 1, "}": -1}.get(step[0], 0)
        if level == 0 and step[0] == "}":
            return step.end()
    return last


def _resource(node: Node, name: str) -> Iterator[Item]:
    for field, encoded in _HCL.items():
        for values in node.all(field):
            yield from _texts(values, f"{name}.{field}", encoded=encoded)


def _texts(node: Node, path: str, *, encoded: bool) -> Iterator[Item]:
    for key, leaf in node.entries if node.kind == MAP else ():
        if leaf.kind == TEXT and leaf.quoted:
            yield Item(KUBERNETES_SECRET, (path,), key, leaf, encoded=encoded)
