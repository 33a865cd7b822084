"""Names of strangers' files that a runner of GitHub or Azure would obey, if a line of its log began with or held them.

`::command::` counts at the beginning of a line, however far it is indented; `##[command]` anywhere in it
(actions/runner, ActionCommand.cs).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hooks import check, formats
from hooks.finding import Finding, Value
from hooks.options import FORMATS
from hooks.report import Report
from tests.hooks.labelled import random_text
from tests.hooks.results.made import TOKEN, report
from tests.sealer.shop import Shop, manifest
from tests.sealer.shop import shop_fixture as _shop_fixture

if TYPE_CHECKING:
    from tests.hooks.repo import Repo

shop = _shop_fixture

NAMES = (
    "::error file=x::pwn,%0A.py",
    " ::add-mask::a.py",
    "\t::stop-commands::b.py",
    "##[add-mask]c.py",
    "d##vso[task.setvariable variable=a]e.py",
)


def obeyed(text: str) -> list[str]:
    return [one for one in text.split("\n") if one.lstrip().startswith("::") or "##[" in one or "##vso[" in one]


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "github"])
def test_no_line_of_a_report_is_a_command(name: str, quiet: bool) -> None:
    few, many = report(names=NAMES), report(names=NAMES * 4)
    assert obeyed(formats.render(name, few, quiet=quiet) + "\n" + formats.render(name, many, quiet=quiet)) == []


def test_a_key_that_begins_a_line_is_no_command() -> None:
    key = f"{'a' * 70} ::add-mask::b"
    made = Report("range", [Finding("a.yaml", 1, TOKEN, key, value=Value(random_text("alnum", 24)))])
    assert "add-mask" in formats.render("text", made)
    assert obeyed(formats.render("text", made)) == []


def test_json_says_the_names_that_they_are() -> None:
    said = json.loads(formats.render("json", report(names=NAMES)))
    assert [one["path"] for one in said["findings"]] == list(NAMES)


def test_a_scan_prints_no_command_and_says_which_file_it_was(repo: Repo) -> None:
    for name in NAMES:
        repo.write(name, f'DB_PASSWORD = "{random_text("alnum", 24)}"\n')
    repo.write("::warning::x/a.yaml", b'DB_PASSWORD = "\xff\xfe\n')
    for options in ((), ("-q",)):
        done = repo.scan(*options)
        assert done.returncode == 1
        assert "./::error file=x::pwn,%0A.py:1  " in done.stdout
        assert obeyed(done.stdout + done.stderr) == []
    missing = repo.scan("::add-mask::nowhere", "##[add-mask]nowhere")
    assert missing.returncode == 2
    assert obeyed(missing.stdout + missing.stderr) == []


def test_a_check_prints_no_command(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("::error::a.yaml", "##[add-mask]b.yaml")
    for name in names:
        shop.write(name, manifest("a", "b", k="v"))
    assert check.main(list(names)) == 1
    said = capsys.readouterr()
    assert "./::error::a.yaml:1  k  a Secret in plaintext" in said.out
    assert obeyed(said.out + said.err) == []
    assert check.main(["--format", "json", *names]) == 1
    said = capsys.readouterr()
    assert {one["path"] for one in json.loads(said.out)["problems"]} >= set(names)
    assert obeyed(said.out) == []
