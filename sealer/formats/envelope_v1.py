"""The v1 envelope: Bitnami Sealed Secrets, byte for byte (FORMATS section 2).

    text = base64( u16 length || RSAES-OAEP(SHA-256, MGF1-SHA-256, label; session key) || AES-256-GCM(session key) )

The nonce is 12 zero bytes, which is safe only because every value gets a session key of its own. There is no key id
in it: every key of the right size has to be tried.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from sealer.errors import CannotOpen, EnvelopeError, FormatError, NoKey
from sealer.formats.wire import b64decode, b64encode

if TYPE_CHECKING:
    from sealer.formats.keys import PrivateKey, PublicKey

MAX_TEXT = 2 * 1024 * 1024
_NONCE = bytes(12)
_TAG = 16
_MODULUS_BYTES = range(256, 1025)


@dataclass(frozen=True, slots=True)
class EnvelopeV1:
    """A parsed v1 envelope. `bits` is the size of the RSA key that it was sealed to."""

    bits: int
    session: bytes = field(repr=False)
    body: bytes = field(repr=False)


def seal(value: bytes, label: bytes, recipient: PublicKey) -> str:
    """The text of a new envelope of `value` for one RSA key. `label` comes from `Binding.label`.

    Raises EnvelopeError for another kind of key, and for a value so long (about 1.5 MiB) that `parse` would refuse it.
    """
    key = recipient.key
    if not isinstance(key, RSAPublicKey):
        raise EnvelopeError("a v1 envelope is sealed to an RSA key")
    session = os.urandom(32)
    wrapped = key.encrypt(session, _oaep(label))
    text = b64encode(len(wrapped).to_bytes(2, "big") + wrapped + AESGCM(session).encrypt(_NONCE, value, None))
    if len(text) > MAX_TEXT:
        raise EnvelopeError("a value is too long for an envelope")
    return text


def parse(text: str) -> EnvelopeV1:
    """Structure of an envelope, without a key. Raises EnvelopeError.

    Line breaks inside are skipped as Go's decoder does, for values that YAML folded; the base64 is otherwise strict.
    """
    if len(text) > MAX_TEXT:
        raise EnvelopeError("sealed value is too long")
    try:
        blob = b64decode(text.replace("\r", "").replace("\n", ""))
    except FormatError:
        raise EnvelopeError("sealed value is not base64") from None
    size = int.from_bytes(blob[:2], "big")
    if len(blob) < 2 or size not in _MODULUS_BYTES or len(blob) < 2 + size + _TAG:
        raise EnvelopeError("sealed value is cut off or not a v1 envelope")
    return EnvelopeV1(size * 8, blob[2 : 2 + size], blob[2 + size :])


def open_envelope(envelope: EnvelopeV1, label: bytes, keys: Iterable[PrivateKey]) -> tuple[bytes, PrivateKey]:
    """The value and the key that opened it; `keys` are tried in order, each of the right size costs one operation.

    Raises NoKey if none has the right size, CannotOpen if none fits or the bytes were changed: v1 can't tell these
    apart. Session keys of 16 and 24 bytes are accepted because the upstream controller does.
    """
    tried = False
    for private in keys:
        key = private.key
        if not isinstance(key, RSAPrivateKey) or (key.key_size + 7) // 8 != len(envelope.session):
            continue
        tried = True
        try:
            session = key.decrypt(envelope.session, _oaep(label))
            return AESGCM(session).decrypt(_NONCE, envelope.body, None), private
        except Exception:  # noqa: S112  # one silence for every cause: anything else is an oracle
            continue
    if tried:
        raise CannotOpen from None
    raise NoKey(f"no RSA key of {envelope.bits:,} bits at hand")


def _oaep(label: bytes) -> OAEP:
    return OAEP(MGF1(SHA256()), SHA256(), label)
