"""The command itself: help, exit codes, what is imported when, and what works without the extra."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.controller.world import World

RUN = "from controller.main import main; import sys; main(sys.argv[1:])"


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_help_imports_neither_cryptography_nor_yaml_nor_sqlalchemy(world: World) -> None:
    heavy = "cryptography yaml sqlalchemy jsonschema git"
    code = f"""
import sys
from controller.main import main
try:
    main(["apply", "--help"])
except SystemExit as error:
    assert error.code == 0
print("LOADED", *[name for name in {heavy.split()!r} if name in sys.modules])
"""
    ran = _python(code)
    assert ran.stdout.splitlines()[-1] == "LOADED", ran.stderr


def test_an_unchanged_run_imports_neither_cryptography_nor_yaml(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    code = """
import sys
from controller.main import main
try:
    main(sys.argv[1:])
except SystemExit as error:
    assert error.code == 0
print("LOADED", *[name for name in ("cryptography", "yaml", "jsonschema", "git", "rich") if name in sys.modules])
"""
    ran = _python(code, "apply", ".", "--state", str(world.state))
    assert ran.stdout.splitlines()[-1] == "LOADED", ran.stderr
    assert "1 unchanged" in ran.stdout


@pytest.mark.parametrize("command", ["apply .", "get a/b", "status"])
def test_without_sqlalchemy_the_extra_is_named(world: World, command: str) -> None:
    hide = "import sys; sys.modules['sqlalchemy'] = None\n"
    ran = _python(hide + RUN, *command.split())
    assert ran.returncode == 2
    assert "sealer[controller]" in ran.stderr


def test_init_and_keys_work_without_sqlalchemy(world: World) -> None:
    hide = "import sys; sys.modules['sqlalchemy'] = None\n"
    assert _python(hide + RUN, "init", "--cluster", "other").returncode == 0
    assert _python(hide + RUN, "keys", "list", "--cluster", "other").returncode == 0


def test_version(world: World) -> None:
    assert re.fullmatch(r"sealer-controller \d+\.\d+\.\d+\S*\n", world.run("--version").out)


@pytest.mark.parametrize("arguments", [("apply",), ("apply", ".", "--nope"), ("nope",), ("status", "x")])
def test_usage_errors_are_a_2(world: World, arguments: tuple[str, ...]) -> None:
    assert world.run(*arguments).code == 2


def test_detailed_exit_codes(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    detailed = "--detailed-exitcode"
    assert world.apply("--dry-run", detailed).code == 2
    assert world.apply(detailed).code == 2
    assert world.apply(detailed).code == 0
    assert world.apply("--dry-run", detailed).code == 0
    world.put("web/bad.yaml", {"k": b"1"}, sealed_for="web/x")
    assert world.apply(detailed).code == 1
    assert world.apply(detailed, source="nowhere").code == 1
    assert world.run("apply", detailed).code == 1
    assert world.apply(detailed, "--allow-prune", "--no-prune").code == 1


def test_prune_options_contradict_each_other(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    assert world.apply("--allow-prune", "--no-prune").code == 2


@pytest.mark.parametrize("command", ["apply", "get", "status", "init", "keys"])
def test_help_fits_80_columns(world: World, command: str) -> None:
    ran = world.run(command, "--help")
    assert ran.code == 0
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_the_console_script_maps_codes(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    ran = _python(RUN, "apply", ".", "--state", str(world.state), "--detailed-exitcode")
    assert ran.returncode == 2, ran.stderr
