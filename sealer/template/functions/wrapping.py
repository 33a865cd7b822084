"""Strings as blocks of lines, and cut short, as Sprig has them. Widths are bytes."""

from __future__ import annotations

from sealer.template.functions.table import Table
from sealer.template.limits import Fault, fits
from sealer.template.values import INT, STRING

TABLE = define = Table()


@define("indent", INT, STRING, result=STRING)
def _indent(spaces: int, data: bytes) -> bytes:
    """`indent SPACES TEXT`: spaces before each line, empty ones and what follows the last newline too."""
    if spaces < 0:
        raise Fault("negative Repeat count")
    fits(spaces * (1 + data.count(b"\n")))
    pad = b" " * spaces
    return pad + data.replace(b"\n", b"\n" + pad)


@define("nindent", INT, STRING, result=STRING)
def _nindent(spaces: int, data: bytes) -> bytes:
    """`nindent SPACES TEXT`: a newline, then the text as indent has it."""
    return b"\n" + _indent(spaces, data)


@define("abbrev", INT, STRING, result=STRING)
def _abbrev(width: int, data: bytes) -> bytes:
    """`abbrev WIDTH TEXT`: at most WIDTH bytes, the last three `...` where it was cut; as it is for less than 4."""
    return data if width < 4 else _abbreviated(data, 0, width)


@define("abbrevboth", INT, INT, STRING, result=STRING)
def _abbrevboth(left: int, right: int, data: bytes) -> bytes:
    """`abbrevboth OFFSET WIDTH TEXT`: WIDTH bytes from OFFSET on, `...` included at each end that was cut.

    As it is for a WIDTH below 4, or below 7 with an OFFSET above 0; an OFFSET of 4 or less counts as 0.
    """
    return data if right < 4 or (left > 0 and right < 7) else _abbreviated(data, left, right)


_DOTS = b"..."


def _abbreviated(data: bytes, offset: int, width: int) -> bytes:
    """A window of `width` bytes with dots where something was left out (goutils.AbbreviateFull)."""
    if len(data) <= width:
        return data
    offset = min(offset, len(data))
    if len(data) - offset < width - 3:
        offset = len(data) - (width - 3)
    if offset <= 4:
        return data[: width - 3] + _DOTS
    if width < 7:
        return b""
    if offset + width - 3 < len(data):
        return _DOTS + data[offset : offset + width - 6] + _DOTS
    return _DOTS + data[len(data) - (width - 3) :]


@define("wrap", INT, STRING, result=STRING)
def _wrap(width: int, data: bytes) -> bytes:
    """`wrap WIDTH TEXT`: lines of at most WIDTH bytes, broken at spaces, which go; longer words stay whole."""
    return _wrapped(data, width, b"", long=False)


@define("wrapWith", INT, STRING, STRING, result=STRING)
def _wrap_with(width: int, newline: bytes, data: bytes) -> bytes:
    """`wrapWith WIDTH NEWLINE TEXT`: as wrap, but longer words are broken; NEWLINE may be any text."""
    return _wrapped(data, width, newline, long=True)


def _wrapped(data: bytes, width: int, newline: bytes, *, long: bool) -> bytes:
    """Lines of at most `width` bytes, broken at spaces; longer words are broken if `long` (goutils.WrapCustom)."""
    newline, width = newline or b"\n", max(width, 1)
    fits(len(newline) * (len(data) // width + data.count(b" ")) + len(data))
    out: list[bytes] = []
    at = 0
    while len(data) - at > width:
        if data[at] == 0x20:
            at += 1
            continue
        space = data.rfind(b" ", at, at + width + 1)
        if space < 0 and long:
            out += (data[at : at + width], newline)
            at += width
            continue
        if space < 0:
            space = data.find(b" ", at + width)
        if space < 0:
            out.append(data[at:])
            at = len(data)
        else:
            out += (data[at:space], newline)
            at = space + 1
    out.append(data[at:])
    return b"".join(out)
