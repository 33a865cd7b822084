"""`apply` of a Git URL and of a commit, as it is typed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controller.world import World


def _bare(world: World, tmp_path: Path) -> str:
    subprocess.run(["git", "clone", "-q", "--bare", str(world.root), str(tmp_path / "shop.git")], check=True)
    world.git("remote", "add", "bare", str(tmp_path / "shop.git"))
    return f"file://{tmp_path}/shop.git"


def test_a_url_is_delivered_like_its_work_tree(world: World, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    short = world.commit()
    url = _bare(world, tmp_path)
    ran = world.apply("--source-name", "shop", source=url)
    assert (ran.code, ran.summary) == (0, "1 created")
    assert f"source {url} at {short} (clean)" in world.apply("--dry-run", "--source-name", "shop", source=url).out
    assert world.get("web/app", "k") == b"1"
    assert world.apply("--source-name", "shop").summary == "1 unchanged"
    world.put("web/app.yaml", {"k": b"2"})
    world.commit()
    world.git("push", "-q", "bare", "main")
    found = world.apply("--source-name", "shop", "--format", "json", source=url).json
    assert found["source"] == {"id": "shop", "path": url, "commit": world.git("rev-parse", "HEAD"), "dirty": False}
    assert world.get("web/app", "k") == b"2"


def test_a_folder_of_a_url(world: World, tmp_path: Path) -> None:
    world.put("clusters/prod/web/app.yaml", {"k": b"1"})
    world.put("clusters/other/web/db.yaml", {"k": b"1"})
    world.put("clusters/prod/web/bad.yaml", {"k": b"1"}, sealed_for="web/x")
    world.commit()
    ran = world.apply("--path", "clusters/prod", source=_bare(world, tmp_path))
    assert (ran.code, ran.summary) == (1, "1 created, 1 failed")
    assert "clusters/prod/web/bad.yaml:" in ran.out + ran.err


def test_back_to_an_older_commit_is_asked_for(world: World, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    old = world.commit()
    world.put("web/app.yaml", {"k": b"2"})
    new = world.commit()
    url = _bare(world, tmp_path)
    for source in (".", url):
        assert world.apply("--source-name", "shop", source=source).code == 0
        ran = world.apply("--source-name", "shop", "--ref", world.git("rev-parse", old), source=source)
        assert ran.code == 1
        assert f"commit {new} was applied before, and {old} does not follow it" in ran.err
        assert world.get("web/app", "k") == b"2"
    ran = world.apply("--source-name", "shop", "--ref", old, "--allow-rollback")
    assert ran.summary == "1 updated"
    assert world.get("web/app", "k") == b"1"
    assert world.git("status", "--porcelain") == ""
    assert world.apply("--source-name", "shop").summary == "1 updated"


def test_a_url_with_a_password_is_refused_and_not_repeated(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    ran = world.apply(source="https://me:opensesame@git.example.invalid/shop")
    assert ran.code == 2
    assert "holds a password" in ran.err
    assert "way out: leave it out of the URL: Git's credential helpers serve (git help credentials)" in ran.err
    assert "opensesame" not in ran.out + ran.err


def test_a_url_that_cannot_be_fetched_changes_nothing(world: World, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.commit()
    url = _bare(world, tmp_path)
    assert world.apply("--source-name", "shop", source=url).code == 0
    (tmp_path / "shop.git").rename(tmp_path / "gone.git")
    ran = world.apply("--source-name", "shop", source=url)
    assert ran.code == 2
    assert f"way out: git ls-remote {url}" in ran.err
    assert world.states() == {"web/app": ("delivered", "1")}
