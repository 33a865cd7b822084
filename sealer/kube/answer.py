"""JSON as an API server answers it, nested however deep.

The schema of SealedSecrets lets anybody put maps within maps into a template, thousands of them, and their
`managedFields` are as deep. A parser that gives up there would leave a controller without its list. Nothing that is
looked at lies deeper than 100 levels, so what does is read as null, if the whole is too deep.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

DEEPEST = 100
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)


def decode(data: bytes | bytearray | msgspec.Raw, shape: Any = Any) -> Any:
    """The value, as msgspec reads it as a type (`shape`). Raises msgspec.DecodeError."""
    try:
        return msgspec.json.decode(data, type=shape)
    except RecursionError:
        return msgspec.json.decode(_cut(bytes(data)), type=shape)


def _cut(data: bytes) -> bytes:
    """The text with null for each map and list that is too deep."""
    kept: list[bytes] = []
    depth = start = 0
    for token in _TOKEN.finditer(data):
        sign = token[0]
        if sign in (b"{", b"["):
            depth += 1
            if depth == DEEPEST + 1:
                kept += (data[start : token.start()], b"null")
        elif sign in (b"}", b"]"):
            if depth == DEEPEST + 1:
                start = token.end()
            depth -= 1
    return b"".join((*kept, data[start:]))
