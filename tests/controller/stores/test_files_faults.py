"""The store `files` on a disk that is full or read-only, and killed at each of its effects."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from controller.stores.base import Delete, OutcomeUnknown, Put, Unavailable
from controller.stores.files import generations
from sealer.secret import Ref, Secret
from tests.controller.samples import OWNER, secret
from tests.controller.stores.contract import OTHER, REF, delete, mark, observe, put, read, run
from tests.controller.stores.places import Disk, Ending, World, in_child, in_memory

THIRD = Ref("web", "session")
MINUTES = 2 * generations.KEPT


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk", size=256 * 1024)
    yield disk
    disk.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with in_memory(tmp_path) as directory:
        yield World(directory / "root")


def test_a_full_disk_loses_nothing_and_says_so(disk: Disk) -> None:
    world = World(disk.root)
    store = world.store(disk.port)
    first = secret(REF)
    version = put(store, value=first)
    seen, files = observe(store, store.target(REF)), world.files()
    disk.full(on=True)
    large = Secret(REF.name, REF.namespace, {"key": os.urandom(64 * 1024)})
    batch = [Put(store.target(ref), large, seen.version if ref == REF else "", mark()) for ref in (REF, OTHER)]
    results = run(store.put(batch))
    for result in results.values():
        assert isinstance(result, Unavailable)
        assert result.what == "is full: nothing was changed"
        assert str(disk.root) in result.where
        assert "df -h" in result.way_out
    assert world.leftovers() - {"filler"} == set()  # at once: what was written so far takes the room of others
    assert (observe(store, store.target(REF)), world.files()) == (seen, files)
    disk.full(on=False)
    world.ahead = MINUTES
    value = secret(REF)
    again = put(world.store(disk.port), value=value)
    assert isinstance(again, str)
    assert again != version
    assert read(store) == value


def test_no_inode_left_is_a_full_disk_too(disk: Disk) -> None:
    if not disk.mounted:
        disk.port.errno = errno.EDQUOT  # the other way to have no room
    store = World(disk.root).store(disk.port)
    many = Secret(REF.name, REF.namespace, {f"k{number}": b"" for number in range(300)})
    result = put(store, value=many)
    assert isinstance(result, Unavailable)
    assert result.what == "is full: nothing was changed"
    disk.port.errno = 0
    assert isinstance(put(store), str)
    assert World(disk.root).leftovers() == set()


def test_a_read_only_disk_loses_nothing_and_says_so(disk: Disk) -> None:
    world = World(disk.root)
    store = world.store(disk.port)
    value = secret(REF)
    put(store, value=value)
    put(store, OTHER)
    files = world.files()
    disk.read_only(on=True)
    world.ahead = MINUTES
    for result in (put(store), put(store, THIRD), delete(store)):
        assert isinstance(result, Unavailable)
        assert result.what == "is read-only: nothing was changed"
        assert f"remount,rw {disk.root}" in result.way_out
    assert read(store) == value
    assert world.files() == files
    disk.read_only(on=False)
    assert isinstance(put(store), str)
    assert delete(store) is None
    world.ahead += MINUTES
    observe(world.store(), store.target(REF))
    assert world.leftovers() == set()


def put_and_replace(world: World, port: Ending | None = None) -> None:
    """One batch: a changed secret, a new one in another namespace; one is left as it is."""
    store = world.store(port)
    batch = [
        Put(store.target(REF), Secret(REF.name, REF.namespace, {"a": b"new", "b": b"new"}), "", mark()),
        Put(store.target(THIRD), Secret(THIRD.name, THIRD.namespace, {"a": b"new"}), "", mark()),
    ]
    seen = run(store.observe([each.target for each in batch]))
    batch = [Put(each.target, each.secret, getattr(seen[each.target], "version"), each.mark) for each in batch]  # noqa: B009
    run(store.put(batch))


def delete_one(world: World, port: Ending | None = None) -> None:
    store = world.store(port)
    run(store.delete([Delete(store.target(REF), "", OWNER)]))


def mark_one(world: World, port: Ending | None = None) -> None:
    put(world.store(port), mark=mark(), mark_only=True)


def sweep(world: World, port: Ending | None = None) -> None:
    world.ahead = MINUTES
    observe(world.store(port), world.store().target(REF))


def nothing(world: World) -> None:
    """A root that isn't there yet."""


def two(world: World) -> None:
    """Two secrets, of two generations."""
    store = world.store()
    for ref in (REF, OTHER):
        put(store, ref, Secret(ref.name, ref.namespace, {"a": b"old", "b": b"old"}))


CHANGES: dict[str, tuple[Callable[[World], None], Callable[..., None]]] = {
    "first put": (nothing, put_and_replace),
    "put": (two, put_and_replace),
    "delete": (two, delete_one),
    "mark": (two, mark_one),
    "sweep": (two, sweep),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", CHANGES)
def test_killed_at_any_effect_what_stands_is_whole_and_nothing_is_left_over(
    tmp_path: Path, name: str, when: str
) -> None:
    prepare, change = CHANGES[name]
    with in_memory(tmp_path) as directory:
        for number in count(1):
            world = World(directory / f"{number}")
            prepare(world)
            old = world.files() if world.root.exists() else {}
            code = in_child(lambda w=world, n=number: change(w, Ending(n, when)))  # type: ignore[misc]
            assert code in (0, Ending.CODE)
            found = world.files()
            undisturbed = World(directory / f"{number}-whole")
            prepare(undisturbed)
            change(undisturbed)
            assert found in (old, undisturbed.files())
            world.ahead = MINUTES
            fresh = world.store()
            seen = observe(fresh, fresh.target(REF))
            assert world.files() == found
            if seen.presence == "present":
                assert seen.token
                assert read(fresh).items == {"a": found["payments/db/a"], "b": found["payments/db/b"]}
            if found:
                assert world.leftovers() == set()
            value = secret(REF)
            assert isinstance(put(fresh, value=value), str)
            assert read(fresh) == value
            assert code == 0 or number < 200
            if code == 0:
                assert number > 2
                break


@pytest.mark.parametrize("name", ["put", "delete", "mark", "first put"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_effect_at_any_place_leaves_all_as_it_was(tmp_path: Path, name: str, code: int) -> None:
    """Whatever fails before `current` is renamed changes nothing; after it, the outcome is said to be unknown."""
    prepare, _ = CHANGES[name]
    with in_memory(tmp_path) as directory:
        for number in count(1):
            world = World(directory / f"{number}")
            prepare(world)
            old = world.files() if world.root.exists() else {}
            made = len(world.port.calls)

            def fail(call: str, world: World = world, last: int = made + number) -> None:
                if len(world.port.calls) == last:
                    raise OSError(code, os.strerror(code))

            world.port.before = fail
            store = world.store()
            marks = name == "mark"
            result = delete(store) if name == "delete" else put(store, mark_only=marks, value=None)
            world.port.before = lambda call: None
            if len(world.port.calls) < made + number:
                assert not isinstance(result, Unavailable)
                break
            after = ("files.rename", "current") in world.port.calls[made : made + number - 1]
            assert isinstance(result, OutcomeUnknown if after else Unavailable)
            assert (world.files() == old) != after
            assert marks or not world.unborn()
            if old:
                world.ahead = MINUTES
                observe(world.store(), store.target(REF))
                assert world.leftovers() == set()
            assert isinstance(put(store), str)


def test_the_first_time_that_a_root_is_used_can_be_cut_short(world: World) -> None:
    world.root.mkdir(mode=0o700)
    (world.root / ".lock").touch(0o600)
    (world.root / ".sealer.new").write_bytes(b"{")
    store = world.store()
    assert observe(store, store.target(REF)).presence == "absent"
    assert isinstance(put(store), str)
    assert world.leftovers() == set()


def test_an_unexpected_end_inside_of_a_process_is_cleared_before_the_next_write(world: World) -> None:
    store = world.store()
    put(store)
    world.port.before = lambda call: _interrupt() if call == "files.rename" else None
    with contextlib.suppress(KeyboardInterrupt):
        put(store)
    assert "2" in world.generations()
    world.port.before = lambda call: None
    value = secret(REF)
    assert isinstance(put(store, value=value), str)
    world.ahead = MINUTES
    observe(store, store.target(REF))
    assert world.leftovers() == set()
    assert read(store) == value


def _interrupt() -> None:
    raise KeyboardInterrupt
