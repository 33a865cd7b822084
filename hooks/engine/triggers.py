"""What starts the detectors that are no token rules: each names the bytes that have to stand in a text for it.

Imported where the database is compiled, not where it is used. The modules that hold the patterns import nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hooks.engine import trie

if TYPE_CHECKING:
    from hooks.engine.spec import Spec

MANIFEST, PAIRS, CODE, DECODE, KEY = "manifest", "pairs", "code", "decode", "key"
NAMES = (MANIFEST, PAIRS, CODE, DECODE, KEY)
"""The detectors, in the order of their numbers in the database."""

# Shorter keywords have dozens of forms each, which stand in every image.
_SHORTEST = 4
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
        Trigger(PAIRS, structure.TRIGGER, once=True),
        Trigger(CODE, CREDENTIAL, once=False),
        Trigger(DECODE, (*decode.TRIGGER, *trie.expressions(_encoded(rules))), once=False),
        Trigger(KEY, _KEY, once=True),
    )


def _encoded(rules: Sequence[Spec]) -> list[bytes]:
    """What the keywords of rules, and the names of credentials, look like in base64 and hex."""
    from hooks.decode import trigger as decode

    samples = "\n".join(text for rule in rules if not rule.assigned for text in (rule.pattern, *_texts(rule)))
    words = [word for rule in rules if not rule.assigned for word in rule.keywords if len(word) >= _SHORTEST]
    return list(dict.fromkeys((*decode.literals(words, samples), *decode.literals(decode.KEYWORDS, wide=True))))


def _texts(rule: Spec) -> list[str]:
    return [example.text for example in rule.found]
