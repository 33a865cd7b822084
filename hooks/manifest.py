"""Plaintext `kind: Secret` manifests and kustomize's secretGenerator, in YAML, JSON, templates and prose. Pure.

What parses is read as Kubernetes reads it, and a Secret is found wherever it stands as a map: any document of a stream,
items of a List, `objects` of a template, `extraDeploy` of a chart's values, JSON inside an annotation. Texts inside a
ConfigMap are not taken apart. What does not parse is read by `hooks.loose`.

In a manifest every literal value is a finding but those that `hooks.value` knows to be none: a Secret of certificates
only, or one that declares a repository by type and URL, leaks nothing; one with a weak password does, since it is what
gets deployed. In documentation and code, where examples live, a value has to look random as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hooks import loose
from hooks.finding import Hit, shown
from hooks.randomness import looks_random
from hooks.rule import KUBERNETES_SECRET, KUSTOMIZE_SECRET, Rule
from hooks.value import Verdict, decode, judge, judge_base64
from sealer.documents import jsonio, yamlio
from sealer.documents.node import Kind, Node, join
from sealer.errors import DocumentError

_API = re.compile(r"v1|.*\{\{.*")
_LISTS = {"List", "SecretList"}
_TOKEN = re.compile(r"[^\s\"'=:,;{}\[\]]{8,}")
_EMBEDDED = re.compile(r"\{.*\"kind\"\s*:\s*\"Secret(?:List)?\"", re.DOTALL)
_COLLECTION = re.compile(r"\[(?!\[)|\{(?![{%])")
_UNTOLD = Verdict.WEAK


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a Secret as it stands in a text; `encoded`: in base64."""

    rule: Rule
    path: str
    key: str
    text: str = field(repr=False)
    encoded: bool
    line: int
    end: int
    sealable: bool


def hits(text: str, *, manifest: bool, json: bool) -> list[Hit]:
    """Every value that leaks. `manifest`: the file is one by its name; `json`: by its name it is JSON."""
    found: dict[tuple[int, str], Hit] = {}
    for item in _items(text, manifest=manifest, json=json):
        if _leaks(item, strict=not manifest):
            prefix = f"{item.path}." if item.path else ""
            hit = Hit(item.rule, item.line, item.end, prefix + shown(item.key, item.text), item.sealable)
            found.setdefault((hit.line, hit.key), hit)
    return list(found.values())


def _items(text: str, *, manifest: bool, json: bool) -> Iterator[Item]:
    roots = _parsed(text, json=json) if manifest else None
    if roots is None:
        yield from _loosely(text)
    else:
        for root in roots:
            yield from _walk(text, root, (), sealable=True)


def _leaks(item: Item, *, strict: bool) -> bool:
    verdict = judge_base64(item.key, item.text) if item.encoded else judge(item.key, item.text)
    if verdict < _UNTOLD or not strict:
        return verdict >= _UNTOLD
    decoded = (decode(item.text) or b"").decode("utf-8", "replace") if item.encoded else item.text
    return verdict is Verdict.SECRET and any(looks_random(token) for token in _TOKEN.findall(decoded[:20_000]))


def _parsed(text: str, *, json: bool) -> list[Node] | None:
    """The documents of a text; None if any of them can't be parsed."""
    roots: list[Node] = []
    try:
        if json or text.lstrip()[:1] in ("{", "["):
            return list(jsonio.parse_stream(text, ""))
    except DocumentError:
        if json:
            return None
    for root in yamlio.documents(text, ""):
        if isinstance(root, DocumentError):
            return None
        roots.append(root)
    return roots


Parts = tuple[str | int, ...]


def _walk(text: str, root: Node, start: Parts, *, sealable: bool, line: int = 0) -> Iterator[Item]:
    """Items of every Secret in a tree; `line`, if given, is where all of it stands (JSON inside a scalar)."""
    todo: list[tuple[Node, Parts, bool, bool]] = [(root, start, sealable, False)]
    while todo:
        node, parts, top, implied = todo.pop()
        if node.kind is Kind.SEQ:
            todo += [(child, (*parts, i), top, implied) for i, child in enumerate(node.children)]
        elif node.kind is Kind.STR and line == 0 and '"kind"' in node.text and _EMBEDDED.match(node.text.strip()):
            yield from _embedded(text, node, parts)
        elif node.kind is Kind.MAP:
            kind = _text(node.get("kind"))
            if (kind == "Secret" or (implied and not kind)) and _API.fullmatch(_text(node.get("apiVersion")) or "v1"):
                yield from _secret(
                    text, node, parts, top and (bool(implied) or node.get("apiVersion") is not None), line
                )
            if (made := node.get("secretGenerator")) is not None:
                yield from _generators(text, made, (*parts, "secretGenerator"))
            for key, value in node.items:
                inside = top and key.text == "items" and kind in _LISTS
                todo.append((value, (*parts, key.text), inside, inside and kind == "SecretList"))


def _secret(text: str, node: Node, parts: Parts, sealable: bool, line: int) -> Iterator[Item]:
    for name in ("data", "stringData"):
        values = node.get(name)
        if values is None:
            continue
        if values.kind is Kind.STR:
            yield _item(text, KUBERNETES_SECRET, join(parts), name, values, False, sealable, line)
        for key, value in values.items:
            if value.kind not in (Kind.MAP, Kind.SEQ, Kind.NULL):
                path = join((*parts, name))
                yield _item(text, KUBERNETES_SECRET, path, key.text, value, name == "data", sealable, line)


def _generators(text: str, made: Node, parts: Parts) -> Iterator[Item]:
    for number, each in enumerate(made.children):
        literals = each.get("literals")
        for literal in literals.children if literals else ():
            key, _, value = literal.text.partition("=")
            end = literal.line + text.count("\n", literal.start, literal.end)
            path = join((*parts, number, "literals"))
            yield Item(KUSTOMIZE_SECRET, path, key, _unquoted(value), False, literal.line, end, False)


def _embedded(text: str, node: Node, parts: Parts) -> Iterator[Item]:
    """A Secret in JSON inside a scalar, as kubectl's last-applied-configuration has it."""
    try:
        for root in jsonio.parse_stream(node.text, ""):
            yield from _walk(text, root, parts, sealable=False, line=node.line)
    except DocumentError:
        return


def _item(text: str, rule: Rule, path: str, key: str, value: Node, encoded: bool, sealable: bool, line: int) -> Item:
    end = line or value.line + text.count("\n", value.start, max(value.start, value.end - 1))
    return Item(rule, path, key, value.text, encoded, line or value.line, end, sealable)


def _loosely(text: str) -> Iterator[Item]:
    for one in loose.maps(text):
        kinds = [scalar.text.strip("\"' ,") for scalar, _ in one.get("kind")]
        versions = [scalar.text.strip("\"' ,") for scalar, _ in one.get("apiVersion")] or ["v1"]
        if "Secret" in kinds and any(map(_API.fullmatch, versions)):
            for name in ("data", "stringData"):
                for scalar, child in one.get(name):
                    yield from _loose_items(name, scalar, child)
        if one.under == "secretGenerator":
            for _, child in one.get("literals"):
                yield from _loose_literals(child)
    yield from _in_one_line(text)


def _loose_items(name: str, scalar: loose.Scalar, child: loose.Map | None) -> Iterator[Item]:
    pairs = (
        [(key, value) for key, value, _ in child.pairs if value.end > value.line or not _COLLECTION.match(value.text)]
        if child
        else []
    )
    pairs += [(key, loose.Scalar(value, scalar.line, scalar.end)) for key, value in loose.flow(scalar.text)]
    for key, value in pairs:
        yield Item(KUBERNETES_SECRET, name, key, _unquoted(value.text), name == "data", value.line, value.end, False)


def _loose_literals(child: loose.Map | None) -> Iterator[Item]:
    for scalar in child.items if child else ():
        key, _, value = _unquoted(scalar.text).partition("=")
        path = "secretGenerator.literals"
        yield Item(KUSTOMIZE_SECRET, path, key, _unquoted(value), False, scalar.line, scalar.end, False)


_OBJECT = re.compile(r"\{(?=[\s\\]*\\?\")")
_TRIES = 200


def _in_one_line(text: str) -> Iterator[Item]:
    """Secrets as JSON objects within one line of any text, escaped or not."""
    for number, line in enumerate(text.split("\n"), 1):
        if "Secret" not in line or '"' not in line or not re.search(r'kind\\*"\s*:\s*\\*"Secret', line):
            continue
        plain = line.replace('\\"', '"').replace("\\\\", "\\") if '\\"' in line else line
        at = 0
        for begin in list(_OBJECT.finditer(plain))[:_TRIES]:
            if begin.start() < at:
                continue
            parsed = _object(plain, begin.start())
            if parsed is not None:
                root, at = parsed
                yield from _walk(plain, root, (), sealable=False, line=number)


def _object(text: str, start: int) -> tuple[Node, int] | None:
    import json

    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
        return next(jsonio.parse_stream(text[start:end], "")), end
    except (ValueError, RecursionError, DocumentError, StopIteration):
        return None


def _text(node: Node | None) -> str:
    return node.text if node is not None and node.kind is Kind.STR else ""


def _unquoted(text: str) -> str:
    bare = text.strip().rstrip(",")
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" else bare
