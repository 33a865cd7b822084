"""reflect.DeepEqual and Sprig's `empty`."""

from __future__ import annotations

from typing import Any

from sealer.template.language.truth import is_true
from sealer.template.limits import Meter
from sealer.template.values import NO_VALUE, Map, Slice, type_of


def deep_equal(left: Any, right: Any, meter: Meter | None = None) -> bool:
    """Whether two values have the same type and the same parts. Raises Fault for more than MAX_ELEMENTS in them."""
    meter = meter or Meter()
    meter.take()
    if _is_nil(left) or _is_nil(right):
        return _is_nil(left) and _is_nil(right)
    if type_of(left) != type_of(right):
        return False
    if isinstance(left, Slice):
        if len(left.items) != len(right.items) or left.nil != right.nil:
            return False
        return left is right or all(deep_equal(*pair, meter) for pair in zip(left.items, right.items, strict=True))
    if isinstance(left, Map):
        if left.items.keys() != right.items.keys() or left.nil != right.nil:
            return False
        return left is right or all(deep_equal(item, right.items[key], meter) for key, item in left.items.items())
    return bool(left == right)


def _is_nil(value: Any) -> bool:
    return value is None or value is NO_VALUE


def is_empty(value: Any) -> bool:
    """Whether Sprig calls a value empty: what isn't true is."""
    return not is_true(value)
