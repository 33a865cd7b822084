"""Roots of a store `files` that are refused, and what was planted in one: nothing leaves, nothing is followed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.state_files import filesystem
from controller.stores.base import Delete, Put, Rejected, Store, StoreError, Unavailable
from controller.stores.files.layout import datum
from sealer.secret import Ref, Secret
from tests.controller.samples import OWNER, secret
from tests.controller.stores.contract import OTHER, REF, delete, mark, observe, put, read, run
from tests.controller.stores.places import World, in_memory


def blind(store: Store, value: Secret | None = None) -> str | StoreError:
    """Put without a look before: what stands there may not be seen."""
    target = store.target(REF)
    return run(store.put([Put(target, value or secret(REF), "", mark())]))[target]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "root")


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory of somebody else, in which nothing may change."""
    place = tmp_path / "outside"
    place.mkdir(mode=0o700)
    (place / "password").write_text("of somebody else")
    yield place
    assert [each.name for each in place.iterdir()] == ["password"]
    assert (place / "password").read_text() == "of somebody else"


def _symlink(root: Path) -> None:
    (root.parent / "real").mkdir(mode=0o700)
    root.symlink_to(root.parent / "real")


def _file(root: Path) -> None:
    root.write_bytes(b"")


def _open_to_others(root: Path) -> None:
    root.mkdir()
    root.chmod(0o750)


def _foreign(root: Path) -> None:
    root.mkdir(mode=0o700)
    (root / "notes.txt").write_text("x")


def _hidden(root: Path) -> None:
    root.mkdir(mode=0o700)
    (root / ".data").mkdir()


def _another_store(root: Path) -> None:
    World(root.parent / "other").root.parent.mkdir(exist_ok=True)
    put(World(root.parent / "other").store())
    (root.parent / "other").rename(root)


def _newer(root: Path) -> None:
    root.mkdir(mode=0o700)
    (root / ".sealer").write_text('{"instance":"01234567","store":"x","version":2}')


def _marker_is_a_link(root: Path) -> None:
    root.mkdir(mode=0o700)
    (root / ".sealer").symlink_to(root.parent / "marker")
    (root.parent / "marker").write_text("x")


REFUSED: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a symlink": (_symlink, "is a symlink", "name the directory itself"),
    "a file": (_file, "is not a directory", "name the directory itself"),
    "open to others": (_open_to_others, "is open to other users", "chmod 700"),
    "foreign files": (_foreign, "holds files that are not ours", "name an empty directory"),
    "hidden foreign files": (_hidden, "holds files that are not ours", "name an empty directory"),
    "of another store": (_another_store, "belongs to store", "under the path that it was made as"),
    "of a newer version": (_newer, "whose files these are isn't known", ""),
    "a marker behind a link": (_marker_is_a_link, "whose files these are isn't known", ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_root_that_is_not_ours_is_refused_by_every_call_and_left_as_it_is(world: World, name: str) -> None:
    make, what, way_out = REFUSED[name]
    make(world.root)
    before = sorted(world.root.rglob("*")), world.root.lstat().st_mode
    store = world.store()
    target = store.target(REF)
    answers = [blind(store), run(store.observe([target]))[target], delete(store)]
    with pytest.raises(Unavailable) as caught:
        read(store)
    for answer in (*answers, caught.value):
        assert isinstance(answer, Unavailable)
        assert what in answer.what
        assert str(world.root) in answer.where
        assert way_out in answer.way_out
    assert (sorted(world.root.rglob("*")), world.root.lstat().st_mode) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_a_root_of_another_user_is_refused(world: World) -> None:
    world.root.mkdir(mode=0o700)
    os.chown(world.root, 65534, 65534)
    store = world.store()
    answer = run(store.observe([store.target(REF)]))[store.target(REF)]
    assert isinstance(answer, Unavailable)
    assert "belongs to user id 65534" in answer.what


def test_without_a_parent_the_way_out_is_to_make_one(tmp_path: Path) -> None:
    store = World(tmp_path / "no/such/root").store()
    result = put(store)
    assert isinstance(result, Unavailable)
    assert result.way_out == f"mkdir -p {tmp_path / 'no/such'}"
    assert not (tmp_path / "no").exists()


def test_a_disk_needs_to_be_allowed_and_memory_does_not(tmp_path: Path) -> None:
    with in_memory(tmp_path) as memory:
        for directory in {memory, tmp_path}:
            kind = filesystem(directory)
            answer = put(World(directory / "root").store(disk=False))
            if kind in ("tmpfs", "ramfs"):
                assert isinstance(answer, str)
            else:
                assert isinstance(answer, Unavailable)
                assert f"is on a disk ({kind or 'unknown'})" in answer.what
                assert "allowDisk: true" in answer.way_out
    assert isinstance(put(World(tmp_path / "allowed").store(disk=True)), str)


def test_a_disk_is_refused_also_where_the_root_stands_already(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world.store())
    monkeypatch.setattr("controller.stores.files.root.filesystem", lambda path: "ext4")
    store = world.store(disk=False)
    answer = run(store.observe([store.target(REF)]))[store.target(REF)]
    assert isinstance(answer, Unavailable)
    assert "is on a disk (ext4)" in answer.what


@pytest.mark.parametrize(
    "name", ["../../etc", "payments/..", "payments/../db", "/etc", "payments/", "a/b/c", "A/b", "x"]
)
def test_a_name_that_would_leave_the_root_is_no_target(world: World, name: str) -> None:
    store = world.store()
    put(store)
    target = store.target(REF).__class__(store.uid, name)
    value = Secret("x", "x", {"a": b"1"})
    assert [each.code for each in store.lint(target, value)] == ["name"]
    result = run(store.put([Put(target, value, "", mark())]))[target]
    assert isinstance(result, Rejected)
    assert getattr(run(store.observe([target]))[target], "presence", "") == "absent"
    assert run(store.delete([Delete(target, "", OWNER)])) == {target: None}
    assert sorted(os.listdir(world.root.parent)) == ["root"]


@pytest.mark.parametrize("item", ["..", ".", "..data", "a/b", "/etc/passwd", "", "a\0b", "ü", "a" * 254])
def test_an_item_that_is_no_file_name_is_told_offline_and_rejected(world: World, item: str) -> None:
    store = world.store()
    value = Secret(REF.name, REF.namespace, {item: b"1", "good": b"2"})
    assert [each.code for each in store.lint(store.target(REF), value)] == ["item"]
    assert isinstance(put(store, value=value), Rejected)
    assert not (world.root / "current").exists()


def test_links_that_were_planted_where_a_secret_will_be_written_are_not_followed(world: World, outside: Path) -> None:
    store = world.store()
    put(store, OTHER)
    (world.root / ".data" / datum(REF, 2)).symlink_to(outside)
    assert isinstance(blind(store), Unavailable)  # it is in the way, and removed
    (world.root / ".gen/2").symlink_to(outside)
    (world.root / ".next").symlink_to(outside)
    value = secret(REF)
    assert isinstance(blind(store, value), str)
    assert read(store) == value


@pytest.mark.parametrize("what", ["document", "datum", "generation", "namespace", "lock", "data"])
def test_links_that_were_planted_in_place_of_what_stands_are_not_followed(
    world: World, outside: Path, what: str
) -> None:
    store = world.store()
    put(store)
    place = {
        "document": world.root / ".gen/1/payments/db",
        "datum": world.root / ".data" / datum(REF, 1),
        "generation": world.root / ".gen/1",
        "namespace": world.root / ".gen/1/payments",
        "lock": world.root / ".lock",
        "data": world.root / ".data",
    }[what]
    place.rename(world.root.parent / "gone")
    place.symlink_to(outside)
    fresh = world.store()
    target = fresh.target(REF)
    seen = run(fresh.observe([target]))[target]
    assert getattr(seen, "presence", "absent") == ("present" if what == "lock" else "absent")
    result = blind(fresh)
    assert isinstance(result, Unavailable) == (what in ("generation", "lock", "data"))
    if isinstance(result, str):
        assert b"of somebody else" not in read(fresh).items.values()


def test_a_link_to_another_documents_data_is_not_this_one(world: World) -> None:
    store = world.store()
    put(store, OTHER)
    put(store)
    link = world.root / "current/payments/db"
    theirs = os.readlink(world.root / "current/payments/stripe")
    link.unlink()
    link.symlink_to(theirs)
    assert observe(store, store.target(REF)).presence == "absent"


def test_what_is_removed_is_never_behind_a_link(world: World, outside: Path) -> None:
    store = world.store()
    put(store)
    (world.root / ".data/planted").symlink_to(outside)
    (world.root / ".gen/99").symlink_to(outside)
    (world.root / ".data/folder").mkdir()
    (world.root / ".data/folder/deep").symlink_to(outside)
    observe(world.store(), store.target(REF))
    assert world.leftovers() == set()


def test_while_another_process_writes_nothing_is_changed(world: World) -> None:
    store = world.store()
    version = put(store)
    with open(world.root / ".lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for answer in (put(store), delete(store)):
            assert isinstance(answer, Unavailable)
            assert "is being written by another process" in answer.what
        fresh = world.store()
        assert observe(fresh, store.target(REF)).version == version
    assert isinstance(put(store), str)


def test_neither_a_namespace_nor_a_name_can_stand_for_another(world: World) -> None:
    store = world.store()
    refs = [Ref("a", "b.c"), Ref("a", "b"), Ref("a-b", "c"), Ref("a", "b-c")]
    for ref in refs:
        put(store, ref, Secret(ref.name, ref.namespace, {"k": str(ref).encode()}))
    assert [read(store, ref).items["k"] for ref in refs] == [str(ref).encode() for ref in refs]
