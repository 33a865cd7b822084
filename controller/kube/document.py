"""A SealedSecret as the API gives it, as the document that the rest of the program knows. Pure.

Lenient where Bitnami's controller is, since its CRD lets through what our files may not hold: whatever stands in
`encryptedData`, null for a template's metadata or data. What its decoder can't take either becomes a reason for the
status, with the path, never a crash, and quotes no value (bitnami-sealed-secrets.md 1.8, 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.sources.entry import digest
from controller.verdict import input_of
from sealer.documents.document import Place, SealedSecret, Template
from sealer.errors import SealerError
from sealer.formats.binding import scope_of

STORE = "kubernetes"
"""The uid of the one store there is in a cluster."""

DEPRECATED = "using deprecated 'data' field, use 'encryptedData' or flip the feature flag"
BOTH = "cannot use the field 'encryptedData' and the deprecated field 'data' at the same time"


class Unusable(SealerError):
    """A SealedSecret that can't be opened as it stands."""


def read(item: Mapping[str, Any], *, accept_data: bool = True) -> tuple[SealedSecret, str | None]:
    """The document, and the old `spec.data` if it has that: one envelope of a whole Secret. Raises Unusable.

    An empty `spec.data` is one, too, that no key opens.
    """
    metadata = _map(item.get("metadata"))
    spec = _map(item.get("spec"))
    data, sealed = spec.get("data"), _map(spec.get("encryptedData"))
    if data is not None:
        if not accept_data:
            raise Unusable(DEPRECATED)
        if sealed:
            raise Unusable(BOTH)
    annotations = _texts(metadata.get("annotations"))
    document = SealedSecret(
        place=Place("", 0, 0),
        namespace=str(metadata.get("namespace") or "") or None,
        name=str(metadata.get("name", "")),
        scope=scope_of(annotations),
        # Bitnami's decoder reads what is no text as "", which then doesn't open: so does it here.
        items={str(key): text if isinstance(text, str) else "" for key, text in sealed.items()},
        lines={},
        template=_template(spec.get("template")),
        labels=_texts(metadata.get("labels")),
        annotations=annotations,
        body={},
    )
    return document, None if data is None else str(data)


def input_for(item: Mapping[str, Any], document: SealedSecret, legacy: str | None) -> str:
    """What decides whether a SealedSecret needs work: all that delivery depends on, and whose it is (its uid)."""
    return input_of(digest(document) + (legacy or ""), STORE, item["metadata"]["uid"])


def finalizers(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The finalizers that a template gives to the Secret that is made of it."""
    found = _map(_map(_map(item.get("spec")).get("template")).get("metadata")).get("finalizers")
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _template(value: object) -> Template:
    template = _read(value, "")
    metadata = _read(template.get("metadata"), ".metadata")
    data = _read(template.get("data"), ".data")
    kind, immutable = template.get("type"), template.get("immutable")
    if kind is not None and not isinstance(kind, str):
        raise _wrong(".type", "text")
    if immutable is not None and not isinstance(immutable, bool):
        raise _wrong(".immutable", "true or false")
    if not all(text is None or isinstance(text, str) for text in data.values()):
        raise _wrong(".data", "a map of texts")
    return Template(
        labels=_strict(metadata.get("labels"), ".metadata.labels"),
        annotations=_strict(metadata.get("annotations"), ".metadata.annotations"),
        type=kind or None,
        immutable=immutable is True,
        data=dict(data),
    )


def _read(value: object, path: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(path, "a map")
    return value


def _strict(value: object, path: str) -> dict[str, str]:
    """A map of texts. Null is the empty text, as it is to a decoder in Go."""
    found = _read(value, path)
    if not all(text is None or isinstance(text, str) for text in found.values()):
        raise _wrong(path, "a map of texts")
    return {key: text or "" for key, text in found.items()}


def _wrong(path: str, wanted: str) -> Unusable:
    return Unusable(f"spec.template{path} is not {wanted}")


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> dict[str, str]:
    return {str(key): text for key, text in _map(value).items() if isinstance(text, str)}
