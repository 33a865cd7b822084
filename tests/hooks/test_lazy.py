"""Expressions that are compiled when they are first used."""

from __future__ import annotations

import re

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
