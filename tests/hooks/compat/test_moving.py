"""README: moving from another scanner takes three commands, which are run here as they are written there."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from pathlib import Path

import pytest

from tests import readme
from tests.hooks.labelled import random_text
from tests.hooks.repo import BIN, Repo, run, secret

VALUE = random_text("alnum", 32)


def commands(heading: str) -> list[list[str]]:
    """The commands of a section."""
    return [shlex.split(line) for line in re.findall(r"^\$ (.+)$", readme.part(f"### {heading}"), re.MULTILINE)]


def ignored(path: str) -> dict[str, str]:
    return {
        ".gitleaksignore": f"{path}:generic-api-key:7\n",
        ".gitleaks.toml": "[extend]\nuseDefault = true\n[[allowlists]]\npaths = ['^fixtures/']\n",
    }


def baseline(path: str) -> dict[str, str]:
    entry = {"type": "Secret Keyword", "filename": path, "hashed_secret": hashlib.sha1(VALUE.encode()).hexdigest()}
    filters = [{"path": "detect_secrets.filters.regex.should_exclude_file", "pattern": ["^fixtures/"]}]
    return {".secrets.baseline": json.dumps({"version": "1.5.0", "filters_used": filters, "results": {path: [entry]}})}


@pytest.mark.parametrize(
    ("heading", "files"),
    [("Moving from gitleaks", ignored("deploy/s.yaml")), ("Moving from detect-secrets", baseline("deploy/s.yaml"))],
)
def test_three_commands(tmp_path: Path, heading: str, files: dict[str, str]) -> None:
    repo = Repo(tmp_path / "repo")
    repo.add("deploy/s.yaml", secret(VALUE))
    repo.add("fixtures/t.yaml", secret())
    assert repo.scan().returncode == 1
    for name, text in files.items():
        repo.add(name, text)
    repo.commit()
    wanted = commands(heading)
    assert len(wanted) == 3
    for command in wanted:
        done = run([str(BIN / command[0]) if command[0].startswith("sealer") else command[0], *command[1:]], repo.path)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert VALUE not in done.stdout + done.stderr
        assert done.stderr == ""
    text = (repo.path / ".sealer/baseline.yaml").read_text()
    assert VALUE not in text
    assert text.count("reason:") == 1 + (".gitleaks.toml" not in files)
    assert repo.scan().returncode == 0
    repo.write("deploy/s.yaml", secret())
    assert repo.scan().returncode == 1, "another value in its place"


def test_a_rule_of_gitleaks_finds_and_its_conditions_count(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.write(
        ".gitleaks.toml",
        "[[rules]]\nid = 'Acme Token'\ndescription = 'a token of Acme'\n"
        "regex = '''\\bacme:([a-z]{4})-([A-Za-z0-9]{24})\\b'''\n"
        "secretGroup = 2\nkeywords = ['acme']\npath = '\\.txt$'\n[rules.allowlist]\nregexes = ['^XX']\n",
    )
    line = f"see acme:abcd-{random_text('alnum', 24)} there\n"
    repo.add("a/b.txt", line)
    repo.add("c.txt", f"see acme:abcd-XX{random_text('alnum', 22)} there\n")
    repo.add("d.md", line)
    done = repo.scan("--staged", "--format", "json")
    found = [(one["path"], one["rule"], one["description"]) for one in json.loads(done.stdout)["findings"]]
    assert found == [("a/b.txt", "acme-token", "a token of Acme")]
    assert repo.scan("--staged", folder="a").returncode == 1


def test_what_means_nothing_is_told_in_a_run(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.write(".gitleaks.toml", "[extend]\nurl = 'https://example.com/x.toml'\n")
    repo.write(".gitleaksignore", "nonsense\n")
    repo.add("s.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert "warning: .gitleaks.toml: extend.url is not fetched" in done.stderr
    assert "warning: .gitleaksignore:1: is no fingerprint of gitleaks" in done.stderr


def test_a_rule_of_the_repository_s_own_as_in_the_readme(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    (rules,) = (block for block in readme.blocks("yaml", "## Scan") if "acme-token" in block)
    repo.write(".sealer/rules/acme.yaml", rules)
    repo.add("a.txt", f"TOKEN=acme_{random_text('hex', 32)}\n")
    repo.add("b.txt", f"acme_password = '{random_text('alnum', 16)}'\n")
    done = repo.scan("--staged", "--format", "json")
    assert [(one["path"], one["rule"]) for one in json.loads(done.stdout)["findings"]] == [
        ("a.txt", "acme-token"),
        ("b.txt", "acme-password"),
    ]
    assert "Admin > Tokens > Revoke." in repo.scan("explain", "acme-token").stdout
