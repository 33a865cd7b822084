"""Each case of bitnami-sealed-secrets.md 5.2 (with a cluster), 5.4 and 5.5 has a test that names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CASES = {"B": range(54, 64), "D": range(1, 24), "E": range(1, 33)}
_SAYING = re.compile(r"def test_|^ +.*\"\"\"|^ +.*#|\bids=")
_NAMED = re.compile(r"(?<![a-z0-9])([bde])([0-9]{1,2})(?:(?: to |_to_)\1?([0-9]{1,2}))?(?![a-z0-9])", re.IGNORECASE)


def named() -> Iterator[str]:
    """What tests say by their names, docstrings, comments and ids of parameters: `E14`, `d17_to_d22`, `E27 to E29`.

    What a whole file says is no test.
    """
    for folder in (TESTS / "kube", TESTS / "controller" / "kube"):
        for path in folder.glob("test_*.py"):
            if path != Path(__file__):
                for line in filter(_SAYING.search, path.read_text().splitlines()):
                    for letter, first, last in _NAMED.findall(line):
                        yield from (f"{letter.upper()}{number}" for number in range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("letter", CASES)
def test_each_case_has_a_test(letter: str) -> None:
    assert {f"{letter}{number}" for number in CASES[letter]} - set(named()) == set()
