"""Capitals and small letters, and names of many words, as Sprig has them. All walk over characters, not bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sealer.template.functions.table import Table
from sealer.template.text import runes, words
from sealer.template.values import STRING

if TYPE_CHECKING:
    from sealer.template.limits import Run

TABLE = define = Table()

_STEPS_A_BYTE, _BYTES_A_STEP = 2, 2
"""Of what walks over a text character by character: names that are parted into words, and the rest."""


@define("upper", STRING, result=STRING)
def _upper(data: bytes) -> bytes:
    """In capitals, one character for one (`ß` stays); bytes that are no UTF-8 become U+FFFD."""
    return data.upper() if data.isascii() else runes.mapped(runes.runes(data), runes.upper).encode()


@define("lower", STRING, result=STRING)
def _lower(data: bytes) -> bytes:
    """In small letters, one character for one; bytes that are no UTF-8 become U+FFFD."""
    return data.lower() if data.isascii() else runes.mapped(runes.runes(data), runes.lower).encode()


_BREAKS = "".join(code for code in map(chr, range(0x80)) if not (code.isalnum() or code == "_")) + runes.SPACES
_TITLED = re.compile(rf"(?:\A|(?<=[{re.escape(_BREAKS)}]))[^{re.escape(_BREAKS)}]")
_UNTITLED = re.compile(rf"(?:\A|(?<=[{runes.SPACES}]))[^{runes.SPACES}]")


@define("title", STRING, result=STRING, run=True)
def _title(run: Run, data: bytes) -> bytes:
    """Capitals at the beginnings of words; an apostrophe begins one, as in Go's deprecated strings.Title."""
    run.spend(len(data) // _BYTES_A_STEP)
    return _TITLED.sub(lambda found: runes.title(found[0]), runes.runes(data)).encode()


@define("untitle", STRING, result=STRING, run=True)
def _untitle(run: Run, data: bytes) -> bytes:
    """The first letter of each word small, the others as they are; only white space parts words."""
    run.spend(len(data) // _BYTES_A_STEP)
    return _UNTITLED.sub(lambda found: runes.lower(found[0]), runes.runes(data)).encode()


@define("swapcase", STRING, result=STRING, run=True)
def _swapcase(run: Run, data: bytes) -> bytes:
    """Capitals small, and small letters capitals, in title case where a word begins."""
    run.spend(len(data) // _BYTES_A_STEP)
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


@define("snakecase", STRING, result=STRING, run=True)
def _snakecase(run: Run, data: bytes) -> bytes:
    """Words in small letters, joined by `_`: `HTTPServer v2` gives `http_server_v2`."""
    run.spend(len(data) * _STEPS_A_BYTE)
    return runes.raw(words.joined(runes.kept(data), "_"))


@define("kebabcase", STRING, result=STRING, run=True)
def _kebabcase(run: Run, data: bytes) -> bytes:
    """Words in small letters, joined by `-`, parted as in snakecase."""
    run.spend(len(data) * _STEPS_A_BYTE)
    return runes.raw(words.joined(runes.kept(data), "-"))


@define("camelcase", STRING, result=STRING, run=True)
def _camelcase(run: Run, data: bytes) -> bytes:
    """PascalCase, in spite of its name."""
    run.spend(len(data) // _BYTES_A_STEP)
    return words.pascal(runes.runes(data)).encode()
