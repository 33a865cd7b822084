"""Pairs inside of a value: connection strings, Docker's `auth`, basic authorization. Pure."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from hooks.structure.pair import Pair
from hooks.structure.tree import join

# Server=db;User Id=app;Password=x;  AccountName=a;AccountKey=x;  host=db user=app password=x
_CONNECTION = re.compile(
    r"""(?i)(?:^|[;\s,"'?&])(?P<name>password|pwd|accountkey|sharedaccesskey|sharedsecretvalue|sharedsecret|sharedaccesssignature"""
    r"""|primarykey|passphrase|accesskey|secret[ _]?key|sslpassword)\s*=\s*(?P<value>"[^"\n]+"|'[^'\n]+'|[^;"'&\s]+)"""
)
_BASIC = re.compile(r"(?:Basic\s+)?(?P<value>[A-Za-z0-9+/_-]{8,}={0,2})")
_AUTH = frozenset(("auth", "_auth", "authorization", "identitytoken"))
_LONGEST = 20_000


def parts(pair: Pair) -> Iterator[Pair]:
    """What a value is made of that is a pair by itself."""
    value = pair.value
    if "=" in value and len(value) <= _LONGEST and "\n" not in value:
        for match in _CONNECTION.finditer(value):
            if match.start() or ";" in value or " " in value:
                yield _part(pair, match["name"], match["value"].strip("\"'"))
    if pair.key.rpartition(":")[2].lower() in _AUTH and (match := _BASIC.fullmatch(value.strip())):
        user, _, password = _decoded(match["value"]).partition(":")
        if user and password:
            yield _part(pair, "password", password)


def _part(pair: Pair, name: str, value: str) -> Pair:
    return Pair(name, join(pair.path, name), value, pair.line, pair.end, True, pair.where)


def _decoded(text: str) -> str:
    try:
        data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
        decoded = data.decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    return decoded if decoded.isprintable() else ""
