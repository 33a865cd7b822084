"""What a map is to Kubernetes: a Secret, something sealed, or neither; and SOPS' metadata beside it. Pure."""

from __future__ import annotations

from hooks import lazy
from hooks.structure.tree import MAP, Node

SECRETS = frozenset(("Secret", "SecretList"))
_API = lazy.compile(r"v1|.*\{\{.*")
_AROUND = "\"' ,"


def kinds(node: Node) -> list[str]:
    """What a map says of its kind; branches of a template may say several."""
    return [text.strip(_AROUND) for text in node.texts("kind")]


def is_secret(node: Node, *, implied: bool = False) -> bool:
    """Whether a map is a Secret of Kubernetes; `implied`: it stands in a SecretList, so that it need not say so."""
    said = kinds(node)
    versions = [text.strip(_AROUND) for text in node.texts("apiVersion")] or ["v1"]
    return ("Secret" in said or (implied and not said)) and any(map(_API.fullmatch, versions))


def is_sealed(node: Node) -> bool:
    """Whether a map is a SealedSecret."""
    return "SealedSecret" in kinds(node)


def is_sops(node: Node) -> bool:
    """Whether a map holds the metadata of SOPS, so that what is secret in it is sealed."""
    meta = node.get("sops")
    return meta is not None and meta.kind == MAP and any(meta.get(name) for name in ("mac", "lastmodified", "version"))
