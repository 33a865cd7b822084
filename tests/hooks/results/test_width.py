"""A finding is one line in a pipe and in a file, where `grep` reads it, and fits the terminal that people read."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import termios
from fcntl import ioctl
from typing import TYPE_CHECKING

import pytest

from tests.hooks.labelled import random_text
from tests.hooks.repo import BIN

if TYPE_CHECKING:
    from tests.hooks.repo import Repo

PATH = "deploy/" + "/".join("a-folder-with-a-name" for _ in range(4)) + "/settings.yaml"
FINDING = f"{PATH}:2  generic-password  database.password: ********"


@pytest.fixture
def leak(repo: Repo) -> Repo:
    repo.add(PATH, f"database:\n  password: {random_text('alnum', 20)}\n")
    return repo


def shown_at(columns: int, folder: os.PathLike[str], *options: str) -> list[str]:
    """What a scan prints at a terminal of so many columns."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([BIN / "sealer-scan", *options], cwd=folder, stdout=theirs, stderr=subprocess.DEVNULL):
        os.close(theirs)
        text = b""
        try:
            while data := os.read(ours, 65536):
                text += data
        except OSError:
            pass  # the other end is closed
    os.close(ours)
    return text.decode().replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_a_finding_is_one_line_in_a_pipe_and_in_a_file(leak: Repo, many: bool) -> None:
    for number in range(8 if many else 0):
        leak.add(f"{number}/{PATH}", f"database:\n  password: {random_text('alnum', 20)}\n")
    piped = leak.scan(".").stdout.split("\n")
    assert FINDING in piped
    assert [line for line in piped if "********" in line and "settings.yaml" not in line] == []
    leak.scan(".", "-o", "found.txt")
    assert FINDING in (leak.path / "found.txt").read_text().split("\n")


def test_a_file_is_not_wrapped_at_a_terminal_either(leak: Repo) -> None:
    shown_at(60, leak.path, ".", "-o", "found.txt")
    assert FINDING in (leak.path / "found.txt").read_text().split("\n")


def test_at_a_terminal_a_finding_fits_its_width(leak: Repo) -> None:
    assert FINDING in shown_at(200, leak.path, ".")
    narrow = shown_at(130, leak.path, ".")
    assert FINDING not in narrow
    assert narrow[:2] == [f"{PATH}:2  generic-password", "  database.password: ********"]
    assert shown_at(60, leak.path, ".")[:3] == [f"{PATH}:2", "  generic-password", "  database.password: ********"]
