"""The baseline's file: what it says of a value, what it reads, and how two of them merge."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml

from hooks.baseline import entry, file
from hooks.baseline.entry import Entry
from hooks.baseline.file import Baseline
from hooks.finding import Finding, Value
from hooks.rule import ENV_FILE, Rule
from sealer import schema
from sealer.errors import DocumentError
from tests.hooks.labelled import random_text
from tests.hooks.repo import Repo

RULE = Rule("acme-token", "a token of Acme")
KEY = secrets.token_bytes(32)
STRONG = random_text("alnum", 32)
WEAK = "hunter2"
HOSTILE = 'a "b": {x}, # \\ \u2028\x85\x7f\n\udce9 😀'


def finding(value: str, path: str = "a/b.py", key: str = "token", line: int = 3, rule: Rule = RULE) -> Finding:
    return Finding(path, line, rule, key, value=Value(value))


def baseline(*found: Finding, reason: str = "test", expires: date | None = None) -> Baseline:
    entries = [entry.of(one, one.path, KEY, reason=reason, expires=expires, history=False) for one in found]
    return Baseline(keys=(KEY,), entries=tuple(entries))


def again(made: Baseline) -> Baseline:
    return file.read(made.render(), "baseline.yaml")


def test_a_strong_value_is_accepted_wherever_it_is_and_no_other() -> None:
    made = again(baseline(finding(STRONG)))
    assert made.find(finding(STRONG, "other.txt", "x", 99), "other.txt")
    assert not made.find(finding(random_text("alnum", 32)), "a/b.py")
    assert not made.find(finding(STRONG, rule=ENV_FILE), "a/b.py")
    assert not made.find(finding(WEAK), "a/b.py")


def test_a_weak_value_is_accepted_by_its_place_without_a_hash() -> None:
    made = baseline(finding(WEAK), finding(WEAK, key="b"))
    assert all(not one.mac for one in made.entries)
    made = again(made)
    assert made.find(finding("hunter3"), "a/b.py")
    assert not made.find(finding(WEAK), "a/c.py")
    assert not made.find(finding(WEAK, key="c"), "a/b.py")
    assert not made.find(finding(STRONG), "a/b.py"), "a better value under that name is another one"
    unknown = Finding("a/b.py", 3, RULE, "token")
    assert made.find(unknown, "a/b.py"), "a detector that keeps no value"


def test_the_file_holds_no_value_and_says_where_nothing() -> None:
    rendered = baseline(finding(STRONG), finding(WEAK)).render().decode()
    assert STRONG not in rendered
    assert WEAK not in rendered
    assert "98765432" not in again(baseline(finding(STRONG, line=98765432))).render().decode().partition("accepted")[2]
    assert rendered.startswith("# +argocd:skip-file-rendering\n")
    assert KEY.hex() not in repr(baseline(finding(STRONG)))


def test_it_is_what_its_schema_says_and_is_sorted() -> None:
    made = baseline(finding(STRONG), finding(WEAK), finding("x", HOSTILE, ""), reason=HOSTILE.replace("\udce9", ""))
    made = made.with_entries(
        [*made.entries, Entry("z", mac="0" * 32, reason="r", expires=date(2027, 1, 31), history=True)]
    )
    rendered = made.render()
    schema.validate(yaml.safe_load(rendered), "baseline", file="baseline.yaml")
    lines = [line for line in rendered.decode().splitlines() if line.startswith("  - {")]
    assert lines[1:] == sorted(lines[1:])
    assert len(lines) == 5
    read = again(made)
    assert {one.identity for one in read.entries} == {one.identity for one in made.entries}
    assert read.render() == rendered
    assert read.find(finding("x", HOSTILE, ""), HOSTILE)


def test_what_is_there_twice_counts_as_long_as_either() -> None:
    early, late = (
        entry.of(finding(STRONG), "a", KEY, reason="r", expires=day, history=False)
        for day in (date(2020, 1, 1), date(2030, 1, 1))
    )
    for order in ((early, late), (late, early)):
        found = again(Baseline(keys=(KEY,), entries=order)).find(finding(STRONG), "a")
        assert found is not None
        assert found.expires == date(2030, 1, 1)
    assert not late.expired(date(2030, 1, 1))
    assert late.expired(date(2030, 1, 2))


def test_values_under_either_of_two_keys_are_found() -> None:
    other = secrets.token_bytes(32)
    second = finding(random_text("hex", 40))
    entries = [
        entry.of(finding(STRONG), "a", KEY, reason="r", expires=None, history=False),
        entry.of(second, "a", other, reason="r", expires=None, history=False),
    ]
    made = again(Baseline(keys=(KEY, other), entries=tuple(entries)))
    assert made.find(finding(STRONG), "a")
    assert made.find(second, "a")
    assert made.unused() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("version: 1", "version: 2"), "a version that this program does not know"),
        (lambda text: text.replace("version: 1\n", ""), "lacks version"),
        (lambda text: text.replace(KEY.hex(), "ab"), "is not a key of 32 bytes"),
        (lambda text: text.replace("mac:", "mack:"), "unknown field"),
        (lambda text: text.replace(', reason: "test"', ""), "needs rule, reason"),
        (lambda text: text.replace("reason:", 'path: "x", reason:'), "needs rule, reason"),
        (lambda text: text.replace("reason:", 'expires: "soon", reason:'), "is not a date"),
        (lambda text: "<<<<<<< HEAD\n" + text, "is not merged yet"),
        (lambda text: "", "is empty"),
    ],
)
def test_a_broken_file_is_named(change: Callable[[str], str], said: str) -> None:
    text = baseline(finding(STRONG)).render().decode()
    with pytest.raises(DocumentError) as error:
        file.read(change(text).encode(), "baseline.yaml")
    assert said in str(error.value)
    assert "baseline.yaml" in str(error.value)


@pytest.mark.parametrize("common", [0, 1, 20])
def test_two_branches_that_add_entries_merge_without_a_conflict(tmp_path: Path, common: int) -> None:
    repo = Repo(tmp_path / "repo")
    repo.add("readme", "x")
    path = ".sealer/baseline.yaml"
    values = [random_text("alnum", 32) for _ in range(common + 2)]
    before = baseline(*map(finding, values[:common]))
    repo.add(".sealer/.gitattributes", "baseline.yaml merge=union\n")
    if common:
        repo.add(path, before.render())
    repo.commit()
    for branch, value in (("one", values[-1]), ("two", values[-2])):
        repo.git("checkout", "-q", "-b", branch, "main")
        key = KEY if common else secrets.token_bytes(32)
        added = entry.of(finding(value), "a", key, reason=branch, expires=None, history=False)
        repo.add(path, Baseline(keys=(key,), entries=(*before.entries, added)).render())
        repo.commit()
    repo.git("merge", "-q", "-m", "merged", "one")
    merged = file.load(repo.path / path, path)
    assert all(merged.find(finding(value), "a") for value in values)
