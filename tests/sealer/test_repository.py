"""Which repository a folder belongs to, and the normal form of a URL."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sealer.pinning import repository


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_it_is_what_git_says(tmp_path: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    _git(main, "init", "-q")
    _git(main, "commit", "-q", "--allow-empty", "-m", "one")
    _git(main, "worktree", "add", "-q", str(tmp_path / "tree"))
    (tmp_path / "tree" / "a").mkdir()
    _git(tmp_path, "-c", "protocol.file.allow=always", "clone", "-q", "--separate-git-dir", "apart", "main", "clone")
    for folder in (main, tmp_path / "tree", tmp_path / "tree" / "a", tmp_path / "clone"):
        said = (folder / _git(folder, "rev-parse", "--git-common-dir")).resolve()
        assert repository.common_directory(folder) == said
        assert repository.identify(folder) == str(said)


def test_a_submodule_is_a_repository_of_its_own(tmp_path: Path) -> None:
    for name in ("main", "part"):
        (tmp_path / name).mkdir()
        _git(tmp_path / name, "init", "-q")
        _git(tmp_path / name, "commit", "-q", "--allow-empty", "-m", "one")
    _git(
        tmp_path / "main",
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(tmp_path / "part"),
        "p",
    )
    found = repository.common_directory(tmp_path / "main" / "p")
    assert found == (tmp_path / "main" / ".git" / "modules" / "p").resolve()


def test_outside_of_git_it_is_the_folder(tmp_path: Path) -> None:
    assert repository.common_directory(tmp_path) is None
    assert repository.identify(tmp_path) == str(tmp_path.resolve())


@pytest.mark.parametrize("content", ["", "nonsense", "gitdir: /not/there", "gitdir:"])
def test_a_broken_git_file_is_no_repository(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content)
    assert repository.common_directory(tmp_path) is None


def test_an_empty_git_folder_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert repository.common_directory(tmp_path) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/example/shop",
        "https://github.com/example/shop.git",
        "https://github.com/example/shop/",
        "https://GitHub.com:443/example/shop.git/",
        "https://me:hunter22@github.com/example/shop.git",
        "https://hunter22@github.com/example//shop.git?x=1#y",
        "ssh://git@github.com/example/shop.git",
        "ssh://git@github.com:22/example/shop",
        "git@github.com:example/shop.git",
        "github.com:example/shop",
        "git@github.com:/example/shop.git",
        " git://github.com/example/shop\n",
    ],
)
def test_the_urls_of_one_repository_have_one_normal_form(url: str) -> None:
    assert repository.normalise(url) == "github.com/example/shop"


def test_another_port_is_another_place() -> None:
    assert repository.normalise("ssh://git@example.com:2222/a/b.git") == "example.com:2222/a/b"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/shop.git",
        "../shop",
        "./a:b",
        "file:///srv/git/shop.git",
        "https://",
        "https://host/",
        "a b:c",
        "x:",
    ],
)
def test_a_local_path_has_none(url: str) -> None:
    assert repository.normalise(url) is None


def test_a_normal_form_may_be_a_source() -> None:
    from sealer.configuration.config_reader import is_source

    for url in ("https://h.example/a/b~c/d+e.git", "ssh://git@example.com:2222/~me/b.git"):
        normal = repository.normalise(url)
        assert normal is not None
        assert is_source(normal)
