"""Reads `.sealer.yaml` into values of `sealer.configuration.config` (DESIGN section 12). Pure: bytes in, values out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sealer.configuration.config import Cluster, Config, Scan
from sealer.configuration.rules import Rule, compile_pattern
from sealer.documents.node import Kind, Node, shown
from sealer.errors import DocumentError, FormatError, NameRefused
from sealer.formats.binding import Scope, check_cluster, check_name, check_namespace

VERSION = "1"
ENVELOPES = ("v1", "v2")
_SOURCE = re.compile(r"[A-Za-z0-9][-._~/:+A-Za-z0-9]{0,252}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-z0-9][-a-z0-9]{0,62}", re.ASCII)
_TOP = ("version", "source", "clusters", "rules", "run", "scan")
_RULE = ("path", "clusters", "namespace", "name", "scope", "stores")


def read(data: bytes, root: Path, file: str) -> Config:
    """The configuration that the bytes of a `.sealer.yaml` in `root` hold. Raises DocumentError."""
    from sealer.documents import yamlio

    top = yamlio.load(data, file)
    if top is None:
        raise DocumentError("is empty", file=file, line=1, way_out="sealer init")
    return _config(Value(top, "", file), root)


def is_source(text: str) -> bool:
    """Whether a text may be the id of a source."""
    return _SOURCE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Value:
    """A node with its path and file: all that an error about it has to say."""

    node: Node
    path: str
    file: str

    @property
    def line(self) -> int:
        """The line that it begins on, from 1."""
        return self.node.line

    def error(self, what: str, way_out: str = "") -> DocumentError:
        """A DocumentError about this value."""
        return DocumentError(what, file=self.file, line=self.line, path=self.path, way_out=way_out)

    def mapping(self, known: tuple[str, ...] = ()) -> dict[str, Value]:
        """Its members by name; without `known` any name goes."""
        self._expect(Kind.MAP, "a map (name: value)")
        members: dict[str, Value] = {}
        for key, node in self.node.items:
            if known and key.text not in known:
                unknown = Value(key, self.path, self.file)
                raise unknown.error(f"unknown field {shown(key.text)}", _instead(key.text, known))
            members[key.text] = Value(node, f"{self.path}.{shown(key.text)}".lstrip("."), self.file)
        return members

    def list(self) -> Iterator[Value]:
        """The values of a sequence."""
        self._expect(Kind.SEQ, "a list ([a, b] or lines with -)")
        for index, node in enumerate(self.node.children):
            yield Value(node, f"{self.path}[{index}]", self.file)

    def text(self) -> str:
        """The text of a non-empty string."""
        self._expect(Kind.STR, "text", "write it in quotes")
        if not self.node.text:
            raise self.error("is empty", "give it a value, or take the field out")
        return self.node.text

    def texts(self, read: Callable[[Value], str], *, empty: bool = False) -> tuple[str, ...]:
        """A list of strings, each read by `read`, none of them twice; `empty` says whether it may hold none."""
        found: dict[str, None] = {}
        for value in self.list():
            text = read(value)
            if text in found:
                raise value.error(f"lists {shown(text)} twice", "take one out")
            found[text] = None
        if not found and not empty:
            raise self.error("is an empty list", "give it a value, or take the field out")
        return tuple(found)

    def _expect(self, kind: Kind, words: str, way_out: str = "") -> None:
        if self.node.kind is not kind:
            raise self.error(f"is not {words}", way_out if self.node.kind not in (Kind.MAP, Kind.SEQ) else "")


def _config(top: Value, root: Path) -> Config:
    fields = top.mapping(_TOP)
    _version(top, fields)
    clusters = _clusters(top, fields)
    run = fields["run"].mapping(("files",)) if "run" in fields else {}
    return Config(
        root,
        top.file,
        clusters,
        _source(fields["source"]) if "source" in fields else None,
        _rules(fields["rules"], clusters) if "rules" in fields else (),
        run["files"].texts(_glob, empty=True) if "files" in run else (),
        _scan(fields["scan"]) if "scan" in fields else Scan(),
    )


def _version(top: Value, fields: Mapping[str, Value]) -> None:
    if "version" not in fields:
        raise top.error("version is missing", "begin the file with: version: 1")
    node = fields["version"].node
    if node.kind is not Kind.INT or node.text != VERSION:
        raise fields["version"].error("is a version that this program doesn't know", "write 1, or update sealer")


def _source(value: Value) -> str:
    text = value.text()
    if "@" in text or "://" in text:
        raise value.error("is a URL, not an id", "write host/path, as in github.com/example/shop")
    if not is_source(text):
        raise value.error("is no source id (letters, digits, - . _ ~ / : +; at most 253)", "example: shop-secrets")
    return text


def _clusters(top: Value, fields: Mapping[str, Value]) -> dict[str, Cluster]:
    if fields.keys() <= {"version", "scan"} and "scan" in fields:
        return {}  # the scanner needs no more
    members = fields["clusters"].mapping() if "clusters" in fields else {}
    if not members:
        raise fields.get("clusters", top).error("no cluster is named", "add one, as in: clusters: {local: {}}")
    return {name: _cluster(name, value) for name, value in members.items()}


def _cluster(name: str, value: Value) -> Cluster:
    _checked(value, check_cluster, name)
    if value.node.kind is Kind.NULL:
        raise value.error("is empty", f"write {name}: {{}}")
    fields = value.mapping(("url", "envelope"))
    url = _url(fields["url"]) if "url" in fields else None
    envelope = fields["envelope"].text() if "envelope" in fields else None
    if envelope is not None and envelope not in ENVELOPES:
        raise fields["envelope"].error(f"unknown envelope {shown(envelope)}", "write v1 or v2, or take it out")
    return Cluster(name, url, envelope, value.line)


def _url(value: Value) -> str:
    text = value.text()
    try:
        parts = urlsplit(text)
        host, user = parts.hostname, "@" in parts.netloc
        _ = parts.port
    except ValueError:
        raise value.error("is not a URL", "example: https://sealer.example.com/v1/keys") from None
    if user:
        raise value.error("holds a user name or password", "publish the keys without one: they are public")
    if parts.scheme == "http":
        raise value.error("is plain http: whoever sits between could swap the keys", "write https://")
    if parts.scheme != "https" or not host or not text.isprintable() or " " in text:
        raise value.error("is not an https URL", "example: https://sealer.example.com/v1/keys")
    return text


def _rules(value: Value, clusters: Mapping[str, Cluster]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    lines: dict[str, int] = {}
    for member in value.list():
        rule = _rule(member, clusters)
        if rule.pattern in lines:
            what = f"has the path of the rule in line {lines[rule.pattern]}, which comes first: it is never used"
            raise member.error(what, "take one of the two out")
        lines[rule.pattern] = rule.line
        rules.append(rule)
    return tuple(rules)


def _rule(value: Value, clusters: Mapping[str, Cluster]) -> Rule:
    fields = value.mapping(_RULE)
    if "path" not in fields:
        raise value.error("path is missing", "example: path: secrets/{namespace}/{name}.yaml")
    pattern = fields["path"].text()
    captures = _pattern(fields["path"])
    for capture, name in (("cluster", "clusters"), ("namespace", "namespace"), ("name", "name")):
        if capture in captures and name in fields:
            what = f"{name} is fixed twice: here, and by {{{capture}}} in the path (line {fields['path'].line})"
            raise fields[name].error(what, f"take the field out, or write * for {{{capture}}}")

    def known(member: Value) -> str:
        return _known_cluster(member, clusters)

    return Rule(
        pattern,
        value.line,
        fields["clusters"].texts(known) if "clusters" in fields else (),
        _checked(fields["namespace"], check_namespace) if "namespace" in fields else None,
        _checked(fields["name"], check_name) if "name" in fields else None,
        _scope(fields["scope"]) if "scope" in fields else None,
        fields["stores"].texts(_store) if "stores" in fields else (),
    )


def _pattern(value: Value) -> frozenset[str]:
    try:
        return compile_pattern(value.text()).captures
    except FormatError as error:
        if isinstance(error, DocumentError):
            raise
        raise value.error(error.what, error.way_out) from None


def _glob(value: Value) -> str:
    if _pattern(value):
        raise value.error("captures a field, which means nothing here", "write * instead")
    return value.text()


def _known_cluster(value: Value, clusters: Mapping[str, Cluster]) -> str:
    name = value.text()
    if name not in clusters:
        raise value.error(f"unknown cluster {shown(name)}", _instead(name, tuple(clusters)))
    return name


def _scope(value: Value) -> Scope:
    words = tuple(scope.value for scope in Scope)
    text = value.text()
    if text not in words:
        raise value.error(f"unknown scope {shown(text)}", _instead(text, words))
    return Scope(text)


def _store(value: Value) -> str:
    return _checked(value, check_name)


def _scan(value: Value) -> Scan:
    fields = value.mapping(("exclude", "disable", "baseline", "strict"))
    return Scan(
        fields["exclude"].texts(_glob, empty=True) if "exclude" in fields else (),
        fields["disable"].texts(_identifier, empty=True) if "disable" in fields else (),
        _file(fields["baseline"]) if "baseline" in fields else None,
        _flag(fields["strict"]) if "strict" in fields else False,
    )


def _flag(value: Value) -> bool:
    if value.node.kind is not Kind.BOOL:
        raise value.error("is neither true nor false", "write it without quotes")
    return value.node.text.lower() == "true"


def _identifier(value: Value) -> str:
    text = value.text()
    if not _IDENTIFIER.fullmatch(text):
        raise value.error("is not the id of a rule (a-z, 0-9 and '-')", "sealer scan prints the id with each finding")
    return text


def _file(value: Value) -> str:
    text = _glob(value)
    if "*" in text:
        raise value.error("must name one file", "example: .sealer/baseline.yaml")
    return text


def _checked(value: Value, check: Callable[[str], str], text: str | None = None) -> str:
    try:
        return check(value.text() if text is None else text)
    except NameRefused as error:
        raise value.error(error.what, "rename it") from None


def _instead(text: str, known: tuple[str, ...]) -> str:
    import difflib

    near = difflib.get_close_matches(text, known, 1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
