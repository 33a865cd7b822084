"""Findings of history in reports: when and by whom, and what is accepted of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sealer import schema
from tests.hooks.labelled import random_text
from tests.hooks.repo import Repo, secret

VALUE = random_text("alnum", 32)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A value that was committed, changed on the same line, and taken out again."""
    made = Repo(tmp_path / "repo")
    path = made.add("deploy/s.yaml", secret(VALUE))
    made.commit("one")
    made.add("deploy/s.yaml", secret())
    made.commit("two")
    made.git("rm", "-q", "deploy/s.yaml")
    made.commit("three")
    assert not path.exists()
    return made


def test_both_values_of_a_line_are_told_with_their_commits(repo: Repo) -> None:
    done = repo.scan("--history", "--format", "json", "-o", "page.html")
    assert done.returncode == 1
    value = json.loads(done.stdout)
    schema.validate(value, "findings", file="stdout")
    commits = repo.git("log", "--format=%H", "--reverse").split()
    assert {one["commit"] for one in value["findings"]} == {commit[:12] for commit in commits[:2]}
    assert {one["author"].partition(" <")[0] for one in value["findings"]} == {"tester"}
    assert all(one["date"][:2] == "20" for one in value["findings"])
    assert value["findings"][0]["way_out"][-1] == (
        "not one: sealer scan baseline --history --reason TEXT deploy/s.yaml"
    ), "a commit is not marked any more"
    page = (repo.path / "page.html").read_text()
    assert "By time" in page
    assert VALUE not in page + done.stdout


def test_the_baseline_takes_them_by_value_and_keeps_them(repo: Repo) -> None:
    assert repo.scan("baseline", "--history", "--reason", "changed since").returncode == 0
    text = (repo.path / ".sealer/baseline.yaml").read_text()
    assert text.count("mac: ") == text.count("history: true") == 2
    assert repo.scan("--history").returncode == 0
    assert repo.scan("--history").returncode == 0, "what is remembered is accepted, too"
    assert "0 entries taken out" in repo.scan("baseline", "--prune").stdout
    assert "0 entries taken out" in repo.scan("baseline", "--prune", "--history").stdout


def test_a_fingerprint_of_gitleaks_accepts_its_commit(repo: Repo) -> None:
    commits = repo.git("log", "--format=%H", "--reverse").split()
    lines = [f"{commit}:deploy/s.yaml:kubernetes-secret-yaml:7" for commit in commits[:2]]
    repo.write(".gitleaksignore", lines[0] + "\n")
    done = repo.scan("--history")
    assert done.returncode == 1
    assert "1 finding, 1 accepted" in done.stdout
    repo.write(".gitleaksignore", "\n".join(lines))
    assert repo.scan("--history").returncode == 0
    assert repo.scan("baseline", "--history", "--from", ".gitleaksignore").returncode == 0
    (repo.path / ".gitleaksignore").unlink()
    assert repo.scan("--history").returncode == 0
