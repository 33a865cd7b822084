"""What decoded bytes are: text, a known package of text, or nothing to look at. Pure, and bounded in what it makes."""

from __future__ import annotations

import zlib

from hooks import lazy, partly

MAX_BYTES = 8 * 1024 * 1024
"""What one run may become, unpacked."""

BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"wOF", b"\0\1\0\0", b"OTTO", b"%PDF", b"\0asm", b"\0\0\1\0")
# What text is made of: all of ASCII but control characters, and UTF-8, which is held to its own rules where it matters.
_TEXT = bytes([9, 10, 13, *range(32, 127)])
_HIGH = bytes(range(128, 256))
_STRETCH = lazy.compile(rb"[\t\r\n -~]{12,}")
_ZLIB = (b"x\x01", b"x\x9c", b"x\xda")


def readable(data: bytes) -> tuple[bytes, str] | None:
    """The text that bytes hold, in UTF-8, and what had to be undone for it (`gzip`, `utf-16`, or nothing)."""
    if data[:2] == b"\x1f\x8b":
        return _unpacked(data, 31, "gzip")
    if data[:2] in _ZLIB and (found := _unpacked(data, 15, "zlib")):
        return found
    if b"\0" in data[:64] and (wide := utf16(data)) is not None:
        return (wide, "utf-16") if is_text(wide) else None
    if data.startswith(BINARY):
        return None
    return (data, "") if is_text(data) else None


def is_text(data: bytes) -> bool:
    """Whether bytes are text: at most one in 32 is a control character, or no UTF-8."""
    if not data:
        return False
    odd = data.translate(None, _TEXT)
    if odd and (high := len(odd) - len(odd.translate(None, _HIGH))):
        wrong = data.decode("utf-8", "replace").count("\ufffd") if high > len(data) // 64 else 0
        return (len(odd) - high + wrong) * 32 <= len(data)
    return len(odd) * 32 <= len(data)


def stretches(data: bytes) -> bytes:
    """The printable parts of a binary, one a line."""
    return b"\n".join(_STRETCH.findall(data))


def utf16(data: bytes) -> bytes | None:
    """UTF-16 as UTF-8, with a byte-order mark or where every other byte at the beginning is NUL; None if it is none."""
    head = data[:64]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        kind = "utf-16-le" if head[:2] == b"\xff\xfe" else "utf-16-be"
        return data[2:].decode(kind, "replace").encode("utf-8", "replace")
    half = len(head) // 2
    if half < 4:
        return None
    for kind, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, letters = head[first::2][:half], head[1 - first :: 2][:half]
        if zeros.count(0) * 8 >= half * 7 and letters.count(0) * 8 <= half:
            return data.decode(kind, "replace").encode("utf-8", "replace")
    return None


def _unpacked(data: bytes, window: int, how: str) -> tuple[bytes, str] | None:
    """What gzip or zlib gives, up to MAX_BYTES and as far as it is whole."""
    try:
        stream = zlib.decompressobj(window)
        text = stream.decompress(data, 4096)
        if not is_text(text):
            return None
        text += stream.decompress(stream.unconsumed_tail, MAX_BYTES)
    except zlib.error:
        return None
    if len(text) >= MAX_BYTES and not stream.eof:
        partly.tell(f"of what it holds packed only {MAX_BYTES >> 20} MiB were unpacked")
    return text, how
