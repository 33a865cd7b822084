"""Fixtures of the scanner's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import peers

_CACHE = peers.cache() / "scanner"


@pytest.fixture(autouse=True)
def compiled_rules(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled rules outlive a test: compiling takes longer than the test. They are found by a digest of all rules."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_CACHE))
