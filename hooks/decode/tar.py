"""Files of a tar stream, one after the other, in constant memory: `tarfile` keeps every header and trusts each size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hooks import lazy

BLOCK = 512

_REGULAR = (b"0", b"\0", b"7")
_LONG_NAME = b"L"
_PAX = b"x"
_LONGEST_HEADER = 256 * 1024
_STEP = 256 * 1024
_PAX_FIELD = lazy.compile(rb"\d+ (path|size)=([^\n]*)\n")


class Damaged(Exception):
    """This is no tar file from here on."""


class Member:
    """A file of a stream. What was not read of it is passed over when the next one is asked for."""

    __slots__ = ("_read", "left", "name", "padding")

    def __init__(self, name: str, size: int, read: Callable[[int], bytes]) -> None:
        self.name = name
        self.left = size
        self.padding = -size % BLOCK
        self._read = read

    def read(self, size: int) -> bytes:
        """At most so many bytes; fewer only at the end. Raises Damaged if the stream ends before."""
        wanted = min(size, self.left)
        data = self._read(wanted)
        self.left -= len(data)
        if len(data) < wanted:
            raise Damaged
        return data


def is_tar(head: bytes) -> bool:
    """Whether a first block is a header of tar: its checksum is right."""
    if len(head) < BLOCK or not any(head[:BLOCK]):
        return False
    try:
        return _octal(head[148:156]) == sum(head[:148]) + sum(head[156:BLOCK]) + 8 * 32
    except Damaged:
        return False


def members(read: Callable[[int], bytes]) -> Iterator[Member]:
    """Regular files; links, devices and folders are left out, empty blocks passed over. Raises Damaged."""
    name, size, ended = b"", -1, False
    while len(header := read(BLOCK)) == BLOCK:
        if not any(header):
            ended = True
            continue
        if not is_tar(header):
            if ended:  # what follows the end is no matter of tar's
                return
            raise Damaged
        kind = header[156:157]
        member = Member("", _octal(header[124:136]), read)
        if kind in (_LONG_NAME, _PAX):
            if member.left > _LONGEST_HEADER:
                raise Damaged
            extra = member.read(member.left)
            if kind == _LONG_NAME:
                name = extra.rstrip(b"\0")
            else:
                fields = dict(_PAX_FIELD.findall(extra))
                name, size = fields.get(b"path", name), _decimal(fields.get(b"size", b""), size)
        else:
            if size >= 0:
                member = Member("", size, read)
            if kind in _REGULAR:
                member.name = (name or _name(header)).decode("utf-8", "replace")
                yield member
            name, size = b"", -1
        _pass(member)
    if not ended:
        raise Damaged


def _pass(member: Member) -> None:
    while member.left:
        member.read(_STEP)
    member.left, member.padding = member.padding, 0
    if member.left:
        member.read(BLOCK)


def _name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _octal(field: bytes) -> int:
    """A number of a header: octal, or in GNU's way big-endian behind a set bit."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    if digits.strip(b"01234567"):
        raise Damaged
    return int(digits, 8)


def _decimal(digits: bytes, otherwise: int) -> int:
    return int(digits) if 0 < len(digits) < 20 and digits.isdigit() else otherwise
