"""What is posted to /v1/verify and /v1/rotate: bytes -> SealedSecrets. Pure.

As lenient as upstream: unknown fields are kept and not looked at, since what comes from a cluster has many. Unlike
upstream several documents and Lists are read as well (deliberate difference, #114 there), YAML or JSON. No error says
anything that stands in the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.kube import names
from sealer.documents import stream
from sealer.errors import DocumentError, FormatError, SealerError
from sealer.formats.binding import Binding, scope_of

MARKS = 100_000
"""Most characters that can begin or end a field: what bounds the memory that reading takes, and none is in base64."""

_MARKS = (b",", b":", b"\n", b"[", b"{", b"- ", b"?", *(end.encode() for end in "\r\x85\u2028\u2029"))


class Malformed(FormatError):
    """A body that holds no SealedSecret, or something beside; in words that hold nothing of it."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One SealedSecret. `items` are envelope texts, `legacy` is `spec.data` if it is there, `body` the whole as JSON.

    What it is bound to comes from its own metadata: what its template says is not authenticated (CVE-2026-22728).
    """

    binding: Binding
    items: Mapping[str, str] = field(repr=False)
    legacy: str | None = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)

    @property
    def namespace(self) -> str:
        """The namespace, "" if it has none."""
        return self.binding.namespace or ""


def read(data: bytes) -> tuple[Posted, ...]:
    """The SealedSecrets of a body, one at least. Raises Malformed."""
    if sum(map(data.count, _MARKS)) > MARKS:
        raise Malformed("has more fields than SealedSecrets have")
    try:
        entries = list(stream.read(data, "").entries())
    except SealerError:
        raise Malformed("is neither YAML nor JSON in UTF-8") from None
    if not entries:
        raise Malformed("is empty")
    return tuple(map(_posted, entries))


def _posted(entry: stream.Entry) -> Posted:
    node = entry.node
    if isinstance(node, DocumentError):
        raise Malformed("is neither YAML nor JSON as Kubernetes reads it")
    body = node.plain()
    api_version, kind = stream.identity(node, entry.implied) if isinstance(body, dict) else ("", "")
    if (api_version, kind) != (names.API_VERSION, names.KIND):
        raise Malformed("is no SealedSecret, or holds something that is none")
    metadata, spec = _map(body.get("metadata")), _map(body.get("spec"))
    template = _map(_map(spec.get("template")).get("metadata"))
    for each in ("labels", "annotations"):
        _texts(template.get(each))
    scope = scope_of(_texts(metadata.get("annotations")))
    binding = Binding(scope, _text(metadata.get("namespace")) or None, _text(metadata.get("name")) or "")
    body = {"apiVersion": names.API_VERSION, "kind": names.KIND} | body
    return Posted(binding, _texts(spec.get("encryptedData")), _text(spec.get("data")), body)


def _map(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed("has a field of another kind than SealedSecrets have there")
    return value


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Malformed("has a field of another kind than SealedSecrets have there")
    return value


def _texts(value: object) -> dict[str, str]:
    return {key: _text(text) or "" for key, text in _map(value).items()}
