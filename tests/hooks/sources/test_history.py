"""The whole history, in every kind of repository: what is found, of which commit, and what is remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hooks import blobs, gitpipe
from hooks.gitpipe import NoRepository
from hooks.history import History
from sealer.errors import SourceError
from tests.hooks.labelled import random_text
from tests.hooks.repo import Repo, run
from tests.hooks.sources.looking import inside, scan

if TYPE_CHECKING:
    from hooks.finding import Finding


@pytest.fixture(params=["sha1", "sha256"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo", format=request.param)


class Look:
    """One run: findings with commits, problems, and how many blobs were read."""

    def __init__(self, folder: Path, *only: str, key: str = "rules 1") -> None:
        self.read: list[str] = []
        self.problems: dict[str, str] = {}
        found: list[Finding] = []
        with inside(folder):
            source = blobs.history(only, key=key)
            for blob, now in source.scanned(self._scan):
                found += now
                if blob.problem:
                    self.problems[blob.path] = blob.problem
            self.found = source.attribute(found)
        assert isinstance(source, History)
        self.source = source

    def _scan(self, blob: blobs.Blob) -> list[Finding]:
        self.read.append(blob.path)
        return scan(blob)

    @property
    def places(self) -> list[tuple[str, int, str]]:
        return sorted((one.path, one.line, one.commit) for one in self.found)


def test_every_version_and_the_commit_that_brought_it_in(repo: Repo) -> None:
    repo.add("a.txt", "1\n")
    repo.commit()
    repo.add("a.txt", "1\nwanted-1\n")
    repo.git("commit", "-qm", "x", "--author=Wanda <w@localhost>", "--date=2020-02-02T02:02:02+02:00")
    first = repo.git("rev-parse", "HEAD").strip()
    repo.add("a.txt", "0\n1\nwanted-1\n")
    repo.commit()
    repo.git("rm", "-q", "a.txt")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side", "HEAD~3")
    repo.add("deep/b.txt", "wanted-2\n")
    second = repo.commit()
    repo.git("checkout", "-q", "--detach", "main")
    repo.add("c.txt", "wanted-3\n")
    third = repo.commit()
    look = Look(repo.path)
    assert look.places == [("a.txt", 2, first[:12]), ("c.txt", 1, third[:12]), ("deep/b.txt", 1, second[:12])]
    assert look.source.people[first[:12]] == ("Wanda <w@localhost>", "2020-02-02T02:02:02+02:00")
    assert look.source.kind == "history"
    assert len(look.source) == 5


def test_merges_renames_tags_stashes_and_links(repo: Repo) -> None:
    repo.add("a.txt", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.add("side.txt", "wanted-side\n")
    side = repo.commit()
    repo.git("checkout", "-q", "main")
    repo.add("main.txt", "2\n")
    repo.commit()
    repo.git("merge", "-q", "--no-commit", "side")
    repo.add("evil.txt", "wanted-evil\n")
    merge = repo.commit()
    repo.git("branch", "-q", "-D", "side")
    repo.git("mv", "side.txt", "moved.txt")
    os.symlink("wanted-link", repo.path / "link")
    repo.git("add", "link")
    repo.commit()
    repo.write("main.txt", "wanted-stash\n")
    repo.git("stash", "-q")
    oid = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=repo.path, input=b"wanted-tag\n", capture_output=True, check=True
    ).stdout.decode()
    repo.git("tag", "a-blob", oid.strip())
    found = {(one.value, one.path): one.commit for one in Look(repo.path).found}
    named = {path: commit for (_, path), commit in found.items()}
    assert named["evil.txt"] == merge[:12]
    assert named.get("side.txt", side[:12]) == side[:12]
    assert {"side.txt", "moved.txt"} & set(named)
    assert {"main.txt", f"object {oid[:12]}"} <= set(named)


def test_who_has_read_enough_of_git_stops_it(repo: Repo) -> None:
    for number in range(3):
        repo.add("a.txt", f"{number}\n")
        repo.commit()
    with inside(repo.path):
        oldest, *_ = whole = list(gitpipe.lines("rev-list", "--reverse", "HEAD"))
        assert len(whole) == 3
        with contextlib.closing(gitpipe.lines("rev-list", "--reverse", "HEAD")) as lines:
            assert next(lines) == oldest
        with pytest.raises(SourceError, match="rev-list failed"):
            list(gitpipe.lines("rev-list", "no-such-thing"))


def test_no_repository_and_an_empty_one(tmp_path: Path, repo: Repo) -> None:
    assert Look(repo.path).places == []
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(NoRepository):
        Look(outside)


@pytest.fixture
def leak(repo: Repo) -> tuple[Repo, str]:
    """A repository with two commits, of which the first one has a finding."""
    repo.add("x/a.txt", "wanted-1\n")
    commit = repo.commit()
    repo.add("x/a.txt", "2\n")
    repo.commit()
    return repo, commit[:12]


def test_bare_repositories_worktrees_and_folders(leak: tuple[Repo, str], tmp_path: Path) -> None:
    repo, commit = leak
    repo.git("clone", "-q", "--bare", ".", "../bare")
    assert Look(tmp_path / "bare").places == [("x/a.txt", 1, commit)]
    assert (tmp_path / "bare" / "sealer" / "scanned").exists()
    repo.git("worktree", "add", "-q", "--detach", "../tree", "HEAD")
    (tmp_path / "tree" / "b.txt").write_text("wanted-2\n")
    assert run(["git", "add", "b.txt"], tmp_path / "tree").returncode == 0
    assert run(["git", "commit", "-qm", "x"], tmp_path / "tree").returncode == 0
    other = run(["git", "rev-parse", "HEAD"], tmp_path / "tree").stdout[:12]
    # What only the HEAD of another worktree leads to is history of the repository as well.
    assert Look(repo.path).places == [("b.txt", 1, other), ("x/a.txt", 1, commit)]
    again = Look(tmp_path / "tree")
    assert again.places == [("b.txt", 1, other), ("x/a.txt", 1, commit)]
    assert len(again.read) == 2, "both share what is remembered"
    assert Look(tmp_path / "tree" / "x").places == [("../b.txt", 1, other), ("a.txt", 1, commit)]


def test_alternates(leak: tuple[Repo, str], tmp_path: Path) -> None:
    repo, commit = leak
    repo.git("clone", "-q", "--shared", ".", "../borrows")
    assert Look(tmp_path / "borrows").places == [("x/a.txt", 1, commit)]


def test_only_some_paths(leak: tuple[Repo, str]) -> None:
    repo, commit = leak
    repo.add("y/b.txt", "wanted-2\n")
    second = repo.commit()[:12]
    assert Look(repo.path, "y").places == [("y/b.txt", 1, second)]
    look = Look(repo.path)
    assert look.places == [("x/a.txt", 1, commit), ("y/b.txt", 1, second)]
    assert sorted(look.read) == ["x/a.txt", "x/a.txt", "y/b.txt"]
    assert Look(repo.path / "y", "b.txt").places == [("b.txt", 1, second)]


def test_a_shallow_clone_says_so_and_sees_what_comes_later(leak: tuple[Repo, str], tmp_path: Path) -> None:
    repo, commit = leak
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repo.path}", str(clone)], check=True)
    look = Look(clone)
    assert look.places == []
    assert "shallow" in look.source.note
    assert run(["git", "fetch", "-q", "--unshallow"], clone).returncode == 0
    look = Look(clone)
    assert look.places == [("x/a.txt", 1, commit)]
    assert look.source.note == ""


def partial(repo: Repo, clone: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    command = ["git", "clone", "-q", "--filter=blob:none", f"file://{repo.path}", str(clone)]
    subprocess.run(command, check=True)


def test_what_a_partial_clone_lacks_is_told_and_not_fetched(leak: tuple[Repo, str], tmp_path: Path) -> None:
    repo, _ = leak
    clone = tmp_path / "clone"
    partial(repo, clone)
    objects = run(["git", "count-objects", "-v"], clone).stdout
    for _ in range(2):
        look = Look(clone)
        assert list(look.problems.values()) == ["1 objects are missing from the repository, so they were not scanned"]
        assert look.places == []
    assert run(["git", "count-objects", "-v"], clone).stdout == objects


def test_a_range_of_a_partial_clone(leak: tuple[Repo, str], tmp_path: Path) -> None:
    repo, _ = leak
    first = repo.git("rev-parse", "HEAD").strip()
    for text in ("wanted-2\n", "3\n"):
        repo.add("x/a.txt", text)
        repo.commit()
    clone = tmp_path / "clone"
    partial(repo, clone)
    with inside(clone):
        told = {blob.path: blob for blob, _ in blobs.commits(f"{first}..HEAD").scanned(scan)}
    assert "is missing from the repository" in told["x/a.txt"].problem
    assert "git fetch --refetch" in told["x/a.txt"].way_out


def test_a_damaged_object_is_told_and_the_rest_is_scanned(leak: tuple[Repo, str]) -> None:
    repo, commit = leak
    for number in range(30):
        repo.add(f"many/{number}.txt", f"{number}\n")
    repo.add("z.txt", "wanted-2\n")
    second = repo.commit()[:12]
    oid = repo.git("rev-parse", "HEAD:many/7.txt").strip()
    path = repo.path / ".git/objects" / oid[:2] / oid[2:]
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-4])
    look = Look(repo.path)
    assert list(look.problems) == ["many/7.txt"]
    assert look.places == [("x/a.txt", 1, commit), ("z.txt", 1, second)]
    assert Look(repo.path).problems == look.problems, "it is looked at again"
    path.write_bytes(whole)
    assert Look(repo.path).problems == {}


# --- one content at several paths -------------------------------------------------------------------------------------


TYPED = f"password: {'Sommer' + '22'}\n"
"""What counts where it is in use, and not in an example."""


OWN_RULE = r"""version: 1
rules:
  - id: acme-key
    description: a key of Acme
    pattern: '\b(acme-[A-Za-z0-9]{20})\b'
    keywords: [acme-]
    paths: {only: ['special/*']}
    remediation: 'ask Acme'
    examples:
      true: [{path: special/a.txt, text: 'key acme-{alnum:20}'}]
      false: ['key acme-{digit:3}']
"""


def random_password() -> str:
    return f'db_password: "{random_text("alnum", 20)}"\n'


def found(repo: Repo, *args: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code of the scanner, and the path and commit of each finding."""
    done = repo.scan("--history", "--format", "jsonl", *args)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, sorted((one["path"], one["commit"]) for one in told if "path" in one)


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("innocent", "used", "config", "text"),
    [
        ("testdata/c.yaml", "zprod/c.yaml", 'version: 1\nscan: {exclude: ["**/testdata/**"]}\n', random_password),
        ("docs/c.yaml", "prod/c.yaml", "", lambda: TYPED),
        (".env.example", "prod.env", "", lambda: f"DB_PASSWORD={'hunter' + '42'}\n"),
    ],
)
def test_what_is_innocent_at_one_path_is_found_at_another(
    repo: Repo, innocent: str, used: str, config: str, text: Callable[[], str], *, apart: bool
) -> None:
    content = text()
    if config:
        repo.add(".sealer.yaml", config)
    repo.add(innocent, content)
    if apart:
        repo.commit()
        assert found(repo) == (0, [])
    repo.add(used, content)
    commit = repo.commit()[:12]
    assert found(repo) == (1, [(used, commit)])
    assert found(repo) == (1, [(used, commit)]), "it is remembered at the right path"
    shutil.rmtree(repo.path / ".git/sealer")
    assert found(repo) == (1, [(used, commit)])
    assert found(repo, used.split("/")[0]) == (1, [(used, commit)])


def test_a_version_that_repeats_is_the_first_one_at_another_path(repo: Repo) -> None:
    lines = [f"# line {number} of a long file" for number in range(1000)]
    lines[900] = random_password().strip()
    repo.add(".sealer.yaml", 'version: 1\nscan: {exclude: ["a/**"]}\n')
    for number in range(3):
        lines[number * 100] = "# changed"
        repo.add("a/c.py", "\n".join(lines))
        repo.commit()
    repo.add("b/c.py", "\n".join(lines))
    commit = repo.commit()[:12]
    assert found(repo) == (1, [("b/c.py", commit)])
    assert found(repo) == (1, [("b/c.py", commit)])


def test_of_paths_that_are_alike_one_is_read_until_something_is_found(repo: Repo) -> None:
    for number in range(5):
        repo.add(f"{number}/clean.txt", "1\n")
        repo.add(f"{number}/found.txt", "wanted-1\n")
    commit = repo.commit()[:12]
    look = Look(repo.path)
    assert [path for path in look.read if "clean" in path] == ["0/clean.txt"]
    assert look.places == [(f"{number}/found.txt", 1, commit) for number in range(5)]
    assert len(look.source) == 10
    assert len(Look(repo.path).source) == 10
    assert not [path for path in Look(repo.path).read if "clean" in path]


def test_a_path_with_odd_bytes_and_a_merge_that_brings_something_in(repo: Repo) -> None:
    name = "odd\n:100644 name\udcff.txt"
    repo.add("a.txt", "wanted-1\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.add("s.txt", "2\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.add("m.txt", "3\n")
    repo.commit()
    repo.git("merge", "-q", "--no-commit", "side")
    repo.add(name, "wanted-1\n")
    merge = repo.commit()[:12]
    assert (name, 1, merge) in Look(repo.path).places


def test_a_rule_that_asks_for_a_folder_makes_paths_differ(repo: Repo) -> None:
    repo.add(".sealer/rules/own.yaml", OWN_RULE)
    value = random_text("alnum", 20)
    repo.add("a/c.txt", f"acme-{value}\n")
    repo.add("special/c.txt", f"acme-{value}\n")
    commit = repo.commit()[:12]
    assert found(repo) == (1, [("special/c.txt", commit)])


# --- what is remembered ---------------------------------------------------------------------------------------------


def test_what_was_scanned_is_not_read_again(leak: tuple[Repo, str]) -> None:
    repo, commit = leak
    assert len(Look(repo.path).read) == 2
    again = Look(repo.path)
    assert again.read == ["x/a.txt"], "only what had a finding"
    assert again.places == [("x/a.txt", 1, commit)]
    assert len(again.source) == 2
    repo.add("b.txt", "wanted-2\n")
    second = repo.commit()[:12]
    third = Look(repo.path)
    assert third.read == ["x/a.txt", "b.txt"]
    assert third.places == [("b.txt", 1, second), ("x/a.txt", 1, commit)]
    assert Look(repo.path).places == third.places


def test_other_rules_look_at_all_again_and_no_key_remembers_nothing(leak: tuple[Repo, str]) -> None:
    repo, _ = leak
    Look(repo.path)
    assert len(Look(repo.path, key="rules 2").read) == 2
    assert len(Look(repo.path, key="").read) == 2
    assert len(Look(repo.path, key="rules 2").read) == 1


def test_what_history_lost_is_not_reported_any_more(leak: tuple[Repo, str]) -> None:
    repo, _ = leak
    Look(repo.path)
    repo.git("checkout", "-q", "--orphan", "new")
    repo.commit()
    repo.git("branch", "-q", "-D", "main")
    assert Look(repo.path).places == []
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    look = Look(repo.path)
    assert (look.places, look.problems) == ([], {})


def test_a_name_that_a_known_blob_gets_is_new(leak: tuple[Repo, str]) -> None:
    repo, commit = leak
    Look(repo.path)
    repo.git("mv", "x/a.txt", "x/.env")
    repo.commit()
    repo.git("rm", "-q", "x/.env")
    repo.add("x/.env", "wanted-1\n")
    other = repo.commit()[:12]
    assert Look(repo.path).places == [("x/.env", 1, other), ("x/a.txt", 1, commit)]
    assert Look(repo.path, key="").places == [("x/.env", 1, other), ("x/a.txt", 1, commit)]


def test_what_only_repeats_is_looked_at_when_the_oldest_is_gone(leak: tuple[Repo, str]) -> None:
    repo, first = leak
    repo.add("x/a.txt", "0\nwanted-1\n")
    second = repo.commit()[:12]
    assert Look(repo.path).places == [("x/a.txt", 1, first)]
    assert len(Look(repo.path).read) == 1
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    repo.git("reset", "-q", "--hard", repo.git("commit-tree", "-m", "all in one", tree).strip())
    ((path, line, commit),) = Look(repo.path).places
    assert (path, line) == ("x/a.txt", 2)
    assert commit not in (first, second)


def test_of_trimmed_versions_the_newest_is_known_to_repeat(repo: Repo) -> None:
    lines = [b"line %d of a long file" % number for number in range(1000)]
    lines[900] = b"wanted-1"
    for number in range(3):
        lines[number * 100] = b"changed"
        repo.add("a.py", b"\n".join(lines))
        repo.commit()
    look = Look(repo.path)
    assert len(look.found) == 1
    assert len(Look(repo.path).read) == 1
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    commit = repo.git("commit-tree", "-m", "all in one", tree).strip()
    repo.git("reset", "-q", "--hard", commit)
    assert Look(repo.path).places == [("a.py", 901, commit[:12])]
    assert Look(repo.path).places == [("a.py", 901, commit[:12])]


def test_what_was_not_reported_is_looked_at_again(leak: tuple[Repo, str]) -> None:
    repo, _ = leak
    repo.add("x/a.txt", "0\nwanted-1\n")
    repo.commit()
    with inside(repo.path):
        source = blobs.history(key="rules 1")
        found = [one for _, now in source.scanned(scan) for one in now]
        source.attribute([one for one in found if one.line == 2])
        again = blobs.history(key="rules 1")
        found = [one for _, now in again.scanned(scan) for one in now]
    assert {one.line for one in found} == {1, 2}


def damages() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "cut", b"cut"
    yield "flip", b"flip"
    yield "other", b"sealer scanned 1\n{}\n"


@pytest.mark.parametrize(("how", "data"), list(damages()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_damaged_memory_is_ignored(leak: tuple[Repo, str], how: str, data: bytes) -> None:
    repo, commit = leak
    Look(repo.path)
    path = repo.path / ".git/sealer/scanned"
    whole = path.read_bytes()
    if how == "cut":
        data = whole[:-40]
    if how == "flip":
        data = whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]
    path.write_bytes(data)
    look = Look(repo.path)
    assert len(look.read) == 2
    assert look.places == [("x/a.txt", 1, commit)]
    assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["scanned", "."])
def test_a_memory_that_others_may_write_is_not_trusted(leak: tuple[Repo, str], name: str) -> None:
    repo, commit = leak
    Look(repo.path)
    assert len(Look(repo.path).read) == 1, "what it says is taken"
    doubted = repo.path / ".git/sealer" / name
    doubted.chmod(doubted.stat().st_mode | 0o020)
    look = Look(repo.path)
    assert len(look.read) == 2
    assert look.places == [("x/a.txt", 1, commit)]
    assert f"{doubted.relative_to(repo.path)} is not trusted" in look.source.note
    assert Look(repo.path).source.note == "", "what was written since is ours alone"


def test_a_memory_of_another_user_is_neither_trusted_nor_written(
    leak: tuple[Repo, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, commit = leak
    Look(repo.path)
    whole = (repo.path / ".git/sealer/scanned").read_bytes()
    repo.add("new.txt", "nothing\n")
    repo.commit()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    for _ in range(2):
        look = Look(repo.path)
        assert len(look.read) == 3
        assert look.places == [("x/a.txt", 1, commit)]
        assert "not trusted" in look.source.note
    assert (repo.path / ".git/sealer/scanned").read_bytes() == whole


def test_a_memory_that_is_not_trusted_is_told(repo: Repo) -> None:
    repo.add("a.txt", "nothing\n")
    repo.commit()
    assert repo.scan("--history").stderr == ""
    (repo.path / ".git/sealer/scanned").chmod(0o666)
    done = repo.scan("--history")
    assert done.returncode == 0
    assert "not trusted" in done.stderr
    assert "everything is scanned" in done.stderr


def test_no_umask_lets_others_write_the_memory(leak: tuple[Repo, str]) -> None:
    repo, _ = leak
    before = os.umask(0)
    try:
        Look(repo.path)
    finally:
        os.umask(before)
    assert Look(repo.path).source.note == ""
    assert (repo.path / ".git/sealer").stat().st_mode & 0o077 == 0


def test_the_memory_of_a_version_that_saw_one_path_of_each_blob_is_ignored(leak: tuple[Repo, str]) -> None:
    repo, _ = leak
    Look(repo.path)
    path = repo.path / ".git/sealer/scanned"
    body = path.read_bytes()[:-32].replace(b"sealer scanned 2", b"sealer scanned 1")
    path.write_bytes(body + hashlib.sha256(body).digest())
    assert len(Look(repo.path).read) == 2


def test_a_memory_that_holds_other_things_than_it_should_is_ignored(leak: tuple[Repo, str]) -> None:
    repo, _ = leak
    Look(repo.path)
    path = repo.path / ".git/sealer/scanned"
    for head in (b"[]", b"{}", b"nonsense", b'{"key": "rules 1", "hash": 20, "tips": 5, "found": 7}', b"[" * 100_000):
        body = b"sealer scanned 2\n" + head + b"\n"
        path.write_bytes(body + hashlib.sha256(body).digest())
        assert len(Look(repo.path).read) == 2


def test_a_repository_that_can_not_be_written_is_scanned(
    leak: tuple[Repo, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    repo, commit = leak
    monkeypatch.setattr(os, "replace", refuse)
    assert Look(repo.path).places == [("x/a.txt", 1, commit)]
    assert os.listdir(repo.path / ".git/sealer") == []


def test_a_folder_that_is_a_link_is_not_followed(leak: tuple[Repo, str], tmp_path: Path) -> None:
    repo, commit = leak
    (tmp_path / "elsewhere").mkdir()
    (repo.path / ".git/sealer").symlink_to(tmp_path / "elsewhere")
    for _ in range(2):
        assert Look(repo.path).places == [("x/a.txt", 1, commit)]
    assert os.listdir(tmp_path / "elsewhere") == []


def test_two_runs_at_once(leak: tuple[Repo, str]) -> None:
    repo, commit = leak
    with inside(repo.path):
        one, two = blobs.history(key="rules 1"), blobs.history(key="rules 1")
        both = zip(one.scanned(scan), two.scanned(scan), strict=True)
        assert all(first[0].path == second[0].path for first, second in both)
    assert Look(repo.path).places == [("x/a.txt", 1, commit)]


def test_many_versions_by_two_processes(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = [b"blob\nmark :1\ndata 0\n\n"]
    lines = [b"line %d of a file" % number for number in range(400)]
    for number in range(600):
        lines[number % 400] = b"changed %d" % number
        if number == 300:
            lines[10] = b"wanted-1"
        if number == 500:
            del lines[10]
        text = b"\n".join(lines)
        stream.append(
            b"commit refs/heads/main\ncommitter A <a@localhost> %d +0000\ndata 1\nx\nM 644 inline a.py\ndata %d\n%b\n"
            % (1_700_000_000 + number, len(text), text)
        )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repo.path, input=b"".join(stream), check=True)
    first = repo.git("log", "--format=%H", "-S", "wanted-1").split()[-1]
    look = Look(repo.path)
    assert look.places == [("a.py", 11, first[:12])]
    assert len(look.source) == 600
    assert len(Look(repo.path).read) == 1, "of the versions that have it the oldest one"
    assert Look(repo.path).places == look.places
    monkeypatch.setattr(blobs, "_SPLIT_FROM", 10_000)
    assert Look(repo.path, key="rules 2").places == look.places
