"""Fixtures of the scanner's tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hooks.repo import SCAN, Repo
from tests.servers import peers


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """The rules are compiled before the first test: the run that does it says so on stderr, if it takes long.

    It takes longest of all that tests do here: one process does it for all, each of which has a copy (see `home`).
    """
    shared, own = peers.cache() / "scanner", peers.cache() / f"scanner{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    shared.parent.mkdir(parents=True, exist_ok=True)
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = {**os.environ, "SEALER_SCAN_CACHE": str(shared)}
        subprocess.run([SCAN, __file__], env=environment, capture_output=True, check=False)
        if own != shared and shared.is_dir():
            own.mkdir(mode=0o700, exist_ok=True)
            for each in shared.iterdir():
                if not (own / each.name).exists():
                    shutil.copy2(each, own)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository."""
    return Repo(tmp_path / "repo")
