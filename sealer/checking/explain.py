"""`sealer check --explain`: which rule a path falls under, for whom it is, to which keys its items are sealed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sealer.checking.lint import Setting, is_helm_template, match_of, named
from sealer.checking.recipients import clusters_of, envelopes, ruled
from sealer.documents.document import File, SealedSecret
from sealer.formats.envelope_v1 import EnvelopeV1

if TYPE_CHECKING:
    from sealer.checking.lint_report import Explained
    from sealer.checking.recipients import Envelope


def explain(path: str, file: File | None, data: bytes | None, setting: Setting) -> Explained:
    """One path, as `schemas/check.v1.json` has it; without `file` it holds no Secret, or is yet to be written."""
    config = setting.config
    match = match_of(path, config)
    sealed = [each for each in file.documents if isinstance(each, SealedSecret)] if file else []
    clusters = match.clusters if match else ()
    if not clusters:
        of_documents = (name for doc in sealed for name in clusters_of(doc, setting.known, config))
        clusters = tuple(dict.fromkeys(of_documents)) or ruled(path, config)
    return {
        "path": path,
        "rule": {"pattern": match.rule.pattern, "file": config.file, "line": match.rule.line}
        if match and config
        else None,
        "clusters": list(clusters),
        "skipped": _skipped(file, data or b""),
        "secrets": [_secret(doc, setting) for doc in sealed],
    }


def _skipped(file: File | None, data: bytes) -> str:
    if file is None:
        return "no Secret in it"
    return "a Helm template: check what it renders" if file.problems and is_helm_template(data) else ""


def _secret(doc: SealedSecret, setting: Setting) -> Mapping[str, Any]:
    parsed = envelopes(doc.items)
    return {
        "secret": named(doc),
        "line": doc.place.line,
        "scope": doc.scope.value,
        "items": [_item(item, parsed.get(item), setting) for item in doc.items],
    }


def _item(item: str, envelope: Envelope | None, setting: Setting) -> Mapping[str, Any]:
    if envelope is None:
        return {"item": item, "envelope": "malformed", "sealedTo": "nobody", "keys": []}
    if isinstance(envelope, EnvelopeV1):
        said = f"an RSA key of {envelope.bits:,} bits; what it is bound to can't be checked without the key"
        return {"item": item, "envelope": "v1", "sealedTo": said, "keys": []}
    said = ", ".join(f"{setting.known.named(key)} ({_status(key, setting)})" for key in envelope.recipients)
    return {"item": item, "envelope": "v2", "sealedTo": said, "keys": list(envelope.recipients)}


def _status(key_id: str, setting: Setting) -> str:
    return "/".join(str(key.status) for _, key in setting.known.holders(key_id)) or "not in a pinned bundle"
