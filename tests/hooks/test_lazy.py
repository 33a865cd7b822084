"""Expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hooks import lazy, scanner


def test_it_does_what_a_compiled_one_does() -> None:
    made = lazy.compile(r"(?P<word>b+)c", re.IGNORECASE)
    found = made.search("aBBc")
    assert found is not None
    assert (found["word"], found.span()) == ("BB", (1, 4))
    assert [one.start() for one in made.finditer("bc bbc")] == [0, 3]
    assert made.sub("x", "abc bc") == "ax x"
    assert made.split("1bc2") == ["1", "b", "2"]
    assert made.fullmatch("abc") is None
    assert made.match("bbc")
    assert made.findall("bcBC") == ["b", "B"]
    assert made.pattern == r"(?P<word>b+)c"
    with pytest.raises(AttributeError):
        made.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_wrong_is_raised_when_it_is_used() -> None:
    made = lazy.compile("(")
    with pytest.raises(re.error):
        made.search("x")
    with pytest.raises(re.error):
        lazy.compile_all()


def test_all_of_the_scanner_s_can_be_compiled() -> None:
    scanner.load_all()
    lazy.compile_all()


def test_what_was_compiled_once_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALER_SCAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(lazy, "_kept", None)
    expressions: list[tuple[str | bytes, int]] = [
        (r"(?P<word>[b-dé]+)c(?<!x)\b", re.IGNORECASE),
        (rb"(?im)^(a|b){2,3}+$", 0),
        (r"(?:\{\{.*?\}\}|x)(?P<q>['\"])(?P=q)", re.DOTALL),
    ]
    texts = ["", "aBBc", "éc\nBBC", "ab\nabab", "{{\n}}''", "x''"]

    def found() -> list[object]:
        result: list[object] = []
        for pattern, flags in expressions:
            made = lazy.compile(pattern, flags)  # type: ignore[type-var]
            for text in texts:
                one = text if isinstance(pattern, str) else text.encode()
                matches = made.finditer(one)  # type: ignore[arg-type]
                result += [(match.span(), match.groups(), match.groupdict(), match.lastgroup) for match in matches]
        return result

    first = found()
    lazy.compile_all()
    assert list((tmp_path / "cache").glob("*.expressions"))
    monkeypatch.setattr(lazy, "_kept", None)
    compiled: list[object] = []
    monkeypatch.setattr(lazy.re, "compile", lambda *words: compiled.append(words))
    assert found() == first
    assert first
    assert compiled == []


@pytest.mark.parametrize("data", [b"", b"1234", b"12345", None])
def test_a_damaged_cache_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None) -> None:
    monkeypatch.setenv("SEALER_SCAN_CACHE", str(tmp_path))
    tmp_path.chmod(0o700)
    monkeypatch.setattr(lazy, "_kept", None)
    lazy.compile("a+b").search("aab")
    lazy.compile_all()
    (file,) = tmp_path.glob("*.expressions")
    file.write_bytes(file.read_bytes()[:-1] if data is None else data)
    file.chmod(0o600)
    monkeypatch.setattr(lazy, "_kept", None)
    assert lazy.compile("a+b").search("aab")
    lazy.compile_all()
    monkeypatch.setattr(lazy, "_kept", None)
    assert lazy._cached()
