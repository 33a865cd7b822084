"""Streams that the shell closed or that take nothing, and Ctrl-C while modules load: no traceback, the same answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hooks.labelled import random_text
from tests.hooks.repo import BIN, SCAN, Repo


@pytest.fixture
def files(repo: Repo) -> Repo:
    """One file that is clean, one that holds a secret."""
    repo.write("clean.txt", "hello\n")
    repo.write("leak.py", f'DB_PASSWORD = "{random_text("alnum", 24)}"\n')
    return repo


def shell(repo: Repo, command: str) -> tuple[int, str]:
    """Exit code and stderr of a command of a shell."""
    done = subprocess.run(
        ["sh", "-c", command.replace("sealer-scan", SCAN)], cwd=repo.path, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed_or_full_leave_the_answer_what_it_is(files: Repo, streams: str) -> None:
    assert shell(files, f"sealer-scan clean.txt {streams}") == (0, "")
    assert shell(files, f"sealer-scan leak.py {streams}") == (1, "")
    assert shell(files, f"sealer-scan nosuch {streams}")[0] == 2
    assert shell(files, f"sealer-scan leak.py -o report.json {streams}")[0] == 1
    # No message of ours went into the file, which has the number of a stream that was closed, else.
    assert (files.path / "report.json").read_text().startswith("{")


def test_a_stdin_that_is_closed_is_named(files: Repo) -> None:
    code, said = shell(files, "sealer-scan --stdin <&-")
    assert code == 2
    assert said.startswith("error: stdin is closed\n  way out: ")


def test_a_full_disk_is_told_once(files: Repo) -> None:
    for name in ("clean.txt", "leak.py"):
        assert shell(files, f"sealer-scan {name} >/dev/full") == (2, "error: no space left on device\n")


@pytest.mark.parametrize("program", ["scan", "check"])
@pytest.mark.parametrize("module", ["sealer.console", "hooks.options", "sealer.errors"])
def test_ctrl_c_while_modules_load_is_silent(tmp_path: Path, program: str, module: str) -> None:
    """A module that sends the signal stands in for a person who does so while that one is loaded."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            os.kill(os.getpid(), {int(signal.SIGINT)})\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    done = subprocess.run(
        [sys.executable, str(BIN / f"sealer-{program}"), "--format", "text"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
