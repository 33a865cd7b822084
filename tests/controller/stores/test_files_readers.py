"""Readers of a store `files` while it is written: what they see through one descriptor belongs together."""

from __future__ import annotations

import os
import signal
import threading
from itertools import count
from pathlib import Path

import pytest

from controller.stores.base import Put
from sealer.secret import Ref, Secret
from tests.controller.stores.contract import mark, run
from tests.controller.stores.places import World, in_memory

READS = 67_000
READERS = 4
REFS = tuple(Ref(namespace, name) for namespace in ("payments", "web") for name in ("one", "two", "three"))
PATHS = tuple(f"{ref}/{item}" for ref in REFS for item in ("a", "b"))


def write(world: World, number: int) -> None:
    """A generation in which every item holds the same number."""
    store = world.store()
    seen = run(store.observe([store.target(ref) for ref in REFS]))
    items = {"a": str(number).encode(), "b": str(number).encode()}
    batch = [
        Put(target, Secret(ref.name, ref.namespace, items), getattr(seen[target], "version"), mark())  # noqa: B009
        for ref in REFS
        if (target := store.target(ref))
    ]
    assert all(isinstance(each, str) for each in run(store.put(batch)).values())


class Reader(threading.Thread):
    """Opens `current` once for each look at all files, and remembers what was not as it has to be."""

    def __init__(self, root: Path, reads: int) -> None:
        super().__init__()
        self.root = root
        self.reads = reads
        self.done = 0
        self.seen: set[bytes] = set()
        self.bad: list[object] = []

    def run(self) -> None:
        # On a busy machine the writer may not have come to its turn yet: look on, but not for ever.
        while not self.bad and (self.done < self.reads or (len(self.seen) < 4 and self.done < 50 * self.reads)):
            held = os.open(self.root / "current", os.O_RDONLY | os.O_DIRECTORY)
            try:
                values = {self._read(path, held) for path in PATHS}
                listed = {f"{each}/{name}" for each in os.listdir(held) for name in self._names(each, held)}
            except OSError as error:
                self.bad.append(error)
                return
            finally:
                os.close(held)
            if len(values) != 1 or listed != {str(ref) for ref in REFS}:
                self.bad.append((values, listed))
            self.seen |= values

    def _read(self, path: str, held: int) -> bytes:
        self.done += 1
        descriptor = os.open(path, os.O_RDONLY, dir_fd=held)
        try:
            return os.read(descriptor, 64)
        finally:
            os.close(descriptor)

    @staticmethod
    def _names(namespace: str, held: int) -> list[str]:
        descriptor = os.open(namespace, os.O_RDONLY, dir_fd=held)
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)


def test_67000_reads_through_a_descriptor_never_see_half_a_generation(tmp_path: Path) -> None:
    with in_memory(tmp_path) as directory:
        world = World(directory / "root")
        write(world, 0)
        writer = os.fork()
        if writer == 0:
            try:
                for number in count(1):
                    write(world, number)
            finally:
                os._exit(1)
        try:
            readers = [Reader(world.root, READS // READERS) for _ in range(READERS)]
            for each in readers:
                each.start()
            for each in readers:
                each.join()
            assert os.waitpid(writer, os.WNOHANG) == (0, 0), "the writer ended by itself"
        finally:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
        assert [each.bad for each in readers] == [[]] * READERS
        assert sum(each.done for each in readers) >= READS - READERS
        assert len(set().union(*(each.seen for each in readers))) > 3, "nothing was written meanwhile"


def test_a_reader_that_is_told_of_half_a_generation_is_one_that_can_fail(tmp_path: Path) -> None:
    """The test above would notice: here one file of the generation has another number."""
    world = World(tmp_path / "root")
    write(world, 1)
    (world.root / "current" / PATHS[0]).write_bytes(b"2")
    reader = Reader(world.root, len(PATHS))
    reader.run()
    assert reader.bad


@pytest.mark.parametrize("writers", [2])
def test_two_processes_that_write_at_once_take_turns(tmp_path: Path, writers: int) -> None:
    with in_memory(tmp_path) as directory:
        world = World(directory / "root")
        children = []
        for writer in range(writers):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    _put_many(world, f"w{writer}", 15)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * writers
        assert len(world.files()) == writers * 15
        assert len(world.generations()) == writers * 15


def _put_many(world: World, namespace: str, number: int) -> None:
    for each in range(number):
        store = world.store(wait=True)
        target = store.target(Ref(namespace, f"d{each}"))
        results = run(store.put([Put(target, Secret("x", None, {"a": b"1"}), "", mark())]))
        assert isinstance(results[target], str)
