"""Examples of rules: templates whose values are drawn when they are needed, so that no file holds a token.

`{alnum:32}` is 32 letters and digits, `{github:ghp_}` a token whose checksum is right; `{{` and `}}` are braces. The
same seed draws the same text. What is drawn looks random on purpose: every kind of character early, no run of one.
"""

from __future__ import annotations

import binascii
import json
import random
import re
import string

from hooks.engine import checksum

_FIELD = re.compile(r"\{\{|\}\}|\{([a-z0-9A-Z]+)(?::([^{}]*))?\}|[{}]")
_ALNUM = string.ascii_letters + string.digits
_KINDS = {
    "alnum": (_ALNUM, "letters and digits"),
    "hex": (string.digits + "abcdef", "hex digits"),
    "HEX": (string.digits + "ABCDEF", "hex digits, upper case"),
    "lower": (string.ascii_lowercase, "lower-case letters"),
    "upper": (string.ascii_uppercase, "upper-case letters"),
    "letters": (string.ascii_letters, "letters"),
    "digit": (string.digits, "digits"),
    "base32": (string.ascii_uppercase + "234567", "of base32"),
    "base58": ("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", "of base58"),
    "base64": (_ALNUM + "+/", "of base64"),
    "base64url": (_ALNUM + "-_", "of base64url"),
    "uppernum": (string.ascii_uppercase + string.digits, "upper-case letters and digits"),
    "lowernum": (string.ascii_lowercase + string.digits, "lower-case letters and digits"),
}
"""Alphabets of `{kind:LENGTH}`, and what `sealer scan explain` calls so many characters of each."""
_MIXED = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


class TemplateError(ValueError):
    """A template that names no kind of text that is known, or lacks a length."""


def expand(template: str, seed: str) -> str:
    """The text of a template. Raises TemplateError."""
    draw = _Draw(seed)
    return _FIELD.sub(lambda field: _field(field, draw), template)


def in_words(template: str) -> str:
    """A template with what is drawn told in words, on one line."""
    return " ".join(_FIELD.sub(_said, template).split())


def _said(field: re.Match[str]) -> str:
    kind, argument = field[1], field[2] or ""
    if kind is None:
        return field[0][0]
    if kind in _KINDS:
        return f"<{argument} {_KINDS[kind][1]}>"
    return f"{argument}<{_MAKERS[kind][1]}>"


def _field(field: re.Match[str], draw: _Draw) -> str:
    if field[0] in ("{{", "}}"):
        return field[0][0]
    kind, argument = field[1], field[2] or ""
    if kind in _KINDS:
        if not argument.isdecimal():
            raise TemplateError(f"{{{kind}}} needs a length, as in {{{kind}:32}}")
        return draw.text(_KINDS[kind][0], int(argument))
    maker = _MAKERS.get(kind)
    if maker is None:
        raise TemplateError(f"{field[0]} is no field; braces are written twice")
    return maker[0](draw, argument)


class _Draw:
    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)  # noqa: S311  # examples, not secrets

    def text(self, alphabet: str, size: int) -> str:
        """Text that has each kind of character of its alphabet if it is long enough, and nothing three times."""
        kinds = [kind for kind in _MIXED if kind[5] in alphabet]
        for _ in range(1000):
            found = "".join(self.random.choice(alphabet) for _ in range(size))
            mixed = size < 8 or all(any(sign in kind for sign in found) for kind in kinds)
            ends = size < 2 or (found[0].isalnum() and found[-1].isalnum())
            varied = not any(found[i] == found[i + 1] == found[i + 2] for i in range(size - 2))
            if mixed and ends and varied:
                break
        return found

    def bytes(self, size: int) -> bytes:
        return self.random.randbytes(size)


def _uuid(draw: _Draw, _: str) -> str:
    digits = draw.text(_KINDS["hex"][0], 32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _github(draw: _Draw, prefix: str) -> str:
    body = draw.text(_KINDS["alnum"][0], 30)
    return prefix + body + checksum.base62_crc(body.encode()).decode()


def _grafana(draw: _Draw, prefix: str) -> str:
    start = prefix + draw.text(_KINDS["alnum"][0], 32)
    return f"{start}_{checksum.grafana_crc(start.encode()).decode()}"


def _packagist(draw: _Draw, prefix: str) -> str:
    return _summed(prefix + draw.text(_KINDS["hex"][0], 60))


def _atlassian(draw: _Draw, prefix: str) -> str:
    start, _, check = _summed(prefix + draw.text(_KINDS["base64url"][0], 171) + "=").rpartition("=")
    return f"{start}={check.upper()}"


def _yandex(draw: _Draw, prefix: str) -> str:
    return _summed(prefix + draw.text(_ALNUM, 40))


def _cloudflare(draw: _Draw, prefix: str) -> str:
    return prefix + _summed(draw.text(_ALNUM, 40))


def _summed(start: str) -> str:
    return start + checksum.hex_crc(start.encode()).decode()


def _pypi(draw: _Draw, prefix: str) -> str:
    place = b"pypi.org"
    identifier = json.dumps({"version": 1, "permissions": _uuid(draw, "")}).encode()
    macaroon = b"\x02\x01" + bytes([len(place)]) + place + b"\x02" + bytes([len(identifier)]) + identifier
    return prefix + _base64url(macaroon + b"\x00\x00\x06\x20" + draw.bytes(32))


def _jwt(draw: _Draw, prefix: str) -> str:
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": _uuid(draw, ""), "iat": 1_700_000_000 + draw.random.randrange(10**7)}
    parts = [_base64url(json.dumps(one, separators=(",", ":")).encode()) for one in (header, claims)]
    return prefix + ".".join((*parts, _base64url(draw.bytes(32))))


def _json(draw: _Draw, prefix: str) -> str:
    body = {"id": _uuid(draw, ""), "key": draw.text(_KINDS["alnum"][0], 40), "v": 1}
    return prefix + _base64url(json.dumps(body, separators=(",", ":")).encode())


def _wif(draw: _Draw, _: str) -> str:
    return checksum.base58check_encode(b"\x80" + draw.bytes(32) + b"\x01").decode()


def _xprv(draw: _Draw, _: str) -> str:
    return checksum.base58check_encode(b"\x04\x88\xad\xe4" + draw.bytes(74)).decode()


def _bech32(draw: _Draw, name: str) -> str:
    digits = [draw.random.randrange(32) for _ in range(52)]
    return checksum.bech32_encode(name.rstrip("1").encode(), digits).decode()


_SUMMED = "the rest, with a right checksum"
_MAKERS = {
    "uuid": (_uuid, "a UUID"),
    "github": (_github, _SUMMED),
    "npm": (_github, _SUMMED),
    "grafana": (_grafana, _SUMMED),
    "packagist": (_packagist, _SUMMED),
    "atlassian": (_atlassian, _SUMMED),
    "yandex": (_yandex, _SUMMED),
    "cloudflare": (_cloudflare, _SUMMED),
    "pypi": (_pypi, "the rest, a macaroon"),
    "jwt": (_jwt, "a JSON Web Token"),
    "json": (_json, "base64url of JSON"),
    "wif": (_wif, "a key with a right checksum"),
    "base58check": (_xprv, "a key with a right checksum"),
    "bech32": (_bech32, "a key with a right checksum"),
}
"""What makes `{kind:PREFIX}`, prefix and all, and what it is called behind its prefix."""


def _base64url(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode().rstrip("=").translate(str.maketrans("+/", "-_"))
