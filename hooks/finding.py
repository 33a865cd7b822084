"""One leak that was found: where and what kind; the value only behind a wall.

Detectors make `Hit`s, which have lines but no path; the scanner turns them into findings.
"""

from __future__ import annotations

import binascii
import re
from _operator import _compare_digest as compare_digest  # hmac's own, without OpenSSL
from itertools import pairwise

from hooks import lazy
from hooks.fields import Fields
from hooks.randomness import entropy, looks_random

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Callable

    from hooks.rule import Rule

REDACTED = "********"

_FROM_URL = bytes.maketrans(b"-_", b"+/")
_ESCAPE = lazy.compile(r"\\u([0-9a-fA-F]{4})")
_NAME = lazy.compile(r"[-._/A-Za-z0-9]{1,80}", re.ASCII)


class Value:
    """A leaked value: it can be recognised, and not be shown."""

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes | str) -> None:
        self._bytes = value.encode("utf-8", "replace") if isinstance(value, str) else value

    def __repr__(self) -> str:
        return f"Value({REDACTED})"

    def __reduce__(self) -> str:
        raise TypeError("a value is not pickled")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and compare_digest(self._bytes, other._bytes)

    def __hash__(self) -> int:
        return hash(self._bytes)

    def holds(self, other: Value) -> bool:
        """Whether another value is a part of this one."""
        return other._bytes in self._bytes

    def forms(self) -> Forms:
        """This, what it is the base64 of, and as it is with its escapes undone, to be compared with many."""
        others = (self.decoded(), self.written())
        return Forms(self._bytes, *(other._bytes for other in others if other is not None))

    def decoded(self) -> Value | None:
        """What this is the base64 of; None if it is none."""
        try:
            compact = b"".join(self._bytes.split()).translate(_FROM_URL)
            found = binascii.a2b_base64(compact + b"=" * (-len(compact) % 4), strict_mode=True)
        except ValueError:
            return None
        return Value(found) if found else None

    def written(self) -> Value | None:
        """What this is with its escapes of XML and JSON undone; None if it has none."""
        text = self._bytes.decode("utf-8", "replace")
        if "&" in text:
            import html

            text = html.unescape(text)
        if "\\u" in text:
            text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
        found = Value(text)
        return None if found == self else found

    @property
    def bits(self) -> float:
        """How hard it is to guess, at most, in bits: Shannon's entropy, or what it costs to write it as people do.

        A character that repeats the one before it, or is the next or the last one in the alphabet, counts as one bit,
        and words of the vocabulary as one choice of a word (`hooks.letters`).
        """
        from hooks.letters import written

        text = self._bytes.decode("latin-1")
        size = len(text)
        steps = sum(abs(ord(one) - ord(other)) <= 1 for one, other in pairwise(text))
        drawn = entropy(text)
        # Of a draw some pairs are neighbours as well: only what is more of them than chance makes is worth less.
        shannon = drawn * (size - steps) + steps if steps * 4 > size else drawn * size
        return min(shannon, written(text) + drawn * max(size - 200, 0))

    def satisfies(self, question: Callable[[str], object]) -> bool:
        """Whether a question is answered with yes, for allowlists that judge by the value. It must keep nothing."""
        return bool(question(self._bytes.decode("utf-8", "replace")))

    def mac(self, key: bytes, purpose: bytes) -> bytes:
        """HMAC-SHA256 of purpose, a NUL and the value."""
        import hmac

        return hmac.digest(key, purpose + b"\0" + self._bytes, "sha256")

    def sha1(self) -> str:
        """Hex SHA-1, as detect-secrets' baselines hold it: to compare with, never to write."""
        import hashlib

        return hashlib.sha1(self._bytes, usedforsecurity=False).hexdigest()


class Forms:
    """A value and how else it may be written, worked out once: a line may hold thousands of values to compare."""

    __slots__ = ("_all", "_bytes")
    _BETWEEN = b"\xff\n\xff"
    """No text in UTF-8 has this in it."""

    def __init__(self, value: bytes, *others: bytes) -> None:
        self._bytes = value
        self._all = self._BETWEEN.join((value, *others))

    def __repr__(self) -> str:
        return f"Forms({REDACTED})"

    def __reduce__(self) -> str:
        raise TypeError("a value is not pickled")

    def same(self, other: Forms) -> bool:
        """Whether one is a part of the other, of its base64, or of what it is with its escapes undone."""
        return other._bytes in self._all or self._bytes in other._all


class Hit(Fields):
    """What a detector found. `line` to `end` is what the value spans; `sealable`: `sealer seal --in-place` takes it.

    `key` is the path inside the document or the variable; `decoded` names what was undone to see it, as `base64`.
    """

    __slots__ = ("decoded", "end", "key", "line", "rule", "sealable", "value")
    _silent = ("value",)

    def __init__(
        self,
        rule: Rule,
        line: int,
        end: int,
        key: str = "",
        sealable: bool = False,
        value: Value | None = None,
        decoded: str = "",
    ) -> None:
        self.rule = rule
        self.line = line
        self.end = end
        self.key = key
        self.sealable = sealable
        self.value = value
        self.decoded = decoded


class Finding(Fields):
    """A hit in a file, from `line` to `end`. `key` is the path inside the document or the variable.

    `commit`: where a range or the history was scanned, the one that brought it in.
    `mark`: a `sealer:allow` stands there that does not count; what it lacks.
    """

    __slots__ = ("commit", "decoded", "end", "key", "line", "mark", "path", "rule", "sealable", "value")
    _silent = ("value",)

    def __init__(
        self,
        path: str,
        line: int,
        rule: Rule,
        key: str = "",
        sealable: bool = False,
        commit: str = "",
        mark: str = "",
        value: Value | None = None,
        decoded: str = "",
        end: int = 0,
    ) -> None:
        self.path = path
        self.line = line
        self.rule = rule
        self.key = key
        self.sealable = sealable
        self.commit = commit
        self.mark = mark
        self.value = value
        self.decoded = decoded
        self.end = max(end, line)

    @property
    def excerpt(self) -> str:
        """What of the line may be shown."""
        return f"{self.key}: {REDACTED}" if self.key else REDACTED


def shown(key: str, value: str) -> str:
    """A key as it may be printed: a name that says nothing of the value, or only its length."""
    if _NAME.fullmatch(key) and not (len(value) > 3 and value in key and value != key) and not looks_random(key):
        return key
    return withheld(key)


def withheld(key: str) -> str:
    """What is printed of a key that can't be."""
    return f"<key of {len(key)} characters>"
