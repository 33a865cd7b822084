"""Go's Sprintf: formats with verbs, flags, widths, precisions and argument indexes (package fmt)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sealer.template.limits import Fault
from sealer.template.text.verb import Verb, printed_by, with_type

MAX_WIDTH = 1_000_000
"""fmt's own limit for widths and precisions."""

_FLAGS = b"#0+- "
_INDEX = re.compile(rb"\[([^\]]*)\]")
_NAMES = {b"#": "sharp", b"0": "zero", b"+": "plus", b"-": "minus", b" ": "space"}


def sprintf(form: bytes, values: Sequence[Any]) -> bytes:
    """Values as a format says. Raises Fault where it asks for more than MAX_WIDTH bytes."""
    return _Format(form, values).run()


class _Format:
    def __init__(self, form: bytes, values: Sequence[Any]) -> None:
        self._form = form
        self._values = values
        self._at = 0
        self._number = 0
        self._good = True
        self._indexed = False
        self._reordered = False
        self._size = 0

    def run(self) -> bytes:
        out: list[bytes] = []
        while (percent := self._form.find(b"%", self._at)) >= 0:
            out.append(self._form[self._at : percent])
            self._at = percent + 1
            piece = self._verb()
            self._size += len(piece)
            if self._size > 8 * MAX_WIDTH:
                raise Fault("makes too long a text")
            out.append(piece)
        out.append(self._form[self._at :] if self._at <= len(self._form) else b"")
        if not self._reordered and self._number < len(self._values):
            out.append(b"%!(EXTRA " + b", ".join(map(with_type, self._values[self._number :])) + b")")
        return b"".join(out)

    def _peek(self) -> bytes:
        return self._form[self._at : self._at + 1]

    def _verb(self) -> bytes:
        verb, before = Verb(), b""
        self._good, self._indexed = True, False
        if self._peek().isalpha():  # %s and its like, as nearly all are
            return self._printed(verb, self._letter())
        while (flag := self._peek()) and flag in _FLAGS:
            self._at += 1
            setattr(verb, _NAMES[flag], True)
        self._index()
        before += self._width(verb)
        before += self._precision(verb)
        if not self._indexed:
            self._index()
        if not self._peek():
            return before + b"%!(NOVERB)"
        letter = self._letter()
        return before + self._printed(verb, letter)

    def _letter(self) -> str:
        """The verb, one character of UTF-8 or a byte that is none."""
        for size in range(1, 5):
            try:
                letter = self._form[self._at : self._at + size].decode()
            except UnicodeDecodeError:
                continue
            self._at += size
            return letter
        self._at += 1
        return "\ufffd"

    def _printed(self, verb: Verb, letter: str) -> bytes:
        if letter == "%":
            return b"%"
        if not self._good:
            return f"%!{letter}(BADINDEX)".encode()
        if self._number >= len(self._values):
            return f"%!{letter}(MISSING)".encode()
        if letter in "vw":
            verb.go, verb.sharp = verb.sharp, False
            verb.plus = False
        verb.letter = letter
        self._number += 1
        return printed_by(verb, self._values[self._number - 1])

    def _index(self) -> None:
        """An explicit index, `[2]`, if one stands here."""
        if self._peek() != b"[":
            self._indexed = False
            return
        self._reordered = True
        found = _INDEX.match(self._form, self._at)
        if found is None:
            self._good, self._indexed = False, False
            self._at += 1
            return
        number = int(found[1]) if found[1].isdigit() and len(found[1]) < 8 else 0
        self._at = found.end()
        self._indexed = 1 <= number <= len(self._values)
        if self._indexed:
            self._number = number - 1
        else:
            self._good = False

    def _width(self, verb: Verb) -> bytes:
        if self._peek() == b"*":
            self._at += 1
            width = self._argument()
            if width is not None and width < 0:
                width, verb.minus, verb.zero = -width, True, False
            verb.width = width
            self._indexed = False
            return b"" if width is not None else b"%!(BADWIDTH)"
        verb.width = self._digits()
        if self._indexed and verb.width is not None:
            self._good = False
        return b""

    def _precision(self, verb: Verb) -> bytes:
        if self._peek() != b"." or self._at + 1 >= len(self._form):
            return b""
        self._at += 1
        if self._indexed:
            self._good = False
        self._index()
        if self._peek() == b"*":
            self._at += 1
            precision = self._argument()
            verb.precision = precision if precision is not None and precision >= 0 else None
            self._indexed = False
            return b"" if verb.precision is not None else b"%!(BADPREC)"
        verb.precision = self._digits() or 0
        return b""

    def _argument(self) -> int | None:
        if self._number >= len(self._values):
            return None
        value = self._values[self._number]
        self._number += 1
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_WIDTH
        return int(value) if fits else None

    def _digits(self) -> int | None:
        start = self._at
        while (digit := self._peek()) and digit in b"0123456789":
            self._at += 1
            if int(self._form[start : self._at]) > 10 * MAX_WIDTH:
                self._at = len(self._form)
                return None
        return int(self._form[start : self._at]) if self._at > start else None
