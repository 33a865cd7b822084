"""The wheel, installed into an empty environment far from the checkout: with its extra `controller`, and without.

Nothing is fetched: what the wheel requires is linked into the environment from the one that runs the tests.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SCRIPTS = ("sealer", "sealer-check", "sealer-controller", "sealer-scan")


class Installed:
    """An environment with the wheel in it, and a repository to run its programs in."""

    def __init__(self, base: Path, wheel: Path, *extras: str) -> None:
        self.environment, self.root = base / "environment", base / "repository"
        self.root.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.environment], check=True)
        python = self.environment / "bin" / "python"
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
        subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
        (self.packages,) = self.environment.glob("lib/python*/site-packages")
        _link(self.packages, _required(wheel, extras))
        subprocess.run(["git", "init", "-q", "-b", "main", self.root], check=True)

    def run(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One of its programs, started as a user starts it."""
        path = f"{self.environment / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=self.root,
            env={**env, "PATH": path},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, program: str, *arguments: str, stdin: str = "") -> str:
        """What a program that has to succeed prints on stdout."""
        ran = self.run(program, *arguments, stdin=stdin)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


def _required(wheel: Path, extras: tuple[str, ...]) -> set[str]:
    """The distributions that an installation of the wheel brings with it."""
    (own,) = (dist for dist in metadata.distributions(path=[str(wheel)]))
    found: set[str] = set()
    waiting = [(text, extra) for text in own.requires or () for extra in ("", *extras)]
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        found.add(name)
        waiting += [(each, "") for each in metadata.distribution(name).requires or ()]
    return found


def _link(target: Path, names: set[str]) -> None:
    """Put each distribution's files there, as links to its folders and modules."""
    for name in names:
        dist = metadata.distribution(name)
        for top in {file.parts[0] for file in dist.files or ()} - {"..", "__pycache__"}:
            (target / top).symlink_to(Path(str(dist.locate_file(top))))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("dist")
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Installed as developers and CI do."""
    return Installed(tmp_path_factory.mktemp("plain"), wheel)


@pytest.fixture(scope="module")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Installed as `sealer[controller]`."""
    return Installed(tmp_path_factory.mktemp("full"), wheel, "controller")


def test_top_level_names_are_the_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"sealer", "controller", "hooks", f"{_stem(wheel)}.dist-info"}
    shipped = {name.removeprefix("sealer/schemas/") for name in names if name.startswith("sealer/schemas/")}
    assert shipped == {path.name for path in (ROOT / "schemas").iterdir()}
    assert {f"{package}/py.typed" for package in ("sealer", "controller", "hooks")} <= set(names)


def _stem(wheel: Path) -> str:
    return "-".join(wheel.name.split("-")[:2])


def test_what_it_requires(wheel: Path) -> None:
    core = _required(wheel, ())
    assert {"cryptography", "pyyaml", "typer", "jsonschema", "gitpython", "google-re2"} <= core
    assert "sqlalchemy" not in core
    assert "sqlalchemy" in _required(wheel, ("controller",))
    assert "sqlalchemy" in _required(wheel, ("all",)) or "sealer" in _required(wheel, ("all",))


@pytest.mark.parametrize("script", SCRIPTS)
def test_programs_start_without_the_extra(plain: Installed, script: str) -> None:
    assert f"{script} " in plain.done(script, "--help")


def test_nothing_comes_from_the_checkout(plain: Installed) -> None:
    code = "import controller, hooks, sealer; print(controller.__file__, hooks.__file__, sealer.__file__)"
    assert all(path.startswith(str(plain.packages)) for path in plain.done("python", "-c", code).split())
    code = "import importlib.util as u; print(u.find_spec('sqlalchemy'), u.find_spec('pytest'))"
    assert plain.done("python", "-c", code).split() == ["None", "None"]


def test_a_schema_is_found(plain: Installed) -> None:
    code = "from sealer import schema; print(schema.path('sealed-secret'), schema.load('trust')['title'])"
    path, _, title = plain.done("python", "-c", code).strip().partition(" ")
    assert path == str(plain.packages / "sealer/schemas/sealed-secret.v1.json")
    assert title


def test_all_but_delivery_works_without_the_extra(plain: Installed) -> None:
    value = secrets.token_hex(8)
    assert plain.done("sealer-controller", "init", "--cluster", "prod").startswith("made keyring prod")
    assert "active" in plain.done("sealer-controller", "keys", "list")
    assert "wrote  .sealer.yaml" in plain.done("sealer", "init")
    file = "secrets/payments/db.yaml"
    assert "sealed password" in plain.done("sealer", "set", file, "password", stdin=value)
    assert plain.done("sealer", "unseal", file, "password") == value
    assert plain.done("sealer", "run", "-f", file, "--", "sh", "-c", 'echo "$password"') == f"{value}\n"
    assert json.loads(plain.done("sealer", "keys", "--format", "json"))["clusters"][0]["cluster"] == "prod"
    subprocess.run(["git", "add", "."], cwd=plain.root, check=True)
    for program, *arguments in (
        ("sealer", "check"),
        ("sealer", "scan"),
        ("sealer-check",),
        ("sealer-scan", "--staged"),
    ):
        plain.done(program, *arguments)
    (plain.root / ".env").write_text(f"PASSWORD={value}\n")
    assert plain.run("sealer", "scan").returncode == 1
    for command in (("apply", "."), ("apply", ".", "--dry-run"), ("status",), ("get", "payments/db")):
        refused = plain.run("sealer-controller", *command)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "sealer[controller]" in refused.stderr
        assert "way out: pipx install" in refused.stderr


def test_delivery_works_with_the_extra(full: Installed) -> None:
    value = secrets.token_hex(8)
    for script in SCRIPTS:
        assert f"{script} " in full.done(script, "--help")
    full.done("sealer-controller", "init", "--cluster", "prod")
    full.done("sealer", "init")
    full.done("sealer", "set", "secrets/payments/db.yaml", "password", stdin=value)
    assert "1 created" in full.done("sealer-controller", "apply", ".")
    assert full.done("sealer-controller", "get", "payments/db", "password") == value
    assert "delivered" in full.done("sealer-controller", "status")
