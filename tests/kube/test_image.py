"""The image, as far as it can be built without a container runtime: its own commands, in a directory."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from controller.install.manifests import HERE

ROOT = HERE.parents[1]
TEXT = re.sub(r"\\\n\s*", "", (HERE / "image" / "Containerfile").read_text())


def _copied(stage: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in stage.splitlines() if line.startswith("COPY ")]


def _done(*command: str | Path, **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_"))}
    ran = subprocess.run(command, env={**environment, **more}, capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.skipif(not os.environ.get("SEALER_REQUIRE_PEERS"), reason="loads all of requirements/demo.txt anew")
def test_its_commands_make_what_it_starts(tmp_path: Path) -> None:
    """From the files that it copies, into an environment that has nothing else, not even pip."""
    build, last = TEXT.split("\nFROM ")[1:]
    work, target = tmp_path / "build", tmp_path / "sealer"
    work.mkdir()
    out = str(tmp_path / "dist")
    _done(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, ROOT)
    for source, where in _copied(build):
        assert where == "/build/"
        base = tmp_path if source.startswith("dist/") else ROOT
        for found in base.glob(source):
            (work / found.name).write_bytes(found.read_bytes())
    assert {each.suffix for each in work.iterdir()} == {".txt", ".whl"}
    (step,) = re.findall(r"^RUN (.*)$", build, re.MULTILINE)
    step = step.replace("/opt/sealer", str(target)).replace("/build/", f"{work}/")
    _done("sh", "-euc", step.replace("python -m", f"{shlex.quote(sys.executable)} -m"))

    said = f"controller version: {version('sealer')}\n"
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", last, re.MULTILINE)
    assert entry == '["sealer-controller", "run", "kubernetes"]'
    path = f"{target}/bin:/usr/bin:/bin"
    assert _done(target / "bin" / "sealer-controller", "run", "kubernetes", "--version", PATH=path) == said
    # What needs an extra is there, and the script that Bitnami's Deployment starts has a file of ours behind it.
    _done(target / "bin" / "python", "-c", "import uvicorn, starlette, aiohttp, msgspec, uvloop, controller.kube.app")
    (script,) = (source for _, source, *where in _copied(last) if where and where[0].endswith("/bin/controller"))
    assert _done(target / "bin" / "python", ROOT / script, "--version") == said
