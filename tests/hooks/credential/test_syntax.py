"""Forms of `hooks.syntax`: what is looked for first, since it is found fast, is in all that a form finds."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hooks import syntax

if TYPE_CHECKING:
    from hooks.syntax_row import Row

DRAWN = "x7" + secrets.token_hex(5)
LINES = [
    re.sub("VALUE|<V[0-9]>", DRAWN, line)
    for line in (
        *(Path(__file__).parent / "syntaxes.txt").read_text("utf-8").splitlines(),
        "curl -u admin:VALUE https://host/",
        "wget\t--user\tadmin:VALUE https://host/",
        "http --auth=admin:VALUE host",
        "mysql -u root -pVALUE shop",
        "redis-cli -h db -a VALUE",
        "ldapsearch -D cn=admin -w VALUE",
        "net use z: /user:admin VALUE",
        "smbclient //host/share -U admin%VALUE",
        "openssl rsa -passin pass:VALUE",
        "net user admin VALUE /add",
        "useradd -m -p VALUE bob",
        "user worker on >VALUE ~* +@all",
        "unzip -P VALUE all.zip",
        "7z a -pVALUE all.7z all",
        "postgres://admin:VALUE@db/shop",
        "--password VALUE",
        "run -password=VALUE --token VALUE",
        'connect("host", "admin", "VALUE")',
        "CREATE LOGIN shop PASSWORD qVALUEZ;",
    )
]
ROWS = [each for each in syntax.ROWS if each.part is not None]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.marks[0])
def test_what_is_looked_for_first_leaves_out_nothing(row: Row) -> None:
    part = row.part
    assert part is not None
    found = [line for line in LINES if row.pattern.search(line)]
    assert found
    assert [line for line in found if not part.search(line)] == []


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("--password VALUE", ["password"]),
        ("run -password=VALUE", ["password"]),
        ("run 'a'--password VALUE", ["password"]),
        ("well-known-password VALUE", []),
        ("a---password VALUE", []),
    ],
)
def test_an_option_begins_with_its_first_dash(line: str, names: list[str]) -> None:
    line = line.replace("VALUE", DRAWN)
    assert [pair.key for pair in syntax.pairs(line, line.lower())] == names
