"""`sealer-scan` as a program: what is none, or not any more: marks, configuration, files that were only renamed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hooks import accept, compat
from tests.hooks.labelled import pem, random_text
from tests.hooks.repo import Repo, run, secret


def test_names_of_other_tools_are_those_that_are_read() -> None:
    assert accept.FOREIGN == compat.NAMES


@pytest.mark.parametrize("folder", [".", "inner", "empty", "bare.git"])
def test_the_top_is_where_git_says(repo: Repo, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / "inner").mkdir()
    (repo.path / "empty" / ".git").mkdir(parents=True)
    run(["git", "init", "-q", "--bare", "bare.git"], repo.path)
    monkeypatch.chdir(repo.path / folder)
    said = run(["git", "rev-parse", "--show-toplevel"], Path()).stdout.strip() if folder != "bare.git" else os.getcwd()
    assert accept.top() == os.path.realpath(said)


def test_a_rename_alone_brings_nothing_in(repo: Repo) -> None:
    value = random_text("alnum", 20)
    repo.add("in/a.yaml", secret(value))
    first = repo.commit()
    repo.git("mv", "in/a.yaml", "in/b.yaml")
    for folder in (".", "in"):
        done = repo.scan("--staged", folder=folder)
        assert done.returncode == 0, done.stdout
    repo.write("in/b.yaml", secret(value) + f"  other: {random_text('alnum', 20)}\n")
    repo.git("add", ".")
    assert repo.scan("--staged").stdout.count("kubernetes-secret  ") == 2, "a changed file is a new one"
    repo.write("in/b.yaml", secret(value))
    repo.git("add", ".")
    repo.commit()
    done = repo.scan("--range", f"{first}..")
    assert done.returncode == 0, done.stdout
    repo.add("x/d.yaml", secret(value))
    before = repo.git("rev-parse", "HEAD").strip()
    repo.commit()
    repo.git("mv", "x/d.yaml", "x/e.yaml")
    repo.commit()
    done = repo.scan("--range", f"{before}..")
    assert "x/d.yaml:7" in done.stdout
    assert "x/e.yaml" not in done.stdout
    assert "x/e.yaml:7" in repo.scan("--range", f"{before}..", "x/e.yaml").stdout, "what is asked for alone is told"
    repo.git("mv", "x/e.yaml", "x/f.yaml")
    repo.add("x/g.yaml", secret(value))
    done = repo.scan("--staged")
    assert "x/g.yaml:7" in done.stdout, "a copy is new"


def test_a_rename_to_where_it_counts_is_told(repo: Repo) -> None:
    repo.write(".sealer.yaml", "version: 1\nscan: {exclude: ['testdata/**']}\n")
    repo.add("testdata/a.yaml", secret())
    repo.commit()
    repo.git("mv", "testdata/a.yaml", "a.yaml")
    done = repo.scan("--staged")
    assert (done.returncode, "a.yaml:7" in done.stdout) == (1, True)


def test_a_mark_needs_its_rule_and_a_reason(repo: Repo) -> None:
    line = f"  password: {random_text('alnum', 20)}"
    head = "kind: Secret\nstringData:\n"
    for mark, code in (
        ("# sealer:allow kubernetes-secret fixture of the load test", 0),
        ("# sealer:allow kubernetes-secret", 1),
        ("# sealer:allow private-key fixture", 1),
        ("# sealer:allow", 1),
    ):
        repo.add("s.yaml", f"{head}{line} {mark}\n")
        done = repo.scan("--staged")
        assert done.returncode == code, mark
        assert ("the mark there gives no reason" in done.stdout) == (mark == "# sealer:allow kubernetes-secret")
        assert ("the mark there is for another rule:" in done.stdout) == ("private-key" in mark)
        assert ("the mark there names no rule:" in done.stdout) == (mark == "# sealer:allow")
    repo.add("s.yaml", f"{head}  # sealer:allow kubernetes-secret on a line of its own\n{line}\n")
    assert repo.scan("--staged").returncode == 0
    repo.add("s.yaml", f"{head}  a: x # sealer:allow kubernetes-secret of another line\n{line}\n")
    assert repo.scan("--staged").returncode == 1


def test_the_configuration_leaves_paths_and_rules_out(repo: Repo) -> None:
    repo.add("a/testdata/s.yaml", secret())
    repo.add("fixture.env", f"API_KEY={random_text('alnum', 32)}\n")
    repo.add("key.pem", "\n".join(pem("PRIVATE KEY")) + "\n")
    head = "version: 1\nclusters: {local: {}}\n"
    repo.write(".sealer.yaml", head + 'scan: {exclude: ["**/testdata/**", "fixture.env"], disable: [private-key]}\n')
    done = repo.scan("--staged")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("0 findings, 3 accepted; 3 staged files")
    assert repo.scan("--staged", folder="a").returncode == 0
    repo.write(".sealer.yaml", head + "scan: {exclude: []}\n")
    assert repo.scan("--staged").returncode == 1
    assert repo.scan("--staged", "--exclude", "*.pem", "--exclude", "*.env", "--exclude", "a/**").returncode == 0


def test_a_broken_configuration_is_an_error_once_it_matters(repo: Repo) -> None:
    repo.write(".sealer.yaml", "version: 1\nclusters: {local: {}}\nscan: {exclud: [x]}\n")
    repo.add("a.txt", "x")
    assert repo.scan("--staged").returncode == 0
    repo.add("s.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 2
    assert ".sealer.yaml:3" in done.stderr


def test_the_baseline_of_another_repository_is_no_finding(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.write("a.py", f'DB_PASSWORD = "{random_text("alnum", 24)}"\n')
    assert other.scan("baseline", "--reason", "known", "a.py").returncode == 0
    salted = other.path / ".sealer/baseline.yaml"
    salted.write_text(salted.read_text() + f'password: "{random_text("alnum", 24)}"\n')
    done = repo.scan("-q", "../other")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert "../other/a.py:1" in done.stdout
    # A folder that is no repository has none.
    repo.write("x/.sealer/baseline.yaml", salted.read_bytes())
    assert "x/.sealer/baseline.yaml:" in repo.scan("-q", "x").stdout
