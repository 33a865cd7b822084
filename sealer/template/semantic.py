"""Semantic versions and constraints on them, as the Masterminds/semver package reads both (semver.org 2.0.0, and more).

Unlike strict readers it takes `v1` and `1.2`; a constraint with parts left out, or x, stands for a range.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_NAMES = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?"
    rf"(?:-(?P<pre>{_NAMES}))?(?:\+(?P<meta>{_NAMES}))?\Z"
)
_PART = r"[0-9|xX*]+"
_PARTS = rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-{_NAMES})?(?:\+{_NAMES})?"
_OPERATORS = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^"
"""In the library's order, where the empty one comes second: the first that lets the rest match is taken."""
_SPACE = r"[\t\n\f\r ]"
_ONE = rf"(?:{_OPERATORS}){_SPACE}*{_PARTS}"
_FIND = re.compile(_ONE)
_VALID = re.compile(rf"{_SPACE}*{_ONE}{_SPACE}*(?:(?:{_SPACE}+|,{_SPACE}*){_ONE}{_SPACE}*)*\Z")
_RANGE = re.compile(rf"{_SPACE}*(?P<low>{_PARTS}){_SPACE}+-{_SPACE}+(?P<high>{_PARTS}){_SPACE}*")
_CONSTRAINT = re.compile(
    rf"{_SPACE}*(?P<operator>{_OPERATORS}){_SPACE}*v?(?P<major>{_PART})(?P<minor>\.{_PART})?(?P<patch>\.{_PART})?"
    rf"(?P<tail>-{_NAMES})?(?:\+{_NAMES})?{_SPACE}*\Z"
)
_MAX = (1 << 64) - 1
_MAX_LENGTH = 10_000


class Version(NamedTuple):
    """A version; `original` is the text that it was read from."""

    major: int
    minor: int
    patch: int
    pre: str
    metadata: str
    original: str

    def text(self) -> str:
        """The version in full, without a leading v."""
        tail = ("-" + self.pre if self.pre else "") + ("+" + self.metadata if self.metadata else "")
        return f"{self.major}.{self.minor}.{self.patch}{tail}"

    def compare(self, other: Version) -> int:
        """-1, 0 or 1; metadata doesn't count."""
        ours, theirs = self[:3], other[:3]
        if ours != theirs:
            return 1 if ours > theirs else -1
        if self.pre == other.pre:
            return 0
        if not self.pre or not other.pre:
            return -1 if self.pre else 1
        return _compare_pre(self.pre, other.pre)


def _compare_pre(left: str, right: str) -> int:
    ours, theirs = left.split("."), right.split(".")
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            return _compare_identifier(one, other)
    return (len(ours) > len(theirs)) - (len(ours) < len(theirs))


def _compare_identifier(one: str, other: str) -> int:
    """Numbers before words, numbers by value, words by their bytes."""
    left, right = _natural(one), _natural(other)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    if left is None and right is None:
        return (one > other) - (one < other)
    return -1 if left is not None else 1


def _natural(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) <= _MAX else None


def version(text: str) -> Version | None:
    """A version, `1` and `v1.2` as well; None if the text is none."""
    found = _VERSION.match(text) if len(text) < _MAX_LENGTH else None
    if found is None:
        return None
    numbers = [int(found[name] or 0) for name in ("major", "minor", "patch")]
    pre = found["pre"] or ""
    if max(numbers) > _MAX or any(len(part) > 1 and part[0] == "0" and part.isdecimal() for part in pre.split(".")):
        return None
    return Version(numbers[0], numbers[1], numbers[2], pre, found["meta"] or "", text)


class Constraint(NamedTuple):
    """One comparison. `given` counts the parts of the version that are no x: what is left out makes a range."""

    operator: str
    version: Version
    given: int

    @property
    def open(self) -> bool:
        """Whether parts are left out."""
        return self.given < 3

    @property
    def minor_open(self) -> bool:
        """Whether the major number alone is given."""
        return self.given == 1

    @property
    def patch_open(self) -> bool:
        """Whether just the patch number is left out."""
        return self.given == 2

    def holds(self, found: Version) -> bool:
        """Whether a version satisfies it."""
        return _HOLDS[self.operator](found, self)


def constraints(text: str) -> list[list[Constraint]] | None:
    """Alternatives of constraints that all have to hold; None if the text is no constraint."""
    if len(text) >= _MAX_LENGTH:
        return None
    text = _RANGE.sub(lambda found: f">= {found['low']}, <= {found['high']} ", text)
    result: list[list[Constraint]] = []
    for alternative in text.split("||"):
        if not _VALID.match(alternative):
            return None
        found = [_constraint(one) for one in _FIND.findall(alternative)]
        if None in found:
            return None
        result.append([one for one in found if one is not None])
    return result


def satisfies(found: Version, alternatives: list[list[Constraint]]) -> bool:
    """Whether all constraints of an alternative hold; before a release only where one of them names such a version."""
    return any(
        all(one.holds(found) for one in every)
        for every in alternatives
        if not found.pre or any(one.version.pre for one in every)
    )


def _constraint(text: str) -> Constraint | None:
    found = _CONSTRAINT.match(text)
    if found is None:
        return None
    parts = [found["major"], (found["minor"] or "")[1:], (found["patch"] or "")[1:]]
    given = next((number for number, part in enumerate(parts) if part in ("", "x", "X", "*")), 3)
    numbers = [*parts[:given], "0", "0", "0"][:3]
    tail = found["tail"] or ""
    base = version(".".join(numbers) + tail)
    return Constraint(found["operator"], base, given) if base is not None else None


def _not_equal(found: Version, constraint: Constraint) -> bool:
    asked = constraint.version
    if constraint.open:
        if asked.major != found.major:
            return True
        if asked.minor != found.minor and not constraint.minor_open:
            return True
        if constraint.minor_open:
            return False
        if asked.patch != found.patch and not constraint.patch_open:
            return True
        if constraint.patch_open:
            return bool(found.pre or asked.pre) and found.pre != asked.pre
    return found.compare(asked) != 0


def _greater(found: Version, constraint: Constraint) -> bool:
    asked = constraint.version
    if not constraint.open or found.major != asked.major:
        return found.compare(asked) > 0 if not constraint.open else found.major > asked.major
    if constraint.minor_open:
        return False
    if constraint.patch_open:
        return found.minor > asked.minor
    return found.compare(asked) > 0


def _less(found: Version, constraint: Constraint) -> bool:
    return found.compare(constraint.version) < 0


def _at_least(found: Version, constraint: Constraint) -> bool:
    return found.compare(constraint.version) >= 0


def _at_most(found: Version, constraint: Constraint) -> bool:
    asked = constraint.version
    if not constraint.open:
        return found.compare(asked) <= 0
    if found.major > asked.major:
        return False
    return not (found.major == asked.major and found.minor > asked.minor and not constraint.minor_open)


def _tilde(found: Version, constraint: Constraint) -> bool:
    asked = constraint.version
    if found.compare(asked) < 0:
        return False
    if asked[:3] == (0, 0, 0) and not constraint.minor_open and not constraint.patch_open:
        return True
    return found.major == asked.major and (found.minor == asked.minor or constraint.minor_open)


def _equal(found: Version, constraint: Constraint) -> bool:
    return _tilde(found, constraint) if constraint.open else found.compare(constraint.version) == 0


def _caret(found: Version, constraint: Constraint) -> bool:
    asked = constraint.version
    if found.compare(asked) < 0:
        return False
    if asked.major > 0 or constraint.minor_open:
        return found.major == asked.major
    if found.major > 0:
        return False
    if asked.minor > 0 or constraint.patch_open:
        return found.minor == asked.minor
    return found.minor == 0 and found.patch == asked.patch


_HOLDS: dict[str, Callable[[Version, Constraint], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
