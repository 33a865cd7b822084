"""Random characters, as Sprig has them. Each is as likely as the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealer.template.functions.table import Table
from sealer.template.limits import fits
from sealer.template.text import runes
from sealer.template.values import INT, STRING

if TYPE_CHECKING:
    from sealer.template.limits import Run

TABLE = define = Table()

_DIGITS, _SMALL = "0123456789", "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _SMALL + _SMALL.upper()
_PRINTABLE = "".join(map(chr, range(32, 127)))


def _drawn(run: Run, count: int, alphabet: str) -> bytes:
    """Characters of an alphabet, each as likely as the others: bytes that would favour some are drawn again."""
    if count < 0:
        return b""
    fits(count)
    most = 256 - 256 % len(alphabet)
    out: list[str] = []
    while len(out) < count:
        out += [alphabet[byte % len(alphabet)] for byte in run.random(count - len(out) + 8) if byte < most]
    return "".join(out[:count]).encode()


@define("randAlphaNum", INT, result=STRING, draws=True)
def _rand_alpha_num(run: Run, count: int) -> bytes:
    """`randAlphaNum COUNT`: so many ASCII letters and digits; none for a COUNT below 0."""
    return _drawn(run, count, _LETTERS + _DIGITS)


@define("randAlpha", INT, result=STRING, draws=True)
def _rand_alpha(run: Run, count: int) -> bytes:
    """`randAlpha COUNT`: so many ASCII letters; none for a COUNT below 0."""
    return _drawn(run, count, _LETTERS)


@define("randNumeric", INT, result=STRING, draws=True)
def _rand_numeric(run: Run, count: int) -> bytes:
    """`randNumeric COUNT`: so many digits, as a text that may begin with 0; none for a COUNT below 0."""
    return _drawn(run, count, _DIGITS)


@define("randAscii", INT, result=STRING, draws=True)
def _rand_ascii(run: Run, count: int) -> bytes:
    """`randAscii COUNT`: so many characters from space to `~`, quotes and `$` among them; none for a COUNT below 0."""
    return _drawn(run, count, _PRINTABLE)


@define("shuffle", STRING, result=STRING, draws=True)
def _shuffle(run: Run, data: bytes) -> bytes:
    """The characters of a text in any order; bytes that are no UTF-8 become U+FFFD."""
    run.spend(len(data))
    characters = list(runes.runes(data))
    for last in range(len(characters) - 1, 0, -1):
        other = below(run, last + 1)
        characters[last], characters[other] = characters[other], characters[last]
    return "".join(characters).encode()


def below(run: Run, bound: int) -> int:
    """A number from 0 up to less than a bound, each as likely as the others."""
    size = (bound.bit_length() + 7) // 8 or 1
    most = (1 << (8 * size)) - (1 << (8 * size)) % bound
    while True:
        drawn = int.from_bytes(run.random(size))
        if drawn < most:
            return drawn % bound
