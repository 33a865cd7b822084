"""The values of every Secret of Kubernetes in a text, and of kustomize's secretGenerator, wherever they stand. Pure.

Any document of a stream, items of a List, `objects` of a template, `extraDeploy` of a chart's values, JSON inside an
annotation, a manifest inside a text, in comments. What parses is read as Kubernetes reads it, document by document;
what does not is read by `hooks.loose`. Of a SealedSecret, what stands in clear beside the sealed values. Nothing is
judged here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from hooks import lazy, loose
from hooks.rule import KUBERNETES_SECRET, KUSTOMIZE_SECRET, Rule
from hooks.structure import json5, kube, yaml
from hooks.structure.tree import LIST, MAP, TEXT, Node
from hooks.value import decode

_LISTS = {"List", "SecretList"}
_KIND_JSON = lazy.compile(r'kind\\*"\s*:\s*\\*"Secret')
_KIND_YAML = lazy.compile(r"^\s*(?:- )?['\"]?kind['\"]?:\s*['\"]?Secret", re.MULTILINE)
_SAID = lazy.compile(
    r"""kind\\*["']?\s{0,9}[:=]\s{0,40}(?:[|>][-+]?\s{0,40})?\\*["']?S(?:ealedS)?ecret|secretGenerator"""
)
_COMMENTED = lazy.compile(r"(?:^[ \t]*#[^\n]*(?:\n|\Z))+", re.MULTILINE)
_MARK = lazy.compile(r"^([ \t]*)#+ ?", re.MULTILINE)
_ITEM_COMMENT = lazy.compile(r"\s*#+\s*[\"']?(?P<key>[\w.-]+)[\"']?:\s+[\"']?(?P<value>[^\s\"'#]{4,})[\"']?\s*$")
_MAX_DEPTH = 3
_NEAR = 20

Parts = tuple[str | int, ...]


class Item:
    """One value of a Secret as it stands in a text. `encoded`: in base64; `beside`: in clear beside sealed ones."""

    __slots__ = ("beside", "body", "encoded", "end", "key", "line", "path", "rule", "sealable", "text")

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

    def __repr__(self) -> str:
        return f"Item({self.rule.id}, line {self.line})"

    @property
    def data(self) -> bytes:
        """What Kubernetes hands out: the decoded bytes; the text itself where it is no base64."""
        decoded = decode(self.text) if self.encoded else None
        return self.text.encode("utf-8", "replace") if decoded is None else decoded


def items(text: str, *, manifest: bool, json: bool) -> Iterator[Item]:
    """Every value of every Secret, whether it leaks or not; `item.data` may hold more than one secret by itself."""
    if "\r" in text and "\n" not in text:  # an old Mac's: one line to all others
        for item in items(text.replace("\r", "\n"), manifest=manifest, json=json):
            item.line = item.end = 1
            yield item
        return
    if not manifest and ("ecret" not in text or not _SAID.search(text)):
        return  # code that knows of Secrets: reading it as if it were a manifest takes long
    roots, is_unsure = _roots(text, manifest=manifest, json=json)
    for root in roots:
        found = list(_walk(root, 0))
        if found and is_unsure and not _is_json(text):
            root.exact = False
            found = list(_walk(root, 0))
        yield from found
        if "#" in text and found:
            yield from _comments(text, found)
    if not (json and manifest):
        yield from _in_one_line(text)
        yield from _in_comments(text)


def _roots(text: str, *, manifest: bool, json: bool) -> tuple[list[Node], bool]:
    """The documents of a text, each a list of what it holds; whether it only looks like JSON so far."""
    if manifest and (json or text.lstrip()[:1] in ("{", "[")) and (root := _json(text)) is not None:
        return [root], True
    return (list(yaml.roots(text)) if manifest else [loose.read(text)]), False


def _json(text: str) -> Node | None:
    """A JSON text; None if it is a template or YAML's flow style all through, which only begins alike.

    Whether it is JSON to the letter is asked once something is found in it: that takes as long as reading it.
    """
    if (text.lstrip()[:2] in ("{{", "{%", "[[") or "\n---" in text) and not _is_json(text):
        return None
    root = Node(LIST, 1)
    root.entries = [("", node) for node in json5.values(text)]
    root.exact = True
    return root


def _is_json(text: str) -> bool:
    from sealer.documents import jsonio
    from sealer.errors import DocumentError

    found = False
    try:
        for _ in jsonio.parse_stream(text, ""):
            found = True
    except DocumentError:
        return False
    return found


def _walk(root: Node, depth: int, start: Parts = ()) -> Iterator[Item]:
    """Items of every Secret in a tree. The root is a list of documents, or of what was found in a text."""
    todo: list[tuple[Node, Parts, bool, bool]] = [
        (child, start, root.exact and not start, False) for _, child in root.entries
    ]
    todo.reverse()
    while todo:
        node, parts, top, implied = todo.pop()
        if node.kind == LIST:
            todo += [(child, (*parts, i), top, implied) for i, (_, child) in enumerate(node.entries)]
        elif node.kind == TEXT:
            yield from _embedded(node, parts, depth)
        else:
            yield from _of_map(node, parts, top, implied)
            kinds = kube.kinds(node)
            for key, value in node.entries:
                inside = top and key == "items" and not _LISTS.isdisjoint(kinds)
                named = key == "items" and "SecretList" in kinds
                todo.append((value, (*parts[-20:], key), inside, named))


def _of_map(node: Node, parts: Parts, top: bool, implied: bool) -> Iterator[Item]:
    if kube.is_secret(node, implied=implied):
        sealable = top and (implied or node.get("apiVersion") is not None)
        yield from _secret(node, parts, sealable=sealable)
    elif kube.is_sealed(node):
        yield from _beside(node, parts)
    for made in node.all("secretGenerator"):
        yield from _generators(made, (*parts, "secretGenerator"))


def _secret(node: Node, parts: Parts, *, sealable: bool = False) -> Iterator[Item]:
    for name in ("data", "stringData"):
        for values in node.all(name):
            for where, key, leaf in _leaves(values, (*parts, name), name):
                item = Item(KUBERNETES_SECRET, where, key, leaf, encoded=name == "data")
                item.sealable = sealable
                yield item


def _leaves(node: Node, parts: Parts, key: str) -> Iterator[tuple[Parts, str, Node]]:
    """Every text in the maps below a node, with the path of each. No Secret nests, but people write it."""
    todo = [(node, parts[:-1], key)]
    while todo:
        one, where, name = todo.pop()
        if one.kind == TEXT:
            yield where, name, one
        elif one.kind == MAP and len(where) < 30:
            inner = (*where, name)
            todo += [(child, inner, key or name) for key, child in reversed(one.entries)]


def _beside(node: Node, parts: Parts) -> Iterator[Item]:
    """What a SealedSecret holds in clear: in its template, in the place of a sealed value, beside its spec."""
    places = [(node, parts)]
    for spec in node.all("spec"):
        for key, child in spec.entries:
            if key == "template" and child.kind == MAP:
                places.append((child, (*parts, "spec", "template")))
            elif key in ("encryptedData", "data"):
                for where, name, leaf in _leaves(child, (*parts, "spec", key), key):
                    item = Item(KUBERNETES_SECRET, where, name, leaf, encoded=True)
                    # Envelopes of another version, cut short in documentation: whatever is long base64 may be sealed.
                    item.beside = True
                    if not _sealed(leaf.text):
                        yield item
    for place, where in places:
        for item in _secret(place, where):
            item.beside = True
            yield item


def _sealed(text: str) -> bool:
    """Whether a text may be an envelope: an RSA key's worth of base64 at least, or one that was cut short."""
    compact = "".join(text.split())
    return compact.startswith(("Ag", "v2:")) or len(compact) > 340 or "..." in compact


def _generators(made: Node, parts: Parts) -> Iterator[Item]:
    for number, (_, each) in enumerate(made.entries):
        for literals in each.all("literals") if each.kind == MAP else ():
            for _, literal in literals.entries:
                key, _, value = literal.text.partition("=")
                node = Node(TEXT, literal.line, literal.end, _unquoted(value))
                yield Item(KUSTOMIZE_SECRET, (*parts, number, "literals"), key.strip("\"' "), node)


def _embedded(node: Node, parts: Parts, depth: int) -> Iterator[Item]:
    """A Secret in a text: JSON as kubectl's last-applied-configuration has it, or a manifest in a block."""
    text = node.text
    if depth >= _MAX_DEPTH or "Secret" not in text:
        return
    if text.lstrip()[:1] in ("{", "[") and _KIND_JSON.search(text):
        roots = [_below(json5.values(text))]
    elif "\n" in text and _KIND_YAML.search(text):
        roots = list(yaml.roots(text))
    else:
        return
    for root in roots:
        for item in _walk(root, depth + 1, parts):
            _place(item, node)
            yield item


def _below(nodes: Iterator[Node]) -> Node:
    root = Node(LIST, 1)
    root.entries = [("", node) for node in nodes]
    return root


def _place(item: Item, node: Node) -> None:
    """Lines inside a text become lines of the file: exact in a block, else those of the whole text."""
    if node.body:
        last = max(node.end, node.body)
        item.line, item.end = min(node.body + item.line - 1, last), min(node.body + item.end - 1, last)
    else:
        item.line, item.end = node.line, node.end
    item.sealable = False


def _in_one_line(text: str) -> Iterator[Item]:
    """Secrets as JSON objects within one line of any text, escaped or not."""
    for number, line in enumerate(text.split("\n"), 1):
        if "Secret" not in line or '"' not in line or not _KIND_JSON.search(line):
            continue
        plain = line.replace('\\"', '"').replace("\\\\", "\\") if '\\"' in line else line
        begin = plain.find("{")
        if begin >= 0:
            root = _below(json5.values(plain[begin:]))
            for item in _walk(root, 0):
                item.line = item.end = number
                item.sealable = False
                yield item


def _comments(text: str, found: list[Item]) -> Iterator[Item]:
    """Items of a Secret that were commented out, among or right behind those that were not."""
    lines = text.split("\n")
    for item in found:
        above = range(item.line - 2, max(item.line - 2 - _NEAR, -1), -1)
        for number in (*_while(lines, above), *_while(lines, range(item.end, min(item.end + _NEAR, len(lines))))):
            match = _ITEM_COMMENT.match(lines[number])
            if match is None:
                continue
            node = Node(TEXT, number + 1, 0, match["value"])
            other = Item(item.rule, (), match["key"], node, encoded=item.encoded)
            other.path = item.path
            other.beside = True
            yield other


def _while(lines: list[str], numbers: range) -> Iterator[int]:
    return itertools.takewhile(lambda number: lines[number].lstrip().startswith("#"), numbers)


def _in_comments(text: str) -> Iterator[Item]:
    """Secrets that were commented out: they are in the repository all the same."""
    if "#" not in text:
        return
    line, counted = 1, 0
    for block in _COMMENTED.finditer(text):
        if "Secret" not in block[0]:
            continue
        plain = _MARK.sub(r"\1", block[0])
        if not _KIND_YAML.search(plain):
            continue
        line += text.count("\n", counted, block.start())
        counted = block.start()
        yield from _walk(loose.read(plain, line), 0)


def _unquoted(text: str) -> str:
    bare = text.strip().rstrip(",")
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'" else bare
