"""Where encoded text stands: a run of bytes, and what it decodes to."""

from __future__ import annotations


class Run:
    """Bytes `start` to `end` of a text, and what they become. No repr of what they are."""

    __slots__ = ("data", "end", "how", "start")

    def __init__(self, start: int, end: int, how: str, data: bytes) -> None:
        self.start = start
        self.end = end
        self.how = how
        self.data = data

    def __repr__(self) -> str:
        return f"Run({self.start}, {self.end}, {self.how!r})"
