r"""Expressions of rules as trees: RE2's syntax over bytes. Pure; used where rules are compiled, not where they run.

The tree tells how long a match can be, which words it must hold, and gives the expression in a form that vectorscan
and RE2 read alike: `\s`, `$` and cases mean the same to both, since each set of bytes is written out.
"""

from __future__ import annotations

from functools import cache

from hooks.engine.tree import ALL, LOWER, UPPER, Alt, At, Bytes, Cat, Group, Repeat, Tree, folded, mask

MAX_REPEAT = 1000
"""As RE2 has it."""
_DIGIT = mask(("0", "9"))
_WORD = _DIGIT | UPPER | LOWER | mask("_")
_SPACE = mask("\t\n\f\r ")
_PERL = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "D": ALL ^ _DIGIT, "W": ALL ^ _WORD, "S": ALL ^ _SPACE}
_ENDS = ("", "|", ")")
_QUANTIFIERS = ("*", "+", "?", "{")
_CONTROL = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_POSIX = {
    "alnum": _DIGIT | UPPER | LOWER,
    "alpha": UPPER | LOWER,
    "ascii": mask((chr(0), chr(127))),
    "blank": mask("\t "),
    "cntrl": mask((chr(0), chr(31)), chr(127)),
    "digit": _DIGIT,
    "graph": mask(("!", "~")),
    "lower": LOWER,
    "print": mask((" ", "~")),
    "punct": mask(("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": _SPACE | mask("\v"),
    "upper": UPPER,
    "word": _WORD,
    "xdigit": _DIGIT | mask(("A", "F"), ("a", "f")),
}


_one = cache(Bytes)
_sign = cache(mask)


class PatternError(ValueError):
    """An expression that is refused; the message quotes nothing of it."""


def parse(pattern: str) -> Tree:
    """The tree of an expression. Raises PatternError."""
    if not pattern.isascii():
        raise PatternError(r"has characters beyond ASCII (write their bytes as \xNN)")
    return _Parser(pattern).parse()


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.count = 0
        self.flags = frozenset[str]()

    def parse(self) -> Tree:
        tree = self.alternatives()
        if self.at < len(self.pattern):
            raise PatternError("has a ')' without its '('")
        return tree

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self, text: str) -> bool:
        if self.peek(text):
            self.at += len(text)
            return True
        return False

    def next(self) -> str:
        if self.at >= len(self.pattern):
            raise PatternError("ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def until(self, end: str) -> str:
        stop = self.pattern.find(end, self.at)
        if stop < 0:
            raise PatternError(f"lacks a {end!r}")
        text, self.at = self.pattern[self.at : stop], stop + len(end)
        return text

    def alternatives(self) -> Tree:
        kept = self.flags
        branches = [self.sequence()]
        while self.take("|"):
            branches.append(self.sequence())
        self.flags = kept
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.pattern[self.at : self.at + 1] not in _ENDS:
            if self.take(r"\Q"):
                literal = self.until(r"\E") if r"\E" in self.pattern[self.at :] else self.rest()
                parts += [self.one(mask(sign)) for sign in literal]
                if parts:
                    parts.append(self.repeated(parts.pop()))
                continue
            part = self.atom()
            if part is not None:
                parts.append(self.repeated(part))
        return parts[0] if len(parts) == 1 else Cat(tuple(parts))

    def rest(self) -> str:
        text, self.at = self.pattern[self.at :], len(self.pattern)
        return text

    def repeated(self, part: Tree) -> Tree:
        if self.pattern[self.at : self.at + 1] not in _QUANTIFIERS or (bounds := self.quantifier()) is None:
            return part
        if isinstance(part, At):
            raise PatternError("repeats a place")
        if self.take("?"):
            pass  # lazy: which match is taken, not whether there is one
        elif self.peek("+"):
            raise PatternError("has a possessive quantifier, which RE2 lacks")
        if self.quantifier() is not None:
            raise PatternError("repeats a repetition")
        return Repeat(part, *bounds)

    def quantifier(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return bounds
        if not self.peek("{"):
            return None
        stop = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : max(stop, self.at + 1)].partition(",")
        if stop < 0 or not low.isdigit() or (high and not high.isdigit()):
            return None  # a brace that stands for itself
        self.at = stop + 1
        least, most = int(low), int(high) if high else None if comma else int(low)
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise PatternError(f"repeats more than {MAX_REPEAT} times, or from more to less")
        return least, most

    def one(self, bits: int) -> Bytes:
        return _one(folded(bits) if "i" in self.flags else bits)

    def atom(self) -> Tree | None:
        sign = self.next()
        if sign == "(":
            return self.group()
        if sign == "[":
            return self.klass()
        if sign == ".":
            return Bytes(ALL if "s" in self.flags else ALL ^ mask("\n"))
        if sign == "^":
            return At("^" if "m" in self.flags else r"\A")
        if sign == "$":
            return At("$" if "m" in self.flags else r"\z")
        if sign == "\\":
            if self.pattern[self.at : self.at + 1] in ("b", "B", "A", "z"):
                return At("\\" + self.next())
            return self.one(self.escape())
        if sign in "*+?":
            raise PatternError("repeats nothing")
        return self.one(_sign(sign))

    def group(self) -> Tree | None:
        name, number = "", 0
        kept = self.flags
        if self.take("?P<") or self.take("?<"):
            if self.peek("=") or self.peek("!"):
                raise PatternError("looks behind, which RE2 can't")
            name = self.until(">")
        elif self.take("?"):
            if self.peek("=") or self.peek("!"):
                raise PatternError("looks ahead, which RE2 can't")
            if self.set_flags():
                return None
            tree = self.alternatives()
            self.close(kept)
            return tree if isinstance(tree, Alt) else Cat((tree,))
        self.count += 1
        number = self.count
        tree = self.alternatives()
        self.close(kept)
        return Group(tree, number, name)

    def close(self, flags: frozenset[str]) -> None:
        if not self.take(")"):
            raise PatternError("lacks a ')'")
        self.flags = flags

    def set_flags(self) -> bool:
        """Reads `i-s:` or `i)`. True for the second: flags for what follows in this group."""
        on = True
        while (sign := self.next()) not in ":)":
            if sign == "-":
                on = False
            elif sign in "imsU":
                self.flags = self.flags | {sign} if on else self.flags - {sign}
            else:
                raise PatternError("has a flag or a group that RE2 lacks")
        return sign == ")"

    def escape(self) -> int:
        """The set behind a backslash."""
        sign = self.next()
        if sign in _PERL:
            return _PERL[sign]
        if sign in _CONTROL:
            return mask(_CONTROL[sign])
        if sign == "x":
            digits = self.until("}") if self.take("{") else self.next() + self.next()
            if not digits or any(digit not in "0123456789abcdefABCDEF" for digit in digits) or int(digits, 16) > 255:
                raise PatternError(r"has a \x that is no byte")
            return mask(int(digits, 16))
        if sign == "C":
            return ALL
        if sign.isalnum():
            raise PatternError("has an escape that is unknown, or that bytes don't have")
        return mask(sign)

    def klass(self) -> Tree:
        negated = self.take("^")
        bits, first = 0, True
        while first or not self.peek("]"):
            first = False
            bits |= self.member()
        self.next()
        if "i" in self.flags:
            bits = folded(bits)
        bits = ALL ^ bits if negated else bits
        if not bits:
            raise PatternError("has a class that holds nothing")
        return Bytes(bits)

    def member(self) -> int:
        if self.take("[:"):
            name = self.until(":]")
            bits = _POSIX.get(name.removeprefix("^"))
            if bits is None:
                raise PatternError("has a POSIX class that is unknown")
            return ALL ^ bits if name.startswith("^") else bits
        low = self.single()
        if not self.peek("-") or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return low
        if low & (low - 1):
            raise PatternError("has a range that begins with a class")
        self.next()
        high = self.single()
        if high & (high - 1) or high < low:
            raise PatternError("has a range that ends before it begins")
        return (high << 1) - low

    def single(self) -> int:
        sign = self.next()
        if sign != "\\":
            return _sign(sign)
        if self.peek("b"):
            raise PatternError(r"has \b in a class: is the ']' before it missing?")
        return self.escape()
