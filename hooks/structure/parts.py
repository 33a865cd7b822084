"""Pairs inside of a value: user and password in base64, as Docker's and npm's `auth` have them. Pure."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

from hooks import lazy
from hooks.structure.pair import Pair
from hooks.structure.tree import join

_BASIC = lazy.compile(r"(?:Basic\s+)?(?P<value>[A-Za-z0-9+/_-]{8,}={0,2})")
_AUTH = frozenset(("auth", "_auth", "authorization", "identitytoken"))


def parts(pair: Pair) -> Iterator[Pair]:
    """What a value is made of that is a pair by itself."""
    if pair.key.rpartition(":")[2].lower() in _AUTH and (basic := _BASIC.fullmatch(pair.value.strip())):
        user, _, password = _decoded(basic["value"]).partition(":")
        if user and password:
            yield Pair("password", join(pair.path, "password"), password, pair.line, pair.end, True, pair.where)


def _decoded(text: str) -> str:
    try:
        data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
        decoded = data.decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    return decoded if decoded.isprintable() else ""
