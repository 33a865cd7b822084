"""Both hooks in real pre-commit, in a real repository: a leak is blocked, fixed, committed (issue 3, part hooks)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hooks.labelled import pem, random_text
from tests.hooks.repo import BIN, Repo, run, secret

CHECKOUT = Path(__file__).parents[2]
MANIFEST = CHECKOUT / ".pre-commit-hooks.yaml"
CONFIG = """\
repos:
  - repo: local
    hooks:
      - id: scan-secrets
        name: scan
        entry: sealer-scan --staged
        language: system
        verbose: true
        pass_filenames: false
      - {id: check-sealed, name: check, entry: sealer-check, language: system, pass_filenames: false}
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    repo = Repo(tmp_path / "repo")
    for command in (["sealer-controller", "init", "--cluster", "demo"], ["sealer", "init", "--no-hooks"]):
        assert run(command, repo.path).returncode == 0
    repo.write(".pre-commit-config.yaml", CONFIG)
    done = run(["pre-commit", "install"], repo.path)
    assert done.returncode == 0, done.stdout + done.stderr
    repo.git("add", ".")
    repo.commit("set up")
    return repo


def commit(repo: Repo) -> subprocess.CompletedProcess[str]:
    return run(["git", "commit", "-q", "-m", "change"], repo.path)


def test_blocked_sealed_committed(repo: Repo) -> None:
    value = random_text("alnum", 24)
    repo.add("secrets/payments/db.yaml", secret(value))
    blocked = commit(repo)
    shown = blocked.stdout + blocked.stderr
    assert blocked.returncode == 1
    assert "secrets/payments/db.yaml:7  kubernetes-secret  stringData.password: ********" in shown
    assert "seal it   sealer seal --in-place secrets/payments/db.yaml" in shown
    assert value not in shown
    assert run(["sealer", "seal", "--in-place", "secrets/payments/db.yaml"], repo.path).returncode == 0
    assert commit(repo).returncode == 1, "the index still holds the value"
    repo.git("add", "secrets")
    assert commit(repo).returncode == 0
    assert value not in repo.git("log", "-p", "--all")


def test_blocked_fixed_committed(repo: Repo) -> None:
    repo.add("secrets/payments/db.yaml", secret())
    assert commit(repo).returncode == 1
    assert run(["sealer-scan", "--staged", "--fix"], repo.path).returncode == 1
    repo.git("add", "secrets")
    assert commit(repo).returncode == 0
    assert repo.git("status", "--porcelain") == ""


def test_a_warning_is_shown_and_blocks_nothing(repo: Repo) -> None:
    repo.add("key.pem", "\n".join(pem("ENCRYPTED PRIVATE KEY")) + "\n")
    done = commit(repo)
    assert done.returncode == 0
    assert "key.pem:1  encrypted-private-key  ********  warning" in done.stdout + done.stderr


def test_a_partly_staged_file_is_judged_by_what_is_staged(repo: Repo) -> None:
    repo.add("app.yaml", "a: 1\n")
    repo.write("app.yaml", secret())
    assert commit(repo).returncode == 0
    repo.git("add", "app.yaml")
    repo.write("app.yaml", "a: 1\n")
    assert commit(repo).returncode == 1


def test_a_private_key_and_an_environment_file_are_blocked(repo: Repo) -> None:
    repo.write("deploy/id_ed25519", "")
    (repo.path / "deploy" / "id_ed25519").unlink()
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "deploy/id_ed25519"]
    assert run(command, repo.path).returncode == 0
    repo.write("prod.env", f"TOKEN={random_text('alnum', 32)}\n")
    repo.git("add", ".")
    shown = commit(repo)
    assert shown.returncode == 1
    for place in ("deploy/id_ed25519:1  private-key", "prod.env:1  env-file", "2 findings; 3 staged files"):
        assert place in shown.stdout + shown.stderr
    repo.git("reset", "-q", "deploy/id_ed25519", "prod.env")
    assert commit(repo).returncode == 0


def test_a_sealed_file_that_was_renamed_is_blocked_by_the_other_hook(repo: Repo) -> None:
    repo.write("secrets/payments/db.yaml", secret())
    assert run(["sealer", "seal", "--in-place", "secrets/payments/db.yaml"], repo.path).returncode == 0
    text = (repo.path / "secrets/payments/db.yaml").read_text()
    repo.add("secrets/payments/cache.yaml", text.replace("name: db", "name: cache"))
    shown = commit(repo)
    assert shown.returncode == 1
    assert "secrets/payments/cache.yaml" in shown.stdout + shown.stderr


def test_one_hunk_of_two_is_judged_alone(repo: Repo) -> None:
    lines = [f"line {number}\n" for number in range(40)]
    repo.add("app.py", "".join(lines))
    assert commit(repo).returncode == 0
    changed = [*lines]
    changed[0] = "line zero\n"
    repo.write("app.py", "".join(changed))
    repo.write("one.patch", repo.git("diff"))
    changed[39] = f'password = "{random_text("alnum", 24)}"\n'
    repo.write("app.py", "".join(changed))
    repo.git("apply", "--cached", "one.patch")
    assert commit(repo).returncode == 0, "the leak is in the hunk that stays behind"
    repo.git("add", "app.py")
    assert commit(repo).returncode == 1


def test_deletions_pass_and_renames_are_told_by_their_new_name(repo: Repo) -> None:
    repo.add("old.yaml", secret())
    repo.git("commit", "-q", "--no-verify", "-m", "bypassed")
    repo.git("rm", "-q", "old.yaml")
    assert commit(repo).returncode == 0
    repo.add("plain.txt", "nothing\n" * 20)
    assert commit(repo).returncode == 0
    repo.git("mv", "plain.txt", "moved.txt")
    repo.add("moved.txt", "nothing\n" * 20 + f'api_key = "{random_text("alnum", 32)}"\n')
    shown = commit(repo)
    assert shown.returncode == 1
    assert "moved.txt:21" in shown.stdout + shown.stderr


def test_a_merge_that_brings_a_leak_is_blocked_where_it_is_committed(repo: Repo) -> None:
    repo.add("app.txt", "one\n")
    repo.commit("base")
    repo.git("checkout", "-q", "-b", "side")
    repo.add("app.txt", "side\n")
    repo.add("leak.yaml", secret())
    repo.git("commit", "-q", "--no-verify", "-m", "bypassed")
    repo.git("checkout", "-q", "main")
    repo.add("app.txt", "main\n")
    repo.commit("ours")
    assert run(["git", "merge", "-q", "side"], repo.path).returncode == 1
    repo.add("app.txt", "both\n")
    shown = commit(repo)
    assert shown.returncode == 1
    assert "leak.yaml" in shown.stdout + shown.stderr
    repo.git("rm", "-q", "-f", "leak.yaml")
    assert commit(repo).returncode == 0


def test_the_manifest_of_this_repository_is_valid() -> None:
    done = run([str(BIN / "pre-commit"), "validate-manifest", str(MANIFEST)], CHECKOUT)
    assert done.returncode == 0, done.stdout
    text = MANIFEST.read_text()
    assert "entry: sealer-scan --staged" in text
    assert "entry: sealer-check" in text


def test_pre_commit_runs_the_hooks_of_the_manifest(repo: Repo, tmp_path: Path) -> None:
    # As an installed hook repository would, but with the programs at hand: building an environment needs a registry.
    hooks = Repo(tmp_path / "hooks")
    shutil.copy(MANIFEST, hooks.path)
    text = MANIFEST.read_text().replace("language: python", "language: system")
    hooks.add(".pre-commit-hooks.yaml", text)
    hooks.commit()
    repo.add("secrets/payments/db.yaml", secret())
    for name, place in (("scan-secrets", "db.yaml:7"), ("check-sealed", "db.yaml:1")):
        done = run(["pre-commit", "try-repo", str(hooks.path), name, "--all-files"], repo.path)
        assert done.returncode == 1, done.stdout + done.stderr
        assert place in done.stdout, done.stdout
