"""The store `files`: the contract, its layout, the order of its effects, and what another hand does to it."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.stores.base import Conflict, Delete, Put, Store
from controller.stores.files import generations
from sealer import schema
from sealer.secret import Ref, Secret
from tests.controller.samples import OWNER, secret
from tests.controller.stores.contract import OTHER, REF, StoreContract, delete, mark, observe, put, read, run
from tests.controller.stores.places import World, in_memory


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "root")


class TestFiles(StoreContract):
    @pytest.fixture
    def store(self, world: World) -> Store:
        return world.store()

    @pytest.fixture
    def second(self, world: World) -> Store:
        return world.store()


class TestFilesInMemory(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with in_memory(tmp_path) as directory:
            on_disk = directory == tmp_path
            yield World(directory / "root").store(disk=on_disk)


def test_a_reader_finds_each_item_as_a_file_of_its_own(world: World) -> None:
    store = world.store()
    value = secret(REF)
    put(store, value=value)
    put(store, OTHER)
    base = world.root / "current/payments"
    assert {each.name: each.read_bytes() for each in (base / "db").iterdir()} == value.items
    assert sorted(each.name for each in base.iterdir()) == ["db", "stripe"]
    delete(store)
    assert sorted(each.name for each in base.iterdir()) == ["stripe"]
    delete(store, OTHER)
    assert list((world.root / "current").iterdir()) == []


def test_all_is_ours_alone_whatever_the_umask(world: World) -> None:
    before = os.umask(0)
    try:
        put(world.store())
    finally:
        os.umask(before)
    found = [each for each in (world.root, *world.root.rglob("*")) if not each.is_symlink()]
    modes = {stat.S_IMODE(each.stat().st_mode) for each in found if each.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(each.stat().st_mode) for each in found if each.is_file()} == {0o600}


def test_what_is_beside_the_values_is_described_and_holds_none(world: World) -> None:
    value, its_mark = secret(REF), mark(seq=4)
    put(world.store(), value=value, mark=its_mark)
    (path,) = world.root.glob(".data/*.json")
    label = json.loads(path.read_bytes())
    schema.validate(label, "files-mark", file="mark")
    schema.validate(json.loads((world.root / ".sealer").read_bytes()), "files-root", file="root")
    assert (label["owner"], label["token"], label["seq"]) == (OWNER, its_mark.token, 4)
    assert label["items"] == sorted(value.items)
    assert value.items["password"].decode() not in path.read_text()


def test_order_of_effects_all_of_a_generation_is_on_the_disk_before_it_stands(world: World) -> None:
    put(world.store(), OTHER)
    made = len(world.port.calls)
    put(world.store())
    (path,) = world.root.glob(".data/*.2")
    datum = path.name
    assert world.port.calls[made:] == [
        ("files.write", datum),
        ("files.write", "password"), ("files.sync", "password"),
        ("files.write", "raw.bin"), ("files.sync", "raw.bin"),
        ("files.sync", datum),
        ("files.write", f"{datum}.json"), ("files.sync", f"{datum}.json"),
        ("files.sync", ".data"),
        ("files.write", "2"),
        ("files.write", "payments"),
        ("files.link", "stripe"), ("files.link", "db"),
        ("files.sync", "payments"), ("files.sync", "2"), ("files.sync", ".gen"),
        ("files.link", ".next"), ("files.rename", "current"), ("files.sync", "current"),
    ]  # fmt: skip


def test_a_batch_is_one_generation_an_unchanged_document_one_link_and_a_no_op_nothing(world: World) -> None:
    store = world.store()
    refs = [Ref(f"n{number % 3}", f"d{number}") for number in range(30)]
    batch = [Put(store.target(ref), secret(ref), "", mark()) for ref in refs]
    assert len(set(run(store.put(batch)).values())) == 1
    made = len(world.port.calls)
    run(store.put(batch))
    run(world.store().observe([each.target for each in batch]))
    run(store.delete([Delete(store.target(REF), "", OWNER)]))
    assert len(world.port.calls) == made
    put(store)
    links = [what for call, what in world.port.calls[made:] if call == "files.link"]
    assert len(links) == len(refs) + 2  # the new one, and `current`
    assert len([what for call, what in world.port.calls[made:] if call == "files.write"]) == 1 + 2 + 1 + 1 + 4
    assert world.generations() == ["1", "2"]


def test_a_generation_stays_for_a_minute_after_the_next_came(world: World) -> None:
    store = world.store()
    value = secret(REF)
    put(store, value=value)
    held = os.open(world.root / "current", os.O_RDONLY | os.O_DIRECTORY)
    put(store)
    delete(store)
    again = world.store()  # another start within the minute
    put(again, OTHER)
    assert _read_at(held, "payments/db/password") == value.items["password"]
    assert world.generations() == ["1", "2", "3", "4"]
    world.ahead = generations.KEPT + 1000
    observe(world.store(read_only=True), store.target(REF))
    assert world.generations() == ["1", "2", "3", "4"]
    observe(again, store.target(REF))
    os.close(held)
    assert world.generations() == ["4"]
    assert world.leftovers() == set()
    assert read(store, OTHER).items["password"]


def test_a_clock_that_was_set_back_keeps_nothing_for_longer(world: World) -> None:
    store = world.store()
    put(store)
    put(store)
    world.ahead = -10 * generations.KEPT
    observe(world.store(), store.target(REF))
    assert world.generations() == ["2"]
    assert world.leftovers() == set()


def test_no_version_means_two_values_not_even_after_the_memory_was_lost(world: World) -> None:
    versions = set()
    for _ in range(2):
        store = world.store()
        for _ in range(2):
            versions.add(put(store))
            delete(store)
        world.root.rename(world.root.with_name(f"gone-{time.monotonic_ns()}"))
    assert len(versions) == 4


def test_a_file_that_another_hand_changed_is_another_version_without_a_mark(world: World) -> None:
    store = world.store()
    version, its_mark = put(store), mark()
    path = world.root / "current/payments/db/password"
    _later(path, lambda: path.write_bytes(b"edited"))
    target = store.target(REF)
    seen = observe(store, target)
    assert seen.version.startswith(f"{version}-")
    assert (seen.owner, seen.token, seen.fingerprint) == (OWNER, "", "")
    assert read(store).items["password"] == b"edited"
    assert isinstance(put(store, expect=str(version)), Conflict)
    assert put(store, mark=its_mark, mark_only=True) == seen.version
    assert observe(world.store(), target).token == its_mark.token
    assert observe(store, target).version == seen.version
    value = secret(REF)
    assert put(store, value=value) not in (version, seen.version)
    assert read(store) == value


@pytest.mark.parametrize("how", ["added", "removed", "link", "directory", "no mark", "torn mark"])
def test_whatever_else_is_done_to_a_secret_shows_and_is_mended_by_a_put(world: World, how: str) -> None:
    store = world.store()
    version, target = put(store), store.target(REF)
    folder = world.root / "current/payments/db"
    outside = world.root.parent / "outside"
    outside.write_text("of somebody else")
    (label,) = world.root.glob(".data/*.json")
    item = folder / "password"

    def change() -> None:
        if how == "added":
            (folder / "more").write_bytes(b"x")
        elif how == "no mark":
            label.unlink()
        elif how == "torn mark":
            label.write_bytes(label.read_bytes()[:40])
        else:
            item.unlink()
            if how == "link":
                item.symlink_to(outside)
            elif how == "directory":
                item.mkdir()

    _later(item, change)
    seen = observe(store, target)
    assert (seen.presence, seen.token) == ("present", "")
    assert seen.version != version
    found = read(store)
    assert b"of somebody else" not in found.items.values()
    value = secret(REF)
    assert isinstance(put(store, value=value, adopt=not seen.owner), str)
    assert read(store) == value
    world.ahead = 2 * generations.KEPT
    observe(world.store(), target)
    assert world.leftovers() == set()
    assert outside.read_text() == "of somebody else"


@pytest.mark.parametrize("what", ["link", "datum", "namespace", "generation", "data", "current"])
def test_what_is_gone_is_absent_and_comes_again(world: World, what: str) -> None:
    store = world.store()
    put(store)
    target = store.target(REF)
    (datum,) = (each for each in world.root.glob(".data/*") if each.is_dir())
    place = {
        "link": world.root / ".gen/1/payments/db",
        "datum": datum,
        "namespace": world.root / ".gen/1/payments",
        "generation": world.root / ".gen/1",
        "data": world.root / ".data",
        "current": world.root / "current",
    }[what]
    place.rename(world.root.parent / "gone")
    fresh = world.store()
    assert observe(fresh, target).presence == "absent"
    value = secret(REF)
    assert isinstance(put(fresh, value=value), str)
    assert read(fresh) == value
    assert (world.root / "current/payments/db/password").read_bytes() == value.items["password"]


def test_items_that_are_one_file_where_case_does_not_count_are_refused(world: World) -> None:
    store = world.store()
    target = store.target(REF)
    bad = Secret(REF.name, REF.namespace, {"Key": b"1", "key": b"2"})
    assert [each.code for each in store.lint(target, bad)] == ["case"]
    good = Secret(REF.name, REF.namespace, {".hidden": b"1", "key": b"2", "a" * 253: b"3"})
    assert store.lint(target, good) == []
    put(store, value=good)
    assert read(store).items == good.items


def test_ten_thousand_documents_are_observed_with_a_few_calls_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No value is opened: one link, one mark, and the times of the items."""
    store = world.store()
    refs = [Ref("many", f"d{number}") for number in range(100)]
    run(store.put([Put(store.target(ref), secret(ref), "", mark()) for ref in refs]))
    opened: list[str] = []
    really = os.open

    def watched(path: str, *words: object, **options: object) -> int:
        opened.append(str(path))
        return really(path, *words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    run(store.observe([store.target(ref) for ref in refs]))
    assert not {"password", "raw.bin"} & set(opened)
    assert len(opened) <= len(refs) + 10


def _read_at(descriptor: int, path: str) -> bytes:
    inside = os.open(path, os.O_RDONLY, dir_fd=descriptor)
    try:
        return os.read(inside, 1 << 16)
    finally:
        os.close(inside)


def _later(path: Path, change: object) -> None:
    """Change something once the clock of the file system is past the time of `path`: it has a tick of its own."""
    assert callable(change)
    probe = path.parents[3].parent / "tick"
    before = max(each.lstat().st_ctime_ns for each in path.parents[3].rglob("*"))
    while True:
        probe.write_bytes(b"")
        if probe.stat().st_mtime_ns > before:
            break
    change()
