"""A file as a stream of nodes: which format it is, and its documents with Lists taken apart (DESIGN section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sealer.documents import jsonio, yamlio
from sealer.documents.fields import Fields, Path
from sealer.documents.node import Kind, Node, conflict, decode
from sealer.errors import DocumentError

API_VERSION = "bitnami.com/v1alpha1"
KIND = "SealedSecret"

Format = Literal["yaml", "json"]

_LISTS = {"List": "", "SecretList": "Secret", "SealedSecretList": KIND}
_WANTED = {*_LISTS, KIND, "Secret"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One document, or why it is refused; `path` leads to it inside `root`, `implied` is the kind its list gives it."""

    node: Node | DocumentError
    path: Path
    implied: str
    root: Node | DocumentError


@dataclass(frozen=True, slots=True)
class Source:
    """A file as nodes, Lists not taken apart. `text` has no BOM; offsets of the nodes count in it."""

    path: str
    text: str = field(repr=False)
    bom: bool
    format: Format
    roots: tuple[Node | DocumentError, ...]

    def entries(self) -> Iterator[Entry]:
        """Its documents with Lists taken apart, empty ones left out. Their numbers here are the `index` of a Place."""
        for root in self.roots:
            if isinstance(root, DocumentError) or root.kind is not Kind.NULL:
                yield from _flat(self.path, Entry(root, (), "", root))


def read(data: bytes, path: str) -> Source:
    """A file as nodes. Raises DocumentError only if it can't be decoded.

    `.json` is JSON. Any other file that begins with `{` or `[` is JSON if it obeys JSON's grammar (NaN and doubled
    members are then refused), else YAML, where a flow map begins so too. All else is YAML.
    """
    text, bom = decode(data, path)
    named = path.lower().endswith(".json")
    if named or text.lstrip(" \t\r\n")[:1] in ("{", "["):
        roots: list[Node | DocumentError] = []
        try:
            roots.extend(jsonio.parse_stream(text, path))
            return Source(path, text, bom, "json", tuple(roots))
        except jsonio.NotJSON as error:
            if named:
                return Source(path, text, bom, "json", (*roots, conflict(text, path) or error))
        except DocumentError as error:
            return Source(path, text, bom, "json", (*roots, error))
    return Source(path, text, bom, "yaml", tuple(yamlio.documents(text, path, _wanted)))


def _wanted(api_version: str, kind: str) -> bool:
    return kind in _WANTED and (kind != "Secret" or api_version in ("v1", ""))


def _flat(file: str, entry: Entry) -> Iterator[Entry]:
    node = entry.node
    kind = "" if isinstance(node, DocumentError) or node.kind is not Kind.MAP else identity(node, entry.implied)[1]
    if isinstance(node, DocumentError) or kind not in _LISTS:
        yield entry
        return
    items = node.get("items")
    if items is None or items.kind not in (Kind.SEQ, Kind.NULL):
        what, line = "is missing or not a list", (items or node).line
        error = Fields(file, entry.path).refused(what, line, ("items",), "write `items: []`")
        yield Entry(error, entry.path, "", entry.root)
        return
    for index, child in enumerate(items.children):
        yield from _flat(file, Entry(child, (*entry.path, "items", index), _LISTS[kind], entry.root))


def identity(node: Node, implied: str) -> tuple[str, str]:
    """What a document says it is: apiVersion and kind; items of a SecretList may leave them out."""
    kind, api_version = node.get("kind"), node.get("apiVersion")
    if kind is None and api_version is None and implied:
        return (API_VERSION if implied == KIND else "v1"), implied
    return (api_version.text if api_version else ""), (kind.text if kind else "")
