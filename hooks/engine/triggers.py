"""What starts the detectors that are no token rules: each names the bytes that have to stand in a text for it.

Imported where the database is compiled, not where it is used. The modules that hold the patterns import nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hooks.engine.spec import Spec

MANIFEST, PAIRS, CODE, DECODE, KEY = "manifest", "pairs", "code", "decode", "key"
NAMES = (MANIFEST, PAIRS, CODE, DECODE, KEY)
"""The detectors, in the order of their numbers in the database."""

_SHORTEST = 4
_SHORTEST_ENCODED = 4
# Where a private key stands, one of these does. The last three are `-----BEGIN` in base64, as it begins at each of
# three offsets.
_KEY = (
    rb"PRIVATE KEY",
    rb"STATE KEY-----",
    rb"PuTTY-User-Key-File-",
    rb"AGE-SECRET-KEY-",
    rb"LS0tLS1CRUdJTi",
    rb"0tLS0tQkVHSU4",
    rb"tLS0tLUJFR0lO",
)


class Trigger(NamedTuple):
    """The patterns of one detector, in vectorscan's syntax. `once`: it asks whether one matched, not where."""

    name: str
    patterns: tuple[bytes, ...]
    once: bool


def all_(rules: Sequence[Spec]) -> tuple[Trigger, ...]:
    """The detectors' patterns, in the order of NAMES; those of `decode` depend on what rules look for."""
    from hooks.credential_trigger import TRIGGER as CREDENTIAL
    from hooks.decode import trigger as decode
    from hooks.structure import trigger as structure

    return (
        Trigger(MANIFEST, structure.MANIFEST, once=True),
        Trigger(PAIRS, structure.TRIGGER, once=False),
        Trigger(CODE, CREDENTIAL, once=False),
        Trigger(DECODE, (*decode.TRIGGER, *_literals(_encoded(rules))), once=False),
        Trigger(KEY, _KEY, once=True),
    )


def _literals(texts: Iterable[bytes]) -> Iterator[bytes]:
    """One expression for each text, less those that only go on from a shorter one: that matches there as well."""
    last = None
    for text in sorted(texts):
        if last is None or not text.startswith(last):
            last = text
            yield b"".join(bytes([byte]) if chr(byte).isalnum() and byte < 128 else rb"\x%02x" % byte for byte in text)


def _encoded(rules: Sequence[Spec]) -> list[bytes]:
    """What the keywords of rules, and the names of credentials, look like in base64 (the names in hex, too)."""
    from hooks.decode import trigger as decode

    found = dict.fromkeys(decode.literals(decode.KEYWORDS, wide=True))
    for rule in rules:
        if not rule.assigned and not rule.mentions:
            for word in _as_written(rule):
                found.update(dict.fromkeys(_base64(word)))
                found[word.hex().encode()] = None
    return list(found)


def _as_written(rule: Spec) -> set[bytes]:
    """A rule's keywords in the cases that its expression and its examples have."""
    samples = "\n".join((rule.pattern, *(example.text for example in rule.found)))
    low = samples.lower()
    found: set[bytes] = set()
    for word in rule.keywords:
        at, cases = low.find(word), set[str]()
        while at >= 0:
            cases.add(samples[at : at + len(word)])
            at = low.find(word, at + 1)
        found |= {case.encode() for case in cases or {word} if len(word) >= _SHORTEST}
    return found


def _base64(word: bytes) -> Iterator[bytes]:
    """What stands in the base64 of each text with a word in it, for each of the three offsets that it can have there.

    Characters that also hold bits of what stands around the word are left out. What then is so short that every image
    has it is left out as well: one token in three is not found in base64 by a keyword of five letters or less.
    """
    from binascii import b2a_base64

    for offset in range(3):
        first, last = (offset * 8 + 5) // 6, (offset + len(word)) * 8 // 6
        if last - first >= _SHORTEST_ENCODED:
            yield b2a_base64(bytes(offset) + word + bytes(3), newline=False)[first:last]
