"""What makes a remembered scan void: other rules, other code, other libraries; not the times of files."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

import hooks
from hooks import remembered
from sealer import documents


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the code that a scan runs."""
    for module, name in ((hooks, "hooks"), (documents, "documents")):
        shutil.copytree(Path(str(module.__file__)).parent, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(remembered, "__file__", str(tmp_path / "hooks" / "remembered.py"))
    monkeypatch.setattr(documents, "__file__", str(tmp_path / "documents" / "__init__.py"))
    return tmp_path


def test_the_same_installed_again_is_the_same(installed: Path) -> None:
    before = remembered.key()
    for path in installed.rglob("*.py"):
        os.utime(path, (1, 1))
    assert remembered.key() == before


@pytest.mark.parametrize("name", ["hooks/detect.py", "hooks/structure/walk.py", "documents/yamlio.py"])
def test_other_code_is_another_key(installed: Path, name: str) -> None:
    before = remembered.key()
    status = (installed / name).stat()
    data = (installed / name).read_bytes()
    (installed / name).write_bytes(data[:-2] + b"#\n")
    os.utime(installed / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert remembered.key() != before


@pytest.mark.parametrize("library", ["google-re2", "hyperscan", "pyyaml"])
def test_another_library_is_another_key(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    before = remembered.key()
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0" if name == library else version(name))
    assert remembered.key() != before


def test_another_python_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = remembered.key()
    monkeypatch.setattr(sys, "version", "4.0.0")
    assert remembered.key() != before
