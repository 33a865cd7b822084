"""`.env` files: a round trip of anything, and each thing that is refused instead of guessed."""

from __future__ import annotations

import contextlib
import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.documents import envfile
from sealer.errors import DocumentError

NAMES = st.text(string.ascii_letters + string.digits + "_-.", min_size=1, max_size=20)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=60)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_what_is_quoted_comes_back(items: dict[str, str], newline: str) -> None:
    text = newline.join(f"{name}={quoted(value)}  # {name}" for name, value in items.items())
    assert envfile.parse(text.encode(), "f") == {name: value.encode() for name, value in items.items()}


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r'\0"))))
def test_single_quotes_keep_everything(items: dict[str, str]) -> None:
    text = "\n".join(f"export {name} = '{value}'" for name, value in items.items())
    assert envfile.parse(text.encode(), "f") == {name: value.encode() for name, value in items.items()}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        assert "KEY" in envfile.parse(b"KEY=" + data, "f")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b c", b"b c"),
        ("A=", b""),
        ("A=  b  ", b"b"),
        ("A=b#c", b"b#c"),
        ("A=b #c", b"b"),
        ("A= # none", b""),
        ("A=$HOME/x", b"$HOME/x"),
        ("A=b=c==", b"b=c=="),
        ("A='b\nc' # d", b"b\nc"),
        ("A='b # c'", b"b # c"),
        ('A="b\\tc"', b"b\tc"),
        ("\ufeffA=b", b"b"),
        ("  export A=b\r", b"b"),
        ("# c\n\n  \nA=b", b"b"),
    ],
)
def test_reads(line: str, value: bytes) -> None:
    assert envfile.parse(line.encode() + b"\n", "f") == {"A": value}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("{v}", 1, "NAME=VALUE"),
        ("A=1\n{v}\n", 2, "NAME=VALUE"),
        ("A='{v}", 1, "never closed"),
        ('A="{v}\\', 1, "never closed"),
        ("A='x' {v}", 1, "behind the value"),
        ('A="\\u{v}"', 1, "escape"),
        ("A={v}\nB=2\nA={v}", 3, "second time"),
        ("A B={v}", 1, "NAME=VALUE"),
        ("A: {v}", 1, "NAME=VALUE"),
    ],
)
def test_refuses_by_line_and_never_quotes(text: str, line: int, word: str) -> None:
    value = secrets.token_hex(12)
    with pytest.raises(DocumentError, match=word) as caught:
        envfile.parse(text.replace("{v}", value).encode(), "f.env")
    assert caught.value.where == f"f.env:{line}"
    assert value not in str(caught.value) + caught.value.way_out


def test_not_utf8() -> None:
    with pytest.raises(DocumentError, match="UTF-8"):
        envfile.parse(b"A=\xff\n", "f")
