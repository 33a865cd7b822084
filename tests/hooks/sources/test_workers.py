"""Two processes: the same findings in the same order as one, and no silence when one of them ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hooks import blobs, workers
from sealer.errors import SourceError
from tests.hooks.sources.looking import inside, places, problems, scan

if TYPE_CHECKING:
    from hooks.finding import Finding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(700):
        text = f"wanted-{number}\n" if number % 13 == 0 else f"{number}\n"
        (tmp_path / f"{number:04}.txt").write_text("\n" * (number % 5) + text)
    (tmp_path / "a.bin").write_bytes(b"\0")
    (tmp_path / "link").symlink_to("0000.txt")
    return tmp_path


def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    started: list[int] = []
    fork = os.fork

    def counted() -> int:
        process = fork()
        started.append(process)
        return process

    monkeypatch.setattr(os, "fork", counted)
    return started


def test_two_processes_find_what_one_finds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with inside(folder):
        monkeypatch.setattr(blobs, "_SPLIT_FROM", 10_000)
        alone = blobs.work_tree()
        expected = places(alone)
        assert len(expected) == 54
        monkeypatch.setattr(blobs, "_SPLIT_FROM", 1)
        started = forks(monkeypatch)
        told: list[tuple[int, int]] = []
        both = blobs.work_tree()
        found = [(one.path, one.line) for _, all_ in both.scanned(scan, lambda *now: told.append(now)) for one in all_]
    assert found == expected
    assert len(started) == 1
    assert (both.size, both.binary, len(both)) == (alone.size, alone.binary, len(alone)) == (alone.size, 1, 701)
    assert told[-1] == (702, 702)


def test_a_few_files_are_read_by_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = forks(monkeypatch)
    assert places(blobs.work_tree([str(folder / "0000.txt"), str(folder / "0013.txt")]))
    assert started == []


def all_gone(children: list[int]) -> None:
    """Each child was waited for; those that other tests left are not ours."""
    assert len(children) == 1
    for child in children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


@pytest.mark.parametrize("how", ["killed", "raises", "exits"])
def test_a_process_that_ends_early_is_an_error(folder: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parent, started = os.getpid(), forks(monkeypatch)

    def broken(blob: blobs.Blob) -> list[Finding]:
        if blob.path.endswith("0500.txt") and os.getpid() != parent:
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "exits":
                os._exit(0)
            raise ValueError("a defect")
        return scan(blob)

    with pytest.raises(SourceError, match="stopped early"):
        list(blobs.work_tree([str(folder)]).scanned(broken))
    all_gone(started)


def test_what_one_process_can_not_do_is_told_as_here(folder: Path) -> None:
    def refused(blob: blobs.Blob) -> list[Finding]:
        if blob.path:
            raise SourceError("no", where="there", way_out="this way")
        return []

    with pytest.raises(SourceError) as caught:
        list(blobs.work_tree([str(folder)]).scanned(refused))
    assert (caught.value.what, caught.value.where, caught.value.way_out) == ("no", "there", "this way")


def test_whoever_stops_asking_leaves_no_process_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = forks(monkeypatch)
    found = blobs.work_tree([str(folder)]).scanned(scan)
    next(iter(found))
    found.close()  # type: ignore[attr-defined]
    all_gone(started)


def test_what_is_gone_before_it_is_read_is_told(folder: Path) -> None:
    source = blobs.work_tree([str(folder)])
    (folder / "0400.txt").unlink()
    assert problems(source) == {f"{folder}/0400.txt": "can't be read: no such file or directory"}


def test_more_answers_than_a_pipe_holds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("wanted-1\n")
    source = blobs.work_tree([str(tmp_path)])
    source.entries = list(source.entries) * 30_000
    assert sum(1 for _ in workers.interesting(source, scan)) == 30_000
