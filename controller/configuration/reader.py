"""Reads `Store` and `Controller` documents (DELIVERY section 1). Pure: bytes in, values out.

Strict: what is not known is refused with its file and line, so that a mistyped limit is not a limit that isn't there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, get_args

from controller.configuration.model import (
    ALL,
    BUILT_IN,
    LOCAL,
    V1,
    Configuration,
    Credentials,
    Limits,
    Mode,
    Retention,
    StoreConfig,
)
from sealer.configuration.config_reader import Value
from sealer.documents.node import Kind, shown
from sealer.errors import DocumentError, NameRefused
from sealer.formats.binding import check_name, check_namespace

API_VERSION = "sealer.dev/v1alpha1"
MAX_DAYS = 36_500
MIN_AUDIT, MAX_AUDIT = 64 * 1024, 1 << 40
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_DOCUMENT = ("apiVersion", "kind", "metadata", "spec")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fields:
    """What the spec of one kind of store may hold besides `kind` and `namespaces`, and what it must."""

    known: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


STORES: Mapping[str, Fields] = {
    LOCAL: Fields(),
    "files": Fields(("root", "adopt", "allowDisk"), ("root",)),
}
_STORE = ("kind", "namespaces", "root", "address", "mount", "prefix", "credentials", "adopt", "allowDisk")


def read(sources: Sequence[tuple[str, bytes]], where: str) -> Configuration:
    """The configuration that these files (name and bytes) hold together. Raises DocumentError."""
    stores: dict[str, StoreConfig] = {}
    controller: Value | None = None
    for document in _documents(sources):
        kind, name, spec = _opened(document)
        if kind == "Store":
            store = _store(document, name, spec)
            _alone(document, store, stores)
            stores[store.label] = store
        elif controller is not None:
            what = f"a second Controller; the first is in {controller.file}:{controller.line}"
            raise document.error(what, "make one of the two")
        else:
            controller = document
            configuration = _controller(spec)
    if not stores and controller is None:
        way_out = "add a Store or a Controller, or leave --config out for the built-in store local"
        raise DocumentError("holds no document: no store is configured", file=where, way_out=way_out)
    stores.setdefault(LOCAL, BUILT_IN)
    found = Configuration(MappingProxyType(stores))
    if controller is None:
        return found
    return Configuration(
        found.stores, configuration.limits, configuration.v1, configuration.retention, configuration.audit_max_bytes
    )


def _documents(sources: Sequence[tuple[str, bytes]]) -> Iterator[Value]:
    from sealer.documents import yamlio
    from sealer.documents.node import decode

    for name, data in sources:
        for node in yamlio.parse_stream(decode(data, name)[0], name):
            if node.kind is not Kind.NULL:
                yield Value(node, "", name)


def _opened(document: Value) -> tuple[str, Value | None, Value]:
    """Kind, name and spec of a document of ours."""
    fields = document.mapping()
    for name in ("apiVersion", "kind"):
        if name not in fields:
            raise document.error(f"{name} is missing", f"begin with: apiVersion: {API_VERSION}, kind: Store")
    if fields["apiVersion"].text() != API_VERSION:
        raise fields["apiVersion"].error(
            f"unknown apiVersion {shown(fields['apiVersion'].text())}", f"write {API_VERSION}"
        )
    kind = fields["kind"].text()
    if kind == "Policy":
        raise fields["kind"].error("policies are not supported yet", "take the document out")
    if kind not in ("Store", "Controller"):
        raise fields["kind"].error(f"unknown kind {shown(kind)}", "known: Store, Controller")
    fields = document.mapping(_DOCUMENT)
    if "spec" not in fields:
        raise document.error("spec is missing", "example: spec: {kind: files, root: /run/secrets, namespaces: [shop]}")
    metadata = fields["metadata"].mapping(("name",)) if "metadata" in fields else {}
    if "name" in metadata:
        metadata["name"].text()
    return kind, metadata.get("name"), fields["spec"]


def _alone(document: Value, store: StoreConfig, stores: Mapping[str, StoreConfig]) -> None:
    """Refuse a second store of one label, or one that writes where another does."""
    for other in stores.values():
        place = f"{other.file}:{other.line}"
        if other.label == store.label:
            raise document.error(f"store {store.label} is configured twice; the first is in {place}", "rename one")
        if other.uid == store.uid or _nested(store.root, other.root):
            what = f"store {store.label} writes where store {other.label} does ({place})"
            raise document.error(what, "give each a place of its own")


def _nested(one: str, other: str) -> bool:
    return bool(one and other) and os.path.commonpath((one, other)) in (one, other)


def _store(document: Value, name: Value | None, spec: Value) -> StoreConfig:
    if name is None:
        raise document.error("metadata.name is missing: the label of the store", "add metadata: {name: LABEL}")
    label = _checked(name, check_name)
    fields = spec.mapping(_STORE)
    if "kind" not in fields:
        raise spec.error("kind is missing", f"known: {', '.join(STORES)}")
    kind = fields["kind"].text()
    if kind not in STORES:
        raise fields["kind"].error(f"kind {shown(kind)} is not supported yet", f"known: {', '.join(STORES)}")
    if (kind == LOCAL) != (label == LOCAL):
        what = f"a store of kind {kind} can't be called {shown(label)}"
        raise name.error(what, f"call it {LOCAL}" if kind == LOCAL else f"rename it: {LOCAL} is the store of that kind")
    takes = STORES[kind]
    for field, member in fields.items():
        if field not in ("kind", "namespaces", *takes.known):
            raise member.error(f"a store of kind {kind} has no {field}", "take it out")
    for field in takes.required:
        if field not in fields:
            raise spec.error(f"a store of kind {kind} needs {field}", f"add {field}")

    def value(field: str, read: Callable[[Value], T], default: T) -> T:
        return read(fields[field]) if field in fields else default

    return StoreConfig(
        label,
        kind,
        _namespaces(fields["namespaces"]) if "namespaces" in fields else (),
        value("root", _root, ""),
        value("address", Value.text, ""),
        value("mount", Value.text, ""),
        value("prefix", Value.text, ""),
        value("credentials", _credentials, None),
        value("adopt", _boolean, False),
        value("allowDisk", _boolean, False),
        document.file,
        document.line,
    )


def _namespaces(value: Value) -> tuple[str, ...]:
    found = value.texts(_namespace, empty=True)
    if ALL in found and len(found) > 1:
        raise value.error(f"{ALL} is every namespace already", "take the others out, or *")
    return found


def _namespace(value: Value) -> str:
    text = value.text()
    if ALL in text and text != ALL:
        raise value.error("has a wildcard inside of a name", f"write names, or {ALL} alone for every namespace")
    return text if text == ALL else _checked(value, check_namespace)


def _root(value: Value) -> str:
    """A directory, written the one way there is: two ways would be two stores in one place."""
    text = value.text()
    if not text.startswith("/") or text.startswith("//") or os.path.normpath(text) != text or not text.isprintable():
        raise value.error("is not the full path of a directory", "write it from /, without .., // or / at its end")
    if text == "/":
        raise value.error("is the root of the file system", "example: /run/secrets")
    return text


def _credentials(value: Value) -> Credentials:
    fields = value.mapping(("file", "env"))
    if len(fields) != 1:
        raise value.error("is not one of file and env", "example: credentials: {file: /etc/sealer/token}")
    if "file" in fields:
        return Credentials(Path(_root(fields["file"])))
    name = fields["env"].text()
    if not _VARIABLE.fullmatch(name):
        raise fields["env"].error("is not the name of a variable", "example: credentials: {env: VAULT_TOKEN}")
    return Credentials(env=name)


def _controller(spec: Value) -> Configuration:
    fields = spec.mapping(("limits", "v1", "retention", "auditMaxBytes"))
    kept = Configuration()
    limits = fields["limits"].mapping(("prune",)) if "limits" in fields else {}
    prune = limits["prune"].mapping(("count", "percent")) if "prune" in limits else {}
    retention = fields["retention"].mapping(("deletedDays", "withdrawnDays")) if "retention" in fields else {}
    return Configuration(
        kept.stores,
        Limits(
            _number(prune.get("count"), kept.limits.prune_count, 0, 1_000_000),
            _number(prune.get("percent"), kept.limits.prune_percent, 0, 100),
        ),
        _v1(fields["v1"]) if "v1" in fields else kept.v1,
        Retention(
            _number(retention.get("deletedDays"), kept.retention.deleted_days, 0, MAX_DAYS),
            _number(retention.get("withdrawnDays"), kept.retention.withdrawn_days, 0, MAX_DAYS),
        ),
        _number(fields.get("auditMaxBytes"), kept.audit_max_bytes, MIN_AUDIT, MAX_AUDIT),
    )


def _v1(value: Value) -> V1:
    fields = value.mapping(("default", "namespaces"))
    members = fields["namespaces"].mapping() if "namespaces" in fields else {}
    for name, member in members.items():
        _checked(member, check_namespace, name)
    rules = {name: _mode(member) for name, member in members.items()}
    return V1(_mode(fields["default"]) if "default" in fields else V1().default, MappingProxyType(rules))


def _mode(value: Value) -> Mode:
    text = value.text()
    for mode in get_args(Mode):
        if text == mode:
            return mode  # type: ignore[no-any-return]
    raise value.error(f"is {shown(text)}", f"known: {', '.join(get_args(Mode))}")


def _number(value: Value | None, default: int, least: int, most: int) -> int:
    if value is None:
        return default
    text = value.node.text
    if value.node.kind is not Kind.INT or not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise value.error(f"is not a whole number from {least} to {most}", f"the default is {default}")
    return int(text)


def _boolean(value: Value) -> bool:
    if value.node.kind is not Kind.BOOL or value.node.text not in ("true", "false"):
        raise value.error("is neither true nor false", "write true or false, without quotes")
    return value.node.text == "true"


def _checked(value: Value, check: Callable[[str], str], text: str | None = None) -> str:
    try:
        return check(value.text() if text is None else text)
    except NameRefused as error:
        raise value.error(error.what, "rename it") from None
