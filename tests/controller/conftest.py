"""Fixtures of the controller's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controller.world import Counts, World, watch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder for sealed files, a keyring and a state."""
    return World(tmp_path / "shop", capfd, monkeypatch)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Private operations, commits and fsyncs from now on."""
    return watch(monkeypatch)
