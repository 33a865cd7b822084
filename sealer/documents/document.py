"""Documents in files: SealedSecret, Secret, List, and whatever else stands beside them (DESIGN section 5).

Reads as kubeseal reads, but strictly: what upstream drops without a word (unknown fields, numbers as values) is refused
with file, line and path. Nothing here knows envelopes or keys.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.documents.fields import Fields, Path
from sealer.documents.node import Kind, Node
from sealer.documents.stream import API_VERSION, KIND, Format, identity, read
from sealer.errors import DocumentError, NameRefused
from sealer.formats.binding import Binding, Scope, scope_of
from sealer.secret import Ref, Secret

_SEALED = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_SPEC = frozenset({"encryptedData", "template", "data"})
_TEMPLATE = frozenset({"metadata", "type", "immutable", "data"})
_SECRET = frozenset({"apiVersion", "kind", "metadata", "data", "stringData", "type", "immutable"})
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands. `index` counts the documents of a file from 0, with Lists taken apart."""

    file: str
    line: int
    index: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Template:
    """spec.template: what surrounds the items in the Secret. In `data`, None means that the item is left out."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    type: str | None = None
    immutable: bool = False
    data: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    name: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A sealed document. `items` are envelope texts, `lines` the line of each, `body` the document as JSON values."""

    place: Place
    namespace: str | None
    name: str
    scope: Scope
    items: Mapping[str, str] = field(repr=False)
    lines: Mapping[str, int] = field(repr=False)
    template: Template
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)

    @property
    def binding(self) -> Binding:
        """What the items have to be sealed for."""
        return Binding(self.scope, self.namespace, self.name)

    @property
    def ref(self) -> Ref:
        """Namespace and name; NameRefused if there is no namespace."""
        if self.namespace is None:
            way_out = f"add metadata.namespace in {self.place}"
            raise NameRefused(f"{self.name} has no namespace", where=str(self.place), way_out=way_out)
        return Ref(self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A plaintext Secret in a file. `lines` is the line of each item."""

    place: Place
    secret: Secret
    lines: Mapping[str, int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Other:
    """Any other document, not looked into: it may lack all three names."""

    place: Place
    api_version: str
    kind: str
    name: str


Document = SealedSecret | Manifest | Other


@dataclass(frozen=True, slots=True)
class File:
    """The documents of a file, and the reasons why others in it are refused, both in order."""

    path: str
    format: Format
    documents: tuple[Document, ...]
    problems: tuple[DocumentError, ...]


def parse(data: bytes, path: str) -> File:
    """The documents of a file. Never raises for a bad one: `problems` holds the reasons."""
    try:
        source = read(data, path)
    except DocumentError as error:
        return File(path, "json" if path.endswith(".json") else "yaml", (), (error,))
    documents: list[Document] = []
    problems: list[DocumentError] = []
    for index, entry in enumerate(source.entries()):
        try:
            if isinstance(entry.node, DocumentError):
                raise entry.node
            place = Place(path, entry.node.line, index)
            documents.append(_document(Fields(path, entry.path), entry.node, place, entry.implied))
        except DocumentError as error:
            problems.append(error)
    return File(path, source.format, tuple(documents), tuple(problems))


def parse_strict(data: bytes, path: str) -> File:
    """As `parse`, but raises the first problem."""
    file = parse(data, path)
    if file.problems:
        raise file.problems[0]
    return file


def _document(fields: Fields, node: Node, place: Place, implied: str) -> Document:
    if node.kind is not Kind.MAP:
        if fields.prefix:
            fields.map(node, ())
        return Other(place, "", "", "")
    api_version, kind = identity(node, implied)
    if kind == KIND:
        if api_version != API_VERSION:
            at = node.get("apiVersion") or node
            way_out = f"write apiVersion: {API_VERSION}"
            raise fields.refused("is missing or of an unknown version", at.line, ("apiVersion",), way_out)
        return _sealed_secret(fields, node, place)
    if kind == "Secret" and api_version == "v1":
        return _manifest(fields, node, place)
    if kind == "Secret" and not api_version:
        raise fields.refused("is missing", node.line, ("apiVersion",), "write apiVersion: v1")
    metadata = node.get("metadata")
    name = metadata.get("name") if metadata else None
    return Other(place, api_version, kind, name.text if name else "")


def _sealed_secret(fields: Fields, node: Node, place: Place) -> SealedSecret:
    top = fields.map(node, (), _SEALED)
    name, namespace, labels, annotations = _metadata(fields, top, place.line)
    if "spec" not in top:
        raise fields.refused("is missing", place.line, ("spec",), "add spec.encryptedData")
    spec = fields.map(top["spec"], ("spec",), _SPEC, "remove it: upstream drops it without a word")
    if "data" in spec:
        way_out = "seal the Secret again: its items go to spec.encryptedData"
        raise fields.refused("is the old format that is one sealed blob", spec["data"].line, ("spec", "data"), way_out)
    items, lines = fields.items(spec.get("encryptedData"), ("spec", "encryptedData"))
    template = _template(fields, spec.get("template"))
    if "encryptedData" not in spec and not template.data:
        path = ("spec", "encryptedData")
        raise fields.refused("is missing", top["spec"].line, path, "add it; `encryptedData: {}` if there are no items")
    texts = {key: text for key, text in items.items() if text is not None}
    scope = scope_of(annotations)
    return SealedSecret(place, namespace, name, scope, texts, lines, template, labels, annotations, node.plain())


def _metadata(
    fields: Fields, top: Mapping[str, Node], line: int
) -> tuple[str, str | None, dict[str, str], dict[str, str]]:
    metadata = fields.map(top["metadata"], ("metadata",)) if "metadata" in top else {}
    return (
        fields.required(metadata.get("name"), line, ("metadata", "name")),
        fields.text(metadata.get("namespace"), ("metadata", "namespace")),
        fields.texts(metadata.get("labels"), ("metadata", "labels")),
        fields.texts(metadata.get("annotations"), ("metadata", "annotations")),
    )


def _template(fields: Fields, node: Node | None) -> Template:
    path: Path = ("spec", "template")
    if node is None or node.kind is Kind.NULL:
        return Template()
    top = fields.map(node, path, _TEMPLATE, "items in clear go to spec.template.data; remove all else")
    data, lines = fields.items(top.get("data"), (*path, "data"), nulls=True)
    inner = top.get("metadata")
    metadata = {} if inner is None or inner.kind is Kind.NULL else fields.map(inner, (*path, "metadata"))
    path = (*path, "metadata")
    return Template(
        labels=fields.texts(metadata.get("labels"), (*path, "labels")),
        annotations=fields.texts(metadata.get("annotations"), (*path, "annotations")),
        type=fields.text(top.get("type"), (*path[:-1], "type")),
        immutable=fields.flag(top.get("immutable"), (*path[:-1], "immutable")),
        data=data,
        lines=lines,
        name=fields.text(metadata.get("name"), (*path, "name")),
        namespace=fields.text(metadata.get("namespace"), (*path, "namespace")),
    )


def _manifest(fields: Fields, node: Node, place: Place) -> Manifest:
    top = fields.map(node, (), _SECRET)
    name, namespace, labels, annotations = _metadata(fields, top, place.line)
    encoded, lines = fields.items(top.get("data"), ("data",))
    clear, clear_lines = fields.items(top.get("stringData"), ("stringData",))
    items = {key: _base64(fields, text or "", lines[key], ("data", key)) for key, text in encoded.items()}
    items.update((key, (text or "").encode()) for key, text in clear.items())
    secret = Secret(
        name=name,
        namespace=namespace,
        items=items,
        type=fields.text(top.get("type"), ("type",)) or "Opaque",
        labels=labels,
        annotations=annotations,
        immutable=fields.flag(top.get("immutable"), ("immutable",)),
    )
    return Manifest(place, secret, {**lines, **clear_lines})


def _base64(fields: Fields, text: str, line: int, path: Path) -> bytes:
    """Bytes as Go's StdEncoding reads them: line breaks are skipped, all else is strict."""
    compact = text.replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(compact):
        raise fields.refused("is not base64", line, path, "put a text in clear under stringData")
    return binascii.a2b_base64(compact)
