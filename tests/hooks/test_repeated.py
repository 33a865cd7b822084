"""A value that was found is found on each line of its text where it stands by itself."""

from __future__ import annotations

import pytest

from hooks import repeated, scanner
from hooks.blobs import Blob
from hooks.finding import Hit, Value
from hooks.rule import Rule
from tests.hooks.labelled import random_text

DRAWN = "k4" + random_text("alnum", 18)
OTHER = "m7" + random_text("alnum", 18)


def lines(path: str, text: str) -> list[int]:
    """The lines of the findings, one for each."""
    return [finding.line for finding in scanner.scan(Blob(path, text.encode()))]


def test_in_a_comment_an_argument_and_a_log_line() -> None:
    text = f'password = "{DRAWN}"\n# was {DRAWN} before\nconnect(host, "{DRAWN}")\nok\n> signed in ({DRAWN})\n'
    found = scanner.scan(Blob("bot.py", text.encode()))
    assert [one.line for one in found] == [1, 2, 3, 5]
    assert {(one.rule.id, one.key) for one in found} == {("generic-password", "password")}
    assert all(one.value == found[0].value for one in found)


def test_above_the_line_that_tells() -> None:
    assert lines("bot.py", f'# {DRAWN}\n\npassword = "{DRAWN}"\n') == [1, 3]


def test_twice_on_a_line_is_one_finding() -> None:
    assert lines("bot.py", f'password = "{DRAWN}"  # {DRAWN}\nuse({DRAWN}, {DRAWN})\n') == [1, 2]


@pytest.mark.parametrize("around", ["{}x", "x{}", "{}-1", "a_{}", "{}=="])
def test_a_part_of_something_longer_is_something_else(around: str) -> None:
    assert lines("bot.py", f'password = "{DRAWN}"\nx({around.format(DRAWN)})\n') == [1]


@pytest.mark.parametrize("value", ["harborlights", "20261128", "h4rbor", "harbor_lights_9"])
def test_what_may_stand_there_by_chance_is_not_looked_for(value: str) -> None:
    assert 2 not in lines("conf/app.ini", f"password = {value}\ntitle({value})\n")


def test_a_name_that_is_a_password_as_well_stays_a_name() -> None:
    assert lines("db.php", f'$password = "{DRAWN}";\n$username = "{DRAWN}";\n$dbname = "{DRAWN}";\n') == [1]


def test_what_is_accepted_where_it_stands_is_not_looked_for() -> None:
    text = f'password = "{DRAWN}"  # sealer:allow generic-password of a test server\n# {DRAWN}\n'
    assert lines("bot.py", text) == []


@pytest.mark.parametrize("path", ["tests/test_bot.py", "docs/bot.md"])
def test_what_tests_and_documents_make_up_is_told_once(path: str) -> None:
    assert lines(path, f'password = "{DRAWN}"\n\nsome({DRAWN})\n') == [1]


def test_a_repetition_can_be_accepted() -> None:
    text = f'password = "{DRAWN}"\n# {DRAWN}  sealer:allow generic-password said above\n'
    assert lines("bot.py", text) == [1]


def test_of_many_values_each_is_still_found_under_its_name() -> None:
    values = [f"k{number}" + random_text("alnum", 18) for number in range(150)]
    text = "".join(f'password{number} = "{value}"\n' for number, value in enumerate(values))
    assert lines("bot.py", text + f"# {values[0]}\n# {values[149]}\n")[:151] == list(range(1, 152))


class Counted(str):
    """A text that counts the characters that are copied of it."""

    copied = 0

    def __getitem__(self, key: int | slice) -> str:  # type: ignore[override]
        part = super().__getitem__(key)
        self.copied += len(part)
        return part


@pytest.mark.parametrize("around", [" {} ", "user = {} ", "x{}"])
def test_of_a_long_line_that_is_full_of_it_little_is_copied(around: str) -> None:
    text = Counted(f'password = "{DRAWN}"\n' + around.format(DRAWN) * 2_000)
    repeated.hits(text, [Hit(Rule("generic-password", ""), 1, 1, "password", value=Value(DRAWN))])
    assert text.copied < 2_000 * 200
