"""Go's durations: nanoseconds in 64 bits, `1h2m3.5s`."""

from __future__ import annotations

import re

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>[^0-9.]+)")
_MOST = 1 << 63


def parsed(text: str) -> int | None:
    """A duration in nanoseconds; None if the text is none."""
    negative = text.startswith("-")
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    total = at = 0
    while at < len(rest):
        found = _PART.match(rest, at)
        if found is None or not (found["whole"] or found["fraction"]) or found["unit"] not in _UNITS:
            return None
        total += _part(found["whole"], found["fraction"] or "", _UNITS[found["unit"]])
        at = found.end()
        if total > _MOST:
            return None
    if not rest or (total == _MOST and not negative):
        return None
    return -total if negative else total


def _part(whole: str, fraction: str, unit: int) -> int:
    """One number with its unit; what is too large gives more than a duration can be."""
    if len(whole.lstrip("0")) > 19:
        return _MOST + 1
    digits = fraction[:18]
    return int(whole or 0) * unit + int(float(int(digits or 0)) * (float(unit) / float(10 ** len(digits))))


def shown(nanoseconds: int) -> str:
    """A duration as String() writes it."""
    sign, size = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if size == 0:
        return "0s"
    for unit, name in ((1, "ns"), (1_000, "\u00b5s"), (1_000_000, "ms")):
        if size < unit * 1_000 and size < 1_000_000_000:
            return f"{sign}{_decimal(size, unit)}{name}"
    minutes, rest = divmod(size, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = _decimal(rest, 1_000_000_000) + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return sign + (f"{hours}h{text}" if hours else text)


def _decimal(size: int, unit: int) -> str:
    whole, rest = divmod(size, unit)
    fraction = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
