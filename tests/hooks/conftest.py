"""The scanner's rules are compiled before the first test: the run that does it says so on stderr, if it takes long."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.hooks.repo import SCAN
from tests.servers import peers


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    subprocess.run(
        [SCAN, __file__],
        env={**os.environ, "SEALER_SCAN_CACHE": str(peers.cache() / "scanner")},
        capture_output=True,
        check=False,
    )
