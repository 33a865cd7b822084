"""What each program imports: a library that a run has no use for costs up to 0.3 s (DESIGN section 9)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sealer.shop import Shop, manifest
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture
HEAVY = frozenset(
    (
        "cryptography",
        "yaml",
        "jsonschema",
        "git",
        "sqlalchemy",
        "pydantic",
        "re2",
        "hyperscan",
        "rich",
        "asyncio",
        "ssl",
    )
)
SERVING = frozenset(("starlette", "uvicorn", "prometheus_client", "anyio"))
"""What only `run` may need."""
PARSERS = frozenset(("typer", "click"))
DB = "secrets/payments/db.yaml"
MAINS = {
    "sealer": "sealer.cli:main",
    "sealer-controller": "controller.main:main",
    "sealer-scan": "hooks.scan:main",
    "sealer-check": "hooks.check:main",
}
_CHILD = """\
import sys
from importlib import import_module
module, _, name = sys.argv.pop(1).partition(":")
try:
    sys.exit(getattr(import_module(module), name)())
finally:
    sys.stderr.write("\\nMODULES " + " ".join(sys.modules))
"""


def imported(program: str, *arguments: str, stdin: str = "", code: int = 0) -> set[str]:
    """The top-level modules that a run imports, and ours by their whole name. It has to end with `code`."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, MAINS[program], *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    said, _, names = done.stderr.rpartition("MODULES ")
    assert done.returncode == code, said
    ours = ("sealer.", "controller.", "hooks.")
    return {name if name.startswith(ours) else name.partition(".")[0] for name in names.split()}


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("sealer", ()),
        ("sealer", ("seal",)),
        ("sealer", ("run",)),
        ("sealer", ("keys", "fetch")),
        ("sealer-controller", ()),
        ("sealer-controller", ("apply",)),
        ("sealer-controller", ("run",)),
        ("sealer-controller", ("keys", "backup")),
        ("sealer-scan", ()),
        ("sealer-check", ()),
    ],
)
def test_help_imports_nothing_heavy(program: str, arguments: tuple[str, ...]) -> None:
    assert not imported(program, *arguments, "--help") & (HEAVY | SERVING)


@pytest.mark.parametrize("program", ["sealer-scan", "sealer-check"])
def test_help_of_the_hooks_needs_no_typer(program: str) -> None:
    assert not imported(program, "--help") & PARSERS


def test_sealing_one(shop: Shop) -> None:
    plain = manifest("db", "payments", k="x")
    found = imported("sealer", "seal", "--cluster", "prod", stdin=plain)
    assert found & HEAVY == {"cryptography", "yaml"}
    assert not found & {
        "sealer.git",
        "sealer.keyrings.keyring",
        "sealer.keyrings.private",
        "sealer.template",
        "concurrent",
        "multiprocessing",
    }


def test_setting_one(shop: Shop) -> None:
    found = imported("sealer", "set", "clusters/prod/payments/db.yaml", "k", stdin="x")
    assert found & HEAVY == {"cryptography", "yaml"}


def test_a_clean_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text without keys: one base64 of 1 kB in seventeen looks like a token of some kind until RE2 has read it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.yaml").write_text("kind: Pod\nspec: {containers: []}\n")
    (tmp_path / "main.py").write_text("print('hello')\n")
    for arguments in (("init", "-q", "-b", "main"), ("add", ".")):
        subprocess.run(["git", *arguments], check=True)
    imported("sealer-scan", "--staged")  # the first run of all compiles the rules, for which it reads YAML
    for arguments in (("--staged",), ()):
        assert imported("sealer-scan", *arguments) & (HEAVY | PARSERS) == set()


def test_a_check_with_nothing_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.yaml").write_text("kind: Pod\nspec: {containers: []}\n")
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "add", "."], check=True)
    assert not imported("sealer-check") & (HEAVY | PARSERS)


def test_keys_need_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert imported("sealer-controller", "init", "--cluster", "prod") & HEAVY <= {"cryptography", "ssl"}
    assert not imported("sealer-controller", "keys", "list") & (HEAVY - {"cryptography"})


def test_applying_again_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unchanged needs neither private keys nor a YAML parser."""
    monkeypatch.chdir(tmp_path)
    imported("sealer-controller", "init", "--cluster", "prod")
    imported("sealer", "init", "--no-hooks")
    imported("sealer", "set", DB, "k", stdin="x")
    first = imported("sealer-controller", "apply", ".")
    assert {"cryptography", "yaml", "sqlalchemy", "controller.batch"} <= first
    assert not first & SERVING
    again = imported("sealer-controller", "apply", ".")
    assert not again & {"jsonschema", "git", "pydantic", "rich", "controller.batch", "controller.open"}


def test_each_module_imports_by_itself() -> None:
    """No module needs that another was imported before it; ours import siblings only where the layers allow."""
    root = Path(__file__).parents[1]
    names = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for package in ("sealer", "controller", "hooks")
        for path in sorted((root / package).rglob("[a-z]*.py"))
    ]
    # One fork for each, with the libraries there already: an interpreter for each would take a minute.
    script = (
        "import importlib, os, sys\n"
        "import asyncio, cryptography.x509, git, jsonschema, rich.progress, sqlalchemy, typer.main, yaml\n"
        "bad = 0\n"
        "for name in sys.argv[1:]:\n"
        "    if (pid := os.fork()) == 0:\n"
        "        try:\n"
        "            importlib.import_module(name)\n"
        "        except BaseException as error:\n"
        "            print(name, repr(error), flush=True)\n"
        "            os._exit(1)\n"
        "        os._exit(0)\n"
        "    bad |= os.waitpid(pid, 0)[1]\n"
        "sys.exit(bool(bad))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *names], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stdout
