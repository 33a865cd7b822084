"""`sealer-check`: the console script, as a hook starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hooks import check
from tests.sealer.sealedfiles import commit, sealed, trust
from tests.sealer.shop import Shop, manifest
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture

DB = "clusters/prod/payments/db.yaml"
HEAVY = {"yaml", "cryptography", "typer", "rich", "git", "jsonschema"}


def _loaded(root: Path) -> set[str]:
    """The top-level modules that a run in a folder imports; it has to be clean."""
    code = "import sys; from hooks.check import main; code = main([]); print(*sys.modules); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_a_repository_without_secrets_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod\nspec: {imagePullSecrets: [{name: x}]}\n")
    commit(tmp_path)
    assert not _loaded(tmp_path) & HEAVY


def test_sealed_files_load_neither_typer_nor_gitpython(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(shop, monkeypatch)
    shop.write(DB, sealed("payments/db", ["k"], shop["prod"].keys[0]))
    commit(shop.root)
    assert _loaded(shop.root) & HEAVY == {"yaml", "cryptography"}


def test_it_says_what_sealer_check_says(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write("s.yaml", manifest("a", "b", k="v"))
    assert check.main(["s.yaml"]) == 1
    assert "s.yaml:1  k  a Secret in plaintext" in capsys.readouterr().out
    assert check.main(["nope.yaml"]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--nope"], ["--format", "xml"]])
def test_usage_is_two(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        check.main(argv)
    assert stop.value.code == 2


def test_as_a_git_hook_it_judges_what_is_committed(shop: Shop) -> None:
    commit(shop.root)
    script = Path(sys.executable).parent / "sealer-check"
    hook = shop.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec "{script}"\n')
    hook.chmod(0o755)
    shop.write("s.yaml", manifest("a", "b", k="v"))
    # Untracked files of others don't stop a commit.
    (shop.root / "t.yaml").write_text("a: 1\n")
    subprocess.run(["git", "add", "t.yaml"], cwd=shop.root, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "fine"], cwd=shop.root, check=True)
    subprocess.run(["git", "add", "s.yaml"], cwd=shop.root, check=True)
    # With a path, Git gives the hook an index of its own; in a linked work tree another GIT_DIR.
    for args in (["-m", "no"], ["-m", "no", "s.yaml"]):
        done = subprocess.run(
            ["git", "commit", "-q", *args], cwd=shop.root, check=False, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert "sealer seal --in-place s.yaml" in done.stdout + done.stderr
    subprocess.run(["git", "worktree", "add", "-q", "-b", "side", "../side"], cwd=shop.root, check=True)
    side = shop.root.parent / "side"
    (side / "u.yaml").write_text(manifest("a", "b", k="v"))
    subprocess.run(["git", "add", "u.yaml"], cwd=side, check=True)
    done = subprocess.run(["git", "commit", "-q", "-m", "no"], cwd=side, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "u.yaml" in done.stdout + done.stderr
    assert not os.path.exists(side / "s.yaml")
