"""`sealer scan explain`."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks import explain
from hooks.engine import template
from hooks.rule import RULES
from tests.hooks.labelled import random_text
from tests.hooks.repo import BIN, SCAN, Repo, run


def test_every_rule_says_what_it_finds_how_to_revoke_and_how_to_accept() -> None:
    rules = explain.known()
    assert set(RULES) < set(rules)
    for name, one in rules.items():
        said = "\n".join(explain.explained(one))
        assert said.startswith(f"{name}  ")
        parts = said.split("\n\n")
        assert [part.splitlines()[0] for part in parts[1:]] == [
            "What is found",
            "How to revoke it",
            "How to accept one",
        ]
        assert all(len(part.splitlines()) > 1 for part in parts[1:])
        assert f"sealer:allow {name} REASON" in said


def test_without_a_rule_it_lists_all(tmp_path: Path) -> None:
    done = run([SCAN, "explain"], tmp_path)
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines()[:-1]]
    assert names == sorted(explain.known())
    assert run([str(BIN / "sealer"), "scan", "explain"], tmp_path).stdout == done.stdout


def test_a_name_that_is_none_leads_to_the_nearest(tmp_path: Path) -> None:
    done = run([SCAN, "explain", "kubernets-secret"], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "way out: one of these: kubernetes-secret" in done.stderr
    value = random_text("alnum", 30)
    done = run([SCAN, "explain", value], tmp_path)
    assert done.returncode == 2
    assert value not in done.stderr


def test_a_word_lists_the_rules_that_have_it(tmp_path: Path) -> None:
    done = run([SCAN, "explain", "Stripe"], tmp_path)
    assert done.returncode == 0
    *rules, last = done.stdout.splitlines()
    assert all("stripe" in line.lower() for line in rules)
    assert (len(rules) > 1, last.startswith(f"{len(rules)} of ")) == (True, True)


def test_it_says_which_are_warnings(tmp_path: Path) -> None:
    assert "wrong (github) is a warning" in run([SCAN, "explain", "github-pat"], tmp_path).stdout
    said = run([SCAN, "explain", "encrypted-private-key"], tmp_path).stdout
    assert said.startswith("encrypted-private-key  warning: shown, and fails with --strict alone\n")


def test_a_rule_that_contradicts_its_examples_is_refused(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    head = "version: 1\nrules:\n  - id: acme-token\n    description: x\n    keywords: [acme_]\n"
    for pattern, true, false, said in (
        (
            "acme_[a-z0-9]{20}",
            "acme_{lowernum:20}",
            "acme_{lowernum:20}",
            "3: rule acme-token: example 1 of `false` is found",
        ),
        ("acme_[a-z0-9]{20}", "acme_{lowernum:10}", "acme_x", "3: rule acme-token: example 1 of `true` is not found"),
        ("acme_[a-z0-9]{20}", "acme_{lower}", "acme_x", "example 1 of `true`: {lower} needs a length"),
        (
            r"\b(acme_[a-z0-9{20})\b",
            "acme_x",
            "acme_y",
            "6: rule acme-token: the pattern has \\b in a class: is the ']'",
        ),
    ):
        rule = f"    pattern: '{pattern}'\n    examples:\n      true: ['{true}']\n      false: ['{false}']\n"
        repo.write(".sealer/rules/own.yaml", head + rule)
        for words in ((), ("explain", "acme-token")):
            done = repo.scan(*words)
            assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_repository_s_own_rules_are_explained_too(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.write(
        ".sealer/rules/own.yaml",
        "version: 1\nrules:\n  - id: acme-token\n    description: a token of Acme\n"
        "    pattern: '\\b(acme_[a-z0-9]{20})\\b'\n    keywords: [acme_]\n    remediation: 'Settings > Revoke. https://acme.example/tokens'\n"
        "    examples:\n      true: ['acme_{lowernum:20}']\n      false: ['acme_x']\n",
    )
    done = repo.scan("explain", "acme-token")
    assert done.returncode == 0, done.stderr
    assert "acme_<20 lower-case letters and digits>" in done.stdout
    assert "Settings > Revoke.\n  https://acme.example/tokens\n" in done.stdout
    assert "Its rule is in .sealer/rules/own.yaml:3." in done.stdout


def test_templates_in_words() -> None:
    assert template.in_words("a={alnum:3} {{x}} {uuid}") == "a=<3 letters and digits> {x} <a UUID>"
    assert template.in_words("{github:ghp_}") == "ghp_<the rest, with a right checksum>"
    assert template.in_words("hf_{letters:34}") == "hf_<34 letters>"


@pytest.mark.parametrize("kind", [*template._KINDS, *template._MAKERS])
def test_every_kind_of_a_template_has_words(kind: str) -> None:
    said = template.in_words(f"x={{{kind}:34}}\n")
    assert said.startswith("x=<34 " if kind in template._KINDS else "x=34<")
    assert said.endswith(">")
    assert kind not in said.split("<")[0]
    assert template.expand(f"x={{{kind}:34}}", "seed") != said
