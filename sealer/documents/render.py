"""Documents out: the body of a SealedSecret or a Secret, and a body as YAML or JSON (DESIGN section 5).

Bodies are laid out as kubeseal lays them out, keys sorted. Editing a file that exists is `edit`'s work.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sealer.documents.stream import API_VERSION, KIND
from sealer.formats.binding import CLUSTER_WIDE, NAMESPACE_WIDE, Binding, scope_annotations

if TYPE_CHECKING:
    from sealer.secret import Secret

_APPLIED = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", "kubecfg.ksonnet.io/last-applied-configuration"}
)
_SCOPES = frozenset({CLUSTER_WIDE, NAMESPACE_WIDE})


def sealed_body(
    binding: Binding,
    items: Mapping[str, str],
    template: Mapping[str, Any] | None,
    *,
    annotations: Mapping[str, str],
    secret: Secret,
) -> dict[str, Any]:
    """A SealedSecret as plain values. `items` are envelope texts; `annotations` are ours, the scope's is added.

    spec.template takes labels, annotations, type and immutable from the secret; of `template` (a spec.template that
    is to be kept) it takes what a secret has no words for: data, finalizers. Annotations that repeat the values of a
    secret (kubectl's last-applied-configuration) never get in.
    """
    scope = scope_annotations(binding.scope)
    ours = {key: text for key, text in annotations.items() if key not in _SCOPES}
    copied = {key: text for key, text in secret.annotations.items() if key not in _APPLIED | _SCOPES}
    metadata = _metadata(binding.name, binding.namespace, {}, ours | scope)
    inner = _metadata(binding.name, binding.namespace, secret.labels, copied | scope)
    kept = dict(template or {})
    if isinstance(kept.get("metadata"), Mapping) and kept["metadata"].get("finalizers"):
        inner["finalizers"] = kept["metadata"]["finalizers"]
    kept |= {"metadata": inner, "type": secret.type}
    kept.pop("immutable", None)
    if secret.immutable:
        kept["immutable"] = True
    spec = {"encryptedData": dict(items), "template": kept}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def secret_body(secret: Secret) -> dict[str, Any]:
    """A Secret manifest as plain values, items as base64: plaintext."""
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(secret.name, secret.namespace, secret.labels, secret.annotations),
        "type": secret.type,
        "data": {key: base64.b64encode(value).decode("ascii") for key, value in secret.items.items()},
    }
    if secret.immutable:
        body["immutable"] = True
    return body


def to_yaml(body: Mapping[str, Any]) -> bytes:
    """A body as one YAML document, without `---`."""
    from sealer.documents.yamlio import dump

    return dump(dict(body)).encode()


def to_json(body: Mapping[str, Any]) -> bytes:
    """A body as JSON, indented by 2, ending in a newline."""
    return (json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def stream(bodies: Iterable[Mapping[str, Any]], format: str) -> bytes:  # noqa: A002  # as the option is called
    """Several bodies as one file: `---` between YAML documents, JSON values behind each other."""
    return b"".join(map(to_json, bodies)) if format == "json" else b"---\n".join(map(to_yaml, bodies))


def _metadata(
    name: str, namespace: str | None, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return metadata
