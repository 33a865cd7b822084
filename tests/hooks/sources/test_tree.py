"""The work tree and paths by name: what is read, what holds nothing, what is told."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hooks import blobs
from sealer.errors import UsageError
from tests.hooks.repo import SCAN, Repo, run, secret
from tests.hooks.sources.looking import inside, places, problems, scan

LEAK = "wanted-1\n"


@pytest.fixture(params=["sha1", "sha256"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo", format=request.param)


def names(folder: Path, *paths: str) -> list[str]:
    """The paths in which something is found."""
    with inside(folder):
        return [path for path, _ in places(blobs.work_tree(paths))]


def test_what_lies_there_less_what_is_ignored(repo: Repo) -> None:
    repo.add("changed.txt", "1\n")
    repo.write("changed.txt", LEAK)
    repo.add("gone.txt", LEAK).unlink()
    repo.add("deep/er/a.txt", LEAK)
    repo.write("new.txt", LEAK)
    repo.write(".gitignore", "*.log\n/out/\n")
    repo.write("a.log", LEAK)
    repo.write("out/b.txt", LEAK)
    repo.add("kept.log", LEAK)
    repo.write("later.txt", LEAK)
    repo.git("add", "-N", "later.txt")
    assert names(repo.path) == ["changed.txt", "deep/er/a.txt", "kept.log", "later.txt", "new.txt"]
    assert names(repo.path / "deep") == [
        "../changed.txt", "../deep/er/a.txt", "../kept.log", "../later.txt", "../new.txt",
    ]  # fmt: skip
    assert names(repo.path, "deep", "new.txt") == ["deep/er/a.txt", "new.txt"]
    assert names(repo.path, "out") == ["out/b.txt"], "what is named is scanned"
    assert names(repo.path.parent, str(repo.path / "deep")) == [f"{repo.path}/deep/er/a.txt"]


def test_links_pipes_submodules_and_other_repositories_hold_nothing(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner", format=repo.git("rev-parse", "--show-object-format").strip())
    inner.add("a.txt", LEAK)
    inner.commit()
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "sub")
    Repo(repo.path / "other").write("a.txt", LEAK)
    os.symlink("sub/a.txt", repo.path / "link")
    os.symlink("nowhere", repo.path / "broken")
    os.symlink("sub", repo.path / "folder")
    os.mkfifo(repo.path / "pipe")
    repo.write("a.txt", "1\n")
    with inside(repo.path):
        source = blobs.work_tree()
        assert places(source) == []
        assert source.binary == 0
        assert len(source) == 2, ".gitmodules and a.txt"
        said = "2 repositories inside were left out", "sealer-scan other sub; submodules: --recurse-submodules"
        assert source.told() == said
        assert places(blobs.work_tree(submodules=True)) == [("sub/a.txt", 1)]
    assert names(repo.path / "sub") == ["a.txt"], "in the submodule it is a repository like others"
    assert names(repo.path, "sub") == ["sub/a.txt"]


def test_what_is_named_is_read_through_a_link_or_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LEAK)
    os.symlink("a.txt", tmp_path / "link")
    os.symlink("nowhere", tmp_path / "broken")
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path, "link") == ["link"]
    with inside(tmp_path):
        assert problems(blobs.work_tree(["pipe"])) == {"pipe": "is no regular file, so it was not scanned"}
        assert problems(blobs.work_tree(["broken"])) == {"broken": "can't be read: no such file or directory"}
        both = blobs.work_tree(["nothing", "a.txt"])
        assert problems(both) == {"nothing": "no such file or directory"}
    done = run([SCAN, "nothing", "a.txt"], tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: nothing: no such file or directory\n")
    assert done.stdout.startswith("0 findings, 1 not scanned; 1 file, ")


def test_a_folder_that_can_not_be_read_is_told(repo: Repo, tmp_path: Path) -> None:
    repo.write("fine/a.txt", "x\n")
    repo.write("own/new/a.txt", LEAK)
    repo.add("own/tracked/a.txt", LEAK)
    (tmp_path / "plain/closed").mkdir(parents=True)
    closed = [repo.path / "own/new", repo.path / "own/tracked", tmp_path / "plain/closed"]
    (tmp_path / "plain/b.txt").write_text(secret())
    for folder in closed:
        folder.chmod(0)
    # Root reads everything, unless it gives that up.
    given_up = "-dac_override,-dac_read_search"
    as_others = ["setpriv", f"--bounding-set={given_up}", f"--inh-caps={given_up}"] if os.geteuid() == 0 else []
    try:
        for folder in (repo.path, repo.path / "own", repo.path / "fine"):
            done = run([*as_others, SCAN], folder)
            assert done.returncode == 2, done.stdout
            for name in ("own/new", "own/tracked", "own/tracked/a.txt"):
                where = os.path.join("" if folder == repo.path else "..", name)
                assert f"error: {where}: can't be read: permission denied" in done.stderr
        done = run([*as_others, SCAN], tmp_path / "plain")
        assert (done.returncode, done.stderr) == (1, "error: closed: can't be read: permission denied\n")
        assert done.stdout.splitlines()[-1].startswith("1 finding, 1 not scanned; 1 file, ")
    finally:
        for folder in closed:
            folder.chmod(0o755)


def test_names_of_every_kind(repo: Repo) -> None:
    odd = [
        os.fsdecode(name)
        for name in (b"\xff\xfe.txt", b"new\nline", b"-rf", b"a b\t'\"", b":(top)x", b"*", b"\x1b[31m")
    ]
    for name in odd:
        repo.write(name, LEAK)
    assert sorted(names(repo.path)) == sorted(odd)
    assert names(repo.path, "./-rf") == ["./-rf"]
    repo.git("add", "-A")
    with inside(repo.path):
        assert sorted(path for path, _ in places(blobs.staged())) == sorted(odd)
    first = repo.commit()
    for name in odd:
        repo.write(name, "wanted-2\n")
    repo.git("add", "-A")
    repo.commit()
    with inside(repo.path):
        assert sorted(path for path, _ in places(blobs.commits(f"{first}..HEAD"))) == sorted(odd)


def test_a_sparse_checkout(repo: Repo) -> None:
    repo.add("in/a.txt", LEAK)
    repo.add("out/a.txt", LEAK)
    first = repo.commit()
    for cone in (["--cone"], ["--cone", "--sparse-index"]):
        repo.git("sparse-checkout", "init", *cone)
        repo.git("sparse-checkout", "set", "in")
        assert not (repo.path / "out").exists()
        assert names(repo.path) == ["in/a.txt"]
        with inside(repo.path):
            assert places(blobs.staged()) == []
    repo.add("in/b.txt", LEAK)
    with inside(repo.path):
        assert places(blobs.staged()) == [("in/b.txt", 1)]
    repo.commit()
    with inside(repo.path):
        assert places(blobs.commits(f"{first}..")) == [("in/b.txt", 1)]


def test_a_bare_repository_and_one_without_anything(repo: Repo, tmp_path: Path) -> None:
    assert names(repo.path) == []
    repo.git("clone", "-q", "--bare", ".", "../bare")
    (tmp_path / "bare" / "note.txt").write_text(LEAK)
    for folder in (tmp_path / "bare", tmp_path / "bare" / "refs", repo.path / ".git"):
        with inside(folder), pytest.raises(UsageError, match="only Git's own files") as raised:
            blobs.work_tree()
        assert "--history" in raised.value.way_out
    with inside(tmp_path / "bare"), pytest.raises(UsageError, match="nothing is staged here"):
        blobs.staged()
    assert names(tmp_path / "bare", "note.txt") == ["note.txt"]


def test_a_folder_that_looks_like_a_repository_has_no_say(repo: Repo, tmp_path: Path) -> None:
    """Whoever commits such a folder must not get a program started, nor have files left out."""
    repo.git("clone", "-q", "--bare", ".", "../repo/looks")
    started = tmp_path / "started"
    with open(repo.path / "looks" / "config", "a") as config:
        config.write(f'[core]\n\tbare = false\n\tworktree = "."\n\tfsmonitor = "touch {started}; false"\n')
    repo.write("looks/a.txt", LEAK)
    repo.write("looks/info/exclude", "*\n")
    assert names(repo.path, "looks") == ["looks/a.txt"]
    assert "looks/a.txt" in names(repo.path)
    assert not started.exists()


def test_large_files_and_archives(tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_bytes(b"0123456789abcde\n" * 400_000 + b"wanted-1\n" + b"x\n" * 200_000)
    (tmp_path / "large.bin").write_bytes(b"\0" * 9_000_000 + b"wanted-1\n")
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"\nwanted-1\n"))
    (tmp_path / "middle.txt").write_bytes(b"y\n" * 100_000 + b"wanted-1")
    with inside(tmp_path):
        source = blobs.work_tree()
        assert places(source) == [("in.gz!in", 2), ("large.txt", 400_001), ("middle.txt", 100_001)]
        assert source.binary == 2


def test_a_file_of_another_user_is_told(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.write("a.txt", LEAK)
    repo.write("b.txt", LEAK)
    opened = os.open

    def refuse(path: str, *rest: int) -> int:
        if path == "a.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with inside(repo.path):
        told = [(blob.path, blob.problem, len(found)) for blob, found in blobs.work_tree().scanned(scan)]
    assert told == [("a.txt", "can't be read: permission denied", 0), ("b.txt", "", 1)]


def test_what_a_hook_gives_is_used_for_other_folders_as_well(repo: Repo) -> None:
    """Git starts hooks with a GIT_DIR that is relative to the top."""
    repo.add("deep/a.txt", LEAK)
    repo.write("deep/.gitignore", "b.txt\n")
    repo.write("deep/b.txt", LEAK)
    code = "from hooks import blobs; from tests.hooks.sources.looking import places as p"
    code += "; print(p(blobs.work_tree(['deep'])))"
    command = [sys.executable, "-c", code]
    here = str(Path(__file__).parents[3])
    done = run(command, repo.path, GIT_DIR=".git", GIT_INDEX_FILE=".git/index", PYTHONPATH=here)
    assert done.stdout == "[('deep/a.txt', 1)]\n", done.stderr


# --- index and ranges -----------------------------------------------------------------------------------------------


def test_types_that_change(repo: Repo) -> None:
    os.symlink("nowhere", repo.path / "was-link")
    repo.add("was-file", LEAK)
    repo.git("add", "-A")
    first = repo.commit()
    (repo.path / "was-link").unlink()
    (repo.path / "was-file").unlink()
    repo.write("was-link", LEAK)
    os.symlink("wanted-2", repo.path / "was-file")
    repo.git("add", "-A")
    with inside(repo.path):
        assert places(blobs.staged()) == [("was-link", 1)]
    repo.commit()
    with inside(repo.path):
        assert places(blobs.commits(f"{first}..")) == [("was-link", 1)]


def test_a_mode_alone_and_an_empty_file_are_no_findings(repo: Repo) -> None:
    repo.add("a.sh", "1\n")
    repo.add("empty", "")
    repo.commit()
    (repo.path / "a.sh").chmod(0o755)
    repo.git("add", "-A")
    with inside(repo.path):
        source = blobs.staged()
        assert places(source) == []
        assert len(source) == 1


def test_staged_in_a_linked_worktree_and_a_submodule(repo: Repo, tmp_path: Path) -> None:
    repo.add("a.txt", "1\n")
    repo.commit()
    repo.git("worktree", "add", "-q", "--detach", "../tree")
    outer = Repo(tmp_path / "outer", format=repo.git("rev-parse", "--show-object-format").strip())
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo.path), "sub")
    for folder in (tmp_path / "tree", outer.path / "sub"):
        (folder / "b.txt").write_text(LEAK)
        assert run(["git", "add", "b.txt"], folder).returncode == 0
        with inside(folder):
            assert places(blobs.staged()) == [("b.txt", 1)]
        assert names(folder) == ["b.txt"]
    with inside(outer.path):
        assert places(blobs.staged()) == []


def test_staged_in_a_partial_clone_fetches_nothing(repo: Repo, tmp_path: Path) -> None:
    repo.add("a.txt", "1\n")
    repo.add("b.txt", LEAK)
    repo.commit()
    repo.add("b.txt", "2\n")
    repo.commit()
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--filter=blob:none", f"file://{repo.path}", str(clone)], check=True)
    oid = repo.git("rev-parse", "HEAD~1:b.txt").strip()
    assert run(["git", "read-tree", "HEAD~1"], clone).returncode == 0
    (clone / "c.txt").write_text("wanted-3\n")
    assert run(["git", "add", "c.txt"], clone).returncode == 0
    with inside(clone):
        told = [(blob.path, blob.problem, blob.way_out, len(found)) for blob, found in blobs.staged().scanned(scan)]
    way_out = "git fetch --refetch --no-filter (CI: clone without --filter), or git fsck"
    assert told == [("b.txt", f"object {oid[:12]} is missing from the repository", way_out, 0), ("c.txt", "", "", 1)]
    assert run(["git", "cat-file", "-e", oid], clone, GIT_ALLOW_PROTOCOL="none").returncode != 0


def test_staged_large_files_and_archives(repo: Repo) -> None:
    repo.add("large.txt", b"0123456789abcde\n" * 400_000 + b"wanted-1\n")
    repo.add("large.bin", b"\0" * 5_000_000)
    repo.add("a.gz", gzip.compress(b"wanted-1\n"))
    repo.add("z.txt", LEAK)
    with inside(repo.path):
        source = blobs.staged()
        assert places(source) == [("a.gz!a", 1), ("large.txt", 400_001), ("z.txt", 1)]
        assert source.binary == 2


def test_replaced_objects_are_read_as_they_are(repo: Repo) -> None:
    repo.add("a.txt", LEAK)
    repo.add("b.txt", "2\n")
    repo.git("replace", repo.git("rev-parse", ":a.txt").strip(), repo.git("rev-parse", ":b.txt").strip())
    with inside(repo.path):
        assert places(blobs.staged()) == [("a.txt", 1)]


def test_the_hot_path_imports_next_to_nothing() -> None:
    code = "import os, sys; before = set(sys.modules); import hooks.blobs; print(*sorted(set(sys.modules) - before))"
    done = run([sys.executable, "-S", "-c", code], Path(__file__).parents[3])
    assert (
        done.stdout == "__future__ hooks hooks.blobs hooks.changed hooks.gitpipe hooks.reading sealer sealer.errors\n"
    ), done.stderr


TYPED = 'DB_PASSWORD = "black' + 'Turnip7"\n'


def scanned(folder: Path, *paths: str) -> bool:
    """Whether a password that counts in no test is found."""
    return run([SCAN, *paths], folder).returncode == 1


def test_folders_above_what_was_asked_for_say_nothing(tmp_path: Path) -> None:
    app = tmp_path / "data" / "test" / "app"
    app.mkdir(parents=True)
    (app / "db.py").write_text(TYPED)
    for paths in ((str(app),), (str(app / "db.py"),)):
        assert scanned(tmp_path, *paths)
    assert scanned(tmp_path, "data/test/app")
    assert scanned(tmp_path, "data/test/app/db.py")
    assert not scanned(tmp_path, "data"), "below it there is a folder of tests"


def test_in_a_repository_folders_below_its_top_speak(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "samples" / "shop")
    repo.write("src/db.py", TYPED)
    for paths in ((), (".",), ("src",), ("src/db.py",), (str(repo.path),), (str(repo.path / "src"),)):
        assert scanned(repo.path, *paths), paths
    repo.write("src/db.py", "\n")
    repo.write("tests/db.py", TYPED)
    for paths in ((), ("tests",), ("tests/db.py",), (str(repo.path / "tests"),)):
        assert not scanned(repo.path, *paths), paths
