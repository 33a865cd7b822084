"""A rule as its file gives it, with its expression read. Used where rules are compiled, linted and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from hooks.engine import shape, syntax
from hooks.engine.syntax import PatternError
from hooks.engine.tree import Alt, Cat, Tree, groups
from hooks.rule import ERROR

MAX_WINDOW = 8192
"""Matches that can be longer are looked for in the whole text, not around a candidate."""

_NAMED = 1
_BEGIN = len(rb"(?:(?:(?m:^)")
# From the name that a value is assigned to: the rest of the name, brackets and quotes around it; or the attribute or
# the key `value` that follows. Then an assignment, a type (`: String =`), quotes.
_BETWEEN = r"""(?:[\w .\-'"\[\]\\)`]{0,40}|["']{0,1},?\s{1,40}["']?[vV]alue["'\\]{0,2}\s{0,4})"""
_ASSIGNMENT = r"""(?:[=:>,(|]|=>|:=)[=>:]?[ \t]{0,8}(?:[A-Za-z][\w.?]{0,20}[ \t]{0,4}=[ \t]{0,8})?"""
_QUOTES = r"""(?:\\?["'`]){0,3}"""
_END = r"""(?:["'`\\\s<,;)\]}&|#]|\z)"""


@dataclass(frozen=True, slots=True)
class Example:
    """A template of a text that a rule finds or doesn't, and the path that it stands under."""

    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """One rule. `assigned`: found by a name, so that a rule with a form of its own goes before it.

    `generic`: any other rule that finds the same value says more. `mentions`: one of them is
    anywhere in the text.
    """

    id: str
    description: str
    pattern: str
    keywords: tuple[str, ...] = ()
    entropy: float = 0.0
    checksum: str = ""
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    severity: str = ERROR
    remediation: str = ""
    assigned: bool = False
    generic: bool = False
    found: tuple[Example, ...] = ()
    passed: tuple[Example, ...] = ()
    file: str = ""
    line: int = 0
    tree: Tree = field(default=shape.EMPTY, repr=False)
    names: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()

    @property
    def group(self) -> int:
        """The number of the group that the value is in; 0 for all of the match."""
        numbers = {group.name: group.number for group in reversed(groups(self.tree))}
        return numbers.get("value", 1 if numbers else 0)

    @property
    def window(self) -> int:
        """How long a match can be; 0 where it has no bound that helps."""
        most = shape.width(self.tree)[1] if not self.mentions else None
        return 0 if most is None or most > MAX_WINDOW else most

    @property
    def rank(self) -> int:
        """How much a match says: a value with a form of its own goes before the name that it is assigned to.

        A checksum says most, then a long fixed text in the value, then one around it.
        """
        if self.generic:
            return 0
        captured = [group.part for group in groups(self.tree) if group.number == self.group]
        own = shape.fixed(captured[0] if captured else self.tree)
        return (100 if self.checksum else 0) + _NAMED + (0 if self.assigned else 1 + own)

    def expressions(self) -> tuple[bytes, ...]:
        """What vectorscan looks for: the shortest begins of what the rule matches; of names, nothing but these.

        With all that may stand between a name and its value, 250 such rules take 3 s to compile, and gain nothing.
        Each name is an expression of its own, which as a literal takes no time at all. Where a match is confirmed in
        a window, the begin ends as soon as it is rare enough: all of it takes twice the time to compile.
        """
        if self.names or self.mentions:
            words = _read(_words(self.names) if self.names else _literals(self.mentions))
            return tuple(map(shape.render, words.parts if isinstance(words, Alt) else (words,)))
        begin = shape.trimmed(self.tree)
        written = shape.render(shape.trimmed(shape.telling(begin)) if self.window else begin)
        # Vectorscan takes the begin of a text or a line only where an expression begins: elsewhere it is left out.
        rest = written[_BEGIN:].replace(rb"\A", b"").replace(b"(?m:^)", b"")
        return (written[:_BEGIN] + rest,)


def read(pattern: str) -> Tree:
    """The tree of a rule's expression. Raises PatternError."""
    tree = syntax.parse(pattern)
    if not shape.width(tree)[0]:
        raise PatternError("matches the empty text")
    if sum(group.name == "value" for group in groups(tree)) > 1:
        raise PatternError("has two groups named `value`")
    return tree


def assigned(names: Sequence[str], value: str) -> str:
    """The expression for a value that is assigned to a name. The value is the group named `value`."""
    return f"{_words(names)}{_BETWEEN}{_ASSIGNMENT}{_QUOTES}(?P<value>{value}){_END}"


def read_assigned(names: Sequence[str], value: str) -> Tree:
    """The tree of `assigned(names, value)`, of which most is read once for all rules. Raises PatternError."""
    read(value)  # by itself, so that it can't close what is around it
    captured = read(f"(?P<value>{value})")
    return Cat((_read(_words(names)), _read(_BETWEEN + _ASSIGNMENT + _QUOTES), captured, _read(_END)))


_read = cache(syntax.parse)


def _words(names: Sequence[str]) -> str:
    return f"(?i:{'|'.join(map(_name, names))})"


def _literals(texts: Sequence[str]) -> str:
    return "(?i:" + "|".join("".join(rf"\x{byte:02x}" for byte in text.encode()) for text in texts) + ")"


def _name(name: str) -> str:
    literal = "".join(sign if sign.isalnum() else f"\\{sign}" if sign in ".-" else sign for sign in name)
    # A short name is the end of many words.
    return literal if len(name) > 5 else rf"(?:\b|_){literal}"
