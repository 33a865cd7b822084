"""JSON of a whole document, which a cold run writes twice for each: msgspec takes a tenth of the time of `json`.

orjson would do as well; its licence (MPL-2.0 as well as Apache-2.0) is not one that we take.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sealer.formats import wire

if TYPE_CHECKING:
    from collections.abc import Callable


@functools.cache
def _encoder(order: Any = None) -> Callable[[Any], bytes]:
    import msgspec  # not needed where nothing changed

    return msgspec.json.Encoder(order=order).encode


def compact(value: Any) -> bytes:
    """JSON without spaces, members in their order, ASCII."""
    return _ascii(value, _encoder()) or wire.compact(value)


def canonical(value: Any) -> bytes:
    """`wire.canonical_json` of a value that can't hold a float: looking for one costs as much as the rest."""
    return _ascii(value, _encoder("sorted")) or wire.canonical_plain(value)


def _ascii(value: Any, encode: Callable[[Any], bytes]) -> bytes:
    """What both encoders write the same; empty where they may not: beyond ASCII, and for DEL."""
    try:
        text = encode(value)
    except (ValueError, TypeError):  # lone surrogates, which JSON may escape; numbers of over 64 bits
        return b""
    return text if text.isascii() and b"\x7f" not in text else b""
