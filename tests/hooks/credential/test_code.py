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


@pytest.mark.parametrize(
    "line",
    [
        'USER, PASSWORD = "bob", "{v}"',
        'user, password := "bob", "{v}"',
        "let [host, dbPassword] = [process.env.HOST, '{v}'];",
        'self.port, self.password = 5432, "{v}"',
        '(name, token) = ("x", "{v}")  # both',
    ],
)
def test_of_names_that_are_given_at_once_each_has_its_own(line: str) -> None:
    value = drawn(random.Random(line), 20)
    assert found("a.py", line.replace("{v}", value) + "\n").keys() == {1}
    assert found("a.py", 'token, name = get_token(), "' + value + '"\n') == {}
    assert found("a.py", 'NAME, PASSWORD = "' + value + '", get_password()\n') == {}


def test_a_name_in_other_letters_is_read() -> None:
    value = drawn(random.Random(1), 12)
    assert found("a.py", f'密码 = "{value}"\n颜色 = "{value}"\n').keys() == {1}
    assert found("a.py", f'contraseña = "{value}"\n').keys() == {1}


def test_a_token_behind_a_number_is_one_token() -> None:
    assert found("API.md", f'-H "Authorization: Bearer 5901|{drawn(random.Random(2), 40)}"\n').keys() == {1}
    assert found("a.sh", "sshpass -p `knife node show x -a password | awk '{print $2}'` ssh root@x\n") == {}
