"""Base64 in every form that files hold, and the literals that say where to look for it."""

from __future__ import annotations

import base64
import gzip
import io
import random
import string
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from hooks.decode import decoded
from hooks.decode.trigger import KEYWORDS, literals
from hooks.text import Text

DRAW = random.Random("decode")


def secret() -> str:
    return "sk_" + "live_" + "".join(DRAW.choices(string.ascii_letters + string.digits, k=24))


def texts(data: bytes, at: list[int] | None = None) -> list[bytes]:
    return [one.text.data for one in decoded(Text("a.txt", data), at)]


def hits(data: bytes, keywords: tuple[str, ...] = ("sk_live_", *KEYWORDS)) -> list[int]:
    """Where the engine would find the literals of keywords."""
    found = []
    for literal in literals(keywords, wide=True):
        at = data.find(literal)
        while at >= 0:
            found.append(at + len(literal))
            at = data.find(literal, at + 1)
    return sorted(found)


def wrapped(text: str, width: int, between: str) -> str:
    return between.join(text[at : at + width] for at in range(0, len(text), width))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "padded": b64,
    "unpadded": lambda text: b64(text).rstrip("="),
    "url-safe": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "wrapped": lambda text: wrapped(b64(text * 8), 64, "\n"),
    "indented": lambda text: wrapped(b64(text * 8), 76, "\n    "),
    "mime": lambda text: wrapped(b64(text * 8), 76, "\r\n"),
    "in a string": lambda text: '"' + wrapped(b64(text * 8), 76, "\\n") + '"',
    "in a string of windows": lambda text: '"' + wrapped(b64(text * 8), 76, "\\r\\n") + '"',
    "joined strings": lambda text: '"' + wrapped(b64(text * 8), 60, '" +\n   "') + '";',
    "comment": lambda text: "# " + wrapped(b64(text * 8), 60, "\n# "),
    "in a path": lambda text: "/v1/" + b64(text),
    "behind a name": lambda text: "token_" + b64(text),
    "utf-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "gzip": lambda text: base64.b64encode(gzip.compress(text.encode() * 2)).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "a", "bc"])
def test_each_form_is_decoded(form: str, before: str) -> None:
    value = secret()
    data = f"first: line\n  data: {FORMS[form](f'{before}password={value}')}\nlast: line of words here\n".encode()
    assert any(value.encode() in one for one in texts(data))
    at = hits(data) if form != "gzip" else [data.index(b"H4sI") + 5]
    assert at
    assert any(value.encode() in one for one in texts(data, at))


@pytest.mark.parametrize("form", ["wrapped", "indented", "mime", "in a string", "joined strings", "comment"])
def test_a_wrapped_run_is_one_text_with_its_lines(form: str) -> None:
    value = secret()
    run = FORMS[form](f"password={value};")
    data = f"a\nb\ndata:\n{run}\nlast: words\n".encode()
    found = list(decoded(Text("a.txt", data), hits(data)))
    assert f"password={value};".encode() * 8 in [one.text.data for one in found]
    assert {(one.line, one.end) for one in found} == {(4, 4 + run.count("\n"))}


@pytest.mark.parametrize("offset", range(3))
@pytest.mark.parametrize("keyword", ["ghp", "akia", "sk_live_", "password"])
def test_a_literal_is_in_every_encoded_text(keyword: str, offset: int) -> None:
    every = literals([keyword], "AKIA ghP")
    for _ in range(200):
        around = DRAW.randbytes(offset), DRAW.randbytes(DRAW.randrange(1, 5))
        for word in (keyword, keyword.upper(), "ghP" if keyword == "ghp" else keyword):
            text = base64.b64encode(around[0] + word.encode() + around[1])
            assert any(one in text for one in every)
            assert any(one in (word + "x").encode().hex().encode() for one in every)


def test_nested_to_depth_three() -> None:
    value = secret()
    inner = f"password: {value}"
    for depth in range(1, 5):
        inner = b64(inner)
        found = [one for one in decoded(Text("x", inner.encode())) if value.encode() in one.text.data]
        assert [one.how for one in found] == ([", ".join(["base64"] * depth)] if depth <= 3 else [])


def test_a_release_of_helm() -> None:
    value = secret()
    packed = base64.b64encode(gzip.compress(b'{"config": {"password": "%s"}}' % value.encode()))
    data = b"data:\n  release: " + base64.b64encode(packed) + b"\n"
    (one,) = [one for one in decoded(Text("x", data), [data.index(b"SDRzSU") + 7]) if value.encode() in one.text.data]
    assert (one.line, one.end, one.how) == (2, 2, "base64, base64, gzip")


def test_an_archive_in_base64() -> None:
    value = secret().encode()
    tar, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as target:
        info = tarfile.TarInfo("b/.env")
        info.size = len(value)
        target.addfile(info, io.BytesIO(value))
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("b/.env", value)
        archive.writestr("b/c.bin", bytes(99))
    for data, kind, mark in ((tar, "tar", b"H4sI"), (zipped, "zip", b"UEsDB")):
        text = Text("x.yaml", b"a: 1\nb: " + base64.b64encode(data.getvalue()) + b"\n")
        (one,) = decoded(text, [text.data.index(mark) + 5])
        assert (one.text.path, one.text.data, one.how, one.line) == ("x.yaml!b/.env", value, f"base64, {kind}", 2)
    assert texts(base64.b64encode(b"PK\x03\x04" + DRAW.randbytes(400))) == []


def test_the_text_in_a_long_binary_is_read_where_the_engine_found_something() -> None:
    value = secret().encode()
    noise = [DRAW.randbytes(size) for size in (50_000, 70_000)]
    run = base64.b64encode(noise[0] + b"password=" + value + b"\0" + noise[1])
    for data in (
        b"x: " + run + b"\n",
        b"x:\n" + base64.encodebytes(noise[0] + b"password=" + value + b"\0" + noise[1]),
    ):
        assert any(b"password=" + value in one for one in texts(data, hits(data, ("password",))))
    image = base64.b64encode(b"\x89PNG" + noise[0] + b"password=" + value)
    assert texts(image, hits(image, ("password",))) == []


def test_a_run_longer_than_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.decode.base64.LONGEST", 4000)
    value = secret()
    data = b64("filling " * 900 + f"password={value} ").encode()
    assert any(value.encode() in one for one in texts(data, hits(data)))


def test_what_is_no_text_is_none() -> None:
    for mark in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"", b"\0\0"):
        data = b"data:image/png;base64," + base64.b64encode(mark + DRAW.randbytes(3000))
        assert texts(data) == []
    assert texts(b'"integrity": "sha512-' + base64.b64encode(DRAW.randbytes(64)) + b'"') == []
    assert texts(b"Some words that aren't encoded, withoutAnyDoubtAboutThatAtAll.\n" * 20) == []


def test_nothing_of_the_text_is_in_a_repr() -> None:
    value = secret()
    for one in decoded(Text("x", b64(value).encode())):
        assert value not in repr(one)
        assert b64(value) not in repr(one)
