"""Floating-point numbers as Go's strconv.FormatFloat writes them."""

from __future__ import annotations

import math


def shortest(value: float, *, verb: str = "g", limit: int = 6) -> str:
    """The fewest digits that read back as the same number; `g` writes an exponent from `limit` on, and below -4."""
    if (special := _special(value)) is not None:
        return special
    sign, digits, exponent = _shortest_digits(value)
    return sign + _laid_out(digits, exponent, verb, limit)


def rounded(value: float, verb: str, precision: int) -> str:
    """So many digits: after the point for `e` and `f`, in all for `g`."""
    if (special := _special(value)) is not None:
        return special
    low = verb.lower()
    if low == "f":
        return f"{value:.{precision}f}"
    if low == "e":
        return f"{value:.{precision}{verb}}"
    precision = precision or 1
    text = f"{value:.{precision - 1}e}"
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    return sign + _laid_out(digits, int(exponent), verb, precision)


def binary(value: float) -> str:
    """Mantissa and exponent of two, `4503599627370496p-52`."""
    if (special := _special(value)) is not None:
        return special
    fraction, exponent = math.frexp(abs(value))
    if exponent < -1021:
        fraction, exponent = math.ldexp(fraction, exponent + 1021), -1021
    sign = "-" if math.copysign(1, value) < 0 else ""
    return f"{sign}{int(math.ldexp(fraction, 53))}p{(exponent - 53 if value else -1074):+d}"


def hexadecimal(value: float, *, upper: bool, precision: int | None) -> str:
    """`0x1.8p+01`, as %x of a float."""
    if (special := _special(value)) is not None:
        return special
    sign = "-" if math.copysign(1, value) < 0 else ""
    fraction, exponent = math.frexp(abs(value))
    mantissa, exponent = (int(math.ldexp(fraction, 53)), exponent - 1) if value else (0, 0)
    if precision is not None and precision < 13 and mantissa:
        shift = 52 - 4 * precision
        low, mantissa = mantissa & ((1 << shift) - 1), mantissa >> shift
        half = 1 << (shift - 1)
        mantissa += low > half or (low == half and mantissa & 1)
        mantissa <<= shift
        if mantissa >> 53:
            mantissa, exponent = mantissa >> 1, exponent + 1
    whole, rest = mantissa >> 52, f"{mantissa & ((1 << 52) - 1):013x}"
    rest = rest.rstrip("0") if precision is None else rest.ljust(precision, "0")[:precision]
    text = f"{sign}0x{whole}{'.' if rest else ''}{rest}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return text.upper() if upper else text


def _special(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else None


def _shortest_digits(value: float) -> tuple[str, str, int]:
    """Sign, digits without zeros around them, and the exponent of the first one."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign, "0", 0
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    exponent = len(whole) - 1 + int(power or 0)
    leading = len(digits) - len(digits.lstrip("0"))
    return sign, digits.strip("0") if leading else digits.rstrip("0"), exponent - leading


def _laid_out(digits: str, exponent: int, verb: str, limit: int) -> str:
    low = verb.lower()
    if low == "e" or (low == "g" and (exponent < -4 or exponent >= limit)):
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{mantissa}{'E' if verb.isupper() else 'e'}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return whole + ("." + digits[exponent + 1 :] if len(digits) > exponent + 1 else "")
