"""Attacks on delivery: by time, by what else changes meanwhile, and by stores that fail at the wrong moment."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller.commands.apply import Wanted, job
from controller.configuration import Configuration
from controller.deliver import deliver
from controller.settings import Options
from controller.state import State
from controller.stores.base import OutcomeUnknown, Unavailable
from controller.stores.memory import CAPS
from sealer.errors import SourceError
from sealer.formats import keys
from sealer.secret import Ref
from tests.controller.faults import Deadly, Killed, Remote, remote, with_stores
from tests.controller.samples import Port
from tests.controller.world import RULES
from tests.sealer import rings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from controller.effects import Call, Effects
    from controller.model import Target
    from controller.report import Report
    from controller.stores.base import StoreError
    from sealer.secret import Secret
    from tests.controller.world import Counts, World

STORE = """apiVersion: sealer.dev/v1alpha1
kind: Store
metadata: {name: disk}
spec: {kind: files, namespaces: [web], root: %s, allowDisk: true}
"""
BOTH = {"sealer.dev/stores": "local,disk"}
DISK = {"sealer.dev/stores": "disk"}


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    """A configuration with a store `disk` for the namespace web."""
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    (folder / "stores.yaml").write_text(STORE % (tmp_path / "disk"))
    return folder


def _controller(config: Path, spec: str) -> None:
    text = f"apiVersion: sealer.dev/v1alpha1\nkind: Controller\nspec: {spec}\n"
    (config / "controller.yaml").write_text(text)


def _on_disk(config: Path, ref: str = "web/app") -> bytes | None:
    file = config.parent / "disk/current" / ref / "k"
    return file.read_bytes() if file.exists() else None


def _hide(config: Path) -> None:
    """The store `disk` can't be used for a while."""
    (config.parent / "disk").rename(config.parent / "hidden")
    (config.parent / "disk").write_text("no directory")


def _show(config: Path) -> None:
    (config.parent / "disk").unlink()
    (config.parent / "hidden").rename(config.parent / "disk")


def _lose(world: World) -> None:
    """The values of the store `local` are lost."""
    with closing(sqlite3.connect(world.state / "state.db", isolation_level=None)) as database:
        database.execute("UPDATE local_versions SET row = NULL")


def _told(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


# What is recorded


def test_what_comes_back_after_it_was_forgotten_is_recorded(world: World, config: Path) -> None:
    _controller(config, "{retention: {withdrawnDays: 0}}")
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"})
    world.apply("--config", config)
    file.unlink()
    assert world.apply("--config", config).summary == "1 deleted, 1 unchanged"
    world.put("web/app.yaml", {"k": b"2"})
    assert world.apply("--config", config).code == 0
    file.unlink()
    assert world.apply("--config", config).summary == "1 deleted, 1 unchanged"


def test_a_store_that_fails_for_one_source_does_not_forget_what_another_delivered(world: World, config: Path) -> None:
    world.put("one/web/other.yaml", {"k": b"1"})
    file = world.put("one/web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.put("two/web/app.yaml", {"k": b"2"}, annotations=DISK)
    one, two = ["--source-name", "one", "--config", config], ["--source-name", "two", "--config", config]
    assert world.apply(*one, source="one").code == 0
    _hide(config)
    assert world.apply(*two, source="two").code == 1
    _show(config)
    file.unlink()
    assert world.apply(*one, source="one").summary == "1 deleted, 1 unchanged"
    assert _on_disk(config) is None


def test_what_the_first_source_lost_is_not_the_second_ones(world: World, config: Path) -> None:
    world.put("one/web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.put("two/web/app.yaml", {"k": b"2"}, annotations=DISK)
    one, two = ["--source-name", "one", "--config", config], ["--source-name", "two", "--config", config]
    assert world.apply(*one, source="one").code == 0
    shutil.rmtree(config.parent / "disk")
    assert world.apply(*two, source="two").code == 1
    assert world.apply(*one, source="one").code == 0
    assert _on_disk(config) == b"1"


def test_what_an_older_good_one_restored_is_not_taken_for_the_newer(world: World, config: Path) -> None:
    world.put("web/app.yaml", {"k": b"A"}, annotations=BOTH)
    world.apply("--config", config)
    _hide(config)
    newer = world.put("web/app.yaml", {"k": b"B"}, annotations=BOTH).read_bytes()
    assert world.apply("--config", config).code == 1
    assert world.get("web/app", "k") == b"B"
    _show(config)
    world.put("web/app.yaml", {"k": b"C"}, sealed_for="web/elsewhere", annotations=BOTH)
    _lose(world)
    for _ in range(2):  # the newest fails, then an older one is delivered again
        world.apply("--config", config)
    world.write("web/app.yaml", newer)
    assert world.apply("--config", config).code == 0
    assert world.get("web/app", "k") == b"B"
    assert _on_disk(config) == b"B"


def test_a_failed_delivery_is_forgotten_with_its_document(world: World, config: Path) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    (config.parent / "disk").write_text("no directory")
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    assert world.apply("--config", config).code == 1
    file.unlink()
    assert world.apply("--config", config).code == 0
    assert world.states() == {"web/other": ("delivered", "1")}


# What needs no opening and no reading


def test_a_document_that_a_store_does_not_take_is_opened_once(world: World, config: Path, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1", "K": b"2"}, annotations=DISK)
    assert world.apply("--config", config).code == 1
    counts.private, before = 0, world.files()
    assert world.apply("--config", config).code == 1
    assert (counts.private, world.files() == before) == (0, True)


def test_a_hand_edit_below_a_failing_document_is_read_once(world: World, config: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    world.put("web/app.yaml", {"k": b"2"}, sealed_for="web/elsewhere", annotations=DISK)
    world.apply("--config", config)
    (config.parent / "disk/current/web/app/k").write_bytes(b"by hand")
    world.apply("--config", config)
    before = world.files()
    world.apply("--config", config)
    assert world.files() == before


def test_what_is_retained_and_comes_back_broken_is_not_read_each_run(world: World, config: Path) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations={"sealer.dev/on-delete": "retain"})
    world.apply()
    file.unlink()
    world.apply()
    world.put("web/app.yaml", {"k": b"2"}, sealed_for="web/elsewhere")
    world.apply()
    before = world.files()
    world.apply()
    assert world.files() == before


def test_a_compromised_key_and_a_store_that_was_away(world: World, config: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    world.run("keys", "compromise", world.ring.entries[0].id)
    assert world.apply("--config", config).code == 0
    _hide(config)
    assert world.apply("--config", config).code == 1
    _show(config)
    ran = world.apply("--config", config)
    assert ran.code == 0, ran.err


# What is withdrawn


def test_a_lost_key_deletes_nothing(world: World) -> None:
    for name in ("one", "two"):
        world.put(f"web/{name}.yaml", {"k": b"1"})
    assert world.apply().code == 0
    lost, world.kem = world.kem, keys.generate_kem()
    shutil.rmtree(world.directory)
    rings.make(world.directory, world.kem, world.rsa)
    world.put("web/other.yaml", {"k": b"1"}, envelope="v1")
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 created, 2 failed")
    assert "cluster prod holds no such key" in ran.err
    world.put("web/one.yaml", {"k": b"2"}, to=lost)
    assert world.apply().summary == "2 failed, 1 unchanged"


def test_a_hand_edited_secret_can_be_withdrawn(world: World, config: Path) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    (config.parent / "disk/current/web/app/k").write_bytes(b"by hand")
    file.unlink()
    ran = world.apply("--config", config)
    assert (ran.code, _on_disk(config)) == (0, None)


# What the operator's command is told


@pytest.fixture
def hook(tmp_path: Path) -> tuple[str, Path]:
    """A command that writes down what it is told, and where."""
    script, file = tmp_path / "hook", tmp_path / "told"
    script.write_text(f"#!/bin/sh\ncat >> {file}\n")
    script.chmod(0o755)
    return str(script), file


def test_one_store_updated_and_another_left_are_both_told(world: World, config: Path, hook: tuple[str, Path]) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=BOTH)
    world.apply("--config", config)
    world.put("web/app.yaml", {"k": b"2"})
    assert world.apply("--config", config, "--on-change", hook[0]).code == 0
    told = [(each["action"], each["stores"][0]["store"]) for each in _told(hook[1])[0]["changes"]]
    assert sorted(told) == [("deleted", "disk"), ("updated", "local")]


def test_gone_from_two_stores_tells_both(world: World, config: Path, hook: tuple[str, Path]) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=BOTH)
    world.apply("--config", config)
    file.unlink()
    assert world.apply("--config", config, "--on-change", hook[0]).code == 0
    told = [each["store"] for change in _told(hook[1])[0]["changes"] for each in change["stores"]]
    assert sorted(told) == ["disk", "local"]


def test_after_an_outage_nothing_is_opened_that_stands_there(world: World, config: Path, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    _hide(config)
    assert world.apply("--config", config).code == 1
    _show(config)
    counts.private = 0
    assert world.apply("--config", config).summary == "1 unchanged"
    assert counts.private == 0
    assert world.states()["web/app"][0] == "delivered"
    before = world.files()
    assert world.apply("--config", config).summary == "1 unchanged"
    assert world.files() == before


def test_what_was_rejected_before_an_outage_is_not_taken_for_delivered(world: World, config: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    world.put("web/app.yaml", {"k": b"2", "K": b"2"}, annotations=DISK)
    assert world.apply("--config", config).code == 1
    _hide(config)
    assert world.apply("--config", config).code == 1
    _show(config)
    for _ in range(2):
        assert world.apply("--config", config).code == 1
        assert _on_disk(config) == b"1"


# What an interrupted run leaves behind


class Killing:
    """Runs of sources of one state over `local` and a store that outlives them; any can be killed at an effect."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.world, self.file = world, tmp_path / "remote"
        self.store = remote(monkeypatch, self.file, atomic_mark=False)
        self.configuration: Configuration = with_stores(self.store)

    def run(self, effects: Effects | None = None, source: str = ".", hook: str = "") -> Report:
        name = None if source == "." else source
        wanted = job(Wanted(source, source_name=name), Options(state=self.world.state))
        told = (hook,) if hook else ()
        return deliver(replace(wanted, configuration=self.configuration, on_change=told), effects)

    def killed(self, call: str, source: str = ".", hook: str = "") -> None:
        """A run that is killed right after its first effect of a kind."""
        port = Port()

        def kill(made: Call) -> None:
            if made == call:
                raise Killed

        port.after = kill
        with pytest.raises(Killed):
            self.run(port, source, hook)

    def holds(self, name: str = "app") -> bytes | None:
        """The value in the remote store."""
        there = Remote(self.file, self.store, Deadly(), CAPS)
        entry = there.inner._entries.get(there.target(Ref("web", name)))
        return None if entry is None or entry.deleted else entry.secret.items["k"]

    def log(self) -> list[dict[str, Any]]:
        files = sorted((self.world.state / "audit").iterdir())
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def closed_once(self) -> None:
        """Each audit intent has one outcome, and no intent is left."""
        begun = [line["sequence"] for line in self.log() if line["phase"] == "intent"]
        assert Counter(line["intent"] for line in self.log() if line["phase"] == "outcome") == Counter(begun)
        with State.open(self.world.state, read_only=True) as state:
            assert state.intents() == ()


@pytest.fixture
def killing(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Killing:
    """Runs that can be killed."""
    return Killing(world, monkeypatch, tmp_path)


REMOTE = {"sealer.dev/stores": "remote"}


def test_what_another_source_was_interrupted_in_is_told_as_its_own(killing: Killing, hook: tuple[str, Path]) -> None:
    killing.world.put("one/web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.world.put("two/web/other.yaml", {"k": b"1"})
    killing.killed("store.put", "one", hook=hook[0])
    killing.run(source="two", hook=hook[0])
    killing.run(source="one", hook=hook[0])
    found = [(each["source"], [change["name"] for change in each["changes"]]) for each in _told(hook[1])]
    assert found == [("two", ["other"]), ("one", ["app"])]
    killing.closed_once()


def test_what_was_recovered_is_told_although_the_run_ended_early(killing: Killing, hook: tuple[str, Path]) -> None:
    file = killing.world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    text = file.read_bytes()
    killing.killed("store.put", hook=hook[0])
    file.unlink()
    with pytest.raises(SourceError, match="holds no sealed document"):
        killing.run(hook=hook[0])
    file.write_bytes(text)
    killing.run(hook=hook[0])
    assert [[change["name"] for change in each["changes"]] for each in _told(hook[1])] == [["app"]]
    killing.closed_once()


def test_a_store_that_is_configured_no_more_leaves_no_intent_open(killing: Killing) -> None:
    killing.world.put("web/other.yaml", {"k": b"1"})
    file = killing.world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.killed("store.put")
    file.unlink()
    killing.configuration = Configuration()
    killing.run()
    assert killing.holds() is None
    killing.closed_once()


def test_a_store_that_does_not_answer_for_an_open_intent_is_no_reason_to_write(
    killing: Killing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.killed("store.put")

    async def silent(_: object, targets: Sequence[Target]) -> dict[Target, StoreError]:
        return {target: Unavailable("is away") for target in targets}

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "observe", silent)
        killing.run()
        before = world.files()
        assert not killing.run().ok
        assert world.files() == before
    assert killing.run().ok
    killing.closed_once()


def test_a_value_that_can_not_be_read_yet_is_not_said_to_be_another(
    killing: Killing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.killed("store.put")

    async def silent(_: object, target: Target) -> Secret:
        raise Unavailable("is away")

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "read", silent)
        killing.run()
    assert killing.run().ok
    puts = [line["outcome"] for line in killing.log() if (line["verb"], line["phase"]) == ("put", "outcome")]
    assert puts[0] == "recovered"
    killing.closed_once()


def test_a_state_key_that_was_rotated_between_does_not_make_the_log_lie(killing: Killing, world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.run()
    world.put("web/app.yaml", {"k": b"2"}, annotations=REMOTE)
    killing.killed("store.put")
    world.run("keys", "rotate-state", "--state", world.state)
    assert killing.run().ok
    puts = [line["outcome"] for line in killing.log() if (line["verb"], line["phase"]) == ("put", "outcome")]
    assert puts == ["done", "recovered"]
    assert killing.holds() == b"2"
    killing.closed_once()


def test_what_belongs_to_somebody_else_by_now_is_said_once(killing: Killing, world: World) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.run()
    there = Remote(killing.file, killing.store, Deadly(), CAPS)
    target = there.target(Ref("web", "app"))
    entry = there.inner._entries[target]
    there.inner._entries[target] = replace(entry, mark=replace(entry.mark, owner="staging/shop"))
    there.save()
    file.unlink()
    assert not killing.run().ok
    assert killing.run().ok
    assert killing.holds() == b"1"


def test_a_withdrawal_that_its_store_refuses_is_not_written_down_each_run(
    killing: Killing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.run()
    file.unlink()

    async def silent(_: object, targets: Sequence[Target]) -> dict[Target, StoreError]:
        return {target: Unavailable("is away") for target in targets}

    monkeypatch.setattr(Remote, "observe", silent)
    assert not killing.run().ok
    before = world.files()
    assert not killing.run().ok
    assert world.files() == before


def test_an_unknown_end_of_a_withdrawal_is_found_out(
    killing: Killing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=REMOTE)
    killing.run()
    file.unlink()
    port = Port()

    def late(made: Call) -> None:
        if made == "memory.delete":
            raise OutcomeUnknown("timed out")

    port.after = late
    assert "apply again later" in killing.run(port).changes[0].why
    assert killing.run().ok
    assert killing.holds() is None
    killing.closed_once()


# What is said


def test_a_rule_that_gives_all_to_another_cluster_looks_like_a_mistake(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    for name in ("one", "two"):
        world.put(f"clusters/prod/web/{name}.yaml", {"k": b"1"})
    world.apply()
    world.write(".sealer.yaml", RULES.replace("rules:\n", "rules:\n- {path: '**/*.yaml', clusters: [staging]}\n"))
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "2 gone, kept, 2 not for prod")
    assert "all documents here are for other clusters now" in ran.err
    assert world.apply("--allow-prune").summary == "2 deleted, 2 not for prod"


def test_a_store_that_is_configured_no_more_keeps_its_name_in_a_plan(world: World, config: Path) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    file.unlink()
    assert "- web/app   disk  1 item" in world.apply("--dry-run").out


def test_a_source_under_a_new_name_is_told_how_to_keep_its_secrets(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    world.put("clusters/prod/web/app.yaml", {"k": b"1"})
    world.apply()
    world.write(".sealer.yaml", RULES.replace("source: shop", "source: store"))
    ran = world.apply()
    assert ran.code == 1
    assert "--source-name shop" in ran.err
    assert world.apply("--source-name", "shop").summary == "1 unchanged"


def test_what_nothing_marks_as_ours_is_not_deleted_and_says_what_to_do(world: World, config: Path) -> None:
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=DISK)
    world.apply("--config", config)
    for mark in (config.parent / "disk/.data").glob("*.json"):
        mark.unlink()
    file.unlink()
    ran = world.apply("--config", config)
    assert ran.code == 1
    assert re.search(r"keeps v1-\w+ of 20\d\d-\d\d-\d\d; not deleted", ran.out)
    assert "way out: delete it there by hand" in ran.err
    shutil.rmtree(config.parent / "disk/current/web")
    assert world.apply("--config", config).summary == "1 deleted, 1 unchanged"
