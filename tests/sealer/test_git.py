"""Git as the commands need it, in real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sealer import git
from sealer.checking import history
from sealer.comparing import revisions
from sealer.errors import SourceError, UsageError
from tests.sealer.sealedfiles import commit

YAML = (".yaml", ".yml", ".json")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.yaml").write_text("one")
    (root / "y.JSON").write_text("two")
    (root / "z.txt").write_text("three")
    commit(root)
    return root


def test_tracked_names_files_of_the_whole_repository_from_where_one_stands(repo: Path) -> None:
    assert sorted(git.tracked(repo, YAML)) == ["a/x.yaml", "y.JSON"]
    assert sorted(git.tracked(repo / "a", YAML)) == ["../y.JSON", "x.yaml"]


def test_tracked_names_may_hold_any_bytes(repo: Path) -> None:
    names = [b'q"u\\ote.yaml', b"new\nline.yaml", b"latin-\xe4.yaml", b":(glob)*.yaml", b"-n.yaml"]
    for name in names:
        (repo / os.fsdecode(name)).write_text("x")
    commit(repo)
    found = {os.fsencode(name) for name in git.tracked(repo, YAML)}
    assert found >= set(names)


def test_symlinks_are_not_listed_and_deleted_files_are(repo: Path) -> None:
    (repo / "link.yaml").symlink_to("a/x.yaml")
    commit(repo)
    (repo / "a" / "x.yaml").unlink()
    assert sorted(git.tracked(repo, YAML)) == ["a/x.yaml", "y.JSON"]


def test_a_file_in_conflict_is_listed_once(repo: Path) -> None:
    for branch, text in (("left", "l"), ("right", "r")):
        subprocess.run(["git", "checkout", "-q", "-b", branch, "main"], cwd=repo, check=True)
        (repo / "a" / "x.yaml").write_text(text)
        commit(repo)
    subprocess.run(["git", "merge", "left"], cwd=repo, check=False, capture_output=True)
    assert git.tracked(repo, YAML).count("a/x.yaml") == 1


def test_outside_of_git_it_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(git.NoRepository, match="not in the work tree"):
        git.tracked(tmp_path)
    assert git.state(tmp_path) is None
    assert history.plaintext_in_history([tmp_path / "x"], holds=lambda _, __: True) == {}


def test_a_bare_repository_has_no_work_tree(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "bare"], cwd=tmp_path, check=True)
    with pytest.raises(git.NoRepository):
        git.root(tmp_path / "bare")


def test_a_repository_of_another_user_has_a_way_out(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(SourceError, match="belongs to another user") as caught:
        git.tracked(repo)
    assert caught.value.way_out == f"git config --global --add safe.directory '{repo}'"


def test_without_git_it_is_said_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceError, match="git is not installed"):
        git.tracked(repo)


def test_the_environment_of_a_hook_is_respected(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As `git commit a/x.yaml` does: another index than .git/index, relative to the top.
    index = repo / ".git" / "other-index"
    (repo / "new.yaml").write_text("new")
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
    subprocess.run(["git", "add", "new.yaml"], cwd=repo, check=True, env=environment)
    monkeypatch.chdir(repo)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/other-index")
    assert git.tracked(Path.cwd(), YAML) == ["new.yaml"]


def test_pathspec_switches_of_the_user_do_not_matter(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert "a/x.yaml" in git.tracked(repo, YAML)


def test_fsmonitor_and_hooks_are_not_run(repo: Path) -> None:
    marker = repo / ".git" / "ran"
    script = repo / ".git" / "evil"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", str(script)], cwd=repo, check=True)
    git.tracked(repo)
    git.state(repo)
    list(revisions.changes(repo, revisions.span(repo, "HEAD"), [], YAML))
    assert not marker.exists()


def test_state_is_the_commit_and_whether_it_is_clean(repo: Path) -> None:
    clean = git.state(repo)
    assert clean is not None
    assert clean.commit == git.run(repo, "rev-parse", "HEAD").decode().strip()
    assert len(clean.commit) == 40
    assert not clean.dirty
    (repo / "a" / "new").write_text("x")
    dirty = git.state(repo / "a")
    assert dirty is not None
    assert dirty.dirty


def test_state_before_the_first_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    assert git.state(tmp_path) == git.State("", False)


def test_blobs_stream_by_id(repo: Path) -> None:
    listed = git.run(repo, "ls-tree", "-r", "HEAD").decode().split()
    oid = listed[2]
    with git.Blobs(repo) as blobs:
        assert blobs.read(oid) == b"one"
        assert blobs.read("0" * 40) is None
        assert blobs.read(oid, limit=2) is None
        assert blobs.read(oid) == b"one"


def _holds(data: bytes, _: str) -> bool:
    return b"plain" in data


def test_plaintext_in_head_is_named_by_the_commit(repo: Path) -> None:
    (repo / "a" / "x.yaml").write_text("plain")
    short = commit(repo)
    path = repo / "a" / "x.yaml"
    assert history.plaintext_in_history([path, repo / "y.JSON", repo / "none.yaml"], holds=_holds) == {path: short}


def test_plaintext_that_is_only_staged_has_no_commit(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "new.yaml").write_text("plain")
    subprocess.run(["git", "add", "new.yaml"], cwd=repo, check=True)
    monkeypatch.chdir(repo / "a")
    assert history.plaintext_in_history([Path("../new.yaml")], holds=_holds) == {Path("../new.yaml"): ""}


def test_plaintext_of_older_commits_is_not_looked_for(repo: Path) -> None:
    (repo / "a" / "x.yaml").write_text("plain")
    commit(repo)
    (repo / "a" / "x.yaml").write_text("sealed")
    commit(repo)
    assert history.plaintext_in_history([repo / "a" / "x.yaml"], holds=_holds) == {}


def test_plaintext_before_the_first_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    (tmp_path / "s.yaml").write_text("plain")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    assert history.plaintext_in_history([tmp_path / "s.yaml"], holds=_holds) == {tmp_path / "s.yaml": ""}


def test_plaintext_of_many_files_in_several_repositories(tmp_path: Path) -> None:
    paths = []
    for name in ("one", "two"):
        for number in range(600):
            path = tmp_path / name / f"{number}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text("plain")
            paths.append(path)
        commit(tmp_path / name)
    assert history.plaintext_in_history(paths, holds=_holds).keys() == set(paths)


def test_by_default_a_secret_manifest_is_what_counts_as_plaintext(repo: Path) -> None:
    path = repo / "s.yaml"
    path.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: v}\n")
    short = commit(repo)
    assert history.plaintext_in_history([path, repo / "a" / "x.yaml"]) == {path: short}


def test_changes_against_the_work_tree_show_what_is_new_before_it_is_added(repo: Path) -> None:
    (repo / "a" / "x.yaml").write_text("1")
    (repo / "y.JSON").unlink()
    (repo / "n.yml").write_text("n")
    (repo / "ignored.yml").write_text("n")
    (repo / ".git" / "info" / "exclude").write_text("ignored.yml\n")
    found = list(revisions.changes(repo, revisions.span(repo, "HEAD"), [], YAML))
    assert [(one.path, one.old, one.new) for one in found] == [
        ("a/x.yaml", b"one", b"1"),
        ("n.yml", None, b"n"),
        ("y.JSON", b"two", None),
    ]


def test_changes_between_commits_and_since_the_merge_base(repo: Path) -> None:
    subprocess.run(["git", "checkout", "-q", "-b", "topic"], cwd=repo, check=True)
    (repo / "t.yaml").write_text("t")
    commit(repo)
    subprocess.run(["git", "checkout", "-q", "main"], cwd=repo, check=True)
    (repo / "m.yaml").write_text("m")
    commit(repo)

    def names(text: str) -> list[str]:
        return [one.path for one in revisions.changes(repo, revisions.span(repo, text), [], YAML)]

    assert names("main..topic") == ["m.yaml", "t.yaml"]
    assert names("main...topic") == ["t.yaml"]
    assert names("topic..") == ["m.yaml", "t.yaml"]
    assert names("...topic") == ["t.yaml"]


def test_changes_below_paths_only(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "a" / "x.yaml").write_text("1")
    (repo / "[a].yaml").write_text("literal")
    monkeypatch.chdir(repo / "a")
    between = revisions.span(Path.cwd(), "HEAD")

    def names(*paths: str) -> list[str]:
        found = revisions.changes(Path.cwd(), between, [Path(path) for path in paths], YAML)
        return [one.path for one in found]

    assert names(".") == ["a/x.yaml"]
    assert names("../[a].yaml") == ["[a].yaml"]
    assert names("..") == ["[a].yaml", "a/x.yaml"]
    with pytest.raises(UsageError, match="outside"):
        names("/")


@pytest.mark.parametrize("text", ["nope", "--output=x", "HEAD..nope", "nope...HEAD"])
def test_unknown_revisions(repo: Path, text: str) -> None:
    with pytest.raises(UsageError, match="not a revision"):
        revisions.span(repo, text)


def test_no_common_ancestor(repo: Path) -> None:
    subprocess.run(["git", "checkout", "-q", "--orphan", "other"], cwd=repo, check=True)
    commit(repo, "unrelated")
    with pytest.raises(UsageError, match="no common ancestor") as caught:
        revisions.span(repo, "main...other")
    assert "--unshallow" in caught.value.way_out
