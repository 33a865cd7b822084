"""`.secrets.baseline` of detect-secrets: hashes of values by file, and filters."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hooks import compat
from hooks.engine.template import expand
from hooks.finding import Finding, Value
from hooks.rule import PRIVATE_KEY, Rule
from sealer.errors import DocumentError
from tests.hooks.labelled import random_text

if TYPE_CHECKING:
    from hooks.compat import Foreign

RULE = Rule("generic-password", "a password")
VALUE = random_text("alnum", 24)
PATH = "config/app.yml"


def baseline(tmp_path: Path, results: dict[str, Any] | None = None, **more: Any) -> Foreign:
    (tmp_path / ".secrets.baseline").write_text(json.dumps({"version": "1.5.0", "results": results or {}, **more}))
    return compat.find(tmp_path)[0]


def entry(value: str, kind: str = "Secret Keyword") -> dict[str, Any]:
    return {"type": kind, "filename": PATH, "hashed_secret": hashlib.sha1(value.encode()).hexdigest(), "line_number": 3}


def finding(value: str | None = VALUE, rule: Rule = RULE) -> Finding:
    return Finding(PATH, 3, rule, value=Value(value) if value else None)


def test_a_value_is_accepted_in_its_file(tmp_path: Path) -> None:
    made = baseline(tmp_path, {PATH: [entry(VALUE)]})
    assert made.accepts(finding(), PATH, "")
    assert not made.accepts(finding(), "other.yml", "")
    assert not made.accepts(finding(random_text("alnum", 24)), PATH, "")
    assert made.unused() == []


def test_a_value_that_is_cut_otherwise_is_found_in_its_line(tmp_path: Path) -> None:
    made = baseline(tmp_path, {PATH: [entry(VALUE)]})
    url = f"postgres://me:{VALUE}@db/x"
    assert not made.accepts(finding(url), PATH, "")
    for line in (f'a = "{VALUE}"', f"a: {VALUE}", f"a={VALUE}", f"x('{VALUE}')", f"a: '{VALUE}' # b"):
        assert made.accepts(finding(f"{VALUE}/more"), PATH, line), line
        assert made.accepts(finding(None), PATH, line), "a detector that keeps no value"
        assert not made.accepts(finding("another-" + random_text("alnum", 8)), PATH, line)


def test_a_web_token_is_accepted_without_its_signature(tmp_path: Path) -> None:
    """detect-secrets' expression for these takes as little of the last part as there can be: nothing."""
    token = expand("{jwt}", "a")
    head = token.rpartition(".")[0] + "."
    made = baseline(tmp_path, {PATH: [entry(head, "JSON Web Token")]})
    for line in (f'token = "{token}"', f"Authorization: Bearer {token}", f"call({token})"):
        assert made.accepts(finding(token), PATH, line), "as it stands"
    assert not made.accepts(finding(expand("{jwt}", "b")), PATH, f'token = "{expand("{jwt}", "b")}"')


def test_a_private_key_is_accepted_by_its_file(tmp_path: Path) -> None:
    made = baseline(tmp_path, {PATH: [entry("BEGIN RSA " + "PRIVATE KEY", "Private Key")]})
    assert made.accepts(finding(None, PRIVATE_KEY), PATH, "")
    assert not made.accepts(finding(None, PRIVATE_KEY), "other.yml", "")
    assert not made.accepts(finding(), PATH, "")


@pytest.mark.parametrize(
    ("name", "pattern", "accepted"),
    [
        ("should_exclude_file", ["^config/"], True),
        ("should_exclude_file", "^config/", True),
        ("should_exclude_file", ["^lib/"], False),
        ("should_exclude_file", ["^(?!lib/)"], True),
        ("should_exclude_line", ["fixture"], True),
        ("should_exclude_line", ["^fixture"], False),
        ("should_exclude_secret", [f"^{VALUE[:6]}"], True),
        ("should_exclude_secret", ["^-"], False),
    ],
)
def test_filters(tmp_path: Path, name: str, pattern: object, accepted: bool) -> None:
    made = baseline(tmp_path, filters_used=[{"path": f"detect_secrets.filters.regex.{name}", "pattern": pattern}])
    assert made.accepts(finding(), PATH, f"a: {VALUE} # a fixture") is accepted
    assert made.warnings == []


def test_what_its_plugin_for_keywords_leaves_out(tmp_path: Path) -> None:
    made = baseline(tmp_path, plugins_used=[{"name": "KeywordDetector", "keyword_exclude": "fixture|DEMO"}])
    assert made.accepts(finding(), PATH, f"demo_password: {VALUE}")
    assert not made.accepts(finding(), PATH, f"password: {VALUE}")
    assert not made.accepts(finding(rule=Rule("github-pat", "a token")), PATH, f"demo_password: {VALUE}")
    assert made.warnings == []


def test_limits_of_entropy_accept_nothing(tmp_path: Path) -> None:
    made = baseline(tmp_path, plugins_used=[{"name": "Base64HighEntropyString", "limit": 8.0}])
    assert not made.accepts(finding(), PATH, f"a = '{VALUE}'")


def test_the_older_format(tmp_path: Path) -> None:
    made = baseline(tmp_path, {PATH: [entry(VALUE)]}, exclude={"files": "^vendor/", "lines": None})
    assert made.accepts(finding(), "vendor/x.yml", "")
    assert made.accepts(finding(), PATH, "")
    assert made.warnings == []


def test_what_comes_with_it_is_no_news(tmp_path: Path) -> None:
    filters = [
        "allowlist.is_line_allowlisted", "common.is_ignored_due_to_verification_policies",
        "heuristic.is_sequential_string", "heuristic.is_potential_uuid", "gibberish.should_exclude_secret",
    ]  # fmt: skip
    made = baseline(
        tmp_path,
        filters_used=[{"path": f"detect_secrets.filters.{name}"} for name in filters],
        plugins_used=[{"name": "AWSKeyDetector"}, {"name": "HexHighEntropyString", "limit": 3.0}],
    )
    assert made.warnings == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"filters_used": [{"path": "file://own.py::keep"}]}, "the filter file://own.py::keep is not applied"),
        ({"filters_used": [{"path": "detect_secrets.filters.wordlist.should_exclude_secret"}]}, "wordlist"),
        ({"plugins_used": [{"name": "Own", "path": "file://own.py"}]}, "the plugin Own of your own"),
        ({"exclude": {"files": "("}}, "should_exclude_file can't be read"),
        ({"word_list": {"file": "words.txt", "hash": "x"}}, "word list words.txt"),
        ({"results": {PATH: [{"type": "x"}]}}, "has no hashed_secret"),
    ],
)
def test_what_means_nothing_is_named(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    made = baseline(tmp_path, more.pop("results", None), **more)
    assert len(made.warnings) == 1
    assert said in made.warnings[0]


@pytest.mark.parametrize("text", ["{", "{}", '{"results": []}', "[" * 100_000])
def test_what_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / ".secrets.baseline").write_text(text)
    with pytest.raises(DocumentError):
        compat.find(tmp_path)
