"""Patches as the files that they make, held against what git itself writes and takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hooks.structure import diff

BEFORE = ["-- x", "a", "++ y", "", "--- z", "b", "---", "+++", "c"]
AFTER = ["-- x2", "a", "++ y2", "", "+++ z", "b", "---", "c", "-- w"]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    for lines in (BEFORE, AFTER):
        for name in ("a.sql", "b.sql"):
            (tmp_path / name).write_text("\n".join(lines) + "\n" * (name == "a.sql"))
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", "Both\n\n-- no line of theirs")
    return tmp_path


@pytest.mark.parametrize("context", ["-U0", "-U1", "-U3", "-U99"])
@pytest.mark.parametrize("command", [("diff", "HEAD~1"), ("format-patch", "-1", "--stdout"), ("log", "-p", "-1")])
def test_a_line_that_looks_like_the_head_of_a_file_is_a_line(
    repository: Path, command: tuple[str, ...], context: str
) -> None:
    patch = git(repository, *command, context)
    found = diff.plain(patch).split("\n")
    assert len(found) == patch.count("\n") + 1  # each on its own number
    body = [line for line in found if line in {*BEFORE, *AFTER} - {""}]
    for line in ("-- x", "-- x2", "++ y", "++ y2", "--- z", "+++ z", "-- w"):
        assert body.count(line) == 2, line
    heads = [number for number, line in enumerate(patch.split("\n")) if line in ("--- a/a.sql", "--- a/b.sql")]
    assert len(heads) == 2
    assert [found[number] for number in heads] == ["---"] * 2


def test_git_says_no_end_of_line_and_an_editor_takes_blanks() -> None:
    patch = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n-b\n\\ No newline at end of file\n+-- c\n"
    patch += "--- a/y\n+++ b/y\n@@ -1 +1 @@\n-d\n+e\n"
    assert diff.plain(patch).split("\n") == ["---", "---", "", "a", "", "b", "", "-- c", "---", "---", "", "d", "e", ""]


def test_counts_that_were_changed_by_hand_hide_no_file() -> None:
    patch = "--- a/x\n+++ b/x\n@@ -1,{0} +1,{0} @@\n a\n-b\n+c\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-d\n+e\n"
    expected = ["---", "---", "", "a", "b", "c", "---", "---", "", "d", "e", ""]
    for count in (1, 2, 4, 9):
        assert diff.plain(patch.format(count)).split("\n") == expected


def test_the_signature_of_a_mail_is_no_line() -> None:
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n-- \n2.40.0\n"
    assert diff.plain(patch).split("\n")[4:] == ["a", "", "", ""]
