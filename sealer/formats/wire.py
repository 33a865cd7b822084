"""Building blocks that every byte format shares (FORMATS, head of the page).

Length prefixes, strict base64, canonical JSON, HKDF and PEM frames. Nothing here knows a key or a document.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import textwrap
from typing import Any

from sealer.errors import FormatError

_SHA256 = 32  # bytes of a digest
_PEM = re.compile(r"-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----\r?\n([A-Za-z0-9+/=\r\n]*?)\r?\n-----END \1-----")

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


def lp(value: bytes) -> bytes:
    """`value` behind its length as u16, big-endian. Raises FormatError above 65,535 bytes."""
    try:
        return len(value).to_bytes(2, "big") + value
    except OverflowError:
        raise FormatError("a field is longer than 65,535 bytes") from None


def b64encode(value: bytes) -> str:
    """Standard base64 (RFC 4648 section 4), padded, on one line."""
    return base64.b64encode(value).decode("ascii")


def b64decode(text: str) -> bytes:
    """Bytes of canonical standard base64; anything else raises FormatError.

    Python's `validate=True` alone accepts excess padding and non-zero trailing bits, so that several texts would mean
    the same bytes; encoding again and comparing refuses them all.
    """
    try:
        raw = text.encode("ascii")
        value = binascii.a2b_base64(raw)
    except ValueError:
        raise FormatError("not canonical base64") from None
    if binascii.b2a_base64(value, newline=False) != raw:
        raise FormatError("not canonical base64")
    return value


def canonical_json(value: Any) -> bytes:
    """The one encoding that is signed or hashed: sorted members, no spaces, ASCII. Floats raise FormatError."""
    _refuse_floats(value)
    return canonical_plain(value)


def canonical_plain(value: Any) -> bytes:
    """`canonical_json` of a value that can't hold a float: looking for one costs as much as the rest."""
    return _CANONICAL(value).encode("ascii")


def compact(value: Any) -> bytes:
    """JSON that is neither signed nor hashed: no spaces, ASCII, members in their order."""
    return _COMPACT(value).encode("ascii")


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise FormatError("a floating-point number has no canonical form")
    if isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                raise FormatError("a member name is not a string")
            _refuse_floats(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _refuse_floats(member)


def hkdf(key: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """HKDF-SHA256 (RFC 5869), extract and expand; `length` in bytes.

    By HMACs of the standard library: this is on the hot path, where two of them cost less than an OpenSSL context.
    """
    pseudorandom = hmac.digest(salt or bytes(_SHA256), key, "sha256")
    if length <= _SHA256:
        return hmac.digest(pseudorandom, info + b"\x01", "sha256")[:length]
    output = block = b""
    for number in range(1, -(-length // _SHA256) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([number]), "sha256")
        output += block
    return output[:length]


def pem_encode(label: str, value: bytes) -> str:
    """A PEM block (RFC 7468): 64 characters a line, LF, no headers."""
    body = "\n".join(textwrap.wrap(b64encode(value), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def pem_blocks(text: str) -> list[tuple[str, bytes, str]]:
    """Every PEM block of a text as (label, bytes, the block itself), in order; text around them is passed over.

    Raises FormatError for a block whose base64 is broken.
    """
    return [(m[1], b64decode(re.sub(r"[\r\n]", "", m[2])), m[0] + "\n") for m in _PEM.finditer(text)]


def pem_decode(label: str, text: str) -> bytes:
    """The bytes of a text that holds exactly one PEM block, of this label. Raises FormatError otherwise."""
    blocks = pem_blocks(text)
    if len(blocks) != 1 or blocks[0][0] != label or text.strip() != blocks[0][2].strip():
        raise FormatError(f"not a single PEM block '{label}'")
    return blocks[0][1]
