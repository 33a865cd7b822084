"""Attacks by who writes a repository, its configuration included, on who reads a commit of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from controller.sources import open_source
from controller.sources.base import Reading, unknown
from controller.sources.location import locate
from sealer import paths
from sealer.errors import SourceError
from tests.controller.repos import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.make(tmp_path / "repo")


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, Path]:
    """A program, and the file that is there once it ran."""
    script, ran = tmp_path / "program", tmp_path / "ran"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    script.chmod(0o755)
    return str(script), ran


def _read(source: str, ref: str | None = None) -> Reading:
    return open_source(locate(source, ref=ref)).read(unknown)


def _sources(repo: Repo) -> tuple[tuple[str, str | None], ...]:
    return (str(repo.root), "main"), (repo.url, None), (repo.url, repo.git("rev-parse", "main"))


def _paths(reading: Reading) -> list[str]:
    return [each.path for each in reading.found]


_PROGRAMS = (
    *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.alternateRefsCommand"),
    *("filter.e.clean", "filter.e.smudge", "filter.e.process", "diff.external", "diff.e.textconv", "diff.e.command"),
    *("uploadpack.packObjectsHook", "credential.helper", "gpg.program", "merge.e.driver", "core.gitProxy"),
)


def test_no_program_of_a_repository_is_run(repo: Repo, program: tuple[str, Path]) -> None:
    script, ran = program
    repo.write(".gitattributes", "* filter=e diff=e merge=e ident text eol=crlf\n")
    repo.commit()
    for hook in (
        "reference-transaction",
        "post-checkout",
        "pre-auto-gc",
        "post-update",
        "pre-receive",
        "post-index-change",
    ):
        file = repo.write(f".git/hooks/{hook}", f"#!/bin/sh\n{script} < /dev/null\n")
        file.chmod(0o755)
    for name in _PROGRAMS:
        repo.git("config", name, script)
    repo.git("config", "filter.e.required", "true")
    repo.git("config", "log.showSignature", "true")
    ran.unlink(missing_ok=True)
    plain = _read(str(repo.root)).found
    for source, ref in _sources(repo):
        opened = open_source(locate(source, ref=ref))
        assert [each.file for each in opened.read(unknown).found] == [each.file for each in plain]
        assert opened.descends("0" * 40) is False
    assert not ran.exists()


def test_hooks_are_not_run_wherever_they_are(repo: Repo, program: tuple[str, Path], tmp_path: Path) -> None:
    script, ran = program
    (tmp_path / "template/hooks").mkdir(parents=True)
    os.symlink(script, tmp_path / "template/hooks/reference-transaction")
    subprocess.run(["git", "config", "--global", "init.templateDir", str(tmp_path / "template")], check=True)
    (tmp_path / "hooks").mkdir()
    os.symlink(script, tmp_path / "hooks/reference-transaction")
    subprocess.run(["git", "config", "--global", "core.hooksPath", str(tmp_path / "hooks")], check=True)
    _read(repo.url)
    assert not ran.exists()
    assert not list((paths.cache_home() / "git").glob("*/hooks/*"))


@pytest.mark.parametrize("transport", ["ext", "ssh"])
def test_a_missing_object_is_not_fetched(repo: Repo, program: tuple[str, Path], tmp_path: Path, transport: str) -> None:
    script, ran = program
    repo.seal("b.yaml", "other")
    repo.commit()
    subprocess.run(["git", "config", "--global", "protocol.ext.allow", "always"], check=True)
    partial = Repo(tmp_path / "partial")
    words = ["git", "clone", "-q", "--no-checkout", "--filter=blob:none", repo.url, str(partial.root)]
    repo.git("config", "uploadpack.allowFilter", "true")
    subprocess.run(words, check=True)
    partial.git(
        "config", "remote.origin.url", f"ext::{script}" if transport == "ext" else "ssh://git.example.invalid/x"
    )
    partial.git("config", "core.sshCommand", script)
    with pytest.raises(SourceError, match="is a partial clone, and lacks objects") as caught:
        _read(str(partial.root), "main")
    assert not ran.exists()
    partial.git("config", "remote.origin.url", repo.url)
    partial.git(*caught.value.way_out.split()[1:])
    assert _paths(_read(str(partial.root), "main")) == ["a.yaml", "b.yaml"]


def test_submodules_are_passed_over(repo: Repo, program: tuple[str, Path]) -> None:
    script, ran = program
    subprocess.run(["git", "config", "--global", "submodule.recurse", "true"], check=True)
    subprocess.run(["git", "config", "--global", "fetch.recurseSubmodules", "true"], check=True)
    subprocess.run(["git", "config", "--global", "protocol.ext.allow", "always"], check=True)
    inner = repo.git("rev-parse", "HEAD")
    blob = repo.git("rev-parse", "HEAD:a.yaml")
    modules = repo.blob(f'[submodule "s"]\npath = s\nurl = ext::{script}\n'.encode())
    repo.commit_tree(
        repo.tree(
            ("100644", blob, "a.yaml"),
            ("100644", modules, ".gitmodules"),
            ("160000", inner, "s"),
            ("160000", inner, "s.yaml"),
            ("120000", repo.blob(b"s/x.yaml"), "into.yaml"),
        )
    )
    for source, ref in _sources(repo):
        reading = _read(source, ref)
        assert _paths(reading) == ["a.yaml"]
        assert [each.path for each in reading.problems] == ["into.yaml"]
    assert not ran.exists()


@pytest.mark.parametrize("name", ["..", ".git", ".", "", "a/b", ".GIT"])
def test_names_that_no_checkout_would_have(repo: Repo, name: str, tmp_path: Path) -> None:
    good = repo.git("rev-parse", "HEAD^{tree}")
    raw = f"40000 {name}".encode() + b"\0" + bytes.fromhex(good)
    (tmp_path / "tree").write_bytes(raw)
    tree = repo.git("hash-object", "-w", "-t", "tree", "--literally", str(tmp_path / "tree"))
    repo.commit_tree(tree)
    with pytest.raises(SourceError, match=r"object that Git finds malformed|can.t be fetched"):
        locate(repo.url)
    try:
        reading = _read(str(repo.root), "main")
    except SourceError:
        return
    # Nothing of it is a way to another file: paths are names in the commit, and are opened nowhere.
    assert not [each for each in _paths(reading) if each.startswith(("..", ".git", "/"))]


def test_a_url_of_a_submodule_that_is_an_option_is_refused(repo: Repo) -> None:
    repo.write(".gitmodules", '[submodule "s"]\npath = s\nurl = --upload-pack=touch\n')
    repo.commit()
    with pytest.raises(SourceError, match="malformed: gitmodulesUrl") as caught:
        locate(repo.url)
    assert caught.value.way_out.endswith("git config --global fetch.fsck.gitmodulesUrl warn")
    subprocess.run(["git", "config", "--global", "fetch.fsck.gitmodulesUrl", "warn"], check=True)
    assert _paths(_read(repo.url)) == ["a.yaml"]


def test_links_lead_nowhere_else(repo: Repo, tmp_path: Path) -> None:
    repo.seal("../outside.yaml")
    for path, target in (
        ("up.yaml", "../outside.yaml"),
        ("absolute.yaml", str(tmp_path / "outside.yaml")),
        ("deep/up.yaml", "../../outside.yaml"),
        ("again.yaml", f"../{repo.root.name}/a.yaml"),
        ("self.yaml", "self.yaml"),
        ("one.yaml", "two.yaml"),
        ("two.yaml", "one.yaml"),
        ("file.yaml", "a.yaml/x"),
        ("git.yaml", ".git/HEAD"),
        ("long.yaml", "x/" * 2040),
    ):
        repo.link(path, target)
    repo.git("add", "-A")
    empty = repo.blob(b"")
    nul = repo.blob(b"a.yaml\0/etc/x")
    repo.git("update-index", "--add", "--cacheinfo", f"120000,{empty},empty.yaml")
    repo.git("update-index", "--add", "--cacheinfo", f"120000,{nul},nul.yaml")
    repo.git("commit", "-q", "-m", "links")
    for source, ref in _sources(repo):
        reading = _read(source, ref)
        assert _paths(reading) == ["a.yaml"]
        assert len(reading.problems) == 12
        assert not reading.complete


def test_a_configuration_that_is_a_link_is_refused(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "evil.yaml").write_text("version: 1\nsource: victim\nclusters: {prod: {}}\n")
    repo.link(".sealer.yaml", "../evil.yaml")
    repo.commit()
    for source, ref in _sources(repo):
        with pytest.raises(SourceError, match="is a link, and is not followed"):
            locate(source, ref=ref)


def test_a_folder_of_a_work_tree_that_poses_as_a_bare_repository_is_a_folder(repo: Repo, tmp_path: Path) -> None:
    other = Repo.make(tmp_path / "other")
    other.seal("evil.yaml")
    other.commit()
    subprocess.run(["git", "clone", "-q", "--bare", other.url, str(repo.root / "posing")], check=True)
    repo.seal("posing/app.yaml")
    repo.commit()
    location = locate(str(repo.root / "posing"))
    assert location.kind == "directory"
    assert _paths(open_source(location).read(unknown)) == ["posing/app.yaml"]
    assert locate(str(repo.root / "posing"), ref="main").commit == repo.git("rev-parse", "HEAD")


def test_a_tag_does_not_stand_in_for_a_branch(repo: Repo) -> None:
    good = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "-b", "evil")
    repo.seal("evil.yaml")
    evil = repo.commit()
    repo.git("tag", "-f", "main", evil)
    repo.git("checkout", "-q", "main", "--")
    for source in (str(repo.root), repo.url):
        with pytest.raises(SourceError.__mro__[1], match="is a branch and a tag"):
            locate(source, ref="main")
        assert locate(source, ref="refs/heads/main").commit == good
    assert locate(repo.url).commit == good


def test_a_branch_named_as_a_commit_is_not_read_for_it(repo: Repo) -> None:
    good = repo.git("rev-parse", "HEAD")
    repo.seal("evil.yaml")
    evil = repo.commit()
    repo.git("update-ref", f"refs/heads/{good}", evil)
    for source in (str(repo.root), repo.url):
        assert locate(source, ref=good).commit == good


def test_replacements_of_a_remote_do_not_come(repo: Repo) -> None:
    old = repo.git("rev-parse", "HEAD:a.yaml")
    repo.git("replace", old, repo.blob(b"kind: SealedSecret"))
    assert _read(repo.url).problems == ()


def test_what_a_name_of_a_file_says_is_no_line_of_ours(repo: Repo) -> None:
    repo.seal("\x1b[32mok.yaml")
    repo.seal("new\nline/x.yaml")
    repo.commit()
    for source, ref in _sources(repo):
        reading = _read(source, ref)
        assert [each.what for each in reading.problems] == ["has a name that is not printable text"] * 2
        assert all(each.path.isascii() and each.path.isprintable() for each in reading.problems)
