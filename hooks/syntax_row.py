"""One row of a table of syntaxes: how a credential stands in a line, whatever is around it. Pure.

What its line holds in lower case comes first, so that most rows cost one search; then a pattern with the group `value`,
and `key` if the text names one; the key of the pair else; and where that is said to stand.
"""

from __future__ import annotations

import re

from hooks import lazy

QUOTED = (
    r"(?P<prefix>[@$rbuRBULNf]{0,2})(?P<q>\"{3}|'{3}|\\{0,2}[\"'`])"
    r"(?P<value>(?:(?!(?P=q))(?:\\.|[^\\])){1,1000}?)(?P=q)"
)
CLEAR = r"[^\s\"'<>|;&$(){}`]{4,200}"
"""A value of a command, which no shell would change."""


class Row:
    """`quoted`: the value is a literal; `literal`: no line without a quote can match.

    `marks` are separated by blanks. `part`: what each match holds and is found much faster, since it begins with a rare
    sign.
    """

    __slots__ = ("key", "literal", "marks", "part", "pattern", "quoted", "where")

    def __init__(
        self,
        marks: str,
        pattern: str,
        key: str = "",
        where: str = "code",
        *,
        quoted: bool = True,
        literal: bool = False,
        part: str = "",
    ) -> None:
        self.marks = tuple(marks.split())
        self.pattern: re.Pattern[str] = lazy.compile(pattern)
        self.part: re.Pattern[str] | None = lazy.compile(part) if part else None
        self.key = key
        self.where = where
        self.quoted = quoted
        self.literal = literal
