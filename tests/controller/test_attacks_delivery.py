"""Attacks on delivery: by time, by what else changes meanwhile, and by stores that fail at the wrong moment."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sealer.formats import keys
from tests.sealer import rings

if TYPE_CHECKING:
    from pathlib import Path

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


def _told(file: Path) -> list[dict[str, object]]:
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


# What the operator's command is told


@pytest.fixture
def hook(tmp_path: Path) -> tuple[str, Path]:
    """A command that writes down what it is told, and where."""
    script, file = tmp_path / "hook", tmp_path / "told"
    script.write_text(f"#!/bin/sh\ncat >> {file}\n")
    script.chmod(0o755)
    return str(script), file


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
