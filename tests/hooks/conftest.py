"""Fixtures of the scanner's tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.hooks.repo import SCAN, Repo
from tests.servers import peers


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """The rules are compiled before the first test: the run that does it says so on stderr, if it takes long."""
    subprocess.run(
        [SCAN, __file__],
        env={**os.environ, "SEALER_SCAN_CACHE": str(peers.cache() / "scanner")},
        capture_output=True,
        check=False,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository."""
    return Repo(tmp_path / "repo")
