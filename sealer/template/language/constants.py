"""Constants of templates: Go's quoted strings, characters and numbers (the Go specification, "Lexical elements")."""

from __future__ import annotations

import re

from sealer.template.language import nodes

_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-3][0-7]{2})|x(?P<hex>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})"
    r"|(?P<named>[abfnrtv\\'\"])|(?P<bad>.?))",
    re.DOTALL,
)
_NAMED = {"a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v", "\\": b"\\"}
_UNDERSCORES = re.compile(r"[+-]?(?:0[bBoOxX]_?)?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*")
_INTEGER = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX]_?(?P<hex>[0-9a-fA-F]+)|0[bB]_?(?P<bin>[01]+)|0[oO]?_?(?P<oct>[0-7]+)"
    r"|(?P<dec>[1-9][0-9]*|0))"
)
_MAX_INT, _MAX_UNSIGNED = (1 << 63) - 1, (1 << 64) - 1


def unquoted(text: str) -> bytes | None:
    """The bytes of a quoted or raw string with its quotes; None if an escape in it is none."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "").encode("utf-8", "surrogatepass")
    return _unescaped(text[1:-1], text[0])


def character(text: str) -> int | None:
    """The code point of a character in its quotes; None if there is none, or more than one."""
    inner = text[1:-1]
    if (found := _ESCAPE.fullmatch(inner)) is not None:
        if found["octal"] or found["hex"]:
            return int(found["octal"] or found["hex"], 8 if found["octal"] else 16)
        data = _unescaped(inner, "'")
        return ord(data.decode()) if data is not None else None
    return ord(inner) if len(inner) == 1 and inner != "\\" else None


def _unescaped(text: str, quote: str) -> bytes | None:
    parts: list[bytes] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        parts.append(text[at : found.start()].encode("utf-8", "surrogatepass"))
        at = found.end()
        piece = _escape(found, quote)
        if piece is None:
            return None
        parts.append(piece)
    parts.append(text[at:].encode("utf-8", "surrogatepass"))
    return b"".join(parts)


def _escape(found: re.Match[str], quote: str) -> bytes | None:
    if found["octal"] or found["hex"]:
        return bytes([int(found["octal"] or found["hex"], 8 if found["octal"] else 16)])
    if found["short"] or found["long"]:
        code = int(found["short"] or found["long"], 16)
        return chr(code).encode() if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else None
    named = found["named"]
    if named is None or (named in "'\"" and named != quote):
        return None
    return _NAMED.get(named, named.encode())


def number(at: int, text: str) -> nodes.Number | None:
    """A number as every type that it fits in, as strconv reads it with base 0; None if it is none."""
    if text.endswith("i") and (floating := _float(text[:-1])) is not None:
        return _complex(at, complex(0, floating))
    found = integer(text)
    if found is not None and -_MAX_INT - 1 <= found <= _MAX_UNSIGNED:
        signed = found if found <= _MAX_INT else None
        unsigned = found if found >= 0 else None
        return nodes.Number(at, signed, unsigned, float(found), None, signed)
    floating = _float(text)
    if floating is None or not any(mark in text for mark in ".eEpP"):
        return None
    whole = int(floating) if floating.is_integer() else None
    signed = whole if whole is not None and -_MAX_INT - 1 <= whole <= _MAX_INT else None
    unsigned = whole if whole is not None and 0 <= whole <= _MAX_UNSIGNED else None
    return nodes.Number(at, signed, unsigned, floating, None, floating)


def pair(at: int, text: str) -> nodes.Number | None:
    """A complex number, `1+2i`."""
    sign = max(text.rfind("+", 1), text.rfind("-", 1))
    if text[sign - 1] in "eEpP":
        sign = max(text.rfind("+", 1, sign - 1), text.rfind("-", 1, sign - 1))
    real, imaginary = _float(text[:sign]), _float(text[sign:-1])
    return None if real is None or imaginary is None else _complex(at, complex(real, imaginary))


def _complex(at: int, value: complex) -> nodes.Number:
    floating = value.real if value.imag == 0 else None
    whole = int(floating) if floating is not None and floating.is_integer() else None
    unsigned = whole if whole is not None and whole >= 0 else None
    return nodes.Number(at, whole, unsigned, floating, value, value)


def integer(text: str) -> int | None:
    """An integer as strconv.ParseInt reads it with base 0; None if it is none."""
    if "_" in text and not _UNDERSCORES.fullmatch(text):
        return None
    found = _INTEGER.fullmatch(text.replace("_", ""))
    if found is None:
        return None
    for name, base in (("hex", 16), ("bin", 2), ("oct", 8), ("dec", 10)):
        if found[name] is not None:
            digits = found[name].lstrip("0")
            # Python itself reads no more than 4300 digits; what is out of range is so in any case.
            value = int(digits or "0", base) if len(digits) < 4000 else 1 << 4000
            return -value if found["sign"] == "-" else value
    return None


def _float(text: str) -> float | None:
    """strconv.ParseFloat: what overflows is refused, as there; hexadecimal needs an exponent."""
    try:
        if "0x" in text.lower():
            value = float.fromhex(text.replace("_", "")) if "p" in text.lower() else None
        else:
            value = float(text)
    except (ValueError, OverflowError):
        return None
    return None if value is None or value in (float("inf"), float("-inf")) else value


def octal(data: bytes) -> int | None:
    """Octal digits as a 64-bit integer; None if they are none, or too many."""
    text = data.decode("latin-1")
    if not re.fullmatch(r"[+-]?[0-7]+", text) or len(text) > 64:
        return None
    value = int(text, 8)
    return value if -_MAX_INT - 1 <= value <= _MAX_INT else None


def underscores_fit(text: str) -> bool:
    """Whether underscores stand only between digits, or behind a base prefix."""
    return re.search(r"(?:^|[^0-9a-fA-FxX])_|_(?:$|[^0-9a-fA-F])|^[+-]?_", text) is None
