"""Fixtures of the controller's tests."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from controller.sources import location
from tests.controller.world import Counts, World, watch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """SQL is compiled once: a process of ours opens one state, this one opens thousands.

    What is compiled is kept by dialect, of which every engine has its own; all of SQLite's are the same to this cache.
    """
    kept = {"compiled_cache": {}}
    create = sa.create_engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda one: hash(type(one)))
        patch.setattr(sa, "create_engine", lambda *url, **more: create(*url, execution_options=kept, **more))
        yield


@pytest.fixture
def world(tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder for sealed files, a keyring and a state."""
    return World(tmp_path / "shop", capfd, monkeypatch)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Private operations, commits and fsyncs from now on."""
    return watch(monkeypatch)


@pytest.fixture
def fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in memory where there is one: for tests of hundreds of runs, whose fsyncs would take minutes.

    Nor is a process of git started for each of them, to hear again that the source is in no repository.
    """
    monkeypatch.setattr(location, "_top", functools.cache(location._top))
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
