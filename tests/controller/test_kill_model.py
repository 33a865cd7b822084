"""Zero, one and two kills at every effect of a delivery, over every kind of store (DELIVERY section 4).

After each schedule one run without a kill follows; then the right value stands, no version was made twice, each
audit intent was closed once, and another run writes nothing.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller.commands.apply import Wanted, job
from controller.deliver import deliver
from controller.settings import Options
from controller.state import State
from controller.stores.memory import CAPS
from sealer.secret import Ref
from tests.controller.faults import Deadly, Killed, Remote, remote, with_stores

if TYPE_CHECKING:
    from pathlib import Path

    from controller.configuration import Configuration, StoreConfig
    from controller.effects import Effects
    from controller.report import Report
    from tests.controller.world import World

REF = Ref("web", "app")
KINDS = {
    "fenced": {"cas": True, "atomic_mark": True},
    "mark apart": {"cas": True, "atomic_mark": False},
    "last writer wins": {"cas": False, "atomic_mark": True},
    "neither": {"cas": False, "atomic_mark": False},
}


class Model:
    """One document in one remote store, put back to where it began before every schedule."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, caps: dict[str, bool], fast: Path) -> None:
        self.world = world
        self.world.state = fast / "state"
        self.file = fast / "remote"
        self.store: StoreConfig = remote(monkeypatch, self.file, **caps)
        self.configuration: Configuration = with_stores(self.store)
        self._saved = fast / "saved"

    def seal(self, value: bytes) -> None:
        self.world.put("web/app.yaml", {"k": value}, annotations={"sealer.dev/stores": "remote"})

    def run(self, effects: Effects | None = None) -> Report:
        wanted = job(Wanted("."), Options(state=self.world.state))
        return deliver(replace(wanted, configuration=self.configuration), effects)

    def save(self, name: str = "killed") -> None:
        """Remember state and store as they are, to begin schedules there."""
        shutil.rmtree(self._saved / name, ignore_errors=True)
        (self._saved / name).mkdir(parents=True)
        for each in (self.world.state, self.file):
            if each.is_dir():
                shutil.copytree(each, self._saved / name / each.name)
            elif each.exists():
                shutil.copy(each, self._saved / name)

    def reset(self, name: str = "start") -> None:
        """State and store as they were."""
        shutil.rmtree(self.world.state, ignore_errors=True)
        self.file.unlink(missing_ok=True)
        shutil.copytree(self._saved / name, self.file.parent, dirs_exist_ok=True)

    def kill(self, at: int) -> bool:
        """A run killed before its effect `at`, which is as well after the one before; False if it ended first."""
        try:
            self.run(Deadly(at))
        except Killed:
            return True
        return False

    def holds(self, value: bytes | None, version: int) -> None:
        """All is as if nobody had been killed."""
        report = self.run()
        assert report.ok
        quiet = Deadly()
        assert not self.run(quiet).changes
        assert not quiet.calls
        there = Remote(self.file, self.store, quiet, CAPS)
        entry = there.inner._entries[there.target(REF)]
        assert entry.deleted if value is None else entry.secret.items == {"k": value}
        assert entry.version == version
        with State.open(self.world.state, read_only=True) as state:
            assert state.intents() == ()
        lines = [json.loads(line) for line in self.log()]
        begun = [line["sequence"] for line in lines if line["phase"] == "intent"]
        ended = Counter(line["intent"] for line in lines if line["phase"] == "outcome")
        assert ended == Counter(begun)

    def log(self) -> list[bytes]:
        return [
            line for file in sorted((self.world.state / "audit").iterdir()) for line in file.read_bytes().splitlines()
        ]


@pytest.fixture(params=list(KINDS))
def model(request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch, fast: Path) -> Model:
    return Model(world, monkeypatch, KINDS[request.param], fast)


@pytest.mark.parametrize("change", ["create", "update", "delete"])
def test_zero_one_and_two_kills(model: Model, change: str) -> None:
    """Every first kill, and behind each of them every second one."""
    value: bytes | None = b"1"
    model.world.put("web/other.yaml", {"k": b"1"})
    if change != "create":
        model.seal(b"1")
        value = b"2" if change == "update" else None
    model.run()
    model.save("start")
    if value is None:
        (model.world.root / "web/app.yaml").unlink()
    else:
        model.seal(value)
    version = 2 if change == "update" else 1
    schedules = 0
    for first in range(1, 100):
        model.reset()
        alive = not model.kill(first)
        if alive:
            model.holds(value, version)
            break
        model.save()
        for second in range(1, 100):
            model.reset("killed")
            alive = not model.kill(second)
            model.holds(value, version)
            schedules += 1
            if alive:
                break
    assert schedules > 20
