"""A controller in a Kubernetes cluster as a SRC: whoever names one need not load what asks it (`services`).

SRC = kubernetes://CONTEXT/NAMESPACE/NAME?kubeconfig=FILE        each part may be empty or missing
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlencode

from sealer.errors import UsageError

SCHEME = "kubernetes://"
_PARTS = 3
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Where:
    """A context of a kubeconfig, and a controller's Service; empty: what is usual, current, found."""

    context: str = ""
    namespace: str = ""
    name: str = ""
    kubeconfig: str = ""

    def src(self) -> str:
        """As SRC."""
        path = "/".join(quote(part, safe="") for part in (self.context, self.namespace, self.name))
        return SCHEME + path.rstrip("/") + (f"?{urlencode({'kubeconfig': self.kubeconfig})}" if self.kubeconfig else "")


def told(src: str) -> str:
    """A SRC as a message names it: a controller in words, and anything else as it is."""
    if not src.startswith(SCHEME):
        return src
    where = parse(src)
    service = "/".join(part for part in (where.namespace, where.name) if part)
    words = ("the controller", service, f"of context {where.context}" if where.context else "")
    return " ".join(word for word in words if word)


def parse(src: str) -> Where:
    """The place that a SRC names. Raises UsageError."""
    path, _, query = src.removeprefix(SCHEME).partition("?")
    parts = [unquote(part) for part in path.split("/")]
    options = parse_qs(query, keep_blank_values=True)
    if len(parts) > _PARTS or options.keys() - {"kubeconfig"}:
        raise UsageError("names no controller", where=src, way_out=f"{SCHEME}CONTEXT/NAMESPACE/NAME, each may be empty")
    for part in parts[1:]:
        if part and not _NAME.fullmatch(part):
            raise UsageError("holds what is no name in Kubernetes", where=src, way_out="check namespace and name")
    context, namespace, name = [*parts, "", ""][:_PARTS]
    return Where(context, namespace, name, options.get("kubeconfig", [""])[0])
