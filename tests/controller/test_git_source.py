"""A commit as a source, of a work tree or of a URL: what is read, by which name, and in which order of time."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from pathlib import Path

import pytest

from controller.sources import open_source, pinned, remote, repository
from controller.sources.base import Reading, unknown
from controller.sources.location import Location, locate
from sealer import paths
from sealer.errors import DocumentError, SourceError, UsageError
from tests.controller.repos import RULES, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.make(tmp_path / "repo")


def _read(*arguments: str, ref: str | None = None, path: str | None = None) -> Reading:
    return open_source(locate(*arguments, ref=ref, path=path)).read(unknown)


def _paths(reading: Reading) -> list[str]:
    return [each.path for each in reading.found]


def _clones() -> list[Path]:
    return [each for each in (paths.cache_home() / "git").iterdir() if each.is_dir()]


# The same as a directory


def _everything(repo: Repo) -> None:
    for name in (
        "b.yaml",
        "a.yml",
        "c/d.YAML",
        "c.yaml",
        "c/e/f.yaml",
        "e.txt",
        "c/.hidden.yaml",
        ".sealer.yaml.d/x.yaml",
    ):
        repo.seal(name, name.lower().replace("/", "-").replace(".", "-").strip("-"))
    repo.seal("..2026_03_01/db.yaml")
    repo.write(".sealer.yaml", RULES)
    repo.write("broken.yaml", "kind: SealedSecret\n---\n- [\n")
    repo.write("data.bin", repo.root.joinpath("a.yml").read_bytes())
    repo.write("lock.json", b" " * (17 * 1024 * 1024))
    repo.write("large.yaml", b" " * (17 * 1024 * 1024) + b"SealedSecret")
    for path, target in (
        ("..data", "..2026_03_01"),
        ("db.yaml", "..data/db.yaml"),
        ("again.yaml", "c/d.YAML"),
        ("named.yaml", "data.bin"),
        ("named2.yaml", "c/../data.bin"),
        ("out.yaml", "../a.yaml"),
        ("abs.yaml", "/etc/hostname.yaml"),
        ("up", ".."),
        ("folder.yaml", "c"),
        ("dangling.yaml", "nowhere"),
        ("git.yaml", ".git/config"),
        ("c/back.yaml", "../through/x.txt"),
        ("through", "c/e"),
    ):
        repo.link(path, target)
    repo.write("c/e/x.txt", repo.root.joinpath("a.yml").read_bytes())
    for odd in (b"bad\xff.yaml", b"line\nbreak.yaml"):
        repo.write(os.fsdecode(odd), "x")


@pytest.mark.parametrize("path", [None, "c"])
def test_a_commit_reads_as_its_work_tree_does(repo: Repo, path: str | None) -> None:
    _everything(repo)
    commit = repo.commit()
    expected = _read(str(repo.root), path=path)
    for source, ref in ((str(repo.root), "main"), (repo.url, None), (repo.url, commit)):
        found = _read(source, ref=ref, path=path)
        assert [(each.path, each.file, each.entry) for each in found.found] == [
            (each.path, each.file, each.entry) for each in expected.found
        ]
        assert found.problems == expected.problems
        assert (found.revision, found.complete, found.fresh) == (commit, expected.complete, expected.fresh)
    assert len(expected.problems) > (5 if path is None else -1)


def test_known_files_are_not_parsed_and_load_from_the_commit(repo: Repo) -> None:
    repo.commit()
    source = open_source(locate(repo.url))
    first = source.read(unknown)
    again = source.read(lambda files: {file: first.fresh[file] for file in files})
    assert [each.entry for each in again.found] == [each.entry for each in first.found]
    assert (again.found[0].body, again.fresh) == (None, {})
    assert source.load(again.found[0]) == first.found[0].body


def test_many_files_come_in_their_own_places(repo: Repo) -> None:
    for number in range(500):
        repo.seal(f"d{number % 7}/{number}.yaml", f"app-{number}")
    repo.commit()
    found = _read(repo.url).found
    assert len(found) == 501
    assert all(each.entry.name == f"app-{Path(each.path).stem}" for each in found if each.path != "a.yaml")


# --ref of a work tree


def _state(repo: Repo) -> tuple[object, ...]:
    index = (repo.root / ".git/index").stat()  # before `status`, which writes it
    return (
        index.st_mtime_ns,
        index.st_ino,
        repo.git("--no-optional-locks", "status", "--porcelain"),
        repo.git("rev-parse", "HEAD"),
    )


def test_ref_of_a_work_tree_leaves_it_alone(repo: Repo) -> None:
    old = repo.git("rev-parse", "HEAD")
    repo.seal("b.yaml")
    repo.commit()
    repo.seal("c.yaml")
    repo.git("add", "c.yaml")
    repo.write("a.yaml", "changed")
    before = _state(repo)
    for ref in (old, old[:8], "HEAD~1", "main~1"):
        reading = _read(str(repo.root), ref=ref)
        assert (_paths(reading), reading.revision) == (["a.yaml"], old)
    assert _state(repo) == before


def test_a_commit_has_the_identity_of_its_work_tree(repo: Repo) -> None:
    for change in (lambda: None, lambda: repo.git("remote", "add", "origin", "git@git.example.invalid:team/shop.git")):
        change()
        here, then = locate(str(repo.root)), locate(str(repo.root), ref="main")
        assert (then.source, then.where, then.kind) == (here.source, here.where, here.kind)


def test_rules_and_id_are_those_of_the_commit(repo: Repo) -> None:
    repo.write("clusters/.sealer.yaml", RULES + "source: old\n")
    repo.seal("clusters/prod/app.yaml")
    old = repo.commit()
    repo.write("clusters/.sealer.yaml", RULES + "source: new\n")
    repo.write(".sealer.yaml", RULES + "source: top\n")
    repo.commit()
    repo.write("clusters/.sealer.yaml", "version: [")
    repo.write("clusters/prod/.sealer.yaml", RULES + "source: nobody\n")
    source = str(repo.root / "clusters/prod")
    then = locate(source, ref=old)
    assert (then.source, then.prefix, then.folder) == ("old", "prod", "clusters")
    assert _paths(_read(source, ref=old)) == ["prod/app.yaml"]
    assert then.said("prod/app.yaml") == "clusters/prod/app.yaml"
    assert locate(source, ref="main").source == "new"
    assert (locate(repo.url).source, locate(repo.url, path="clusters//prod/").source) == ("top", "new")


def test_a_configuration_above_the_repository_has_no_say_in_a_commit(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / ".sealer.yaml").write_text(RULES + "source: above\n")
    assert locate(str(repo.root)).source == "above"
    assert locate(str(repo.root), ref="main").source == str(repo.root)


def test_a_mistake_in_a_configuration_names_commit_and_line(repo: Repo) -> None:
    repo.write(".sealer.yaml", RULES + "colour: red\n")
    commit = repo.commit()
    with pytest.raises(DocumentError) as caught:
        locate(repo.url)
    assert caught.value.where == f"{commit[:7]}:.sealer.yaml:3"


def test_pinned_keys_are_those_of_the_commit(repo: Repo) -> None:
    repo.write(".sealer.yaml", RULES)
    repo.write(".sealer/keys/prod.bundle", "old")
    repo.commit()
    repo.write(".sealer/keys/prod.bundle", "new")
    assert pinned(locate(str(repo.root)), "prod") == b"new"
    for location in (locate(str(repo.root), ref="main"), locate(repo.url)):
        assert (pinned(location, "prod"), pinned(location, "staging")) == (b"old", None)


@pytest.mark.parametrize(
    ("ref", "error", "what"),
    [
        ("nothing", SourceError, "no such branch"),
        ("-x", UsageError, "is no branch, tag or commit"),
        ("--upload-pack=touch x", UsageError, "is no branch, tag or commit"),
        ("", UsageError, "is no branch"),
        ("a\nb", UsageError, "is no branch"),
        ("0" * 40, SourceError, "no such (branch|commit)"),
        ("blob", SourceError, "is not a commit"),
        ("both", UsageError, "is a branch and a tag"),
    ],
)
def test_refs_that_name_no_commit(repo: Repo, ref: str, error: type[Exception], what: str) -> None:
    repo.git("tag", "-a", "-m", "x", "blob", repo.blob(b"x"))
    repo.git("tag", "both")
    repo.git("branch", "both")
    for source in (str(repo.root), repo.url):
        with pytest.raises(error, match=what):
            locate(source, ref=ref)
        assert locate(source, ref="refs/tags/both").commit


def test_ref_outside_of_git(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a Git repository"):
        locate(str(tmp_path), ref="main")


@pytest.mark.parametrize("path", ["../x", "/etc", "a/../..", "a\x1b"])
def test_a_path_stays_inside(repo: Repo, path: str) -> None:
    for source in (str(repo.root), repo.url):
        with pytest.raises(UsageError, match="is a folder inside"):
            locate(source, path=path)


def test_a_path_that_is_no_folder(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    repo.link("other", "../other")
    repo.link("linked", "x")
    repo.seal("x/y.yaml")
    repo.commit()
    for path, here, then in (
        ("none", "no such folder", "no such folder"),
        ("a.yaml", "no such folder", "is not a folder"),
        ("other", "leads out", "is a link"),
        ("other/x", "leads out", "no such folder"),
    ):
        for source, ref, what in ((str(repo.root), None, here), (str(repo.root), "main", then), (repo.url, None, then)):
            with pytest.raises(SourceError, match=what):
                locate(source, ref=ref, path=path)
    assert _paths(_read(str(repo.root), path="linked")) == ["x/y.yaml"]
    assert _paths(_read(repo.url, path="x")) == ["x/y.yaml"]


def test_linked_work_trees_and_bare_repositories(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = Repo(tmp_path / "side")
    side.seal("side.yaml")
    commit = side.commit()
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare")], check=True)
    bare = str(tmp_path / "bare")
    assert _read(str(side.root), ref="side").revision == _read(bare, ref="side").revision == commit
    assert _read(str(side.root), ref="main").revision == _read(bare).revision == repo.git("rev-parse", "main")
    assert (locate(bare).kind, locate(bare).source) == ("git", bare)
    assert locate(f"file://{bare}").where == bare


def test_repositories_of_sha256(tmp_path: Path) -> None:
    repo = Repo.make(tmp_path / "repo", "--object-format=sha256")
    old = repo.git("rev-parse", "HEAD")
    repo.seal("b.yaml")
    commit = repo.commit()
    for source, ref in ((repo.url, None), (repo.url, commit), (str(repo.root), commit)):
        opened = open_source(locate(source, ref=ref))
        assert opened.read(unknown).revision == commit
        assert (opened.descends(old), opened.descends("0" * 64)) == (True, False)


def test_the_environment_of_a_hook_is_of_another_repository(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo.make(tmp_path / "other")
    other.seal("other.yaml")
    other.commit()
    other.git("remote", "add", "origin", "https://git.example.invalid/other")
    before = list((other.root / ".git").rglob("*"))
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.root / ".git/objects"))
    for source, ref in ((str(repo.root), None), (str(repo.root), "main"), (repo.url, None)):
        reading = _read(source, ref=ref)
        assert _paths(reading) == ["a.yaml"]
        assert locate(source, ref=ref).source == str(repo.root)
        assert not reading.revision.endswith("-dirty")
    assert list((other.root / ".git").rglob("*")) == before
    assert len(_clones()) == 1


# The cache


def test_a_clone_is_private_and_is_fetched_into(repo: Repo) -> None:
    first = locate(repo.url)
    (place,) = _clones()
    assert place.stat().st_mode & 0o777 == 0o700
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert (place / "url").read_text() == repo.url + "\n"
    repo.seal("b.yaml")
    second = repo.commit()
    repo.git("tag", "-a", "-m", "x", "v1")
    inode = place.stat().st_ino
    assert _read(repo.url).revision == second
    assert _read(repo.url, ref="v1").revision == second
    assert _read(repo.url, ref=first.commit).revision == first.commit
    assert [each.stat().st_ino for each in _clones()] == [inode]


def test_nothing_new_costs_one_question_and_a_known_commit_none(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = locate(repo.url).commit
    locate(repo.url, ref=commit)
    asked: list[str] = []
    call = remote.call

    def counted(address: object, words: list[str], **more: object) -> bytes:
        asked.append(words[0])
        return call(address, words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(remote, "call", counted)
    assert locate(repo.url).commit == commit
    assert asked == ["ls-remote"]
    assert locate(repo.url, ref=commit).commit == commit
    assert asked == ["ls-remote"]


def test_branches_that_were_in_each_others_way(repo: Repo) -> None:
    repo.git("branch", "a")
    assert locate(repo.url, ref="a").commit
    repo.git("branch", "-D", "a")
    repo.git("branch", "a/b")
    assert locate(repo.url, ref="a/b").commit
    with pytest.raises(SourceError, match="no such branch"):
        locate(repo.url, ref="a")


def test_a_branch_is_not_found_by_the_end_of_its_name(repo: Repo) -> None:
    repo.git("branch", "feature/main2")
    with pytest.raises(SourceError, match="no such branch"):
        locate(repo.url, ref="main2")


def test_a_history_that_was_rewritten_is_followed(repo: Repo) -> None:
    first = locate(repo.url).commit
    repo.git("commit", "-q", "--amend", "-m", "another")
    source = open_source(locate(repo.url))
    assert source.signature() != first
    assert source.descends(first) is False


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: [each.unlink() for each in place.glob("objects/*/*") if each.is_file()],
        lambda place: (place / "HEAD").unlink(),
        lambda place: (place / "config").write_text("[core"),
        lambda place: (place / "damaged").touch(),
        lambda place: [each.write_bytes(b"") for each in place.glob("refs/sealer/*")],
    ],
)
def test_a_damaged_clone_is_made_anew(repo: Repo, damage: object) -> None:
    expected = _read(repo.url)
    (place,) = _clones()
    for each in place.rglob("*"):
        each.chmod(0o700)
    damage(place)  # type: ignore[operator]
    repo.git("commit", "-q", "--allow-empty", "-m", "x")
    assert _paths(_read(repo.url)) == _paths(expected)


def test_damage_that_is_seen_only_when_files_are_read_is_mended_next_time(repo: Repo) -> None:
    location = locate(repo.url)
    (place,) = _clones()
    oid = repo.git("rev-parse", "HEAD:a.yaml")
    packs = list(place.glob("objects/pack/*.pack"))
    for pack in packs:
        data = pack.rename(place / "pack").read_bytes()
        for each in place.glob("objects/pack/*"):
            each.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=place, input=data, check=True)
    (place / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(SourceError, match="is damaged; it is made anew"):
        open_source(location).read(unknown)
    assert _paths(_read(repo.url)) == ["a.yaml"]


def test_a_commit_that_no_branch_names(repo: Repo) -> None:
    repo.seal("b.yaml")
    lost = repo.commit()
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("config", "protocol.version", "0")
    assert _read(repo.url, ref=lost).revision == lost
    with pytest.raises(SourceError, match="no such commit"):
        locate(repo.url, ref="1" * 40)


def test_a_server_that_gives_no_commit_by_id(repo: Repo) -> None:
    subprocess.run(["git", "config", "--global", "protocol.version", "0"], check=True)
    old = repo.git("rev-parse", "HEAD")
    repo.git("branch", "a/b")
    repo.commit()
    assert locate(repo.url, ref=old).commit == old
    repo.git("branch", "-D", "a/b")
    repo.git("branch", "a")
    with pytest.raises(SourceError, match="no such commit"):
        locate(repo.url, ref="1" * 40)


def test_an_empty_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "e.git")], check=True)
    with pytest.raises(SourceError, match="has no commit yet"):
        locate(str(tmp_path / "e.git"))


def test_a_cache_that_others_can_read_is_refused(repo: Repo) -> None:
    (paths.cache_home() / "git").mkdir(parents=True, mode=0o755)
    with pytest.raises(SourceError, match="can be read by others"):
        locate(repo.url)


def _locate(url: str, results: multiprocessing.Queue[str]) -> None:
    results.put(locate(url).commit)


def test_runs_at_once_share_one_clone(repo: Repo) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[str] = context.Queue()
    runs = [context.Process(target=_locate, args=(repo.url, results)) for _ in range(4)]
    for each in runs:
        each.start()
    found = {results.get(timeout=60) for _ in runs}
    for each in runs:
        each.join()
    assert found == {repo.git("rev-parse", "HEAD")}
    assert len(_clones()) == 1


# What follows what


@pytest.mark.parametrize("kind", ["directory", "commit", "url"])
def test_descends(repo: Repo, kind: str) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "-b", "side")
    side = repo.commit()
    repo.git("checkout", "-q", "main")
    repo.seal("b.yaml")
    second = repo.commit()
    source = open_source(
        locate(repo.url if kind == "url" else str(repo.root), ref="main" if kind == "commit" else None)
    )
    for recorded, expected in (
        (second, True),
        (second[:7], True),
        (first, True),
        (f"{first}-dirty", True),
        (f"{second}-dirty", True),
        (side, False),
        ("0" * 40, False),
        ("", None),
        ("no commit", None),
        ("--help", None),
    ):
        assert source.descends(recorded) is expected, recorded


def test_descends_outside_of_git(tmp_path: Path) -> None:
    source = open_source(locate(str(tmp_path)))
    source.read(unknown)
    assert source.descends("0" * 40) is None


def test_descends_in_a_shallow_clone(repo: Repo, tmp_path: Path) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "-b", "side", first)
    side = repo.commit()
    repo.git("checkout", "-q", "main")
    repo.commit()
    third = repo.commit()
    words = ["git", "clone", "-q", "--depth=1", "--no-single-branch", repo.url, str(tmp_path / "shallow")]
    subprocess.run(words, check=True)
    for source in (str(tmp_path / "shallow"), f"file://{tmp_path}/shallow"):
        opened = open_source(locate(source))
        assert [opened.descends(each) for each in (third, first, side)] == [True, None, None]


def test_a_clone_of_a_shallow_repository_becomes_whole_with_it(repo: Repo, tmp_path: Path) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit()
    subprocess.run(["git", "clone", "-q", "--depth=1", repo.url, str(tmp_path / "shallow")], check=True)
    shallow = Repo(tmp_path / "shallow")
    assert open_source(locate(shallow.url)).descends(first) is None
    shallow.git("fetch", "-q", "--unshallow")
    shallow.commit()
    assert open_source(locate(shallow.url)).descends(first) is True


def test_replaced_and_grafted_commits_are_not_believed(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "other")
    repo.seal("b.yaml")
    other = repo.commit()
    repo.git("checkout", "-q", "main")
    first = repo.git("rev-parse", "HEAD")
    repo.git("replace", "--graft", "main", other)
    (repo.root / ".git/info/grafts").write_text(f"{first} {other}\n")
    repo.git("config", "advice.graftFileDeprecated", "false")
    assert repo.git("merge-base", other, "main") == other
    for ref in (None, "main"):
        source = open_source(locate(str(repo.root), ref=ref))
        assert source.descends(other) is False
    repo.git("replace", "-f", repo.git("rev-parse", "main:a.yaml"), repo.blob(b"kind: SealedSecret"))
    assert _paths(_read(str(repo.root), ref="main")) == ["a.yaml"]


# Failures


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be fetched") as caught:
        locate(f"file://{tmp_path}/none")
    assert caught.value.way_out == f"git ls-remote file://{tmp_path}/none"
    assert _clones() == []


def test_a_call_that_takes_too_long_is_ended(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\nexec sleep 1000\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    monkeypatch.setattr(remote, "LIMIT", 0.3)
    with pytest.raises(SourceError, match="took longer than"):
        locate("git@git.example.invalid:shop")


def test_a_commit_of_too_many_files(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = repo.git("rev-parse", "HEAD^{tree}")
    for _ in range(12):
        tree = repo.tree(*(("040000", tree, str(number)) for number in range(10)))
    repo.commit_tree(tree)
    monkeypatch.setattr(repository, "MAX_FILES", 10_000)
    with pytest.raises(SourceError, match="holds more than 10,000 files"):
        _read(repo.url)


def test_location_is_a_value(repo: Repo) -> None:
    assert isinstance(locate(repo.url), Location)
    assert locate(repo.url) == locate(repo.url)
