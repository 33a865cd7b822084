"""Files as people write them (shapes.txt): each planted value is found under its name, on its lines.

In the text, `@{key}` is a value drawn at random that is expected under this key; `@{any=key}` where a key comes again,
`@{key~}` where the value is a part of a longer one, `@{b64:key}` where it stands as base64 of `user:value`.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from hooks.structure import Pair, pairs
from hooks.text import Text
from tests.hooks.labelled import random_text

_CASES = re.split(r"(?m)^=== ", (Path(__file__).parent / "shapes.txt").read_text())[1:]
_VALUE = re.compile(r"@\{(?P<b64>b64:)?(?P<key>[\w.-]+)(?:=(?P<other>[\w.-]+))?(?P<part>~)?\}")


class Planted:
    """A value in a text, and the key that it is expected under."""

    def __init__(self, key: str, value: str, line: int, part: bool) -> None:
        self.key = key
        self.value = value
        self.line = line
        self.part = part

    def is_in(self, pair: Pair) -> bool:
        same = self.value in pair.value if self.part else pair.value == self.value
        return (
            same and pair.key.rpartition(".")[2] == self.key.rpartition(".")[2] and pair.line <= self.line <= pair.end
        )


def planted(template: str) -> tuple[str, list[Planted]]:
    """A text with its values."""
    found: list[Planted] = []
    lines = []
    for number, line in enumerate(template.split("\n"), 1):

        def put(match: re.Match[str], number: int = number) -> str:
            value = random_text("alnum", 20)
            found.append(Planted(match["other"] or match["key"], value, number, bool(match["part"])))
            return base64.b64encode(f"user:{value}".encode()).decode() if match["b64"] else value

        lines.append(_VALUE.sub(put, line))
    return "\n".join(lines), found


def _cases() -> list[tuple[str, str]]:
    return [(case.partition("\n")[0].strip(), case.partition("\n")[2]) for case in _CASES]


@pytest.mark.parametrize(("path", "template"), _cases(), ids=[path for path, _ in _cases()])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_each_value_is_found_under_its_name_on_its_lines(path: str, template: str, newline: str) -> None:
    text, expected = planted(template)
    found = list(pairs(Text(path, text.replace("\n", newline).encode("utf-8-sig" if newline != "\n" else "utf-8"))))
    missing = [f"{one.key} in line {one.line}" for one in expected if not any(map(one.is_in, found))]
    assert missing == []
    assert expected


def test_no_value_is_in_a_repr() -> None:
    text, expected = planted(_cases()[0][1])
    shown = repr(list(pairs(Text("a.yaml", text.encode()))))
    assert expected
    assert not any(one.value in shown for one in expected)


def test_what_is_commented_out_is_only_taken_for_real_if_it_was_drawn() -> None:
    value = random_text("alnum", 24)
    for path, text in (
        ("a.env", "# DB_PASSWORD={}\n"),
        ("a.ini", "; password = {}\n"),
        ("a.sh", "  # export A_TOKEN={}\n"),
    ):
        assert [pair.value for pair in pairs(Text(path, text.format(value).encode()))] == [value]
        assert list(pairs(Text(path, text.format("commented").encode()))) == []
