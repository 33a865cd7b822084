"""Base64 and base32 as Go decodes them: newlines are passed over, what is wrong is named by its byte (RFC 4648)."""

from __future__ import annotations

import base64
import re

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BASE32 = re.compile(rb"(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=)?")
_DIGITS64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_DIGITS32 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_PAD = 0x3D


class Illegal(Exception):
    """No base64, or no base32. `at` is the byte that Go names."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


def base64_decoded(data: bytes) -> bytes:
    """The bytes of standard base64. Raises Illegal."""
    plain = data.translate(None, b"\r\n")
    if _BASE64.fullmatch(plain):
        return base64.b64decode(plain)
    raise Illegal(_fault64(data))


def base32_decoded(data: bytes) -> bytes:
    """The bytes of standard base32. Raises Illegal."""
    plain = data.translate(None, b"\r\n")
    if _BASE32.fullmatch(plain):
        return base64.b32decode(plain)
    raise Illegal(_fault32(plain))


def _fault64(data: bytes) -> int:
    """Where decoding stops: at the first byte that doesn't belong, or before a group that is not whole."""
    at = place = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte in _DIGITS64:
            place = (place + 1) % 4
        elif byte == _PAD:
            return _fault64_padding(data, at, place)
        elif byte not in b"\r\n":
            return at - 1
    return at - place


def _fault64_padding(data: bytes, at: int, place: int) -> int:
    if place < 2:
        return at - 1
    if place == 2:
        at = _past_newlines(data, at)
        if at == len(data):
            return at
        if data[at] != _PAD:
            return at - 1
        at += 1
    return _past_newlines(data, at)


def _past_newlines(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in b"\r\n":
        at += 1
    return at


def _fault32(data: bytes) -> int:
    for at, byte in enumerate(data):
        place = at % 8
        rest = len(data) - at - 1
        if byte == _PAD and place >= 2 and rest < 8:
            return _fault32_padding(data, at, place)
        if byte not in _DIGITS32:
            return at
    return len(data) - len(data) % 8


def _fault32_padding(data: bytes, at: int, place: int) -> int:
    rest = data[at + 1 :]
    if len(rest) + place < 7:
        return len(data)
    for number in range(7 - place):
        if len(rest) > number and rest[number] != _PAD:
            return len(data) - len(rest) + number - 1
    return len(data) - len(rest) - 1
