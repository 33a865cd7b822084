"""Plaintext, kept out of every repr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Ref(NamedTuple):
    """Namespace and name: the identity of a secret. A tuple, since a delivery looks it up a hundred times."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret: items (key -> bytes) and what surrounds them. Neither items nor metadata ever show in a repr.

    Annotations are hidden too: kubectl's last-applied-configuration repeats every value in them.
    """

    name: str
    namespace: str | None = None
    items: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    type: str = "Opaque"
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    immutable: bool = False
