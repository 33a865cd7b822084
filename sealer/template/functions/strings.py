"""Strings, as Sprig has them. Lengths and places are counted in bytes where Go's are."""

from __future__ import annotations

import re
from typing import Any

from sealer.template.functions.table import Table
from sealer.template.limits import Fault, fits
from sealer.template.text import runes
from sealer.template.text.printing import shown, text
from sealer.template.text.quoting import quoted
from sealer.template.values import ANY, BOOL, INT, STRING

TABLE = define = Table()


@define("hello", result=STRING)
def _hello() -> bytes:
    """The text `Hello!`."""
    return b"Hello!"


@define("trim", STRING, result=STRING)
def _trim(data: bytes) -> bytes:
    """Without white space at both ends, Unicode's included."""
    return runes.raw(runes.kept(data).strip(runes.SPACES))


@define("trimAll trimall", STRING, STRING, result=STRING)
def _trim_all(cut: bytes, data: bytes) -> bytes:
    """`trimAll CHARACTERS TEXT`: without any of these characters at both ends, as Python's strip; no prefix."""
    characters = runes.kept(cut)
    if runes.INVALID.intersection(characters) or "\ufffd" in characters:
        characters += "\ufffd" + "".join(runes.INVALID)  # As one character they are all the same.
    return runes.raw(runes.kept(data).strip(characters)) if cut else data


@define("trimPrefix", STRING, STRING, result=STRING)
def _trim_prefix(prefix: bytes, data: bytes) -> bytes:
    """`trimPrefix PREFIX TEXT`: without the prefix, taken away once; as it is without one."""
    return data.removeprefix(prefix)


@define("trimSuffix", STRING, STRING, result=STRING)
def _trim_suffix(suffix: bytes, data: bytes) -> bytes:
    """`trimSuffix SUFFIX TEXT`: without the suffix, taken away once; as it is without one."""
    return data.removesuffix(suffix)


@define("trunc", INT, STRING, result=STRING)
def _trunc(count: int, data: bytes) -> bytes:
    """`trunc COUNT TEXT`: the first bytes, the last if COUNT is below 0; may cut a character in two."""
    if count < 0:
        return data[count:] if len(data) + count > 0 else data
    return data[:count]


@define("substr", INT, INT, STRING, result=STRING)
def _substr(start: int, end: int, data: bytes) -> bytes:
    """`substr START END TEXT`: bytes from START to before END, which means the end if it is below 0 or too large.

    A START below 0 means 0, but then END must be a place in the text. Refused: a START behind END, or behind the end.
    """
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
    """`repeat COUNT TEXT`; refuses a COUNT below 0, where Python gives nothing, and an int64, which `add` gives."""
    if count < 0:
        raise Fault("negative Repeat count")
    fits(count * len(data))
    return data * count


_SPACES = b"\t\n\v\f\r \x85\xa0"
_INITIAL = re.compile(rb"(?:\A|(?<=[%b]))[^%b]" % (_SPACES, _SPACES))


@define("nospace", STRING, result=STRING)
def _nospace(data: bytes) -> bytes:
    """Without its spaces; a string that has any is taken byte by byte, as the library does, which breaks its UTF-8."""
    left = data.translate(None, _SPACES)
    return data if len(left) == len(data) else left.decode("latin-1").encode()


@define("initials", STRING, result=STRING)
def _initials(data: bytes) -> bytes:
    """The first byte of each word, as the character of that number: the library counts bytes."""
    return b"".join(_INITIAL.findall(data)).decode("latin-1").encode()


@define("contains", STRING, STRING, result=BOOL)
def _contains(inner: bytes, data: bytes) -> bool:
    """`contains PART TEXT`: whether PART stands in TEXT, byte for byte."""
    return inner in data


@define("hasPrefix", STRING, STRING, result=BOOL)
def _has_prefix(prefix: bytes, data: bytes) -> bool:
    """`hasPrefix PREFIX TEXT`: whether TEXT begins with it."""
    return data.startswith(prefix)


@define("hasSuffix", STRING, STRING, result=BOOL)
def _has_suffix(suffix: bytes, data: bytes) -> bool:
    """`hasSuffix SUFFIX TEXT`: whether TEXT ends with it."""
    return data.endswith(suffix)


@define("quote", variadic=ANY, result=STRING)
def _quote(*values: Any) -> bytes:
    """Arguments in double quotes with Go's escapes, apart by spaces; nil is left out, "" is not."""
    return b" ".join(quoted(shown(value)) for value in values if value is not None)


@define("squote", variadic=ANY, result=STRING)
def _squote(*values: Any) -> bytes:
    """Arguments between single quotes, apart by spaces; nil is left out, and nothing is escaped, quotes neither."""
    return b" ".join(b"'" + text(value) + b"'" for value in values if value is not None)


@define("cat", variadic=ANY, result=STRING)
def _cat(*values: Any) -> bytes:
    """Arguments as %v, apart by spaces; nil is left out, "" is not."""
    return b" ".join(text(value) for value in values if value is not None)


@define("replace", STRING, STRING, STRING, result=STRING)
def _replace(old: bytes, new: bytes, data: bytes) -> bytes:
    """`replace OLD NEW TEXT`: each OLD; one that is "" stands before each character and at the end."""
    fits(len(new) * (data.count(old) if old else len(data) + 1))
    if old:
        return data.replace(old, new)
    # Nothing stands before each character, and at the end.
    return new + b"".join(runes.raw(character) + new for character in runes.kept(data))


@define("plural", STRING, STRING, INT, result=STRING)
def _plural(one: bytes, many: bytes, count: int) -> bytes:
    """`plural ONE MANY COUNT`: ONE for 1, MANY for all else, 0 and -1 too; COUNT is an int, as `len` gives."""
    return one if count == 1 else many


@define("toString", ANY, result=STRING)
def _to_string(value: Any) -> bytes:
    """A value as %v prints it: nil is `<nil>`; a list of bytes gives the bytes."""
    return shown(value)
