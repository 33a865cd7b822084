"""Base64, base32, JSON and digests, as Sprig has them."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

from sealer.template.functions.table import Table
from sealer.template.text import jsontext
from sealer.template.text.basetext import Illegal, base32_decoded, base64_decoded
from sealer.template.values import ANY, STRING

TABLE = define = Table()


@define("b64enc", STRING, result=STRING)
def _b64enc(data: bytes) -> bytes:
    """Standard base64 with padding, on one line."""
    return base64.b64encode(data)


@define("b64dec", STRING, result=STRING)
def _b64dec(data: bytes) -> bytes:
    """The bytes of standard base64, padded, newlines passed over; for what is none the text of Go's error."""
    try:
        return base64_decoded(data)
    except Illegal as error:
        return b"illegal base64 data at input byte %d" % error.at


@define("b32enc", STRING, result=STRING)
def _b32enc(data: bytes) -> bytes:
    """Standard base32 with padding."""
    return base64.b32encode(data)


@define("b32dec", STRING, result=STRING)
def _b32dec(data: bytes) -> bytes:
    """The bytes of standard base32, in capitals, padded; for what is none the text of Go's error."""
    try:
        return base32_decoded(data)
    except Illegal as error:
        return b"illegal base32 data at input byte %d" % error.at


@define("mustFromJson", STRING)
def _must_from_json(data: bytes) -> Any:
    """JSON as dicts, lists and values; all numbers are float64. Refuses what is no JSON."""
    return jsontext.decoded(data)


@define("fromJson", STRING)
def _from_json(data: bytes) -> Any:
    """As mustFromJson, but nil where the text is no JSON."""
    try:
        return jsontext.decoded(data)
    except jsontext.NotJson:
        return None


@define("mustToJson", ANY, result=STRING)
def _must_to_json(value: Any) -> bytes:
    r"""JSON without spaces, keys sorted, < > & as `\u003c`. Refuses what has no JSON: NaN, complex numbers."""
    return jsontext.encoded(value)


@define("toJson", ANY, result=STRING)
def _to_json(value: Any) -> bytes:
    """As mustToJson, but "" where a value has no JSON."""
    return _or_nothing(value)


@define("mustToPrettyJson", ANY, result=STRING)
def _must_to_pretty_json(value: Any) -> bytes:
    """As mustToJson, over lines, indented by two spaces."""
    return jsontext.encoded(value, indent=True)


@define("toPrettyJson", ANY, result=STRING)
def _to_pretty_json(value: Any) -> bytes:
    """As mustToPrettyJson, but "" where a value has no JSON."""
    return _or_nothing(value, indent=True)


@define("toRawJson mustToRawJson", ANY, result=STRING)
def _to_raw_json(value: Any) -> bytes:
    """As mustToJson, with < > & as they are; both names refuse what has no JSON."""
    return jsontext.encoded(value, html=False)


def _or_nothing(value: Any, *, indent: bool = False) -> bytes:
    try:
        return jsontext.encoded(value, indent=indent)
    except jsontext.Unsupported:
        return b""


@define("sha1sum", STRING, result=STRING)
def _sha1sum(data: bytes) -> bytes:
    """SHA-1 of the bytes, in hex."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest().encode()


@define("sha256sum", STRING, result=STRING)
def _sha256sum(data: bytes) -> bytes:
    """SHA-256 of the bytes, in hex."""
    return hashlib.sha256(data).hexdigest().encode()


@define("sha512sum", STRING, result=STRING)
def _sha512sum(data: bytes) -> bytes:
    """SHA-512 of the bytes, in hex."""
    return hashlib.sha512(data).hexdigest().encode()


@define("adler32sum", STRING, result=STRING)
def _adler32sum(data: bytes) -> bytes:
    """Adler-32 of the bytes, as a decimal number in a text."""
    return b"%d" % zlib.adler32(data)
