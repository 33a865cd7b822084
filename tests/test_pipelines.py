"""The unit file and the pipelines of `examples/`: they parse, and each of our commands in them is one that we take."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.main import get_command

from controller import main as controller
from hooks import scan
from sealer import cli

EXAMPLES = Path(__file__).parents[1] / "examples"
UNIT = EXAMPLES / "systemd" / "sealer-controller.service"
PIPELINES = sorted((EXAMPLES / "ci").glob("*.yml"))
_OURS = re.compile(r"^\s*(?:\w+=\S*\s+)*(?P<command>sealer(?:-controller)? .*)$")
_END = re.compile(r"\s(?:\|\|?|&&|>>?|<|;)\s")


def scripts(value: Any) -> Iterator[str]:
    """Every text that is a script: those of `run`, `script` and the like."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("run", "script", "after_script"):
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scripts(inner)


def commands(text: str) -> Iterator[list[str]]:
    """Our commands in a script, as words; what the shell would put in stays as it is."""
    for line in text.replace("\\\n", " ").splitlines():
        if found := _OURS.match(line):
            yield shlex.split(_END.split(found["command"])[0])


def accepted(words: list[str]) -> bool:
    """Whether the parser of the command takes these words. Nothing is run."""
    program, *arguments = words
    if program == "sealer" and arguments[0] == "scan":
        return bool(scan._parser().parse_args(arguments[1:]))
    command: Any = get_command(cli.app if program == "sealer" else controller.app)
    context = command.make_context(program, list(arguments), resilient_parsing=False)
    while getattr(command, "commands", None):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return True


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_each_command_of_a_pipeline_is_taken(path: Path) -> None:
    found = [words for text in scripts(yaml.safe_load(path.read_text())) for words in commands(text)]
    assert {tuple(words[:2]) for words in found} == {
        ("sealer", "scan"), ("sealer", "check"), ("sealer", "diff"), ("sealer-controller", "apply"),
        ("sealer-controller", "audit"),
    }  # fmt: skip
    assert all(accepted(words) for words in found)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_each_script_of_a_pipeline_is_one_of_the_shell(path: Path) -> None:
    for text in scripts(yaml.safe_load(path.read_text())):
        done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "${{" not in text  # what a stranger may name a branch would be run


def test_a_command_that_is_not_ours_is_not_taken() -> None:
    with pytest.raises(typer.TyperException):
        accepted(["sealer-controller", "apply", ".", "--no-such-option"])
    with pytest.raises(SystemExit):
        accepted(["sealer", "scan", "--no-such-option"])


def directives() -> dict[str, list[str]]:
    """Each directive of the unit with its values."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_command_of_the_unit_is_taken() -> None:
    (start,) = directives()["ExecStart"]
    assert accepted(["sealer-controller", *shlex.split(start)[1:]])
    comments = "\n".join(line.removeprefix("#") for line in UNIT.read_text().splitlines() if line.startswith("#"))
    words = comments.partition("runuser -u sealer -- ")[2].partition("<")[0].replace("\\\n", " ")
    assert accepted(shlex.split(words))


def test_the_unit_is_one_for_systemd(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    unit = tmp_path / UNIT.name
    # The programs that it starts need not be installed here.
    unit.write_text(re.sub(r"(?m)^(Exec\w+=)\S+", rf"\1{sys.executable}", UNIT.read_text()))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_says_what_run_relies_on() -> None:
    said = directives()
    for name, value in {
        "Type": "notify", "ExecReload": "/bin/kill -HUP $MAINPID", "ProtectSystem": "strict", "LimitCORE": "0",
        "StateDirectory": "sealer", "LoadCredential": "passphrase:/etc/sealer/passphrase",
    }.items():  # fmt: skip
        assert said[name] == [value]
