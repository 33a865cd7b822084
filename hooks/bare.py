"""Files that are nothing but one secret: an Ansible vault's password, Rails' master key, a key pair of Solana. Pure.

What such a file holds is told by its name alone, so that nothing in it is looked for: it is short, and has one value.
"""

from __future__ import annotations

import re

from hooks import lazy
from hooks.structure.pair import Pair

LONGEST = 400
"""How many bytes such a file has at most."""

_ENDING = lazy.compile(r"\.(?:txt|text|secret|key|pass|pw|pwd|password|token)$")
_RAILS = lazy.compile(r"(?:^|/)(?:master|config/credentials/[\w-]+)\.key$")
_HEX = lazy.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{64})")
_KEYPAIR = lazy.compile(r"\[\s*(?:\d{1,3}\s*,\s*){63}\d{1,3}\s*\]")


def pair(path: str, text: str) -> Pair | None:
    """The one value of a file under the name that the file has; None if it is something else."""
    value = text.strip()
    low = path.lower()
    name = low.rpartition("/")[2].rpartition("!")[2]
    line = text.count("\n", 0, len(text) - len(text.lstrip())) + 1
    if name.endswith(".json"):
        if _KEYPAIR.fullmatch(value) and all(int(number) < 256 for number in re.findall(r"\d+", value)):
            # 64 bytes that the name calls a key pair; as a text they would be numbers.
            key = bytes(map(int, re.findall(r"\d+", value))).hex()
            return Pair("private_key", "private_key", key, line, line + value.count("\n"), True, "keypair")
        return None
    if not value or any(map(str.isspace, value)):
        return None
    if _RAILS.search(low):
        return Pair("master_key", "master_key", value, line, line, True, "env") if _HEX.fullmatch(value) else None
    stem = _ENDING.sub("", name).lstrip(".")
    if name.endswith(".token") and "token" not in stem:
        stem += "_token"
    return Pair(stem, stem, value, line, line, False, "env") if "." not in stem else None
