"""The bar of long scans."""

from __future__ import annotations

import itertools
import os
import pty
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from hooks import progress
from hooks.progress import Bar
from tests.hooks.repo import SCAN, Repo

if TYPE_CHECKING:
    import pytest


def test_it_shows_after_a_while_how_far_it_is_and_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = itertools.count(0, 0.2)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    bar = Bar("scanning")
    for done in range(1, 11):
        bar(done * 100, 1000)
    said = capsys.readouterr().err
    assert said.count("\r") == 8, "the first half second shows nothing"
    assert f"scanning {'━' * 15}{' ' * 15} 500 of 1,000" in said
    bar.clear()
    assert capsys.readouterr().err == "\r\x1b[K"


def test_a_short_scan_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("scanning")
    bar(1, 2)
    bar.clear()
    assert capsys.readouterr().err == ""


def test_at_a_terminal_stdout_stays_as_it_is(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    for number in range(30):
        repo.write(f"{number}.txt", "x\n")
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [SCAN], cwd=repo.path, stderr=theirs, capture_output=False, stdout=subprocess.PIPE, check=True
    )
    os.close(theirs)
    os.close(ours)
    assert done.stdout.startswith(b"0 findings; 30 files")
