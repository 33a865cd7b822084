"""A SealedSecret as the API gives it, as the document that the rest of the program knows. Pure.

Lenient where Bitnami's controller is, since its CRD lets through what our files may not hold; what can't be read
becomes a reason for the status, never a crash, and quotes no value (bitnami-sealed-secrets.md 1.8, 2.2).
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
    """The document, and the old `spec.data` if it has that: one envelope of a whole Secret. Raises Unusable."""
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
        template=_template(_map(spec.get("template"))),
        labels=_texts(metadata.get("labels")),
        annotations=annotations,
        body={},
    )
    return document, str(data) if data else None


def input_for(item: Mapping[str, Any], document: SealedSecret, legacy: str | None) -> str:
    """What decides whether a SealedSecret needs work: all that delivery depends on, and whose it is (its uid)."""
    return input_of(digest(document) + (legacy or ""), STORE, item["metadata"]["uid"])


def _template(template: Mapping[str, Any]) -> Template:
    metadata = _map(template.get("metadata"))
    data = _map(template.get("data"))
    kind = template.get("type")
    return Template(
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
        type=kind if isinstance(kind, str) and kind else None,
        immutable=template.get("immutable") is True,
        data={str(key): text for key, text in data.items() if text is None or isinstance(text, str)},
    )


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> dict[str, str]:
    return {str(key): text for key, text in _map(value).items() if isinstance(text, str)}
