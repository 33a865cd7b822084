"""What polls go by: it changes with anything that would be read, and is believed only once it is old enough."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.sources import open_source, signature
from controller.sources.base import unknown
from controller.sources.location import locate
from tests.controller.repos import RULES, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo.make(tmp_path / "repo")
    repo.write(".sealer.yaml", RULES)
    repo.seal("clusters/prod/app.yaml")
    repo.seal("clusters/prod/..2026/db.yaml")
    repo.seal("clusters/prod/..2027/db.yaml")
    repo.link("clusters/prod/..data", "..2026")
    repo.link("clusters/prod/db.yaml", "..data/db.yaml")
    repo.write("clusters/readme.txt", "x")
    return repo


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was changed so far was changed long ago."""
    now = time.time_ns
    monkeypatch.setattr(signature.time, "time_ns", lambda: now() + 3_600_000_000_000)


def _signature(repo: Repo) -> str | None:
    return open_source(locate(str(repo.root / "clusters"))).signature()


def _in_place(repo: Repo) -> None:
    file = repo.root / "clusters/prod/app.yaml"
    times = file.stat()
    file.write_text(file.read_text().replace("app", "apq"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def _swap(repo: Repo) -> None:
    (repo.root / "clusters/prod/..new").symlink_to("..2027")
    os.replace(repo.root / "clusters/prod/..new", repo.root / "clusters/prod/..data")


CHANGES: dict[str, Callable[[Repo], object]] = {
    "same size, time set back": _in_place,
    "new": lambda repo: repo.seal("clusters/b.yaml"),
    "new below": lambda repo: repo.seal("clusters/x/y/b.YML"),
    "gone": lambda repo: (repo.root / "clusters/prod/app.yaml").unlink(),
    "renamed": lambda repo: (repo.root / "clusters/prod/app.yaml").rename(repo.root / "clusters/prod/b.yaml"),
    "moved with its folder": lambda repo: (repo.root / "clusters/prod").rename(repo.root / "clusters/staging"),
    "mode": lambda repo: (repo.root / "clusters/prod/app.yaml").chmod(0o600),
    "volume": _swap,
    "target": lambda repo: repo.seal("clusters/prod/..2026/db.yaml", "other"),
    "rules": lambda repo: repo.write(".sealer.yaml", RULES + "source: shop\n"),
}


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("change", CHANGES)
def test_anything_that_would_be_read_changes_it(repo: Repo, change: str) -> None:
    before = _signature(repo)
    assert _signature(repo) == before
    CHANGES[change](repo)
    assert _signature(repo) != before


@pytest.mark.usefixtures("later")
def test_what_would_not_be_read_does_not_change_it(repo: Repo) -> None:
    before = _signature(repo)
    repo.write("clusters/readme.txt", "y")
    repo.write("clusters/..x/a.yaml", "y")
    repo.write("clusters/.sealer/keys/a.yaml", "y")
    repo.seal("other/a.yaml")
    repo.commit()
    assert _signature(repo) == before


def test_what_changed_just_now_is_read_again(repo: Repo) -> None:
    assert _signature(repo) != _signature(repo)


@pytest.mark.usefixtures("later")
def test_a_time_of_modification_in_the_future_does_not_make_every_poll_read(repo: Repo) -> None:
    os.utime(repo.root / "clusters/prod/app.yaml", (2**32, 2**32))
    assert _signature(repo) == _signature(repo)


@pytest.mark.usefixtures("later")
def test_links_that_lead_nowhere_are_no_end_of_it(repo: Repo) -> None:
    repo.link("clusters/none.yaml", "nowhere")
    repo.link("clusters/self.yaml", "self.yaml")
    before = _signature(repo)
    assert _signature(repo) == before
    repo.write("clusters/nowhere", "x")
    assert _signature(repo) != before


@pytest.mark.usefixtures("later")
def test_no_file_is_read(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(locate(str(repo.root)))

    def refuse(*_: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(os, "open", refuse)
    assert source.signature()


def test_of_a_commit_it_is_the_commit(repo: Repo) -> None:
    commit = repo.commit()
    for source, ref in ((repo.url, None), (str(repo.root), "main")):
        assert open_source(locate(source, ref=ref)).signature() == commit
    repo.seal("c.yaml")
    assert open_source(locate(repo.url)).signature() == commit
    newer = repo.commit()
    source = open_source(locate(repo.url))
    assert source.signature() == source.read(unknown).revision == newer
