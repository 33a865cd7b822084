"""Go's quoted strings and characters (strconv.Quote and its kin)."""

from __future__ import annotations

import re
import unicodedata

from sealer.template.text.runes import kept, mapped

_PLAIN = re.compile(rb"[ !#-\[\]-~]*+")
_NAMED = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v"}


def quoted(data: bytes, *, ascii_only: bool = False) -> bytes:
    """A string in double quotes; bytes that are no UTF-8 in hex."""
    if _PLAIN.fullmatch(data):
        return b'"%s"' % data
    shown = mapped(kept(data), lambda character: _shown(character, '"', ascii_only))
    return f'"{shown}"'.encode()


def quoted_rune(character: str, *, ascii_only: bool = False) -> bytes:
    """A character in single quotes."""
    return f"'{_shown(character, chr(39), ascii_only)}'".encode()


def can_backquote(data: bytes) -> bool:
    """Whether a string can stand between backquotes on one line."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return not any(one in "`\x7f\ufeff" or (one < " " and one != "\t") for one in text)


def printable(character: str) -> bool:
    """strconv.IsPrint: letters, marks, numbers, punctuation, symbols, and the ASCII space."""
    return character == " " or unicodedata.category(character)[0] in "LMNPS"


def _shown(character: str, quote: str, ascii_only: bool) -> str:
    code = ord(character)
    if character in (quote, "\\"):
        return "\\" + character
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if printable(character) and (code < 0x80 or not ascii_only):
        return character
    if code in _NAMED:
        return _NAMED[code]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
