"""For any bytes decoding never raises, stays within its bounds, and takes time in proportion."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import decode
from hooks.decode import decoded, readable
from hooks.decode.readable import utf16
from hooks.text import Text
from tests.hooks.decode.test_base64 import DRAW

_PIECES = [
    *(
        "%41",
        "\\x41",
        "\\u0041",
        "\\u{41}",
        "\\U00000041",
        "\\101",
        "&#65;",
        "&#x41;",
        "&amp;",
        "0x41, ",
        "65, ",
        "41 ",
    ),
    *(
        "\n",
        "\\n",
        "\\r\\n",
        "\r\n",
        "# ",
        '"',
        '" +\n "',
        "=",
        "==",
        "/",
        "_",
        "-",
        "+",
        " ",
        "\\",
        "\t",
        "\0",
        "\xff",
    ),
    *("QUFB" * 8, "4141" * 8, "H4sI", "PK\x03\x04", "00000000: 4141 4141  AAAA\n", "\x1f\x8b\x08", "x\x9c", "\xff\xfe"),
]
_DATA = st.lists(st.sampled_from(_PIECES) | st.text(max_size=8), max_size=40).map("".join)


def wrap(data: bytes, layers: list[int]) -> bytes:
    """Data in some layers of encodings."""
    for layer in layers:
        data = (base64.b64encode, gzip.compress, zlib.compress, bytes.hex, percent)[layer](data)  # type: ignore[operator]
        data = data.encode() if isinstance(data, str) else data
    return data


def percent(data: bytes) -> bytes:
    return b"".join(b"%%%02x" % one for one in data)


@settings(max_examples=1000, deadline=None)
@given(text=_DATA, layers=st.lists(st.integers(0, 4), max_size=4), at=st.none() | st.lists(st.integers(-1, 900)))
def test_any_text(text: str, layers: list[int], at: list[int] | None) -> None:
    data = wrap(text.encode("utf-8", "surrogatepass"), layers)
    lines = data.count(b"\n") + 1
    for one in decoded(Text("x", data), at):
        assert 1 <= one.line <= one.end <= lines
        assert one.text.data
        assert 1 <= one.how.count(", ") + 1 <= 2 * decode.DEPTH


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300), at=st.none() | st.lists(st.integers(0, 400)))
def test_any_bytes(data: bytes, at: list[int] | None) -> None:
    assert all(1 <= one.line <= one.end for one in decoded(Text("x", data), at))
    assert all(one.text.data for one in decoded(Text("x", base64.b64encode(data)), at))


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(
        st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]), min_size=24, max_size=200
    )
)
def test_whatever_text_is_encoded_comes_back(text: str) -> None:
    data = text.encode()
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data), data.hex().encode(), percent(data)):
        assert any(data in one.text.data for one in decoded(Text("x", b"a: " + encoded + b"\n")))
    wide = base64.b64encode(("\ufeff" + text).encode("utf-16-le"))
    assert any(data in one.text.data for one in decoded(Text("x", wide)))


def test_utf_16_with_and_without_a_mark() -> None:
    for kind in ("utf-16-le", "utf-16-be"):
        for mark in ("", "\ufeff"):
            assert utf16((mark + "password=é\n" * 9).encode(kind)) == ("password=é\n" * 9).encode()
    for data in (b"", b"ab", bytes(100), DRAW.randbytes(1000), b"a" * 100, b"a\0\0\0" * 20):
        assert utf16(data) is None


def _pngs(separator: bytes, width: int) -> bytes:
    noise = base64.b64encode(DRAW.randbytes(1 << 18))
    return separator.join(noise[at : at + width] for at in range(0, len(noise), width))


_HOSTILE = {
    "backslashes": b"\\" * 400_000,
    "breaks": b"a" * 20 + b"\\n" * 200_000,
    "spaces": b" " * 400_000,
    "margins": (b" " * 70 + b"#\n") * 5000,
    "short lines": _pngs(b"\n", 17),
    "wrapped noise": _pngs(b"\n", 76),
    "escaped breaks": _pngs(b"\\n", 76),
    "noise": _pngs(b"", 1 << 20),
    "padded": b"AAAAAAAAAAAAAAAAAAAA=" * 10_000,
    "joined": b'"\\x41" +\n' * 40_000,
    "numbers": b"65,65,65,65,65,65,65,65,65,65 x " * 10_000,
    "lists": b"0x41, " * 60_000,
    "pairs": b"41 41 41 41 41 41 41 x " * 15_000,
    "percent": b"%41" * 100_000,
    "many characters": "".join(f"\\u{code:04x}" for code in range(0x4E00, 0x9E00)).encode() * 3,
    "dump": b"00000000: 4141 4141 4141  AAAA\n" * 12_000,
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_hostile_text_is_decoded_to_its_end(name: str) -> None:
    data = _HOSTILE[name]
    for at in (None, list(range(0, len(data), 41))):
        for one in decoded(Text("x", data), at):
            assert 1 <= one.line <= one.end


def test_bombs_are_bounded() -> None:
    bomb = base64.b64encode(gzip.compress(b"password = x\n" * (5 << 20)))
    binary = base64.b64encode(zlib.compress(bytes(32 << 20)))
    tracemalloc.start()
    found = list(decoded(Text("x", b"\n".join([bomb + b" "] * 6 + [binary + b" "] * 20))))
    assert sum(len(one.text.data) for one in found) <= decode.BUDGET
    assert all(len(one.text.data) <= readable.MAX_BYTES + 4096 for one in found)
    assert tracemalloc.get_traced_memory()[1] < 2 * decode.BUDGET
    tracemalloc.stop()
    many = list(decoded(Text("x", b"%41%42%43%44%45%46\n" * (decode.RUNS + 10))))
    assert len(many) == decode.RUNS
