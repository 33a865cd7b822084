"""What Go's fmt prints of a value for %v, and with spaces between values as Print and Println do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sealer.template.limits import BYTES_AN_ELEMENT, Meter
from sealer.template.text.floats import shortest
from sealer.template.values import NO_VALUE, Map, Opaque, Sized, Slice


def text(value: Any) -> bytes:
    """A value as %v prints it: `map[a:1 b:2]`, `[1 2]`, `<nil>`. Raises Fault for more than MAX_ELEMENTS in it."""
    kind = type(value)
    if kind is bytes:
        return bytes(value)
    if kind is bool:
        return b"true" if value else b"false"
    if isinstance(value, int):
        return value.text() if isinstance(value, Sized) else b"%d" % value
    if kind is float:
        return shortest(value).encode()
    if isinstance(value, Slice | Map):
        return _composed(value, Meter())
    if kind is complex:
        return b"(%s%si)" % (shortest(value.real).encode(), _signed(value.imag).encode())
    if value is None:
        return b"<nil>"
    if value is NO_VALUE:
        return b"<no value>"
    shown: Opaque = value
    return shown.text()


def shown(value: Any) -> bytes:
    """A value as Sprig's strval makes a string of it: %v, but bytes as they are."""
    if isinstance(value, Slice) and value.type.name == "[]uint8":
        return bytes(value.items)
    return text(value)


def _composed(value: Slice | Map, meter: Meter) -> bytes:
    def inner(item: Any) -> bytes:
        found = _composed(item, meter) if isinstance(item, Slice | Map) else text(item)
        meter.take(1 + len(found) // BYTES_AN_ELEMENT)
        return found

    if isinstance(value, Slice):
        return b"[" + b" ".join(map(inner, value.items)) + b"]"
    pairs = sorted(value.items.items(), key=lambda pair: pair[0])
    return b"map[" + b" ".join(inner(key) + b":" + inner(item) for key, item in pairs) + b"]"


def _signed(value: float) -> str:
    found = shortest(value)
    return found if found[0] in "+-" else "+" + found


def printed(values: Sequence[Any]) -> bytes:
    """Print: a space between two values of which neither is a string."""
    parts: list[bytes] = []
    for number, value in enumerate(values):
        if number and type(value) is not bytes and type(values[number - 1]) is not bytes:
            parts.append(b" ")
        parts.append(_nil(value))
    return b"".join(parts)


def printed_line(values: Sequence[Any]) -> bytes:
    """Println: spaces between all values, and a newline."""
    return b" ".join(map(_nil, values)) + b"\n"


def _nil(value: Any) -> bytes:
    return b"<nil>" if value is NO_VALUE else text(value)
