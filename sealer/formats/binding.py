"""What an envelope is bound to: scope, namespace, name and, in v2, the item (FORMATS sections 1 to 3).

Names are checked here, in the functions that build a label or a context, before any key is used: without that a
strict v1 value of `prod/db` opens as namespace-wide in a namespace called `prod/db`.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sealer.errors import NameRefused
from sealer.formats.wire import lp

CLUSTER_WIDE = "sealedsecrets.bitnami.com/cluster-wide"
NAMESPACE_WIDE = "sealedsecrets.bitnami.com/namespace-wide"

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_ITEM = re.compile(r"[-._A-Za-z0-9]{1,253}", re.ASCII)


class Scope(enum.Enum):
    """How far an envelope may travel. The value is the word that users write."""

    STRICT = "strict"
    NAMESPACE_WIDE = "namespace-wide"
    CLUSTER_WIDE = "cluster-wide"

    @property
    def code(self) -> int:
        """The byte that stands for this scope in a v2 context."""
        return _CODES[self]


_CODES = {Scope.STRICT: 0, Scope.NAMESPACE_WIDE: 1, Scope.CLUSTER_WIDE: 2}


def scope_of(annotations: Mapping[str, str]) -> Scope:
    """The scope that annotations of a Secret or SealedSecret ask for. Only the exact text `true` counts."""
    if annotations.get(CLUSTER_WIDE) == "true":
        return Scope.CLUSTER_WIDE
    return Scope.NAMESPACE_WIDE if annotations.get(NAMESPACE_WIDE) == "true" else Scope.STRICT


def scope_annotations(scope: Scope) -> dict[str, str]:
    """The annotation that says this scope; none for strict."""
    return {
        Scope.STRICT: {},
        Scope.NAMESPACE_WIDE: {NAMESPACE_WIDE: "true"},
        Scope.CLUSTER_WIDE: {CLUSTER_WIDE: "true"},
    }[scope]


def check_namespace(text: str) -> str:
    """`text`, if it is a DNS-1123 label; else NameRefused."""
    if not _LABEL.fullmatch(text):
        raise NameRefused(f"namespace {_shown(text)} is not a DNS-1123 label (a-z, 0-9 and '-', at most 63)")
    return text


def check_cluster(text: str) -> str:
    """`text`, if it can name a cluster: a DNS-1123 label; else NameRefused."""
    if not _LABEL.fullmatch(text):
        raise NameRefused(f"cluster {_shown(text)} is not a DNS-1123 label (a-z, 0-9 and '-', at most 63)")
    return text


def check_name(text: str) -> str:
    """`text`, if it is a DNS-1123 subdomain of at most 253 characters; else NameRefused."""
    if len(text) > 253 or not _SUBDOMAIN.fullmatch(text):
        raise NameRefused(f"name {_shown(text)} is not a DNS-1123 subdomain (a-z, 0-9, '-' and '.', at most 253)")
    return text


def check_item(text: str) -> str:
    """`text`, if it can be a key of a secret and a file name; else NameRefused."""
    if not _ITEM.fullmatch(text) or text == "." or text.startswith(".."):
        raise NameRefused(f"item {_shown(text)} is not a key of a secret (letters, digits, '-', '_', '.', at most 253)")
    return text


def _shown(text: str) -> str:
    # Names are public, but a value may be passed where a name belongs: show only what looks like a name.
    return repr(text) if re.fullmatch(r"[-._/A-Za-z0-9]{1,63}", text, re.ASCII) else f"of {len(text)} characters"


@dataclass(frozen=True, slots=True)
class Binding:
    """What the items of one secret are sealed for. `namespace` may be None only for cluster-wide scope."""

    scope: Scope
    namespace: str | None
    name: str

    def label(self) -> bytes:
        """The OAEP label of the v1 envelope (Bitnami). Raises NameRefused."""
        namespace, name = self._checked()
        return {
            Scope.STRICT: f"{namespace}/{name}",
            Scope.NAMESPACE_WIDE: namespace,
            Scope.CLUSTER_WIDE: "",
        }[self.scope].encode("ascii")

    def context(self, item: str) -> bytes:
        """The context that a v2 envelope of this item is bound to (FORMATS section 3). Raises NameRefused."""
        return self.place() + of_item(item)

    def place(self) -> bytes:
        """The part of a context that all items of a secret share. Raises NameRefused."""
        namespace, name = self._checked()
        bound_namespace = "" if self.scope is Scope.CLUSTER_WIDE else namespace
        bound_name = name if self.scope is Scope.STRICT else ""
        fields = lp(bound_namespace.encode("ascii")) + lp(bound_name.encode("ascii"))
        return b"sealer/v2" + bytes([self.scope.code]) + fields

    def _checked(self) -> tuple[str, str]:
        name = check_name(self.name)
        if self.namespace is None:
            if self.scope is not Scope.CLUSTER_WIDE:
                raise NameRefused(f"{self.scope.value} scope needs a namespace")
            return "", name
        return check_namespace(self.namespace), name


def of_item(item: str) -> bytes:
    """The part of a context that is an item's own; it stands behind the place. Raises NameRefused."""
    return lp(check_item(item).encode("ascii"))


def bind(context: bytes) -> bytes:
    """The public 8-byte digest of a context that a v2 envelope carries."""
    return hashlib.sha256(context).digest()[:8]
