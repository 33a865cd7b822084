"""The v2 envelope: post-quantum, several recipients, everything bound (FORMATS section 3).

    text   = "v2:" base64( header || mac || body )
    header = 0x02 || suite || bind(8) || n || n * ( key_id(8) || enc(1120) || wrapped(48) )

One random key C an envelope is wrapped to each recipient with HPKE; mac commits to C, the header and the context, and
the body's key depends on mac, so that recipients can be neither split nor stripped. C never leaves this module.
"""

from __future__ import annotations

import hmac
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, FormatError, NoKey
from sealer.formats.binding import bind
from sealer.formats.wire import b64decode, b64encode, hkdf

if TYPE_CHECKING:
    from sealer.formats.keys import PrivateKey, PublicKey

PREFIX = "v2:"
MAX_VALUE = 1024 * 1024
MAX_RECIPIENTS = 32

_VERSION = 0x02
_SUITE_MLKEM768_X25519 = 0x01
_HPKE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_FIXED = 11  # version, suite, bind, n
_WRAP = 1120 + 48  # HPKE's enc, then C and its tag
_RECIPIENT = 8 + _WRAP
_MAC = 32
_TAG = 16
_BLOCK = 64
_NONCE = bytes(12)
_MAX_PADDED = (4 + MAX_VALUE + _BLOCK - 1) // _BLOCK * _BLOCK
_MAX_BLOB = _FIXED + MAX_RECIPIENTS * _RECIPIENT + _MAC + _MAX_PADDED + _TAG
MAX_TEXT = len(PREFIX) + (_MAX_BLOB + 2) // 3 * 4


@dataclass(frozen=True, slots=True)
class EnvelopeV2:
    """A parsed v2 envelope. `recipients` are key ids, 16 hex digits each, ascending; `bind` is public."""

    bind: bytes
    recipients: tuple[str, ...]
    header: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    body: bytes = field(repr=False)

    def wrapped(self, key_id: str) -> bytes | None:
        """HPKE's message to one recipient, or None if it isn't one."""
        if key_id not in self.recipients:
            return None
        start = _FIXED + self.recipients.index(key_id) * _RECIPIENT + 8
        return self.header[start : start + _WRAP]


def seal(value: bytes, context: bytes, recipients: Sequence[PublicKey]) -> str:
    """The text of a new envelope of `value`, at most 1 MiB, for 1 to 32 different MLKEM768-X25519 keys.

    `context` comes from `Binding.context`. Raises EnvelopeError.
    """
    keys = sorted({key.id: key for key in recipients}.values(), key=lambda key: key.id)
    if not 1 <= len(keys) <= MAX_RECIPIENTS:
        raise EnvelopeError(f"a v2 envelope has 1 to {MAX_RECIPIENTS} recipients")
    if len(value) > MAX_VALUE:
        raise EnvelopeError("a value is at most 1 MiB")
    content_key = os.urandom(32)
    parts = [bytes([_VERSION, _SUITE_MLKEM768_X25519]), bind(context), bytes([len(keys)])]
    for key in keys:
        if not isinstance(key.key, hpke.MLKEM768X25519PublicKey):
            raise EnvelopeError("a v2 envelope is sealed to MLKEM768-X25519 keys")
        parts += [key.id_bytes, _HPKE.encrypt(content_key, key.key, context)]
    header = b"".join(parts)
    mac = hmac.digest(_mac_key(content_key), header + context, "sha256")
    body = AESGCM(_body_key(content_key, mac)).encrypt(_NONCE, pad(value), None)
    return PREFIX + b64encode(header + mac + body)


def parse(text: str) -> EnvelopeV2:
    """Structure of an envelope, without a key. Raises EnvelopeError for anything that `seal` would not write."""
    if not text.startswith(PREFIX) or len(text) > MAX_TEXT:
        raise EnvelopeError(
            "sealed value is not a v2 envelope" if len(text) <= MAX_TEXT else "sealed value is too long"
        )
    try:
        blob = b64decode(text[len(PREFIX) :])
    except FormatError:
        raise EnvelopeError("sealed value is not canonical base64") from None
    if len(blob) < _FIXED or blob[0] != _VERSION:
        raise EnvelopeError("sealed value is cut off or of an unknown version")
    if blob[1] != _SUITE_MLKEM768_X25519:
        raise EnvelopeError("sealed value has an unknown suite")
    count = blob[10]
    end = _FIXED + count * _RECIPIENT
    body_size = len(blob) - end - _MAC
    if not 1 <= count <= MAX_RECIPIENTS or body_size < _BLOCK + _TAG or (body_size - _TAG) % _BLOCK:
        raise EnvelopeError("sealed value is cut off or has a wrong length")
    if body_size - _TAG > _MAX_PADDED:
        raise EnvelopeError("sealed value is too long")
    ids = tuple(blob[start : start + 8].hex() for start in range(_FIXED, end, _RECIPIENT))
    if any(left >= right for left, right in itertools.pairwise(ids)):
        raise EnvelopeError("recipients are not in ascending order")
    return EnvelopeV2(blob[2:10], ids, blob[:end], blob[end : end + _MAC], blob[end + _MAC :])


def recipients(text: str) -> tuple[str, ...]:
    """The key ids in an envelope's header, without reading the rest of it. Raises EnvelopeError.

    For telling whose a document is; what it returns for a text that `parse` refuses means nothing.
    """
    if not text.startswith(PREFIX):
        raise EnvelopeError("sealed value is not a v2 envelope")
    start = _bytes(text, 0, _FIXED + 8)  # with the first recipient, mostly the only one
    count = start[10] if len(start) >= _FIXED else 0
    if count == 1 and len(start) == _FIXED + 8:
        return (start[_FIXED:].hex(),)
    ids = [start[_FIXED:]] if count else []
    ids += [_bytes(text, _FIXED + number * _RECIPIENT, 8) for number in range(1, min(count, MAX_RECIPIENTS))]
    if not ids or any(len(each) != 8 for each in ids):
        raise EnvelopeError("sealed value is cut off")
    return tuple(each.hex() for each in ids)


def _bytes(text: str, start: int, size: int) -> bytes:
    """A few of the bytes that a text stands for: base64 is decoded from the nearest multiple of three."""
    first, last = start // 3, (start + size + 2) // 3
    try:
        decoded = b64decode(text[len(PREFIX) + 4 * first : len(PREFIX) + 4 * last])
    except FormatError:
        raise EnvelopeError("sealed value is not base64") from None
    return decoded[start - 3 * first :][:size]


def open_envelope(envelope: EnvelopeV2, context: bytes, private: PrivateKey) -> bytes:
    """The value, with one private operation. `private` must be a recipient (NoKey otherwise).

    Raises BoundElsewhere before the key is used, CannotOpen for every failure after.
    """
    if envelope.bind != bind(context):
        raise BoundElsewhere("was sealed for another scope, namespace, name or item")
    message = envelope.wrapped(private.id)
    if message is None or not isinstance(private.key, hpke.MLKEM768X25519PrivateKey):
        raise NoKey("the key is not a recipient")
    try:
        content_key = _HPKE.decrypt(message, private.key, context)
        mac = hmac.digest(_mac_key(content_key), envelope.header + context, "sha256")
        if not hmac.compare_digest(mac, envelope.mac):
            raise ValueError
        return unpad(AESGCM(_body_key(content_key, envelope.mac)).decrypt(_NONCE, envelope.body, None))
    except Exception:
        # cryptography raises InvalidTag, ValueError and TypeError here; telling them apart would make an oracle.
        raise CannotOpen from None


def pad(value: bytes) -> bytes:
    """u32 length || value || zeros, up to the next multiple of 64."""
    framed = len(value).to_bytes(4, "big") + value
    return framed + bytes(-len(framed) % _BLOCK)


def unpad(padded: bytes) -> bytes:
    """The value of `pad`'s output. Raises FormatError unless the padding is minimal and zero."""
    size = int.from_bytes(padded[:4], "big")
    value = padded[4 : 4 + size]
    if len(padded) < 4 or len(value) != size or pad(value) != padded:
        raise FormatError("wrong padding")
    return value


def _mac_key(content_key: bytes) -> bytes:
    return hkdf(content_key, salt=b"", info=b"sealer/v2 mac")


def _body_key(content_key: bytes, mac: bytes) -> bytes:
    return hkdf(content_key, salt=mac, info=b"sealer/v2 body")
