"""What a run costs, counted: private operations, commits, fsyncs (DELIVERY sections 4 and 8)."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from controller import keyadmin
from sealer.formats.keys import generate_kem
from tests.sealer.rings import NOW

if TYPE_CHECKING:
    from tests.controller.world import Counts, World


@pytest.mark.parametrize("envelope", ["v1", "v2"])
def test_an_unchanged_set_does_no_private_operation_and_no_write(world: World, counts: Counts, envelope: str) -> None:
    for number in range(30):
        world.put(f"web/app-{number}.yaml", {"a": b"1", "b": b"2"}, envelope=envelope)
    world.apply()
    assert counts.private == 60
    before = world.files()
    counts.private = counts.commits = counts.syncs = 0
    assert world.apply().summary == "30 unchanged"
    assert (counts.private, counts.commits, counts.syncs) == (0, 0, 0)  # nor a line of the log: its files are the same
    assert world.files() == before


def test_at_most_three_commits_and_two_syncs_of_the_log_a_batch(world: World, counts: Counts) -> None:
    for number in range(300):
        world.put(f"web/app-{number}.yaml", {"a": b"1"})
    world.run("status", "--state", world.state)
    counts.commits = counts.datasyncs = 0
    assert world.apply().summary == "300 created"
    assert counts.commits <= 1 + 2 * 3  # the tables once, then two batches
    assert counts.datasyncs <= 2 * 2


def test_one_changed_document_costs_its_own_items_only(world: World, counts: Counts) -> None:
    for number in range(20):
        world.put(f"web/app-{number}.yaml", {"a": b"1", "b": b"2"})
    world.apply()
    world.put("web/app-7.yaml", {"a": b"1", "b": b"3", "c": b"4"})
    counts.private = 0
    assert world.apply().summary == "1 updated, 19 unchanged"
    assert counts.private == 3


def test_ten_bad_documents_again_do_no_private_operation_and_no_write(world: World, counts: Counts) -> None:
    for number in range(10):
        text = world.put(f"web/app-{number}.yaml", {"a": b"1"}).read_text()
        at = text.index("v2:") + 1700
        world.write(f"web/app-{number}.yaml", text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    assert world.apply().summary == "10 failed"
    assert counts.private == 10
    before = world.files()
    counts.private = counts.commits = 0
    again = world.apply()
    assert (again.code, again.summary) == (1, "10 failed")
    assert "a: cannot be opened" in again.out
    assert (counts.private, counts.commits) == (0, 0)
    assert world.files() == before


def test_a_failure_is_tried_again_when_the_keyring_changes(world: World, counts: Counts) -> None:
    key = generate_kem()
    world.put("web/app.yaml", {"a": b"1"}, to=key, ref="web/app")
    world.write(".sealer.yaml", "version: 1\nclusters: {prod: {}}\nrules: [{path: '**/*.yaml', clusters: [prod]}]\n")
    assert "a: no such key" in world.apply().out
    from controller.keyimport import Found
    from sealer.formats.keyrecord import Status

    keyadmin.import_(world.directory, [Found(key, Status.ACTIVE)], now=NOW)
    counts.private = 0
    assert world.apply().summary == "1 created"
    assert counts.private == 1


def test_a_new_key_opens_nothing_that_was_delivered(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"a": b"1"})
    world.apply()
    keyadmin.generate(world.directory, "mlkem768-x25519", now=NOW)
    counts.private = counts.commits = 0
    assert world.apply().summary == "1 unchanged"
    assert (counts.private, counts.commits) == (0, 0)


def test_a_mismatch_of_binding_costs_no_private_operation(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"a": b"1"}, sealed_for="web/other")
    assert world.apply().code == 1
    assert counts.private == 0


def test_a_known_file_is_not_parsed_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("web/app.yaml", {"a": b"1"})
    world.apply()

    def refuse(data: bytes, path: str) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("sealer.documents.document.parse", refuse)
    assert world.apply().summary == "1 unchanged"


def test_of_a_file_that_changes_only_what_it_is_now_is_kept(world: World) -> None:
    world.put("web/other.yaml", {"a": b"1"})
    world.write("web/mentions.yaml", "kind: ConfigMap\napiVersion: v1\ndata: {about: SealedSecret}\n")
    for number in range(20):
        world.put("web/app.yaml", {"a": str(number).encode()})
        world.apply()
    with contextlib.closing(sqlite3.connect(world.state / "state.db")) as database:
        assert database.execute("SELECT count(*) FROM parsed").fetchone() == (3,)
    before = world.files()
    world.apply()
    assert world.files() == before


def test_files_without_the_word_are_not_parsed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("a.yaml", "{{ not yaml")
    world.write("b.json", "nor json")
    assert world.apply("--allow-prune").code == 0
