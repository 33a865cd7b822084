"""Go strings as characters: where Go walks over runes, each byte that is no UTF-8 is one, U+FFFD."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""unicode.IsSpace."""
INVALID = frozenset(map(chr, range(0xDC80, 0xDD00)))
"""What `kept` makes of bytes that are no UTF-8."""
_BAD = {ord(character): "\ufffd" for character in INVALID}


def kept(data: bytes) -> str:
    """Characters, with bytes that are no UTF-8 as surrogates: `raw` gives them back as they were."""
    return data.decode("utf-8", "surrogateescape")


def raw(text: str) -> bytes:
    """What `kept` was made of."""
    return text.encode("utf-8", "surrogateescape")


def runes(data: bytes) -> str:
    """Characters, as []rune has them: bytes that are no UTF-8 are lost."""
    text = kept(data)
    return text if data.isascii() else text.translate(_BAD)


def mapped(text: str, of: Callable[[str], str]) -> str:
    """Text with each character as a function has it, which is asked once for each that there is."""
    return text.translate(_Mapping(of))


class _Mapping(dict[int, str]):
    def __init__(self, of: Callable[[str], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, code: int) -> str:
        found = self[code] = self._of(chr(code))
        return found


def upper(character: str) -> str:
    """unicode.ToUpper: one character for one, so that some have none."""
    found = character.upper()
    return found if len(found) == 1 else title(character)


def lower(character: str) -> str:
    """unicode.ToLower."""
    return character.lower()[0]


def title(character: str) -> str:
    """unicode.ToTitle."""
    found = character.title()
    return found if len(found) == 1 else character


def is_upper(character: str) -> bool:
    """unicode.IsUpper."""
    return unicodedata.category(character) == "Lu"


def is_letter(character: str) -> bool:
    """unicode.IsLetter."""
    return unicodedata.category(character)[0] == "L"


def is_digit(character: str) -> bool:
    """unicode.IsDigit."""
    return unicodedata.category(character) == "Nd"


def is_number(character: str) -> bool:
    """unicode.IsNumber."""
    return unicodedata.category(character)[0] == "N"


def is_punctuation(character: str) -> bool:
    """unicode.IsPunct."""
    return unicodedata.category(character)[0] == "P"
