"""Any value as a number, 0 where it is none: the cast package, which Sprig uses."""

from __future__ import annotations

import math
import re
from typing import Any

from sealer.template.language.constants import integer, underscores_fit
from sealer.template.values import INT, Kind, type_of, wrap

_ZEROS = re.compile(r"\.0+\Z")
_MIN = -(1 << 63)
_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    r"|0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[+-]?[0-9]+|inf|infinity|nan)",
    re.IGNORECASE,
)


def to_int(value: Any) -> int:
    """A 64-bit integer; text is read as Go reads constants, so that a leading 0 means octal."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return int(wrap(value, INT)) if type_of(value).name != "time.Duration" else 0
    if isinstance(value, float):
        # What is out of range, or no number, becomes this on amd64.
        return int(value) if math.isfinite(value) and _MIN <= value < -_MIN else _MIN
    if isinstance(value, bytes):
        found = integer(_ZEROS.sub("", value.decode("latin-1")))
        return found if found is not None and _MIN <= found < -_MIN else 0
    return 0


def to_float(value: Any) -> float:
    """A float64; text as strconv.ParseFloat reads it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(to_int(value)) if type_of(value).kind is not Kind.UINT64 else float(value)
    if isinstance(value, bool | float):
        return float(value)
    return parsed_float(value) if isinstance(value, bytes) else 0.0


def parsed_float(data: bytes) -> float:
    """Text as a float64; 0 where it is none, or out of range."""
    text = data.decode("latin-1")
    if "_" in text and not underscores_fit(text):
        return 0.0
    text = text.replace("_", "")
    if not _FLOAT.fullmatch(text):
        return 0.0
    try:
        value = float.fromhex(text) if "x" in text.lower() else float(text)
    except (OverflowError, ValueError):
        return 0.0
    return value if "n" in text.lower() or not math.isinf(value) else 0.0
