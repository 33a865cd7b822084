"""Checksums and inner structure of tokens, as their vendors publish them: one that doesn't fit was never issued.

`CHECKS` names them for rules; each takes the whole value. `github` and `npm` append the CRC-32 of the body in base 62,
`cloudflare` that in hex, `crc32` and `grafana` that of all before it in hex, PyPI's tokens are macaroons for pypi.org,
JWTs have a header in JSON, a token of Discord begins with a number.
"""

from __future__ import annotations

import binascii
import zlib

from hooks import lazy

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Callable

_FOUR_WORDS = lazy.compile(rb"(?:[-_][a-z]{2,12}){4}[-_]")
_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# Samples of jwt.io and of RFC 7519, which documentation copies.
_KNOWN_SUBJECTS = ("1234567890", "joe")


def base62_crc(body: bytes) -> bytes:
    """The CRC-32 of a body, in six digits of base 62."""
    number, digits = zlib.crc32(body), []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return bytes(reversed(digits))


def github(value: bytes) -> bool:
    """`ghp_`, 30 characters, and their CRC-32."""
    body = value.rpartition(b"_")[2]
    return len(body) > 6 and base62_crc(body[:-6]) == body[-6:]


def grafana_crc(start: bytes) -> bytes:
    """The eight hex digits that a token of Grafana's service accounts ends with."""
    return zlib.crc32(start).to_bytes(4, "little").hex().encode()


def grafana(value: bytes) -> bool:
    """`glsa_`, 32 characters, `_`, and the CRC-32 of all that."""
    start, _, check = value.rpartition(b"_")
    return grafana_crc(start) == check.lower()


def hex_crc(start: bytes) -> bytes:
    """The CRC-32 of what stands before it, in eight hex digits."""
    return b"%08x" % zlib.crc32(start)


def crc32(value: bytes) -> bool:
    """The CRC-32 of all before it in hex, either case: Atlassian (whose `=` URLs write `%3D`), Packagist, Yandex."""
    value = value.replace(b"%3D", b"=")
    return hex_crc(value[:-8]) == value[-8:].lower()


def cloudflare(value: bytes) -> bool:
    """`cfut_`, 40 characters, and their CRC-32 in hex; the prefix doesn't count."""
    body = value.rpartition(b"_")[2]
    return hex_crc(body[:-8]) == body[-8:]


def pypi(value: bytes) -> bool:
    """A macaroon of version 2 whose place is pypi.org or test.pypi.org, with a signature of 32 bytes at its end."""
    data = _base64url(value.partition(b"-")[2])
    if data is None or data[:2] != b"\x02\x01" or len(data) < 50:
        return False
    place = data[3 : 3 + data[2]]
    return place in (b"pypi.org", b"test.pypi.org") and data[-35:-32] == b"\x00\x06\x20"


def jwt(value: bytes) -> bool:
    """A header with an algorithm and claims that are an object, and none of the samples that documentation copies."""
    parts = value.split(b".")
    header, claims = (_object(part) for part in (*parts, b"", b"")[:2])
    if header is None or not isinstance(header.get("alg", header.get("enc")), str):
        return False
    if len(parts) == 5:
        return True  # encrypted
    return claims is not None and str(claims.get("sub", claims.get("iss"))) not in _KNOWN_SUBJECTS


def discord(value: bytes) -> bool:
    """Three parts, of which the first is the number of an account in base64: 17 to 20 digits since 2015."""
    number = _base64url(value.partition(b".")[0])
    return number is not None and number.isdigit() and 17 <= len(number) <= 20


def wordless(value: bytes) -> bool:
    """No four words in a row, which documentation writes where a token would stand."""
    return _FOUR_WORDS.search(value) is None


def json_body(value: bytes) -> bool:
    """An object of JSON in base64url, behind a prefix that ends with `_` or `-`."""
    at = value.find(b"eyJ")
    return at >= 0 and _object(value[at:].partition(b"_")[0]) is not None


def base58check(value: bytes) -> bool:
    """Base 58 with four bytes of a double SHA-256 behind: keys and extended keys of wallets."""
    number = 0
    for byte in value:
        digit = _BASE58.find(byte)
        if digit < 0:
            return False
        number = number * 58 + digit
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(data) > 4 and _twice(data[:-4]) == data[-4:]


def base58check_encode(data: bytes) -> bytes:
    """Data with its checksum in base 58."""
    number, digits = int.from_bytes(data + _twice(data), "big"), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    return bytes(reversed(digits))


def bech32(value: bytes) -> bool:
    """A name, `1`, and data whose last six characters make the checksum of BIP 173 come out."""
    low = value.lower()
    name, one, data = low.rpartition(b"1")
    digits = [_BECH32.find(byte) for byte in data]
    if not name or not one or len(data) < 6 or min(digits) < 0 or value not in (low, value.upper()):
        return False
    return _polymod([*_name(name), *digits]) == 1


def bech32_encode(name: bytes, digits: list[int]) -> bytes:
    """A name and digits of five bits with their checksum."""
    rest = _polymod([*_name(name), *digits, *[0] * 6]) ^ 1
    check = [rest >> 5 * (5 - place) & 31 for place in range(6)]
    return name + b"1" + bytes(_BECH32[digit] for digit in (*digits, *check))


CHECKS: dict[str, Callable[[bytes], bool]] = {
    "github": github,
    "npm": github,
    "grafana": grafana,
    "crc32": crc32,
    "cloudflare": cloudflare,
    "pypi": pypi,
    "jwt": jwt,
    "discord": discord,
    "wordless": wordless,
    "json": json_body,
    "base58check": base58check,
    "bech32": bech32,
}
"""Name, as rules write it, to the function."""

ONLY_A_SUM = frozenset(("github", "npm", "grafana", "crc32", "cloudflare"))
"""Of a token that has the form of one, these say only that it was not issued as it stands: that is worth a warning."""


def _base64url(text: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(text.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=") + b"=" * (-len(text) % 4))
    except ValueError:
        return None


def _object(text: bytes) -> dict[str, object] | None:
    import json

    data = _base64url(text.rstrip(b"="))
    try:
        found = json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _twice(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]


def _name(name: bytes) -> list[int]:
    return [*(byte >> 5 for byte in name), 0, *(byte & 31 for byte in name)]


def _polymod(digits: list[int]) -> int:
    check = 1
    for digit in digits:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check
