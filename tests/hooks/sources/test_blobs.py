"""What is scanned: the index, ranges, the work tree, paths, stdin; and what can't be read is said loudly."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hooks import blobs, gitpipe
from sealer.errors import SourceError
from tests.hooks.repo import SCAN, Repo, run, secret
from tests.hooks.sources.looking import places


def test_the_index_is_scanned_and_not_the_work_tree(repo: Repo) -> None:
    repo.add("a.yaml", secret())
    repo.write("a.yaml", "kind: Nothing\n")
    repo.add("b.yaml", "kind: Nothing\n")
    repo.write("b.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert "a.yaml:7" in done.stdout
    assert "b.yaml" not in done.stdout


def test_what_git_started_early_is_ended(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    started: list[int] = []
    spawn = gitpipe.spawn
    monkeypatch.setattr(gitpipe, "spawn", lambda *args, **words: started.append(spawn(*args, **words)) or started[-1])
    repo.commit()
    repo.add("a.txt", "wanted-1\n")
    asked: list[str] = []
    assert places(blobs.staged((), lambda: asked.append("once"))) == [("a.txt", 1)]
    assert asked == ["once"]
    assert places(blobs.staged(["elsewhere"])) == []

    def refused() -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        blobs.staged((), refused)
    (repo.path / ".git" / "HEAD").unlink()
    with pytest.raises(SourceError):
        blobs.staged()
    assert len(started) > 7
    for process in started:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def test_before_the_first_commit_all_of_the_index_is_scanned(repo: Repo) -> None:
    repo.add("a.yaml", secret())
    assert repo.scan("--staged").returncode == 1


def test_only_what_differs_from_head_is_scanned(repo: Repo) -> None:
    repo.add("old.yaml", secret())
    repo.commit()
    repo.add("new.txt", "hello\n")
    done = repo.scan("--staged")
    assert done.returncode == 0
    assert done.stdout.startswith("0 findings; 1 staged file, 6 B,")


def test_renames_and_deletions(repo: Repo) -> None:
    repo.add("old.yaml", secret())
    repo.add("gone.yaml", secret(name="gone"))
    repo.commit()
    repo.git("mv", "old.yaml", "new.yaml")
    repo.git("rm", "-q", "gone.yaml")
    done = repo.scan("--staged")
    assert (done.returncode, done.stdout.startswith("0 findings; 1 staged file, ")) == (0, True)
    repo.add("new.yaml", secret())
    done = repo.scan("--staged")
    assert "new.yaml:7" in done.stdout
    assert "gone.yaml" not in done.stdout
    assert "old.yaml" not in done.stdout


def test_symlinks_submodules_and_intended_additions_hold_nothing(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    inner.add("s.yaml", secret())
    inner.commit()
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "sub")
    os.symlink("sub/s.yaml", repo.path / "link.yaml")
    repo.git("add", "link.yaml")
    repo.write("later.yaml", secret())
    repo.git("add", "-N", "later.yaml")
    done = repo.scan("--staged")
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""


def test_a_merge_is_scanned_against_head(repo: Repo) -> None:
    repo.add("a.txt", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.add("s.yaml", secret())
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.add("b.txt", "2\n")
    repo.commit()
    repo.git("merge", "-q", "--no-commit", "--no-ff", "side")
    assert "s.yaml:7" in repo.scan("--staged").stdout


def test_an_unmerged_file_is_an_error_not_a_pass(repo: Repo) -> None:
    for branch, text in (("main", "0\n"), ("side", "1\n"), ("main", "2\n")):
        if branch == "side":
            repo.git("checkout", "-q", "-b", "side")
        elif (repo.path / "a.txt").exists():
            repo.git("checkout", "-q", "main")
        repo.add("a.txt", text)
        repo.commit()
    repo.git("merge", "-q", "side", code=1)
    done = repo.scan("--staged")
    assert done.returncode == 2
    assert done.stderr.count("error: a.txt: is not merged yet") == 1
    repo.add("s.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert "s.yaml:7" in done.stdout
    assert done.stderr.count("error: a.txt: is not merged yet") == 1


def test_the_index_that_git_names_is_the_one_that_is_read(repo: Repo) -> None:
    repo.add("a.txt", "1\n")
    repo.commit()
    other = {"GIT_INDEX_FILE": str(repo.path / "other-index")}
    assert run(["git", "add", "a.txt"], repo.path, **other).returncode == 0
    repo.write("s.yaml", secret())
    assert run(["git", "add", "s.yaml"], repo.path, **other).returncode == 0
    assert repo.scan("--staged").returncode == 0
    assert repo.scan("--staged", **other).returncode == 1


def test_a_hook_finds_what_a_commit_of_one_path_brings_in(repo: Repo) -> None:
    hook = repo.write(".git/hooks/pre-commit", f"#!/bin/sh\nexec {SCAN} --staged\n")
    hook.chmod(0o755)
    repo.add("a.txt", "1\n")
    repo.commit()
    repo.write("a.txt", "2\n")
    repo.add("s.yaml", "kind: X\n")
    repo.commit()
    repo.write("s.yaml", secret())
    done = run(["git", "commit", "-q", "-m", "x", "s.yaml"], repo.path)
    assert done.returncode == 1
    assert "s.yaml:7" in done.stdout + done.stderr
    assert run(["git", "commit", "-q", "-m", "x", "a.txt"], repo.path).returncode == 0


def test_paths_are_shown_as_seen_from_here(repo: Repo) -> None:
    repo.add("deep/s.yaml", secret())
    repo.add("other.yaml", secret())
    shown = repo.scan("--staged", folder="deep").stdout
    assert "\ns.yaml:7" in f"\n{shown}"
    assert "../other.yaml:7" in shown
    assert "other.yaml" not in repo.scan("--staged", "deep").stdout


def test_names_that_are_no_utf8_and_no_shell_words(repo: Repo) -> None:
    name = os.fsdecode(b"b\xff d\n'x.yaml")
    repo.add(name, secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert "\\xdcff" in done.stdout
    assert repo.scan("--staged", "--format", "json").returncode == 1


def test_sha256_repositories_worktrees_and_bare_ones(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo", format="sha256")
    repo.add("s.yaml", secret())
    assert repo.scan("--staged").returncode == 1
    first = repo.commit()
    repo.add("t.yaml", secret())
    repo.commit()
    repo.git("worktree", "add", "-q", "../tree", "HEAD")
    assert "t.yaml:7" in run([SCAN, "--range", f"{first}.."], tmp_path / "tree").stdout
    repo.git("clone", "-q", "--bare", ".", "../bare")
    assert "t.yaml:7" in run([SCAN, "--range", f"{first}..HEAD"], tmp_path / "bare").stdout


def test_binary_files_are_passed_over_and_counted(repo: Repo) -> None:
    repo.add("a.bin", b"\0\1" + secret().encode())
    report = repo.scan("--staged", "--format", "json").stdout
    assert '"binary": 1' in report
    assert '"findings": []' in report


def test_a_missing_object_is_an_error(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    oid = repo.git("rev-parse", ":s.yaml").strip()
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    done = repo.scan("--staged")
    assert done.returncode == 2
    assert "missing from the repository" in done.stderr


def test_outside_of_git_staged_can_not_tell(tmp_path: Path) -> None:
    done = run([SCAN, "--staged"], tmp_path)
    assert done.returncode == 2
    assert "not in the work tree of a Git repository" in done.stderr


# --- ranges ---------------------------------------------------------------------------------------------------------


def test_a_range_has_every_version_also_what_was_removed_again(repo: Repo) -> None:
    repo.add("before.yaml", secret())
    first = repo.commit()
    repo.add("s.yaml", secret())
    leaked = repo.commit()
    repo.git("rm", "-q", "s.yaml")
    repo.commit()
    for text in (
        f"{first}..HEAD",
        f"{first}..",
        f"{first}...HEAD",
        f"main~2...{repo.git('rev-parse', 'main').strip()}",
    ):
        done = repo.scan("--range", text)
        assert done.returncode == 1
        assert f"s.yaml:7  kubernetes-secret  stringData.password: ********  in {leaked[:8]}" in done.stdout
        assert "before.yaml" not in done.stdout
        assert "change the value as well" in done.stdout


def test_a_range_of_commits_that_branch_and_merge(repo: Repo) -> None:
    repo.add("a.txt", "1\n")
    base = repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.add("side.yaml", secret())
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.add("main.yaml", secret())
    repo.commit()
    repo.git("merge", "-q", "--no-commit", "--no-ff", "side")
    repo.add("evil.yaml", secret())
    repo.commit()
    shown = repo.scan("--range", f"{base}..HEAD").stdout
    assert all(name in shown for name in ("side.yaml:7", "main.yaml:7", "evil.yaml:7"))
    # What `main` brought in before the side branch left it is not the side branch's.
    assert "main.yaml" not in repo.scan("--range", "main~1...side").stdout


def test_a_range_may_be_narrowed_to_paths(repo: Repo) -> None:
    repo.add("a.txt", "1\n")
    base = repo.commit()
    repo.add("x/s.yaml", secret())
    repo.add("y/s.yaml", secret())
    repo.commit()
    shown = repo.scan("--range", f"{base}..", "x").stdout
    assert "x/s.yaml:7" in shown
    assert "y/s.yaml" not in shown


def test_a_shallow_clone_without_the_base_can_not_tell(repo: Repo, tmp_path: Path) -> None:
    first = ""
    for number in range(3):
        repo.add("a.txt", f"{number}\n")
        first = first or repo.commit()
        repo.commit()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repo.path}", str(clone)], check=True)
    for text in (f"{first}..HEAD", f"{first}...HEAD"):
        done = run([SCAN, "--range", text], clone)
        assert done.returncode == 2
        assert "shallow clone" in done.stderr
        assert "way out: git fetch --unshallow" in done.stderr


def test_a_shallow_clone_that_lacks_what_is_between_can_not_tell(repo: Repo, tmp_path: Path) -> None:
    for number in range(3):
        repo.add("a.txt", f"{number}\n")
        repo.commit()
    repo.git("branch", "old", "HEAD~2")
    clone = tmp_path / "clone"
    url = f"file://{repo.path}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", "--no-single-branch", url, str(clone)], check=True)
    done = run([SCAN, "--range", "origin/old..HEAD"], clone)
    assert done.returncode == 2
    assert "no common ancestor" in done.stderr


@pytest.mark.parametrize("text", ["HEAD", "..HEAD", "0000000000000000000000000000000000000000..HEAD", "--all..HEAD"])
def test_a_range_that_names_no_base_can_not_tell(repo: Repo, text: str) -> None:
    repo.add("s.yaml", secret())
    repo.commit()
    done = repo.scan(f"--range={text}")
    assert done.returncode == 2
    assert "way out:" in done.stderr


# --- work tree, paths, stdin ----------------------------------------------------------------------------------------


def test_the_work_tree_less_what_git_ignores(repo: Repo) -> None:
    repo.add("tracked.yaml", secret())
    repo.add("deleted.yaml", secret()).unlink()
    repo.write("untracked.yaml", secret())
    repo.write(".gitignore", "ignored*\n")
    repo.write("ignored.yaml", secret())
    shown = repo.scan().stdout
    assert "tracked.yaml:7" in shown
    assert "untracked.yaml:7" in shown
    assert "ignored.yaml" not in shown
    assert "deleted.yaml" not in shown
    assert "ignored.yaml:7" in repo.scan("ignored.yaml").stdout, "what is named is scanned"
    repo.write("ignored/s.yaml", secret())
    assert "ignored/s.yaml:7" in repo.scan("ignored").stdout


def test_from_a_folder_the_whole_repository_is_scanned(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    repo.write("deep/x.txt", "x")
    assert "../s.yaml:7" in repo.scan(folder="deep").stdout
    assert repo.scan(".", folder="deep").returncode == 0


def test_outside_of_git_all_files_are_scanned(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "s.yaml").write_text(secret())
    os.symlink("s.yaml", tmp_path / "a" / "link.yaml")
    os.symlink("nowhere", tmp_path / "broken.yaml")
    done = run([SCAN], tmp_path)
    assert done.returncode == 1
    assert "a/s.yaml:7" in done.stdout
    assert "link.yaml" not in done.stdout


def test_a_path_that_is_not_there_can_not_tell(repo: Repo) -> None:
    done = repo.scan("nope.yaml")
    assert done.returncode == 2
    assert done.stderr == "error: nope.yaml: no such file or directory\n"


def test_a_file_that_can_not_be_read_is_told_and_the_rest_is_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Permissions do not stop root, who may run the tests: a file is taken away between listing and reading.
    from hooks import blobs, scan

    (tmp_path / "s.yaml").write_text(secret())
    (tmp_path / "gone.yaml").write_text(secret())
    listed = blobs.work_tree([str(tmp_path)])
    (tmp_path / "gone.yaml").unlink()
    monkeypatch.setattr(blobs, "work_tree", lambda _, submodules: listed)
    assert scan.main([str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "s.yaml:7" in shown.out
    assert "gone.yaml: can't be read: no such file or directory" in shown.err


def test_stdin() -> None:
    done = subprocess.run([SCAN, "--stdin"], input=secret(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("stdin:7  kubernetes-secret  stringData.password: ********\n")
    assert "1 finding; 1 input, " in done.stdout


def test_many_files_are_read_without_a_standstill(repo: Repo) -> None:
    for number in range(400):
        repo.write(f"many/{number}.txt", f"{number}\n" * 3000)
    repo.write("many/s.yaml", secret())
    repo.git("add", ".")
    done = repo.scan("--staged")
    assert "1 finding; 401 staged files" in done.stdout
