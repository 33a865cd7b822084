"""One value as a verb of Go's fmt prints it, with flags, width and precision; and what stands where they don't fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from sealer.template.limits import BYTES_AN_ELEMENT, Fault, Meter
from sealer.template.text import floats
from sealer.template.text.printing import text
from sealer.template.text.quoting import can_backquote, printable, quoted, quoted_rune
from sealer.template.values import BYTES, NO_VALUE, Map, Opaque, Sized, Slice, type_of

_FLOATS = {"v": ("g", -1), "g": ("g", -1), "G": ("G", -1), "f": ("f", 6), "F": ("f", 6), "e": ("e", 6), "E": ("E", 6)}
_BASES = {"d": 10, "v": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}


@dataclass(slots=True)
class Verb:
    """One verb with its flags; `width` and `precision` are None where there is none."""

    letter: str = "v"
    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    width: int | None = None
    precision: int | None = None
    go: bool = False

    meter: Meter = field(default_factory=Meter)

    def pad(self, data: bytes, *, zero: bool | None = None) -> bytes:
        """Filled up to the width, which counts characters; zeros stand on the left only."""
        missing = (self.width or 0) - _length(data)
        if missing <= 0:
            return data
        if self.minus:
            return data + b" " * missing
        return (b"0" if (self.zero if zero is None else zero) else b" ") * missing + data


def _length(data: bytes) -> int:
    """Characters, as utf8.RuneCount counts: each byte that belongs to none is one."""
    return len(data) if data.isascii() else len(data.decode("utf-8", "surrogateescape"))


def with_type(value: Any) -> bytes:
    """A value behind its type, as what is too much is shown."""
    if value is None or value is NO_VALUE:
        return b"<nil>"
    return type_of(value).name.encode() + b"=" + text(value)


def _bad(verb: Verb, value: Any) -> bytes:
    """What stands for a value that a verb can't print: its type, and itself by %v with the same flags."""
    return f"%!{verb.letter}({type_of(value).name}=".encode() + printed_by(replace(verb, letter="v"), value) + b")"


def printed_by(verb: Verb, value: Any) -> bytes:
    """One value; the elements of a list or map one by one."""
    if value is None or value is NO_VALUE:
        return verb.pad(b"<nil>") if verb.letter in "vT" else f"%!{verb.letter}(<nil>)".encode()
    if verb.letter == "T":
        return _string(verb, type_of(value).name.encode())
    if isinstance(value, bool):
        return verb.pad(str(value).lower().encode()) if verb.letter in "tv" else _bad(verb, value)
    if isinstance(value, int):
        return _integer(verb, value)
    if isinstance(value, float):
        return _float(verb, value, value)
    if isinstance(value, bytes):
        return _text(verb, value, value)
    if isinstance(value, complex):
        return _complex(verb, value)
    return _composed(verb, value)


def _composed(verb: Verb, value: Any) -> bytes:
    if verb.letter == "p":
        raise Fault("%p prints an address of memory")
    if verb.letter == "w":
        return _bad(verb, value)
    if isinstance(value, Opaque):
        if verb.letter in "vsxXq" and not verb.go:
            return _text(verb, value.text(), value)
        raise Fault(f"%{verb.letter} prints the insides of a {type_of(value).name}")
    if isinstance(value, Slice) and value.type == BYTES and verb.letter in "sxXq":
        return _text(verb, bytes(value.items), value)
    if verb.go:
        return _syntax(verb, value)
    if isinstance(value, Slice):
        return b"[" + b" ".join(_inner(verb, item) for item in value.items) + b"]"
    pairs = sorted(value.items.items(), key=lambda pair: pair[0])
    return b"map[" + b" ".join(_inner(verb, key) + b":" + _inner(verb, item) for key, item in pairs) + b"]"


def _inner(verb: Verb, value: Any) -> bytes:
    nil = b"interface {}(nil)" if verb.go else b"<nil>"
    found = nil if value is None else printed_by(verb, value)
    verb.meter.take(1 + len(found) // BYTES_AN_ELEMENT)
    return found


def _syntax(verb: Verb, value: Slice | Map) -> bytes:
    """%#v of a list or map."""
    name = value.type.name.encode()
    if value.nil:
        return name + b"(nil)"
    if isinstance(value, Slice):
        return name + b"{" + b", ".join(_inner(verb, item) for item in value.items) + b"}"
    pairs = sorted(value.items.items(), key=lambda pair: pair[0])
    return name + b"{" + b", ".join(_inner(verb, key) + b":" + _inner(verb, item) for key, item in pairs) + b"}"


def _integer(verb: Verb, value: int) -> bytes:
    letter = verb.letter
    if letter in "vsxXq" and not verb.go and isinstance(value, Sized) and value.methods:
        return _text(verb, value.text(), value)
    unsigned = type_of(value).kind.startswith("u")
    if letter == "c":
        return verb.pad(_rune(value).encode())
    if letter == "q":
        return verb.pad(quoted_rune(_rune(value), ascii_only=verb.plus))
    if letter == "U":
        return _unicode(verb, value)
    if letter not in _BASES:
        return _bad(verb, value)
    if letter == "v" and verb.go and unsigned:
        return _digits(replace(verb, sharp=True), int(value), 16)
    return _digits(verb, int(value), _BASES[letter])


def _digits(verb: Verb, value: int, base: int) -> bytes:
    size = verb.precision
    if size == 0 and value == 0:
        return b" " * (verb.width or 0)
    if size is None and verb.zero and not verb.minus and verb.width is not None:
        size = verb.width - (value < 0 or verb.plus or verb.space)
    digits = format(abs(value), {10: "d", 2: "b", 8: "o", 16: "X" if verb.letter == "X" else "x"}[base])
    digits = digits.rjust(size or 0, "0")
    if verb.sharp:
        digits = {2: "0b", 8: "" if digits[0] == "0" else "0", 16: "0X" if verb.letter == "X" else "0x", 10: ""}[
            base
        ] + digits
    if verb.letter == "O":
        digits = "0o" + digits
    sign = "-" if value < 0 else "+" if verb.plus else " " if verb.space else ""
    return verb.pad((sign + digits).encode(), zero=False)


def _rune(value: int) -> str:
    return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"


def _unicode(verb: Verb, value: int) -> bytes:
    found = f"U+{value & 0xFFFFFFFFFFFFFFFF:X}"[2:].rjust(max(4, verb.precision or 0), "0")
    shown = f" '{chr(value)}'" if verb.sharp and 0 <= value <= 0x10FFFF and printable(chr(value)) else ""
    return verb.pad(f"U+{found}{shown}".encode(), zero=False)


def _float(verb: Verb, value: float, argument: Any, *, signed: bool = False) -> bytes:
    letter = verb.letter
    if letter == "b":
        number = floats.binary(value)
    elif letter in "xX":
        number = floats.hexadecimal(value, upper=letter == "X", precision=verb.precision)
    elif letter in _FLOATS:
        form, default = _FLOATS[letter]
        precision = verb.precision if verb.precision is not None else default
        number = floats.shortest(value, verb=form) if precision < 0 else floats.rounded(value, form, precision)
    else:
        return _bad(verb, argument)
    sign, number = (number[0], number[1:]) if number[0] in "+-" else ("+", number)
    plus = verb.plus or signed
    if verb.space and sign == "+" and not plus:
        sign = " "
    if number[0] in "IN":
        shown = number if number[0] == "N" and not verb.space and not plus else sign + number
        return verb.pad(shown.encode(), zero=False)
    if verb.sharp and letter != "b":
        number = _with_point(number, verb)
    if plus or sign != "+":
        if verb.zero and not verb.minus and verb.width is not None:
            return (sign + number.rjust(verb.width - 1, "0")).encode()
        return verb.pad((sign + number).encode())
    return verb.pad(number.encode())


def _with_point(number: str, verb: Verb) -> str:
    """The sharp flag: a decimal point always, and for %g the zeros at the end."""
    found = re.match(
        r"(0[xX])?([0-9a-fA-F.]*?)((?:[eE][+-]|[pP]).*)?$" if verb.letter in "xX" else r"()([0-9.]*)(.*)$", number
    )
    prefix, digits, tail = (found[1] or "", found[2], found[3] or "") if found is not None else ("", number, "")
    wanted = 0
    if verb.letter in "vgGx":
        wanted = 6 if verb.precision is None else verb.precision
        # Of a hexadecimal number the x counts, and all that follows it.
        wanted -= len(digits.replace(".", "")) + 1 if prefix else len(digits.replace(".", "").lstrip("0"))
        if prefix and not digits.strip("0"):
            wanted += 1
    if "." not in digits:
        wanted -= digits == "0"
        digits += "."
    return prefix + digits + "0" * max(wanted, 0) + tail


def _complex(verb: Verb, value: complex) -> bytes:
    if verb.letter not in "vbgGxXfFeE":
        return _bad(verb, value)
    return b"(" + _float(verb, value.real, value) + _float(verb, value.imag, value, signed=True) + b"i)"


def _text(verb: Verb, data: bytes, argument: Any) -> bytes:
    match verb.letter:
        case "v" if verb.go:
            return verb.pad(quoted(data, ascii_only=verb.plus))
        case "s" | "v":
            return _string(verb, data)
        case "x" | "X":
            return _hex(verb, data)
        case "q":
            data = _cut(data, verb.precision)
            if verb.sharp and can_backquote(data):
                return verb.pad(b"`" + data + b"`")
            return verb.pad(quoted(data, ascii_only=verb.plus))
    return _bad(verb, argument)


def _string(verb: Verb, data: bytes) -> bytes:
    return verb.pad(_cut(data, verb.precision))


def _cut(data: bytes, precision: int | None) -> bytes:
    if precision is None:
        return data
    return data.decode("utf-8", "surrogateescape")[:precision].encode("utf-8", "surrogateescape")


def _hex(verb: Verb, data: bytes) -> bytes:
    data = data if verb.precision is None else data[: verb.precision]
    prefix = ("0" + verb.letter).encode() if verb.sharp else b""
    digits = [b"%02x" % byte if verb.letter == "x" else b"%02X" % byte for byte in data]
    if not digits:
        return verb.pad(b"")
    return verb.pad(b" ".join(prefix + pair for pair in digits) if verb.space else prefix + b"".join(digits))
