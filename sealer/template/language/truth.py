"""What counts as true in Go's templates: what is not the zero of its type."""

from __future__ import annotations

from typing import Any

from sealer.template.values import NO_VALUE, Map, Opaque, Slice


def is_true(value: Any) -> bool:
    """Whether a value is not empty, not zero and not nil; structs always are."""
    if value is NO_VALUE or value is None:
        return False
    if isinstance(value, Slice | Map):
        return bool(value.items)
    return isinstance(value, Opaque) or bool(value)
