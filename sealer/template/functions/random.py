"""Random characters, as Sprig has them. Each is as likely as the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sealer.template.functions.strings import fits
from sealer.template.functions.table import Table
from sealer.template.text import runes
from sealer.template.values import INT, STRING

if TYPE_CHECKING:
    from sealer.template.limits import Run

TABLE = define = Table()

_DIGITS, _SMALL = "0123456789", "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS = {
    "randAlphaNum": _SMALL + _SMALL.upper() + _DIGITS,
    "randAlpha": _SMALL + _SMALL.upper(),
    "randNumeric": _DIGITS,
    "randAscii": "".join(map(chr, range(32, 127))),
}


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


def _drawing(alphabet: str) -> Any:
    return lambda run, count: _drawn(run, count, alphabet)


for _name, _alphabet in _ALPHABETS.items():
    define(_name, INT, result=STRING, draws=True)(_drawing(_alphabet))


@define("shuffle", STRING, result=STRING, draws=True)
def _shuffle(run: Run, data: bytes) -> bytes:
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
