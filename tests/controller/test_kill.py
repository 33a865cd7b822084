"""A process killed at every effect of a delivery that creates, updates, withdraws and prunes, in all stores at once.

The process is a real one, ended by SIGKILL; another one begins where it was. In the end the right values stand, no
version was made twice, each audit intent was closed once (DELIVERY section 4).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.commands.apply import Wanted, job
from controller.configuration import Configuration, StoreConfig
from controller.deliver import deliver
from controller.settings import Options
from controller.state import State
from controller.stores.memory import CAPS
from sealer.secret import Ref
from tests.controller.faults import Deadly, Remote, remote, with_stores

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from controller.report import Report
    from tests.controller.world import World

EVERYWHERE = {"sealer.dev/stores": "local,files,remote"}
CREATED, UPDATED, SAME, GONE, RETAINED, DROPPED = ["created", "updated", "same", "gone", "retained", "dropped"]


class Stores:
    """The three stores of one world, all below one folder that can be copied."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.world, self.folder = world, folder / "now"
        self.folder.mkdir()
        world.state = self.folder / "state"
        self.files = StoreConfig("files", "files", ("*",), root=str(self.folder / "files"), allow_disk=True)
        self.remote = remote(monkeypatch, self.folder / "remote", atomic_mark=False)
        self.configuration: Configuration = with_stores(self.files, self.remote)

    def seal(self, name: str, value: bytes, stores: str = "local,files,remote", **annotations: str) -> None:
        wanted = {"sealer.dev/stores": stores, **annotations}
        self.world.put(f"web/{name}.yaml", {"k": value}, annotations=wanted)

    def run(self, effects: Deadly) -> Report:
        wanted = job(Wanted("."), Options(state=self.world.state))
        return deliver(replace(wanted, configuration=self.configuration), effects)

    def killed_at(self, number: int) -> bool:
        """A child that is killed at this effect; False if it ended before."""
        child = os.fork()
        if child == 0:
            try:
                self.run(Deadly(number, process=True))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def local(self, name: str) -> tuple[bytes | None, int]:
        """Value and number of versions that were ever made."""
        from controller.settings import resolve
        from controller.stores.base import Conflict
        from controller.stores.local import LocalStore
        from tests.controller.stores.contract import run

        ring = resolve(Options(state=self.world.state)).ring
        assert ring is not None
        with State.open(self.world.state, read_only=True) as state:
            store = LocalStore(state, ring.state_keys, lambda: 0)
            made = len(store.history(Ref("web", name)))
            try:
                return run(store.read(store.target(Ref("web", name)))).items["k"], made
            except Conflict:
                return None, made

    def written(self, name: str) -> bytes | None:
        """The value that a reader of the folder finds."""
        file = self.folder / "files/current/web" / name / "k"
        return file.read_bytes() if file.exists() else None

    def far(self, name: str) -> tuple[bytes | None, int]:
        """Value and newest version in the remote store."""
        store = Remote(self.folder / "remote", self.remote, Deadly(), CAPS)
        entry = store.inner._entries[store.target(Ref("web", name))]
        return (None if entry.deleted else entry.secret.items["k"]), entry.version

    def log(self) -> list[dict[str, object]]:
        files = sorted((self.world.state / "audit").iterdir())
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_a_process_killed_at_every_effect(world: World, monkeypatch: pytest.MonkeyPatch, fast: Path) -> None:
    stores = Stores(world, monkeypatch, fast)
    for name in (UPDATED, SAME, GONE, DROPPED):
        stores.seal(name, b"1")
    stores.seal(RETAINED, b"1", **{"sealer.dev/on-delete": "retain"})
    assert stores.run(Deadly()).ok
    for name in (GONE, RETAINED):
        (world.root / f"web/{name}.yaml").unlink()
    stores.seal(CREATED, b"1")
    stores.seal(UPDATED, b"2")
    stores.seal(DROPPED, b"1", "local,files")
    shutil.copytree(stores.folder, fast / "start", symlinks=True)
    quiet = Deadly()
    assert stores.run(quiet).ok
    _settled(stores)
    kinds = {call for call, _ in quiet.calls}
    assert {"audit.append", "audit.sync", "state.commit", "memory.put", "memory.mark", "memory.delete"} <= kinds
    assert {"files.write", "files.sync", "files.link", "files.rename"} <= kinds
    for number in range(1, len(quiet.calls) + 1):
        shutil.rmtree(stores.folder)
        shutil.copytree(fast / "start", stores.folder, symlinks=True)
        assert stores.killed_at(number)
        assert stores.run(Deadly()).ok
        _settled(stores)


def _settled(stores: Stores) -> None:
    """All is as if nobody had been killed, and another run does nothing at all."""
    again = Deadly()
    assert not stores.run(again).changes
    assert not again.calls
    assert {name: stores.local(name) for name in (CREATED, UPDATED, SAME, DROPPED)} == {
        CREATED: (b"1", 1), UPDATED: (b"2", 2), SAME: (b"1", 1), DROPPED: (b"1", 1),
    }  # fmt: skip
    assert stores.local(GONE)[0] is None
    assert stores.local(RETAINED) == (b"1", 1)
    assert {name: stores.far(name) for name in (CREATED, UPDATED, SAME, GONE, RETAINED, DROPPED)} == {
        CREATED: (b"1", 1), UPDATED: (b"2", 2), SAME: (b"1", 1), GONE: (None, 1), RETAINED: (b"1", 1),
        DROPPED: (None, 1),
    }  # fmt: skip
    assert {name: stores.written(name) for name in (CREATED, UPDATED, SAME, GONE, RETAINED, DROPPED)} == {
        CREATED: b"1", UPDATED: b"2", SAME: b"1", GONE: None, RETAINED: b"1", DROPPED: b"1",
    }  # fmt: skip
    log = stores.log()
    begun = [line["sequence"] for line in log if line["phase"] == "intent"]
    assert Counter(line["intent"] for line in log if line["phase"] == "outcome") == Counter(begun)
    assert stores.world.run("audit", "verify", "--state", stores.world.state).code == 0
