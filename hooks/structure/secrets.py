"""The values of every Secret of Kubernetes in a text, and of kustomize's secretGenerator, wherever they stand. Pure.

Any document of a stream, items of a List, `objects` of a template, `extraDeploy` of a chart's values, JSON inside an
annotation, a manifest inside a text, a patch, in comments. What parses is read as Kubernetes reads it, document by
document; what does not is read by `hooks.loose`. Of a SealedSecret, what stands in clear beside the sealed values.
Nothing is judged here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from hooks import lazy, loose
from hooks.rule import KUBERNETES_SECRET
from hooks.structure import json5, kube, kustomize, yaml
from hooks.structure.item import Item, Parts, leaves
from hooks.structure.tree import LIST, MAP, TEXT, Node

_LISTS = {"List", "SecretList"}
_KIND_JSON = lazy.compile(r'kind\\*"\s*:\s*\\*"Secret')
_KIND_YAML = lazy.compile(r"^\s*(?:- )?['\"]?kind['\"]?:\s*['\"]?Secret", re.MULTILINE)
_SAID = lazy.compile(
    r"""kind\\*["']?\s{0,9}[:=]\s{0,40}(?:[|>][-+]?\s{0,40})?\\*["']?S(?:ealedS)?ecret|secretGenerator"""
    r"""|path\\*["']?\s{0,9}:\s{0,9}\\*["']?/(?:stringD|d)ata\b"""
)
_COMMENTED = lazy.compile(r"(?:^[ \t]*#[^\n]*(?:\n|\Z))+", re.MULTILINE)
_MARK = lazy.compile(r"^([ \t]*)#+ ?", re.MULTILINE)
_ITEM_COMMENT = lazy.compile(r"\s*#+\s*[\"']?(?P<key>[\w.-]+)[\"']?:\s+[\"']?(?P<value>[^\s\"'#]{4,})[\"']?\s*$")
_MAX_DEPTH = 3
_NEAR = 20


def items(text: str, *, manifest: bool, json: bool) -> Iterator[Item]:
    """Every value of every Secret, whether it leaks or not; `item.data` may hold more than one secret by itself."""
    if "\r" in text and "\n" not in text:  # an old Mac's: one line to all others
        for item in items(text.replace("\r", "\n"), manifest=manifest, json=json):
            item.line = item.end = 1
            yield item
        return
    if not manifest and not (("ecret" in text or "/data" in text) and _SAID.search(text)):
        return  # code that knows of Secrets: reading it as if it were a manifest takes long
    roots, is_unsure = _roots(text, manifest=manifest, json=json)
    lines = text.split("\n") if "#" in text else []
    for root in roots:
        found = list(_walk(root, 0))
        if found and is_unsure and not is_json(text):
            root.exact = False
            found = list(_walk(root, 0))
        yield from found
        if lines and found:
            yield from _comments(lines, found)
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
    if (text.lstrip()[:2] in ("{{", "{%", "[[") or "\n---" in text) and not is_json(text):
        return None
    root = json5.tree(text)
    root.exact = True
    return root


def is_json(text: str) -> bool:
    """Whether a text is JSON to the letter."""
    from sealer.documents import jsonio
    from sealer.errors import DocumentError

    found = False
    try:
        for _ in jsonio.parse_stream(text, ""):
            found = True
    except DocumentError:
        return False
    return found


def _walk(root: Node, depth: int, start: Parts = (), aim: str = "") -> Iterator[Item]:
    """Items of every Secret in a tree. The root is a list of documents, or of what was found in a text.

    `aim`: the kind that patches in it are for, as far as that is known.
    """
    todo: list[tuple[Node, Parts, bool, bool, str]] = [
        (child, start, root.exact and not start, False, aim) for _, child in root.entries
    ]
    todo.reverse()
    while todo:
        node, parts, top, implied, aim = todo.pop()
        if node.kind == LIST:
            todo += [(child, (*parts, i), top, implied, aim) for i, (_, child) in enumerate(node.entries)]
        elif node.kind == TEXT:
            yield from _embedded(node, parts, depth, aim)
        else:
            yield from _of_map(node, parts, top, implied)
            yield from kustomize.patched(node, parts, aim)
            kinds = kube.kinds(node)
            aim = kustomize.aim(node) or aim
            for key, value in node.entries:
                inside = top and key == "items" and not _LISTS.isdisjoint(kinds)
                named = key == "items" and "SecretList" in kinds
                todo.append((value, (*parts[-20:], key), inside, named, aim))


def _of_map(node: Node, parts: Parts, top: bool, implied: bool) -> Iterator[Item]:
    if kube.is_secret(node, implied=implied):
        sealable = top and (implied or node.get("apiVersion") is not None)
        yield from _secret(node, parts, sealable=sealable)
    elif kube.is_sealed(node):
        yield from _beside(node, parts)
    yield from kustomize.generated(node, parts)


def _secret(node: Node, parts: Parts, *, sealable: bool = False) -> Iterator[Item]:
    for name in ("data", "stringData"):
        for values in node.all(name):
            for where, key, leaf in leaves(values, (*parts, name), name):
                item = Item(KUBERNETES_SECRET, where, key, leaf, encoded=name == "data")
                item.sealable = sealable
                yield item


def _beside(node: Node, parts: Parts) -> Iterator[Item]:
    """What a SealedSecret holds in clear: in its template, in the place of a sealed value, beside its spec."""
    places = [(node, parts)]
    for spec in node.all("spec"):
        for key, child in spec.entries:
            if key == "template" and child.kind == MAP:
                places.append((child, (*parts, "spec", "template")))
            elif key in ("encryptedData", "data"):
                for where, name, leaf in leaves(child, (*parts, "spec", key), key):
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


def _embedded(node: Node, parts: Parts, depth: int, aim: str) -> Iterator[Item]:
    """A Secret in a text: JSON as kubectl's last-applied-configuration has it, a manifest or a patch in a block."""
    text = node.text
    patch = kustomize.may_patch(text)
    if depth >= _MAX_DEPTH or not (patch or "Secret" in text):
        return
    if text.lstrip()[:1] in ("{", "[") and (patch or _KIND_JSON.search(text)):
        roots = [json5.tree(text)]
    elif "\n" in text and (patch or _KIND_YAML.search(text)):
        roots = list(yaml.roots(text))
    else:
        return
    for root in roots:
        for item in _walk(root, depth + 1, parts, aim):
            _place(item, node)
            yield item


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
            root = json5.tree(plain[begin:])
            for item in _walk(root, 0):
                item.line = item.end = number
                item.sealable = False
                yield item


def _comments(lines: list[str], found: list[Item]) -> Iterator[Item]:
    """Items of a Secret that were commented out, among or right behind those that were not."""
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
