"""The syntaxes that credentials stand in (syntaxes.txt), and what reading lines costs at worst."""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

from hooks.code import pairs
from hooks.text import Text
from tests.hooks.credential.finder import found

SYNTAXES = (Path(__file__).parent / "syntaxes.txt").read_text().splitlines()


def drawn(rng: random.Random, size: int) -> str:
    """A value with letters and digits."""
    while True:
        value = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(size))
        if any(map(str.isdigit, value)) and any(map(str.isalpha, value)):
            return value


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_value_is_found_in_each_syntax(syntax: str) -> None:
    path, _, template = syntax.partition(" | ")
    rng = random.Random(syntax)
    text = re.sub(r"<V(\d)>", lambda match: drawn(rng, 12 * int(match[1])), template)
    assert found(path, f"\n{text}\n").keys() == {2}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_variable_is_not(syntax: str) -> None:
    path, _, template = syntax.partition(" | ")
    assert found(path, re.sub(r"<V(\d)>", "${SECRET}", template)) == {}


def test_only_lines_at_triggers_are_read() -> None:
    text = Text("a.py", b'password = "one22"\n\n\npassword = "two33"\n')
    assert [pair.value for pair in pairs(text)] == ["one22", "two33"]
    assert [pair.value for pair in pairs(text, [len(text.data) - 2])] == ["two33"]


def test_a_value_on_the_next_line_is_said_to_be_there() -> None:
    assert found("a.py", 'password = (\n    "x9Kq2mLw"\n)\n').keys() == {2}


@pytest.mark.parametrize(
    "piece", ["auth=", "token=x:=", '"\\"', "\\\\", "password=http", "('a',", "<password>", "-p ", "{}"]
)
def test_a_hostile_line_is_read_to_its_end(piece: str) -> None:
    text = Text("a.py", b"password token " + (piece * 500).encode()[:980])
    assert all(pair.line == 1 for pair in pairs(text))
