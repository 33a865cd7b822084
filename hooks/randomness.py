"""Whether a text was drawn at random or written by somebody. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGEST = re.compile(r"(?:sha\d+[:-])?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})")
_PATH_OR_ADDRESS = re.compile(r"(?:~|\.{1,2})?/[\w.@%+/-]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_RUN = re.compile(r"[A-Za-z]+|\d+")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_CLASSES = ("[a-z]", "[A-Z]", "[0-9]")
_LONGEST = 4096


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def looks_random(text: str) -> bool:
    """Whether a text is long, mixed, of high entropy, and no identifier, digest, path, address or row of words."""
    bare = text.strip("\"' \t\r\n")
    if not 12 <= len(bare) <= _LONGEST or any(c.isspace() for c in bare) or "://" in bare:
        return False
    if any(form.fullmatch(bare) for form in (_UUID, _DIGEST, _PATH_OR_ADDRESS)):
        return False
    words = sum(len(run) for run in _RUN.findall(bare) if _WORD.fullmatch(run))
    if words > 0.6 * len(bare):
        return False
    classes = sum(re.search(one, bare) is not None for one in _CLASSES)
    return classes >= 2 and entropy(bare) >= (3.0 if len(bare) < 20 else 3.4)
