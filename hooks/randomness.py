"""Whether a text was drawn at random or written by somebody. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter

from hooks import lazy

_UUID = lazy.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGEST = lazy.compile(r"(?:sha\d+[:-])?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})")
_PATH_OR_ADDRESS = lazy.compile(r"(?:~|\.{1,2})?/[\w.@%+/-]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_SEGMENT = lazy.compile(r"[A-Za-z0-9+=]{12,}")
_RUN = lazy.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|\d+")
# A word has a vowel, and not four consonants in a row: runs of random letters seldom pass for one.
_WORD = lazy.compile(r"(?!.*[bcdfghjklmnpqrstvwxz]{4})(?=.*[aeiouy])[A-Za-z]{3,}", re.IGNORECASE)
_LONGEST = 4096


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def looks_random(text: str) -> bool:
    """Whether a text holds a long run that is mixed as only chance mixes, and is no identifier, digest or path."""
    bare = text.strip("\"' \t\r\n")
    if not 12 <= len(bare) <= _LONGEST or any(c.isspace() for c in bare) or "://" in bare:
        return False
    if any(form.fullmatch(bare) for form in (_UUID, _DIGEST, _PATH_OR_ADDRESS)):
        return False
    return any(map(_is_mixed, _SEGMENT.findall(bare)))


def _is_mixed(segment: str) -> bool:
    """People write words, so that letters and digits come in long runs; in a random text they change all the time."""
    runs = _RUN.findall(segment)
    letters = sum(map(str.isalpha, segment))
    if letters < len(segment) // 4 or entropy(segment) < (2.8 if len(segment) < 20 else 3.0):
        return False
    words = sum(len(run) for run in runs if _WORD.fullmatch(run))
    if letters == len(segment) and (segment.islower() or segment.isupper()):
        return False
    return len(runs) > 0.34 * len(segment) or words < 0.35 * len(segment)
