r"""Base64 in text: standard and URL-safe, with and without padding, wrapped over lines, with `\n` for line breaks.

With the offsets where the engine found something, only the runs around these are looked at; without, all long ones.
A run can begin in the middle of a word (`/v1/Zm9v`, `token_Zm9v`): all four offsets of a group are tried.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from hooks import lazy
from hooks.decode.packed import kind
from hooks.decode.readable import BINARY, readable, stretches
from hooks.decode.run import Run

SHORTEST = 16
LONGEST = 12 * 1024 * 1024

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_RUN = lazy.compile(rb"[A-Za-z0-9+/_-]{16,}+={0,2}")
# What may stand around the base64 of a line: a comment's mark, quotes, a `+` that joins strings.
_BEFORE = rb"[ \t]*+(?:[#*>|;]++|//++)?[ \t]*+[\"'`]?"
_MARGINS = lazy.compile(_BEFORE)
_LINE = lazy.compile(_BEFORE + rb"([A-Za-z0-9+/_-]{16,}+={0,2})(?:\\n)?[\"'`]?[ \t]*+[+,.;\\]*+[ \t\r]*+")
_LAST = lazy.compile(_BEFORE + rb"([A-Za-z0-9+/_-]++={0,2})(?:\\n)?[\"'`]?[ \t]*+[+,.;)\]}\\]*+[ \t\r]*+")
_BREAK = lazy.compile(rb"(?:\\{1,4}r)?\\{1,4}n")
_TAIL = lazy.compile(rb"(?:\\n)?[\"'`]?[ \t]*+[+.\\]*+[ \t\r]*+\n")
_HEX = lazy.compile(rb"[0-9a-fA-F]{24,}")
_HEX_LONGEST = 1 << 20
_AROUND = 2048
_MOST_PLACES = 1000
# What stands before the letters of an escape, and how many these are: `hooks.decode.escapes` reads them.
_ESCAPES = (b"\\", b"%", b"#")
_ESCAPE = 5
_MORE = lazy.compile(rb"[A-Za-z0-9+/_-]*+")
_ZLIB = (b"x\x01", b"x\x9c", b"x\xda")
_STEP = 4096
_MARGIN = 64
_LONG_LINE = 64 * 1024


def runs(data: bytes, at: Sequence[int] | None = None) -> Iterator[Run]:
    """Each run of base64 that is text, or a package of text."""
    done = 0
    # Past `done` only: many offsets are in one run, and each of them would lead back to its first line.
    for offset in at if at is not None else (found.start() + 1 for found in _RUN.finditer(data)):
        if not done < offset <= len(data) or data[offset - 1] not in _ALPHABET:
            continue  # behind another trigger: of escapes, or of numbers in a list
        start = _back(data, offset)
        if offset - start <= _ESCAPE and data[max(start - 1, 0) : start] in _ESCAPES:
            continue
        start = max(_first_line(data, start, done), done)
        pieces, done = _whole(data, start)
        done = max(done, offset)
        compact = b"".join(pieces).rstrip(b"=").translate(_STANDARD)
        places = _places(at, offset, done) if at is not None else ()
        near = [(one - start) * len(compact) // max(done - start, 1) for one in places]
        for part in range(0, len(compact), LONGEST) if len(compact) >= SHORTEST else ():
            inside = [one - part for one in near if part <= one <= part + LONGEST]
            # One that is no text is given, too, with nothing in it: to try it was work that has its bounds.
            yield Run(start, done, *(_text(compact[part : part + LONGEST], inside) or ("", b"")))


def _places(at: Sequence[int], start: int, end: int) -> Sequence[int]:
    first = bisect_left(at, start)
    return at[first : min(bisect_right(at, end), first + _MOST_PLACES)]


def _back(data: bytes, offset: int) -> int:
    """Where the run of base64 that ends at an offset begins."""
    while offset > 0:
        chunk = data[max(offset - _STEP, 0) : offset]
        rest = len(chunk.rstrip(_ALPHABET))
        offset -= len(chunk) - rest
        if rest:
            # `\n` in a string: its n is none of ours, and what stands before it may be more of the run.
            if chunk[rest - 1 : rest + 1] not in (b"\\n", b"\\r"):
                return offset
            before = len(data[max(offset - 6, 0) : offset].rstrip(b"\\rn"))
            if before == 0 or offset < 6 or data[offset - 6 + before - 1] not in _ALPHABET + b"=":
                return offset + 1
            offset += before - 6
    return 0


def _first_line(data: bytes, start: int, done: int) -> int:
    """The beginning of a run whose lines before this one are base64, too."""
    line = data.rfind(b"\n", max(start - _MARGIN, 0), start) + 1
    if not line or not _MARGINS.fullmatch(data, line, start):
        return start
    limit = max(start - LONGEST, done)
    while line > limit + 1:
        before = data.rfind(b"\n", max(line - 1 - _LONG_LINE, 0), line - 1) + 1
        if before and (found := _LINE.fullmatch(data, before, line - 1)):
            start = found.start(1)
            line = before
            continue
        # The first line has a name before its base64. A word at a line's end is none of it.
        end = before + len(data[before : line - 1].rstrip(b"\r \t\\+\"'`")) if line - before < _LONG_LINE else before
        size = end - _back(data, end)
        return end - size if size >= 2 * SHORTEST and end - size >= before else start
    return start


def _whole(data: bytes, start: int) -> tuple[list[bytes], int]:
    r"""The pieces of a run that goes on over line breaks, real or written as `\n`, and where it ends."""
    pieces: list[bytes] = []
    total = 0
    while True:
        end = _MORE.match(data, start).end()  # type: ignore[union-attr]
        pieces.append(data[start:end])
        total += end - start
        if data[end : end + 1] == b"=":
            return pieces, end + (2 if data[end + 1 : end + 2] == b"=" else 1)
        if end < len(data) and (escaped := _BREAK.match(data, end)) and end - start >= SHORTEST:
            start = escaped.end()
        elif end - start >= SHORTEST and total < LONGEST and (after := _next_line(data, end, end - start)):
            start = after
        else:
            return pieces, end


def _next_line(data: bytes, end: int, width: int) -> int:
    """Where base64 goes on in the next line; 0 if it does not. Wrapped lines are of one width, the last is shorter."""
    tail = _TAIL.match(data, end, end + 64)
    if not tail:
        return 0
    stop = data.find(b"\n", tail.end(), tail.end() + width + 64)
    line = _LAST.fullmatch(data, tail.end(), stop if stop >= 0 else min(len(data), tail.end() + width + 64))
    if not line or len(line[1]) > max(width, 76):
        return 0
    return line.start(1)


def _text(compact: bytes, near: Sequence[int]) -> tuple[str, bytes] | None:
    """What a run decodes to, if that is text; the beginning tells for all of a long one."""
    if hexadecimal := _hex(compact):
        return hexadecimal
    if _decoded(compact[:16]).startswith(BINARY):
        return None
    for offset in range(4):
        if _promising(_decoded(compact[offset : offset + 400])):
            whole = _decoded(compact[offset:])
            if found := readable(whole):
                text, how = found
                return f"base64, {how}" if how else "base64", text
            if archive := kind(whole[:512]):
                return f"base64, {'tar' if archive == 'gzip' else archive}", whole
    inside = b"\n".join(filter(None, _inside(compact, near)))
    return ("base64", inside) if inside else None


def _inside(compact: bytes, near: Sequence[int]) -> Iterator[bytes]:
    """The text in a run that is none: behind a name or a path, or in a binary; at each offset that a group may have."""
    done = 0
    for place in near:
        if place >= done:
            start, done = max(place - _AROUND, 0), place + _AROUND
            for offset in range(4):
                yield stretches(_decoded(compact[start + offset : done]))
    if not near and len(compact) <= 2 * _AROUND:
        for offset in range(4):
            found = stretches(_decoded(compact[offset:]))
            yield found if len(found) * 8 >= len(compact) else b""  # noise has some, too


def _hex(compact: bytes) -> tuple[str, bytes] | None:
    """The longest part of a run that is hex, which is base64 as well; half of what text has begins with 2 to 7."""
    best = max(_HEX.findall(compact[:_HEX_LONGEST]), key=len, default=b"")
    for digits in (best[: len(best) // 2 * 2], best[1 : (len(best) - 1) // 2 * 2 + 1]):
        if digits and (found := readable(bytes.fromhex(digits.decode("ascii")))):
            text, how = found
            return f"hex, {how}" if how else "hex", text
    return None


def _promising(head: bytes) -> bool:
    # The head of a package is no whole package, but its mark is enough to try all of it.
    return head[:2] in _ZLIB or bool(kind(head)) or readable(head) is not None


def _decoded(compact: bytes) -> bytes:
    try:
        return a2b_base64(compact[: len(compact) // 4 * 4] + _rest(compact))
    except Error:
        return b""


def _rest(compact: bytes) -> bytes:
    """The last group, filled up; one character alone says nothing."""
    over = len(compact) % 4
    return compact[-over:] + b"=" * (4 - over) if over >= 2 else b""
