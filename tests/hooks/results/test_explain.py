"""`sealer scan explain`."""

from __future__ import annotations

from pathlib import Path

from hooks import explain
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
    assert explain.in_words("a={alnum:3} {{x}} {uuid}") == "a=<3 letters and digits> {x} <a UUID>"
    assert explain.in_words("{github:ghp_}") == "ghp_<the rest, with a right checksum>"
