"""`sealer-scan --fix`: manifests are sealed in place, `.env` files where it is told to, and nothing is staged."""

from __future__ import annotations

import json

from tests.hooks.labelled import random_text
from tests.hooks.repo import BIN, Repo, run, secret


def _with_keys(repo: Repo) -> None:
    for command in (["sealer-controller", "init", "--cluster", "demo"], ["sealer", "init", "--no-hooks"]):
        done = run([str(BIN / command[0]), *command[1:]], repo.path)
        assert done.returncode == 0, done.stderr


def test_fix_seals_in_place_and_never_stages(repo: Repo) -> None:
    _with_keys(repo)
    value = random_text("alnum", 24)
    path = repo.add("secrets/payments/db.yaml", secret(value))
    repo.add("prod.env", f"API_KEY={random_text('alnum', 32)}\n")
    done = repo.scan("--staged", "--fix")
    assert done.returncode == 1, "the commit has to be made again"
    assert "kind: SealedSecret" in path.read_text()
    assert value not in path.read_text() + done.stdout + done.stderr
    assert "git add secrets/payments/db.yaml" in done.stderr
    assert value in repo.git("show", ":secrets/payments/db.yaml")
    repo.git("add", "secrets")
    repo.git("rm", "-q", "--cached", "prod.env")
    assert repo.scan("--staged").returncode == 0


def test_what_was_fixed_in_the_work_tree_is_open_no_more(repo: Repo) -> None:
    _with_keys(repo)
    repo.write("secrets/payments/db.yaml", secret())
    done = repo.scan("--fix")
    assert (done.returncode, done.stdout.startswith("0 findings; ")) == (0, True)
    repo.write("secrets/payments/db.yaml", secret())
    repo.write("a.env", f"API_KEY={random_text('alnum', 32)}\n")
    done = repo.scan("--fix")
    assert (done.returncode, "db.yaml" in done.stdout, "a.env:1" in done.stdout) == (1, False, True)
    repo.write("no-rule.yaml", secret().replace("  namespace: payments\n", ""))
    done = repo.scan("--fix", "no-rule.yaml")
    assert (done.returncode, "sealer seal --in-place --namespace NAMESPACE no-rule.yaml" in done.stderr) == (1, True)


def test_what_can_not_be_sealed_is_told_and_the_rest_is_sealed(repo: Repo) -> None:
    _with_keys(repo)
    bad = repo.add("secrets/Wrong_/db.yaml", secret())
    good = repo.add("secrets/payments/db.yaml", secret())
    gone = repo.add("secrets/payments/gone.yaml", secret(name="gone"))
    gone.unlink()
    done = repo.scan("--staged", "--fix")
    assert done.returncode == 1
    assert "kind: Secret" in bad.read_text()
    assert "kind: SealedSecret" in good.read_text()
    assert done.stderr.count("error: ") == 2
    assert "is staged, but not in the work tree" in done.stderr


def test_fix_seals_an_env_file_where_it_is_told_to(repo: Repo) -> None:
    _with_keys(repo)
    value = random_text("alnum", 32)
    path = repo.add("prod.env", f"PORT=80\nAPI_KEY={value}\n")
    before = path.read_text()
    done = repo.scan("--staged", "--fix")
    assert "sealer-scan --fix --to secrets/NAMESPACE/NAME.yaml prod.env" in done.stderr
    done = repo.scan("--staged", "--fix", "--to", "secrets/web/env.yaml", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"]
    sealed = (repo.path / "secrets/web/env.yaml").read_text()
    assert "kind: SealedSecret" in sealed
    assert "API_KEY" in sealed
    assert value not in sealed + done.stdout + done.stderr
    assert path.read_text() == before
    assert "git rm --cached prod.env" in done.stderr
    assert repo.git("diff", "--cached", "--name-only") == "prod.env\n"
    repo.add("other.env", f"API_KEY={random_text('alnum', 32)}\n")
    assert "--to names one file" in repo.scan("--staged", "--fix", "--to", "secrets/web/env.yaml").stderr


def test_all_of_an_env_file_is_sealed_whatever_rules_found_in_it(repo: Repo) -> None:
    _with_keys(repo)
    repo.write("live.env", f"STRIPE_SECRET_KEY=sk_live_{random_text('alnum', 24)}\n")
    done = repo.scan("live.env")
    assert "live.env:1  stripe-secret-key" in done.stdout
    done = repo.scan("--fix", "--to", "secrets/web/live.yaml", "live.env")
    assert "STRIPE_SECRET_KEY" in (repo.path / "secrets/web/live.yaml").read_text()
    assert "can't be sealed" not in done.stderr
    repo.write("a.py", f"key = 'sk_live_{random_text('alnum', 24)}'\n")
    done = repo.scan("--fix", "--to", "secrets/web/other.yaml", "a.py")
    assert "no .env file holds a finding" in done.stderr
    assert "1 finding can't be sealed by --fix" in done.stderr


def test_fix_without_keys_says_how_to_get_them(repo: Repo) -> None:
    path = repo.add("s.yaml", secret())
    before = path.read_text()
    done = repo.scan("--staged", "--fix")
    assert done.returncode == 1
    assert path.read_text() == before
    assert "way out: " in done.stderr
