"""What archives are, told by their first bytes, and packed streams unpacked a step at a time, whoever packed them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

_STEP = 64 * 1024
_DICTIONARY = 128 * 1024 * 1024
_MARKS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
ARCHIVES = ("zip", "tar", "bzip2", "xz")
"""Those that may hold many files; gzip with one text in it is undone without them."""

_BZIP2 = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")


class Unread(Exception):
    """Why one member, or the rest of one archive, is not read."""


class Reader(Protocol):
    """Gives so many bytes, fewer only at the end. May raise Unread."""

    def __call__(self, size: int, /) -> bytes:  # noqa: D102
        ...


def kind(head: bytes) -> str:
    """What archive a file with such first bytes (512 of them for tar) is; "" if it is none."""
    for mark, name in _MARKS:
        if head.startswith(mark) and (name != "bzip2" or head[4:10] in _BZIP2):
            return name
    if b"\0" in head[:512]:
        from hooks.decode.tar import is_tar

        return "tar" if is_tar(head) else ""
    return ""


class Bytes:
    """Bytes, read as a stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __call__(self, size: int, /) -> bytes:  # noqa: D102
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data


class Again:
    """A stream whose first bytes were read before."""

    def __init__(self, head: bytes, read: Reader) -> None:
        self._head = head
        self._read = read

    def __call__(self, size: int, /) -> bytes:  # noqa: D102
        head, self._head = self._head[:size], self._head[size:]
        return head + self._read(size - len(head)) if len(head) < size else head


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Unpacked:
    """Packed streams in a row, unpacked in steps: a reader that takes a tar header at a time must cost no more."""

    def __init__(self, data: bytes, make: Callable[[], _Decompressor], what: str, begun: Callable[[], None]) -> None:
        self._begun = begun
        self._data = memoryview(data)
        self._make = make
        self._what = what
        self._one = make()
        self._at = 0
        self._pending = b""
        self._ready = b""

    def __call__(self, size: int, /) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if not self._ready:
                if self._one.eof and not self._next():
                    break
                self._ready = self._step()
            part, self._ready = self._ready[:size], self._ready[size:]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _next(self) -> bool:
        """Whether another packed stream follows; what else follows is padding."""
        self._at -= len(self._one.unused_data)
        while self._at < len(self._data) and self._data[self._at] == 0:
            self._at += 1
        if kind(bytes(self._data[self._at : self._at + 16])) != self._what:
            return False
        self._begun()
        self._one, self._pending = self._make(), b""
        return True

    def _step(self) -> bytes:
        given = self._pending
        if not given and getattr(self._one, "needs_input", True):
            given = bytes(self._data[self._at : self._at + _STEP])
            self._at += len(given)
            if not given:
                raise Unread(f"is {self._what} that ends too early, and its end was not read")
        try:
            part = self._one.decompress(given, _STEP)
        except Exception:  # zlib.error, LZMAError, OSError, EOFError: each library has its own
            raise Unread(f"is damaged {self._what}, and its end was not read") from None
        self._pending = getattr(self._one, "unconsumed_tail", b"")
        return part


def unpacker(what: str, data: bytes, begun: Callable[[], None] = lambda: None) -> Reader:
    """A stream of what is packed. Raises Unread for a kind that Python can't read.

    `begun` is called for each further packed stream in a row, and may raise.
    """
    try:
        if what == "gzip":
            import zlib

            return _Unpacked(data, lambda: zlib.decompressobj(31), what, begun)
        if what == "bzip2":
            import bz2

            return _Unpacked(data, bz2.BZ2Decompressor, what, begun)
        if what == "xz":
            import lzma

            return _Unpacked(data, lambda: lzma.LZMADecompressor(memlimit=_DICTIONARY), what, begun)
        if what == "zstd":
            from importlib import import_module

            return _Unpacked(data, import_module("compression.zstd").ZstdDecompressor, what, begun)
    except ImportError:
        pass
    raise Unread(f"is packed with {what}, which this Python can't read")
