"""`.gitleaks.toml` and `.gitleaksignore`: what they accept, and that nothing of them is passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hooks import compat
from hooks.compat import Foreign, gitleaks, ignore, names
from hooks.finding import Finding, Value
from hooks.rule import Rule
from sealer.errors import DocumentError
from tests.hooks.labelled import random_text

GITHUB = Rule("github-pat", "a token of GitHub")
STRIPE = Rule("stripe-secret-key", "a key of Stripe")
GENERIC = Rule("generic-password", "a password")
VALUE = "tok-" + random_text("alnum", 24) + "-dummy"


def finding(rule: Rule = GITHUB, line: int = 3, commit: str = "") -> Finding:
    return Finding("src/app.py", line, rule, value=Value(VALUE), commit=commit)


def toml(tmp_path: Path, text: str) -> Foreign:
    (tmp_path / ".gitleaks.toml").write_text(text)
    return compat.find(tmp_path)[0]


def accepts(made: Foreign, one: Finding, path: str = "src/app.py", line: str = f'x = "{VALUE}"') -> bool:
    return made.accepts(one, path, line)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("[allowlist]\npaths = ['^src/']", True),
        ("[allowlist]\npaths = ['^lib/', 'app\\.py$']", True),
        ("[allowlist]\npaths = ['^lib/']", False),
        ("[[allowlists]]\nregexes = ['^tok-.*dummy$']", True),
        ("[[allowlists]]\nregexes = ['^x = ']", False),
        ("[[allowlists]]\nregexTarget = 'line'\nregexes = ['^x = ']", True),
        ("[[allowlists]]\nregexTarget = 'match'\nregexes = ['x = .tok']", True),
        ("[[allowlists]]\nstopwords = ['DUMMY']", True),
        ("[[allowlists]]\nstopwords = ['other']", False),
        ("[[allowlists]]\ncondition = 'AND'\npaths = ['^src/']\nstopwords = ['other']", False),
        ("[[allowlists]]\ncondition = 'AND'\npaths = ['^src/']\nstopwords = ['dummy']", True),
        ("[[allowlists]]\npaths = ['^src/']\nstopwords = ['other']", True),
        ("[[allowlists]]\ncommits = ['0123456789abcdef0123456789abcdef01234567']", False),
        ("[[allowlists]]\ntargetRules = ['github-pat']\npaths = ['^src/']", True),
        ("[[allowlists]]\ntargetRules = ['private-key']\npaths = ['^src/']", False),
        ("[[rules]]\nid = 'github-pat'\n[[rules.allowlists]]\npaths = ['^src/']", True),
        ("[[rules]]\nid = 'github-pat'\n[rules.allowlist]\npaths = ['^src/']", True),
        ("[[rules]]\nid = 'generic-api-key'\n[rules.allowlist]\npaths = ['^src/']", False),
        ("[extend]\nuseDefault = true\ndisabledRules = ['github-pat']", True),
        ("[extend]\nuseDefault = true\ndisabledRules = ['private-key']", False),
        ("[[allowlists]]", False),
    ],
)
def test_allowlists(tmp_path: Path, text: str, accepted: bool) -> None:
    made = toml(tmp_path, text)
    assert made.warnings == []
    assert accepts(made, finding()) is accepted


def test_commits_of_an_allowlist(tmp_path: Path) -> None:
    made = toml(tmp_path, "[[allowlists]]\ncommits = ['0123456789ABCDEF0123456789abcdef01234567']")
    assert accepts(made, finding(commit="0123456789ab"))
    assert not accepts(made, finding(commit="1123456789ab"))


def test_an_extended_file_is_read_and_a_url_is_not(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("[allowlist]\npaths = ['^src/']")
    made = toml(tmp_path, "[extend]\npath = 'base.toml'\nurl = 'https://example.com/a.toml'")
    assert accepts(made, finding())
    assert made.warnings == [".gitleaks.toml: extend.url is not fetched; nothing is sent over the network"]
    assert "which can't be read" in toml(tmp_path, "[extend]\npath = 'gone.toml'").warnings[0]
    endless = toml(tmp_path, "[extend]\npath = '.gitleaks.toml'")
    assert "extends too deep" in endless.warnings[0]


def test_rules_of_a_team_s_own(tmp_path: Path) -> None:
    made = toml(
        tmp_path,
        "[[rules]]\nid = 'Acme Token'\ndescription = 'a token of Acme'\nregex = '(acme)_([a-z]{8})'\nsecretGroup = 2\n"
        "entropy = 3.5\nkeywords = ['ACME_']\npath = '\\.py$'\n",
    )
    assert isinstance(made, gitleaks.Gitleaks)
    rule = made.own[0]
    assert (rule.name, rule.rule.description, rule.group, rule.entropy) == ("acme-token", "a token of Acme", 2, 3.5)
    assert rule.keywords == ("acme_",)
    assert made.warnings == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "has the field colour"),
        ("[extend]\nbase = 'x'", "extend has the field base"),
        ("[[rules]]\nid = 'x'\nregex = 'a'\nfilter = 'b'", "rule x has the field filter"),
        ("[[rules]]\nregex = 'a'", "rule 1 has no id"),
        ("[[allowlists]]\npaths = 1", "paths is not a list of texts"),
        ("[[allowlists]]\nexpr = 'x'", "has the field expr"),
        ("[[allowlists]]\ncondition = 'XOR'", "neither AND nor OR"),
        ("[[allowlists]]\nregexTarget = 'file'", "not match or line"),
        ("[extend]\ndisabledRules = ['no-such-rule']", "no rule here is called no-such-rule"),
        ("[[allowlists]]\ntargetRules = ['no-such-rule']\npaths = ['x']", "no rule here is called no-such-rule"),
    ],
)
def test_what_means_nothing_is_named(tmp_path: Path, text: str, said: str) -> None:
    made = toml(tmp_path, text)
    assert len(made.warnings) == 1
    assert said in made.warnings[0]
    assert made.warnings[0].startswith(".gitleaks.toml")
    assert not accepts(made, finding())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[[rules]]\nid = 'x'\nregex = 'a(?=b)'", ".gitleaks.toml: rule x: its regex can't be read"),
        ("[[rules]]\nid = 'x'\nregex = '(a)\\1'", ".gitleaks.toml: rule x: its regex can't be read"),
        ("[[rules]]\nid = 'x'\npath = '['", ".gitleaks.toml: rule x: its path: can't be read"),
        ("[[rules]]\nid = 'x'\nregex = 'a'\nsecretGroup = 1", "rule x: its secretGroup is 1"),
        ("[[rules]]\nid = 'x'\nregex = 'a'\nrequired = [{id = 'y'}]", "rule x: requires y, which is no rule"),
        ("[[allowlists]]\nregexes = ['a', '(']", "allowlist 1: expression 2 of regexes: can't be read"),
        ("[[rules]]\nid = 'x'\nregex = 'a'\n[rules.allowlist]\npaths = ['(?!a)']", "rule x: allowlist: expression 1"),
    ],
)
def test_what_can_t_be_taken_is_an_error_with_a_way_out(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(DocumentError) as error:
        toml(tmp_path, text)
    assert where in str(error.value)
    assert error.value.way_out


@pytest.mark.parametrize(
    ("line", "pattern", "accepted"),
    [
        (f'password = "{VALUE}"  # a fixture', "fixture", False),
        (f'password = "{VALUE}"  # a fixture', "^password = .tok-", True),
        (f'my password = "{VALUE}"', '^tok-.*dummy"$', True),
        (f"see {VALUE}", "^tok-.*dummy$", True),
        (f"fixture, see {VALUE}", "fixture", False),
        ("", "^tok-", True),
    ],
    ids=range(6),
)
def test_of_our_rules_the_match_is_what_a_rule_of_gitleaks_takes(
    tmp_path: Path, line: str, pattern: str, accepted: bool
) -> None:
    made = toml(tmp_path, f"[[allowlists]]\nregexTarget = 'match'\nregexes = ['{pattern}']")
    assert accepts(made, finding(), line=line) is accepted


def test_the_entropy_of_a_rule_that_gitleaks_brings(tmp_path: Path) -> None:
    text = "[extend]\nuseDefault = true\n[[rules]]\nid = 'github-pat'\nentropy = "
    assert accepts(toml(tmp_path, text + "9.0"), finding())
    assert not accepts(toml(tmp_path, text + "9.0"), finding(STRIPE))
    assert not accepts(toml(tmp_path, text + "1.0"), finding())


def test_what_is_no_toml_is_an_error_that_quotes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as error:
        toml(tmp_path, f"[allowlist]\nx = {VALUE}\n")
    assert str(error.value) == ".gitleaks.toml:2: is not TOML"


# --- .gitleaksignore ------------------------------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("src/app.py:github-pat:3", True),
        ("src/app.py:github-fine-grained-pat:3", True),
        ("src/app.py:generic-api-key:3", True),
        ("src\\app.py:github-pat:3", True),
        (f"{COMMIT}:src/app.py:github-pat:3", True),
        (f"{COMMIT[::-1]}:src/app.py:github-pat:3", False),
        ("src/app.py:github-pat:4", False),
        ("src/app.py:stripe-access-token:3", False),
        ("app.py:github-pat:3", False),
        ("# src/app.py:github-pat:3", False),
        ("", False),
    ],
)
def test_fingerprints(line: str, accepted: bool) -> None:
    made = ignore.read(line + "\n", ".gitleaksignore")
    assert made.warnings == []
    assert made.accepts(finding(commit=COMMIT[:12]), "src/app.py", "") is accepted
    assert (made.unused() == []) is (accepted or not made.prints)


def test_a_fingerprint_with_a_commit_is_about_that_commit_alone() -> None:
    made = ignore.read(f"{COMMIT}:src/app.py:github-pat:3", ".gitleaksignore")
    assert not made.accepts(finding(), "src/app.py", "")


def test_a_line_that_is_no_fingerprint_is_named() -> None:
    made = ignore.read("src/app.py:github-pat:3\nsrc/**\n", ".gitleaksignore")
    assert made.warnings == [
        ".gitleaksignore:2: is no fingerprint of gitleaks (file:rule:line), and means nothing here"
    ]


def test_its_report_is_read_as_a_baseline(tmp_path: Path) -> None:
    entry = {"RuleID": "github-pat", "File": "src/app.py", "StartLine": 3, "Secret": "REDACTED", "Commit": ""}
    path = tmp_path / "report.json"
    path.write_text(json.dumps([entry, {}]))
    made = compat.load(path, tmp_path)
    assert made.accepts(finding(), "src/app.py", "")
    assert len(made.warnings) == 1


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ("aws-access-token", "aws-access-key-id", True),
        ("private-key", "encrypted-private-key", True),
        ("kubernetes-secret-yaml", "kubernetes-secret", True),
        ("slack-bot-token", "slack-webhook-url", True),
        ("slack-bot-token", "stripe-secret-key", False),
        ("generic-api-key", "env-file", True),
    ],
)
def test_names_at_one_place(theirs: str, ours: str, same: bool) -> None:
    assert names.same(theirs, ours) is same


def test_a_disabled_rule_disables_no_other_of_its_provider() -> None:
    assert names.equal("github-pat", "github-pat")
    assert not names.equal("github-pat", "github-oauth-token")
    assert names.equal("generic-api-key", "generic-password")
    assert not names.equal("generic-api-key", "env-file")
