"""The bytes of one blob as detectors look at them: where they stand, which line an offset is on, and as text."""

from __future__ import annotations

from _bisect import bisect_right  # without a module around it
from itertools import accumulate


class Text:
    """Bytes in UTF-8 under the path that users know; a part of an archive is behind `!`, as in `a.zip!b.env`.

    `partly`: what a detector left out for its size, to be told. No dataclass, and nothing is computed before it is
    asked for: most blobs are only searched.
    """

    __slots__ = ("_newlines", "_text", "data", "partly", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.partly = ""
        self._newlines: list[int] | None = None
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
