"""The bytes of one blob as detectors look at them: where they stand, which line an offset is on, and as text."""

from __future__ import annotations

from _bisect import bisect_right  # without a module around it
from itertools import accumulate

_COUNTED = 16
"""So many lines are told by counting, before the beginnings of all are listed."""


class Text:
    """Bytes in UTF-8 under the path that users know; a part of an archive is behind `!`, as in `a.zip!b.env`.

    `partly`: what a detector left out for its size, to be told. No dataclass, and nothing is computed before it is
    asked for: most blobs are only searched.
    """

    __slots__ = ("_asked", "_known", "_newlines", "_text", "data", "partly", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.partly = ""
        self._newlines: list[int] | None = None
        self._asked = 0
        self._known = (0, 1)
        self._text: str | None = None

    def __repr__(self) -> str:
        return f"Text({self.path!r})"

    @property
    def text(self) -> str:
        """The bytes as text, without a byte-order mark; what is no UTF-8 is replaced. Its lines are those of `data`."""
        if self._text is None:
            self._text = self.data.decode("utf-8", "replace").removeprefix("\ufeff")
        return self._text

    @property
    def name(self) -> str:
        """The last part of the path, in lower case."""
        return self.path.rpartition("/")[2].rpartition("!")[2].lower()

    def line(self, offset: int) -> int:
        """The number of the line that a byte is on, from 1; lines end with LF."""
        if self._newlines is None and self._asked < _COUNTED and offset >= 0:
            # Of most texts a few lines are asked for, in order: counting up to these is far less than telling all.
            self._asked += 1
            start, number = self._known
            if offset < start:
                start, number = 0, 1
            number += self.data.count(b"\n", start, offset)
            self._known = offset, number
            return number
        return bisect_right(self._starts(), offset)

    def line_bytes(self, number: int) -> bytes:
        """The bytes of a line, without its LF; empty outside of the text."""
        starts = self._starts()
        if not 1 <= number <= len(starts):
            return b""
        end = starts[number] - 1 if number < len(starts) else len(self.data)
        return self.data[starts[number - 1] : end]

    def _starts(self) -> list[int]:
        if self._newlines is None:
            lengths = map((1).__add__, map(len, self.data.split(b"\n")))
            self._newlines = list(accumulate(lengths, initial=0))[:-1]
        return self._newlines
