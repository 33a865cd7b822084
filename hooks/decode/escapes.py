r"""Escapes in text: `%NN`, `\xNN`, `\uNNNN`, `\u{..}`, `\NNN`, `&#NN;`; and bytes as numbers: `0xNN, ..`, `73 6b ..`.

Escapes are undone in the whole line around them, since what names the value is seldom escaped with it. Strings that are
joined over lines become one. Bytes as numbers are a run of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from hooks import lazy
from hooks.decode.readable import readable
from hooks.decode.run import Run

_AROUND = 16 * 1024
_MOST = 64 * 1024
_BEFORE = 64
_JOINT = 16
_PART = 1024 * 1024

_PERCENT = lazy.compile(rb"%[0-9a-fA-F]{2}")
_BACKSLASH = lazy.compile(rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})")
_ENTITY = lazy.compile(rb"&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});|&(?:amp|lt|gt|quot|apos);")
_NAMED = {b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&apos;": b"'"}
# What stands between two strings that are one: `" +` and a line break, or the next.
_JOINED = lazy.compile(rb"""(["'])[ \t]*[+.,\\]?[ \t]*\\?\r?\n[ \t]*[+.]?[ \t]*\1""")

_STRINGS = lazy.compile(rb"""(?<=[\w\-.])(["'])[ \t]{0,3}[+.]?[ \t]{0,3}\1(?=[\w\-.])""")

_NUMBERS = lazy.compile(rb"0[xX][0-9a-fA-F]{1,2}(?:[,;: \t\r\n]{1,40}+0[xX][0-9a-fA-F]{1,2}){7,}+")
_PAIRS = lazy.compile(
    rb"[0-9a-fA-F]{2}(?<![0-9A-Za-z][0-9a-fA-F]{2})(?:[ :,\-]{1,2}+(?:\r?\n[ \t]*+)?[0-9a-fA-F]{2}(?![0-9A-Za-z])){7,}+"
)
_DECIMAL = lazy.compile(rb"[0-9](?<![0-9.][0-9])[0-9]{1,2}(?:[ \t]{0,3},[ \t\r\n]{0,40}[0-9]{2,3}(?![0-9.])){11,}+")
# A little of any of these at the end of what the engine found tells whether to look for them.
_LAST = lazy.compile(rb"[0-9a-fA-F]{2}[ ,:]{1,2}(?:0[xX])?[0-9a-fA-F]{2,4}\Z")
_LAST_SIZE = 10
_DUMP = lazy.compile(
    rb"^[ \t]{0,8}[0-9a-fA-F]{4,8}:?[ \t]{1,3}((?:[0-9a-fA-F]{2}){1,2}(?:[ \t]{1,2}(?:[0-9a-fA-F]{2}){1,2}){0,15})"
    rb"(?![0-9a-zA-Z])[^\n]{0,80}\n",
    re.MULTILINE,
)
_NUMBER = lazy.compile(rb"[0-9a-fA-F]{1,2}(?![xX])")


def escaped(data: bytes, at: Sequence[int] | None = None) -> Iterator[Run]:
    """Each line with escapes, these undone."""
    for how, mark, expression, undo in _KINDS:
        if mark not in data:
            continue
        done = 0
        for offset in at if at is not None else (match.end() for match in expression.finditer(data)):
            if offset <= done:
                continue
            # An escape, or one at the end of what the engine found.
            found = data.rfind(mark, max(offset - _BEFORE, 0), max(offset, 0))
            if found < done or not expression.match(data, found):
                continue
            left, right = _lines(data, found, max(found - _AROUND, done), min(found + _AROUND, len(data)))
            done = right + 1
            new = _undone(_JOINED.sub(b"", data[left:right]), expression, undo)
            if new != data[left:right] and (text := readable(new)):
                yield Run(left, right, how, text[0])


def joined(data: bytes, at: Sequence[int] | None = None) -> Iterator[Run]:
    """Each line on which strings are joined, as the one string that they are."""
    done = 0
    for offset in at if at is not None else (match.end() for match in _STRINGS.finditer(data)):
        # What joins them is at the end of what the engine found; the whole line is read only where it is there.
        if offset <= done or not _STRINGS.search(data, max(offset - _JOINT, done), offset + 1):
            continue
        left, right = _lines(data, offset - 1, max(offset - _AROUND, done), min(offset + _AROUND, len(data)))
        done = right + 1
        yield Run(left, right, "strings", _STRINGS.sub(b"", data[left:right]))


def numbers(data: bytes, at: Sequence[int] | None = None) -> Iterator[Run]:
    """Each list of bytes as hexadecimal or decimal numbers that is text; dumps of xxd and hexdump, too."""
    if at is not None:
        at = [one for one in at if _LAST.search(data, max(one - _LAST_SIZE, 0), max(one, 0))]
    for start, end in _windows(data, at):
        yield from _dumps(data, start, end)
        for expression, base in ((_NUMBERS, 16), (_PAIRS, 16), (_DECIMAL, 10)):
            for match in expression.finditer(data, start, end):
                if text := readable(_values(match[0], base)):
                    yield Run(*match.span(), "hex" if base == 16 else "decimal", text[0])


def _windows(data: bytes, at: Iterable[int] | None) -> Iterator[tuple[int, int]]:
    """What is looked at: all, or what is around each offset, up to whole lines where these are short."""
    if at is None:
        yield from ((start, min(start + _PART, len(data))) for start in range(0, len(data), _PART))
        return
    start = end = -1
    for offset in at:
        left, right = max(offset - _AROUND, 0, end), min(offset + _AROUND, len(data))
        if left > end or end < 0:
            if end > start:
                yield start, end
            start = left
        end = max(right, end)
        if end - start > _MOST:
            yield start, end
            start = end
    if end > start:
        yield start, end


def _lines(data: bytes, at: int, start: int, end: int) -> tuple[int, int]:
    """The line around an offset, and the lines that go on with its string; cut to a window."""
    left = max(data.rfind(b"\n", start, at) + 1, start)
    right = at
    while True:
        stop = data.find(b"\n", right, end)
        if stop < 0:
            return left, end
        if stop - left > _AROUND or data[max(stop - 8, left) : stop].rstrip(b" \t\r\\+.,")[-1:] not in (b'"', b"'"):
            return left, stop
        if data[stop + 1 : stop + 64].lstrip(b" \t+.")[:1] not in (b'"', b"'"):
            return left, stop
        right = stop + 1


def _undone(data: bytes, expression: re.Pattern[bytes], undo: Callable[[bytes], bytes]) -> bytes:
    table = {one: undo(one) for one in set(expression.findall(data))}
    if len(table) > 64:
        return expression.sub(lambda match: table[match[0]], data)
    # Most often few are different, and to replace each of these is ten times faster.
    for one in sorted(table):
        data = data.replace(one, table[one])
    return data


def _percent(one: bytes) -> bytes:
    return bytes.fromhex(one[1:].decode("ascii"))


def _backslash(one: bytes) -> bytes:
    if one[1:2] == b"x":
        return bytes.fromhex(one[2:].decode("ascii"))
    if one[1:2] in b"uU":
        return _character(int(one[2:].strip(b"{}"), 16))
    return bytes([int(one[1:], 8)])


def _entity(one: bytes) -> bytes:
    if one in _NAMED:
        return _NAMED[one]
    return _character(int(one[3:-1], 16) if one[2:3] in b"xX" else int(one[2:-1]))


def _character(code: int) -> bytes:
    return chr(code).encode("utf-8", "replace") if code <= 0x10FFFF else b"?"


_KINDS: tuple[tuple[str, bytes, re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    ("percent", b"%", _PERCENT, _percent),
    ("escapes", b"\\", _BACKSLASH, _backslash),
    ("entities", b"&", _ENTITY, _entity),
)


def _values(text: bytes, base: int) -> bytes:
    if base == 10:
        numbers = list(map(int, re.findall(rb"[0-9]+", text)))
        return bytes(numbers) if max(numbers) < 256 else b""
    return bytes.fromhex(b"".join(one.rjust(2, b"0") for one in _NUMBER.findall(text)).decode("ascii"))


def _dumps(data: bytes, start: int, end: int) -> Iterator[Run]:
    first = last = -1
    parts: list[bytes] = []
    for line in _DUMP.finditer(data, start, end):
        if line.start() != last and parts:
            yield from _dump(first, last, parts)
            parts = []
        if not parts:
            first = line.start()
        parts.append(b"".join(line[1].split()))
        last = line.end()
    if parts:
        yield from _dump(first, last, parts)


def _dump(first: int, last: int, parts: list[bytes]) -> Iterator[Run]:
    if text := readable(bytes.fromhex(b"".join(parts).decode("ascii"))):
        yield Run(first, last, "hex", text[0])
