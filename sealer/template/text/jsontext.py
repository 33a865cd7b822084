"""Go's encoding/json over our values: what it reads, and the bytes that it writes."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from sealer.template.limits import Fault, Meter
from sealer.template.text.floats import shortest
from sealer.template.values import BYTES, Map, Opaque, Slice

MAX_DEPTH = 100
"""Lists and maps within each other that are read; Go reads 10,000, and takes more for no JSON."""

_SPECIAL = re.compile(r'[\x00-\x1f"\\<>&\u2028\u2029\udc80-\udcff]')
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ESCAPED = {ord(each): f"\\u{ord(each):04x}" for each in [*map(chr, range(0x20)), "\u2028", "\u2029"]}
_ESCAPED |= dict.fromkeys(range(0xDC80, 0xDD00), "\\ufffd") | {ord(each): name for each, name in _NAMED.items()}
_ESCAPED_HTML = _ESCAPED | {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}
"""Bytes that are no UTF-8 are written as U+FFFD."""


class NotJson(Fault):
    """A text that is no JSON."""


class Unsupported(Fault):
    """A value that JSON has no form for."""


def decoded(data: bytes) -> Any:
    """JSON as values, numbers as float64. Raises NotJson for what is none, Fault for more than MAX_DEPTH levels."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = json.loads(
            _replaced(text), parse_int=_number, parse_float=_number, parse_constant=_refused, strict=True
        )
    except ValueError:
        raise NotJson("this is no JSON") from None
    except RecursionError:
        raise _too_deep() from None
    return _value(found, MAX_DEPTH)


def _too_deep() -> Fault:
    return Fault(f"this is JSON of more than {MAX_DEPTH} levels")


def _replaced(text: str) -> str:
    # Bytes that are no UTF-8 are read as U+FFFD, in strings; elsewhere they are as wrong.
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("out of range")
    return value


def _refused(_text: str) -> Any:
    raise ValueError("no number")


def _value(found: Any, levels: int) -> Any:
    if levels < 0:
        raise _too_deep()
    match found:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", found).encode()
        case list():
            return Slice([_value(item, levels - 1) for item in found])
        case dict():
            return Map({_value(key, levels): _value(item, levels - 1) for key, item in found.items()})
    return found


def encoded(value: Any, *, html: bool = True, indent: bool = False) -> bytes:
    """A value as JSON, keys sorted; `html`: <, > and & are escaped. Raises Fault for what JSON has no form for."""
    return _written(value, html, "\n" if indent else "", Meter()).encode()


def _written(value: Any, html: bool, line: str, meter: Meter) -> str:
    meter.take()
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case bytes():
            return _string(value, html)
        case int():
            return str(int(value))
        case float():
            return _float(value)
        case Slice():
            return _list(value, html, line, meter)
        case Map():
            return _map(value, html, line, meter)
        case Opaque() if (form := value.json()) is not None:
            return _written(form, html, line, meter)
    raise Unsupported("json: unsupported type")


def _list(value: Slice, html: bool, line: str, meter: Meter) -> str:
    if value.nil:
        return "null"
    if value.type == BYTES:
        import base64

        return '"' + base64.b64encode(bytes(value.items)).decode() + '"'
    return _between("[", [_written(item, html, line and line + "  ", meter) for item in value.items], "]", line)


def _map(value: Map, html: bool, line: str, meter: Meter) -> str:
    if value.nil:
        return "null"
    colon = ": " if line else ":"
    inner = line and line + "  "
    pairs = [
        _string(key, html) + colon + _written(item, html, inner, meter) for key, item in sorted(value.items.items())
    ]
    return _between("{", pairs, "}", line)


def _between(first: str, parts: list[str], last: str, line: str) -> str:
    if not line or not parts:
        return first + ",".join(parts) + last
    return first + line + "  " + ("," + line + "  ").join(parts) + line + last


def _string(data: bytes, html: bool) -> str:
    text = data.decode("utf-8", "surrogateescape")
    if _SPECIAL.search(text):
        text = text.translate(_ESCAPED_HTML if html else _ESCAPED)
    return f'"{text}"'


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise Unsupported("json: unsupported value")
    size = abs(value)
    if size and (size < 1e-6 or size >= 1e21):
        return re.sub(r"e-0(\d)\Z", r"e-\1", shortest(value, verb="e"))
    return shortest(value, verb="f")
