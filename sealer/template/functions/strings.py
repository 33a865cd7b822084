"""Strings, as Sprig has them. Lengths and places are counted in bytes where Go's are."""

from __future__ import annotations

from typing import Any

from sealer.template.functions.table import Table
from sealer.template.limits import MAX_BYTES, Fault, Run
from sealer.template.text import runes, words
from sealer.template.text.printing import text
from sealer.template.text.quoting import quoted
from sealer.template.values import ANY, BOOL, INT, STRING, Slice

TABLE = define = Table()


def shown(value: Any) -> bytes:
    """A value as Sprig's strval makes a string of it: %v, but bytes as they are."""
    if isinstance(value, Slice) and value.type.name == "[]uint8":
        return bytes(value.items)
    return text(value)


def fits(size: int) -> None:
    """Raise Fault for a result that would be larger than all that a render may make."""
    if size > MAX_BYTES:
        raise Fault(f"would make more than {MAX_BYTES >> 20} MiB")


@define("hello", result=STRING)
def _hello() -> bytes:
    return b"Hello!"


@define("trim", STRING, result=STRING)
def _trim(data: bytes) -> bytes:
    return runes.raw(runes.kept(data).strip(runes.SPACES))


@define("trimAll trimall", STRING, STRING, result=STRING)
def _trim_all(cut: bytes, data: bytes) -> bytes:
    characters = runes.kept(cut)
    if runes.INVALID.intersection(characters) or "\ufffd" in characters:
        characters += "\ufffd" + "".join(runes.INVALID)  # As one character they are all the same.
    return runes.raw(runes.kept(data).strip(characters)) if cut else data


@define("trimPrefix", STRING, STRING, result=STRING)
def _trim_prefix(prefix: bytes, data: bytes) -> bytes:
    return data.removeprefix(prefix)


@define("trimSuffix", STRING, STRING, result=STRING)
def _trim_suffix(suffix: bytes, data: bytes) -> bytes:
    return data.removesuffix(suffix)


@define("upper", STRING, result=STRING)
def _upper(data: bytes) -> bytes:
    return data.upper() if data.isascii() else "".join(map(runes.upper, runes.runes(data))).encode()


@define("lower", STRING, result=STRING)
def _lower(data: bytes) -> bytes:
    return data.lower() if data.isascii() else "".join(map(runes.lower, runes.runes(data))).encode()


@define("title", STRING, result=STRING)
def _title(data: bytes) -> bytes:
    """Capitals at the beginnings of words; an apostrophe begins one, as in Go's deprecated strings.Title."""
    out: list[str] = []
    before = " "
    for character in runes.runes(data):
        out.append(runes.title(character) if _parts(before) else character)
        before = character
    return "".join(out).encode()


def _parts(character: str) -> bool:
    if character < "\x80":
        return not (character.isalnum() or character == "_")
    return not (runes.is_letter(character) or runes.is_digit(character)) and character in runes.SPACES


@define("untitle", STRING, result=STRING)
def _untitle(data: bytes) -> bytes:
    out: list[str] = []
    begins = True
    for character in runes.runes(data):
        space = character in runes.SPACES
        out.append(runes.lower(character) if begins and not space else character)
        begins = space
    return "".join(out).encode()


@define("swapcase", STRING, result=STRING)
def _swapcase(data: bytes) -> bytes:
    out: list[str] = []
    space = True
    for character in runes.runes(data):
        if runes.is_upper(character) or character.istitle():
            out.append(runes.lower(character))
            space = False
        elif character.islower() and runes.is_letter(character):
            out.append(runes.title(character) if space else runes.upper(character))
            space = False
        else:
            out.append(character)
            space = character in runes.SPACES
    return "".join(out).encode()


_STEPS_A_BYTE = 2
"""Of names that are parted into words, character by character: one to three microseconds each."""


@define("snakecase", STRING, result=STRING, run=True)
def _snakecase(run: Run, data: bytes) -> bytes:
    run.spend(len(data) * _STEPS_A_BYTE)
    return runes.raw(words.joined(runes.kept(data), "_"))


@define("kebabcase", STRING, result=STRING, run=True)
def _kebabcase(run: Run, data: bytes) -> bytes:
    run.spend(len(data) * _STEPS_A_BYTE)
    return runes.raw(words.joined(runes.kept(data), "-"))


@define("camelcase", STRING, result=STRING)
def _camelcase(data: bytes) -> bytes:
    """PascalCase, in spite of its name."""
    return words.pascal(runes.runes(data)).encode()


@define("trunc", INT, STRING, result=STRING)
def _trunc(count: int, data: bytes) -> bytes:
    if count < 0:
        return data[count:] if len(data) + count > 0 else data
    return data[:count]


@define("substr", INT, INT, STRING, result=STRING)
def _substr(start: int, end: int, data: bytes) -> bytes:
    if start < 0:
        return part(data, 0, end)
    return part(data, start, len(data) if end < 0 or end > len(data) else end)


def part(data: bytes, start: int, end: int) -> bytes:
    """data[start:end] of Go. Raises Fault where Go panics."""
    if not 0 <= start <= end <= len(data):
        raise Fault("slice bounds out of range")
    return data[start:end]


@define("repeat", INT, STRING, result=STRING)
def _repeat(count: int, data: bytes) -> bytes:
    if count < 0:
        raise Fault("negative Repeat count")
    fits(count * len(data))
    return data * count


@define("nospace", STRING, result=STRING)
def _nospace(data: bytes) -> bytes:
    """Without its spaces; a string that has any is taken byte by byte, as the library does, which breaks its UTF-8."""
    left = "".join(one for one in data.decode("latin-1") if one not in runes.SPACES)
    return data if len(left) == len(data) else left.encode()


@define("initials", STRING, result=STRING)
def _initials(data: bytes) -> bytes:
    """The first byte of each word, as the character of that number: the library counts bytes."""
    gap, out = True, ""
    for byte in data:
        character = chr(byte)
        if character in runes.SPACES:
            gap = True
        elif gap:
            out += character
            gap = False
    return out.encode()


@define("contains", STRING, STRING, result=BOOL)
def _contains(inner: bytes, data: bytes) -> bool:
    return inner in data


@define("hasPrefix", STRING, STRING, result=BOOL)
def _has_prefix(prefix: bytes, data: bytes) -> bool:
    return data.startswith(prefix)


@define("hasSuffix", STRING, STRING, result=BOOL)
def _has_suffix(suffix: bytes, data: bytes) -> bool:
    return data.endswith(suffix)


@define("quote", variadic=ANY, result=STRING)
def _quote(*values: Any) -> bytes:
    return b" ".join(quoted(shown(value)) for value in values if value is not None)


@define("squote", variadic=ANY, result=STRING)
def _squote(*values: Any) -> bytes:
    return b" ".join(b"'" + text(value) + b"'" for value in values if value is not None)


@define("cat", variadic=ANY, result=STRING)
def _cat(*values: Any) -> bytes:
    return b" ".join(text(value) for value in values if value is not None)


@define("indent", INT, STRING, result=STRING)
def _indent(spaces: int, data: bytes) -> bytes:
    if spaces < 0:
        raise Fault("negative Repeat count")
    fits(spaces * (1 + data.count(b"\n")))
    pad = b" " * spaces
    return pad + data.replace(b"\n", b"\n" + pad)


@define("nindent", INT, STRING, result=STRING)
def _nindent(spaces: int, data: bytes) -> bytes:
    return b"\n" + _indent(spaces, data)


@define("replace", STRING, STRING, STRING, result=STRING)
def _replace(old: bytes, new: bytes, data: bytes) -> bytes:
    fits(len(new) * (data.count(old) if old else len(data) + 1))
    if old:
        return data.replace(old, new)
    # Nothing stands before each character, and at the end.
    return new + b"".join(runes.raw(character) + new for character in runes.kept(data))


@define("plural", STRING, STRING, INT, result=STRING)
def _plural(one: bytes, many: bytes, count: int) -> bytes:
    return one if count == 1 else many


@define("toString", ANY, result=STRING)
def _to_string(value: Any) -> bytes:
    return shown(value)


@define("abbrev", INT, STRING, result=STRING)
def _abbrev(width: int, data: bytes) -> bytes:
    return data if width < 4 else _abbreviated(data, 0, width)


@define("abbrevboth", INT, INT, STRING, result=STRING)
def _abbrevboth(left: int, right: int, data: bytes) -> bytes:
    return data if right < 4 or (left > 0 and right < 7) else _abbreviated(data, left, right)


_DOTS = b"..."


def _abbreviated(data: bytes, offset: int, width: int) -> bytes:
    """A window of `width` bytes with dots where something was left out (goutils.AbbreviateFull)."""
    if len(data) <= width:
        return data
    offset = min(offset, len(data))
    if len(data) - offset < width - 3:
        offset = len(data) - (width - 3)
    if offset <= 4:
        return data[: width - 3] + _DOTS
    if width < 7:
        return b""
    if offset + width - 3 < len(data):
        return _DOTS + data[offset : offset + width - 6] + _DOTS
    return _DOTS + data[len(data) - (width - 3) :]


@define("wrap", INT, STRING, result=STRING)
def _wrap(width: int, data: bytes) -> bytes:
    return _wrapped(data, width, b"", long=False)


@define("wrapWith", INT, STRING, STRING, result=STRING)
def _wrap_with(width: int, newline: bytes, data: bytes) -> bytes:
    return _wrapped(data, width, newline, long=True)


def _wrapped(data: bytes, width: int, newline: bytes, *, long: bool) -> bytes:
    """Lines of at most `width` bytes, broken at spaces; longer words are broken if `long` (goutils.WrapCustom)."""
    newline, width = newline or b"\n", max(width, 1)
    fits(len(newline) * (len(data) // width + data.count(b" ")) + len(data))
    out: list[bytes] = []
    at = 0
    while len(data) - at > width:
        if data[at] == 0x20:
            at += 1
            continue
        space = data.rfind(b" ", at, at + width + 1)
        if space < 0 and long:
            out += (data[at : at + width], newline)
            at += width
            continue
        if space < 0:
            space = data.find(b" ", at + width)
        if space < 0:
            out.append(data[at:])
            at = len(data)
        else:
            out += (data[at:space], newline)
            at = space + 1
    out.append(data[at:])
    return b"".join(out)
