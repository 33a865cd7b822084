"""A named pipe where a file should be: nobody writes into it, so that whoever reads it would wait for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hooks.labelled import random_text
from tests.hooks.repo import Repo

PLACES = ("b.yaml", ".sealer/baseline.yaml", ".gitleaks.toml", ".sealer/rules/own.yaml")


@pytest.mark.parametrize("name", PLACES)
def test_is_named_and_ends_the_run(tmp_path: Path, name: str) -> None:
    repo = Repo(tmp_path / "repo")
    repo.write("a.py", f'DB_PASSWORD = "{random_text("alnum", 24)}"\n')
    (repo.path / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(repo.path / name)
    done = repo.scan(*(["--baseline", name] if name == "b.yaml" else []), "a.py")
    assert done.returncode == 2
    assert f"{name}: is no regular file" in done.stderr
    assert "way out:" in done.stderr


def test_what_a_shell_opened_is_read(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.write("a.py", f'DB_PASSWORD = "{random_text("alnum", 24)}"\n')
    assert repo.scan("baseline", "--reason", "known", "a.py").returncode == 0
    reader, writer = os.pipe()
    os.write(writer, (repo.path / ".sealer/baseline.yaml").read_bytes())
    os.close(writer)
    from hooks.baseline.file import load

    try:
        assert len(load(f"/dev/fd/{reader}", "baseline").entries) == 1
    finally:
        os.close(reader)
