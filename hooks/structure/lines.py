"""Line numbers of offsets; and pairs by lines alone, for what is too big to be read whole. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from hooks.structure.pair import Pair

_PAIR = re.compile(
    r"""(?P<name>[\w.\-]{0,40}"""
    r"""(?:pass|pwd|secret|token|key|cred|auth|dsn|webhook|connection)[\w.\-]{0,40}+)["']?[ \t]*"""
    r"""(?:=>|:=|[:=])[ \t]*(?:"(?P<double>(?:[^"\\\n]|\\.)*+)"|'(?P<single>[^'\n]*+)'|(?P<word>[^\s,;#"'\[\]{}]++))""",
    re.IGNORECASE,
)


class Lines:
    """Which line an offset of a text is on, from 1."""

    __slots__ = ("starts",)

    def __init__(self, text: str) -> None:
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The first and last line of what stands from `start` to `end`."""
        return bisect_right(self.starts, start), bisect_right(self.starts, max(start, end - 1))


def pairs(text: str, where: str) -> Iterator[Pair]:
    """Names of credentials with a value behind them in the same line."""
    at = Lines(text)
    for match in _PAIR.finditer(text):
        group = match.lastgroup or "word"
        yield Pair(match["name"], match["name"], match[group], *at.span(*match.span(group)), group != "word", where)
