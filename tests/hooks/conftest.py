"""Fixtures of the scanner's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hooks.repo import Repo


@pytest.fixture(scope="session", autouse=True)
def _compiled(compiled: None) -> None:
    """Every test here may scan."""


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository."""
    return Repo(tmp_path / "repo")
