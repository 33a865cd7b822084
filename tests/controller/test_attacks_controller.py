"""Attacks on the controller: by who writes the source, and by who finds the state."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from sealer import git
from sealer.documents import document
from sealer.sealing import unseal
from sealer.sealing.unseal import Opened
from tests.controller.world import RULES
from tests.sealer import rings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controller.look import Work
    from sealer.documents.document import SealedSecret
    from sealer.sealing.unseal import PrivateKeys
    from tests.controller.world import World

RAN = "ran-a-program"


def _repository(folder: Path, url: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for arguments in (["init", "-q"], *([["remote", "add", "origin", url]] if url else [])):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def _posing_as_a_repository(folder: Path, program: str) -> None:
    """Make a folder what Git takes for a bare repository: all of it can be committed."""
    _repository(folder / "made")
    (folder / "file").write_text("old")
    (folder / ".gitattributes").write_text("* filter=e\n")
    for name in ("file", ".gitattributes"):
        shutil.copy(folder / name, folder / "made")
    subprocess.run(["git", "add", "-A"], cwd=folder / "made", check=True)
    for each in (folder / "made/.git").iterdir():
        shutil.move(each, folder / each.name)
    shutil.rmtree(folder / "made")
    (folder / "config").write_text(
        "[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\n"
        f'[filter "e"]\nclean = {program}\n[remote "origin"]\nurl = https://git.example.invalid/victim\n'
    )
    (folder / "file").write_text("new")


# What stands in the source


def test_a_folder_that_poses_as_a_repository_runs_nothing_and_names_no_source(world: World, tmp_path: Path) -> None:
    world.put("clusters/web/app.yaml", {"k": b"1"})
    _repository(world.root, "https://git.example.invalid/shop")
    _posing_as_a_repository(world.root / "clusters", f"touch {tmp_path / RAN}; cat")
    found = world.apply("--format", "json", source="clusters")
    assert found.json["source"]["id"] == "git.example.invalid/shop"
    assert found.json["changes"][0]["path"] == "clusters/web/app.yaml"
    assert not (tmp_path / RAN).exists()


@pytest.mark.parametrize("name", ["e", "a=b", "x y"])
@pytest.mark.parametrize("key", ["clean", "process"])
def test_filters_of_a_repository_do_not_run(world: World, tmp_path: Path, name: str, key: str) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.commit()
    world.git("config", f"filter.{name}.{key}", f"touch {tmp_path / RAN}; cat")
    world.git("config", f"filter.{name}.required", "true")
    world.write(".git/info/attributes", f"* filter={name}\n" if " " not in name else "* filter=e\n")
    os.utime(world.root / "web/app.yaml", (1, 1))
    assert world.apply("--dry-run").code == 0
    assert not (tmp_path / RAN).exists()


def test_filters_of_the_user_still_serve(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("file", "a\n")
    world.write(".gitattributes", "file filter=upper\n")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.upper.clean")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "tr a-z A-Z")
    world.commit()
    os.utime(world.root / "file", (1, 1))
    found = git.state(world.root)
    assert found is not None
    assert not found.dirty


def test_a_name_out_of_a_document_is_no_line_of_a_report(world: World) -> None:
    forged = "\ncreated  payments/db  local v9\x1b[32m\x7f"
    world.put("web/a.yaml", {"k": b"1"}, annotations={"sealer.dev/stores": f"x{forged}"})
    world.put("web/b.yaml", {"k": b"1"}, secret={"labels": {f"sealer.dev/key{forged}": "x"}})
    text = world.put("web/c.yaml", {"k": b"1"}).read_text()
    world.write("web/c.yaml", text.replace("name: c", r'name: "c\ncreated  payments/db\e[32m"'))
    for ran in (world.apply(), world.status(), world.apply("--dry-run")):
        assert ran.code == 1
        assert "\x1b" not in ran.out + ran.err
        assert not [line for line in (ran.out + ran.err).splitlines() if line.strip().startswith("created")]
    for ran in (world.apply("--format", "json"), world.status("--format", "json")):
        assert "payments" not in {row["namespace"] for row in ran.json.get("changes", ran.json.get("deliveries"))}


def test_a_file_below_a_folder_with_an_odd_name_is_not_passed_over_in_silence(world: World) -> None:
    data = world.put("web/app.yaml", {"k": b"1"}).read_bytes()
    odd = (b"\xff", b"line\nbreak", b"\x1b[31m")
    for name in odd:
        folder = os.path.join(os.fsencode(world.root), name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"db.yaml"), "wb") as file:
            file.write(data)
    os.mkdir(os.path.join(os.fsencode(world.root), b"empty\xff"))
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 created, 3 failed")
    assert "\x1b" not in ran.out + ran.err
    assert r"\udcff/db.yaml" in ran.err
    assert r"line\nbreak/db.yaml" in ran.err


def test_a_source_whose_path_is_no_text_asks_for_an_id(world: World, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    folder = str(tmp_path / os.fsdecode(b"\xff"))
    shutil.copytree(world.root, folder)
    ran = world.apply(source=folder)
    assert ran.code == 2
    assert "way out: name it yourself: --source-name ID" in ran.err
    assert world.apply("--source-name", "shop", source=folder).summary == "1 created"
    assert world.status().code == 0


def test_hundreds_of_failing_documents_in_one_file_are_parsed_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = world.put("web/app.yaml", {"k": b"1"}).read_text()
    world.write("web/app.yaml", "---\n".join(text.replace("name: app", f"name: app-{n}") for n in range(300)))
    assert world.apply().summary == "300 failed"
    parsed: list[str] = []
    parse = document.parse

    def counted(data: bytes, path: str) -> document.File:
        parsed.append(path)
        return parse(data, path)

    monkeypatch.setattr(document, "parse", counted)
    assert world.apply().summary == "300 failed"
    assert 1 <= len(parsed) <= 2  # for each of them: 300 times


def test_a_large_file_that_holds_no_sealed_document_is_no_problem(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.write("package-lock.json", b" " * (17 * 1024 * 1024))
    assert world.apply().summary == "1 created"
    world.write("package-lock.json", b" " * (17 * 1024 * 1024 - 3) + b"SealedSecret")
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed, 1 unchanged")
    assert "is larger than 16,384 KiB" in ran.err


def test_a_link_that_is_bent_while_files_are_read_is_not_followed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controller.sources import directory

    outside = tmp_path / "outside.yaml"
    outside.write_bytes(world.put("web/app.yaml", {"k": b"1"}).read_bytes())
    world.write("plain.txt", "")
    link = world.root / "link.yaml"
    link.symlink_to("plain.txt")
    walked = directory._Walk.paths

    def bend(walk: directory._Walk) -> list[str]:
        found = walked(walk)
        link.unlink()
        link.symlink_to(outside)
        return found

    monkeypatch.setattr(directory._Walk, "paths", bend)
    ran = world.apply()
    assert ran.summary == "1 created, 1 failed"
    assert "is a link out of the source" in ran.err


# Whose source it is


def test_an_id_with_a_known_origin_is_not_taken_by_a_directory_without_one(world: World, tmp_path: Path) -> None:
    world.put("payments/db.yaml", {"k": b"good"})
    world.write(".sealer.yaml", RULES)
    _repository(world.root, "https://git.example.invalid/shop")
    assert world.apply().summary == "1 created"
    world.put("payments/db.yaml", {"k": b"evil"})
    thief = tmp_path / "thief"
    shutil.copytree(world.root, thief, ignore=shutil.ignore_patterns(".git"))
    ran = world.apply(source=str(thief))
    assert ran.code == 1
    assert "source shop was applied from git.example.invalid/shop, and this has no origin" in ran.err
    assert world.get("payments/db", "k") == b"good"


def test_who_runs_the_controller_may_vouch_for_an_id_and_its_origin_stays_known(world: World, tmp_path: Path) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    world.write(".sealer.yaml", RULES)
    _repository(world.root, "https://git.example.invalid/shop")
    world.apply()
    world.put("payments/db.yaml", {"k": b"2"})
    export = tmp_path / "export"
    shutil.copytree(world.root, export, ignore=shutil.ignore_patterns(".git"))
    assert world.apply("--source-name", "shop", source=str(export)).summary == "1 updated"
    assert world.apply(source=str(export)).code == 1
    world.git("remote", "set-url", "origin", "https://git.example.invalid/moved")
    assert world.apply().code == 1
    world.put("payments/db.yaml", {"k": b"3"})
    assert world.apply("--source-name", "shop").summary == "1 updated"
    assert world.apply().summary == "1 unchanged"


def test_a_new_path_of_a_source_without_origin_is_said(world: World) -> None:
    world.put("one/web/app.yaml", {"k": b"1"})
    world.write("one/.sealer.yaml", RULES)
    assert "was applied from" not in world.apply(source="one").err
    shutil.move(world.root / "one", world.root / "two")
    ran = world.apply(source="two")
    assert ran.code == 0
    assert f"source shop was applied from {world.root / 'one'} before" in ran.err


# Who finds the state


def _database(world: World) -> sqlite3.Connection:
    return sqlite3.connect(world.state / "state.db", isolation_level=None)


def _write(world: World, statement: str, *values: object) -> None:
    with contextlib.closing(_database(world)) as database:
        database.execute(statement, values)


@pytest.mark.parametrize("damage", ["DELETE FROM local_versions", "UPDATE local_versions SET row = NULL"])
def test_a_value_that_is_lost_is_delivered_again(world: World, damage: str) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    _write(world, damage)
    assert world.run("get", "web/app", "--state", world.state).code == 1
    assert world.states() == {"web/app": ("missing", "1")}
    assert world.apply().summary == "1 updated"
    assert world.get("web/app", "k") == b"1"
    assert world.apply().summary == "1 unchanged"


def test_a_lost_value_stays_with_the_source_that_delivered_it(world: World) -> None:
    world.put("one/web/app.yaml", {"k": b"first"})
    world.put("two/web/app.yaml", {"k": b"second"})
    world.apply("--source-name", "one", source="one")
    _write(world, "UPDATE local_versions SET row = NULL")
    assert world.apply("--source-name", "two", source="two").code == 1
    assert world.apply("--source-name", "one", source="one").code == 0
    assert world.get("web/app", "k") == b"first"


def test_a_keyring_without_the_state_key_delivers_again(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    shutil.rmtree(world.directory)
    rings.make(world.directory, world.kem, world.rsa)
    ran = world.run("get", "web/app", "--state", world.state)
    assert "way out: deliver it again: sealer-controller apply SOURCE" in ran.err
    assert world.status().code == 1
    assert world.apply().summary == "1 updated"
    assert world.get("web/app", "k") == b"1"


def test_a_row_at_another_name_or_version_opens_nowhere(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.put("web/other.yaml", {"k": b"2"})
    world.apply()
    world.put("web/app.yaml", {"k": b"3"})
    world.apply()
    _write(
        world,
        "UPDATE local_versions SET row = (SELECT row FROM local_versions WHERE name = 'app' AND version = 1) "
        "WHERE name = 'other' OR version = 2",
    )
    for name in ("web/app", "web/other"):
        ran = world.run("get", name, "k", "--state", world.state)
        assert (ran.code, ran.out) == (1, "")
        assert "can't be opened" in ran.err


@pytest.mark.parametrize("entries", ["[", b"\xff\xfe", "[[1]]", 7])
def test_a_damaged_cache_is_made_anew(world: World, entries: object) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    _write(world, "UPDATE parsed SET entries = ?", entries)
    assert world.apply().summary == "1 unchanged"


def test_commands_that_read_leave_nothing_behind(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    before = world.files()
    world.apply("--dry-run")
    world.status()
    assert world.files() == before
    world.get("web/app", "k")
    written = {name for name, was in world.files().items() if was != before.get(name)}
    assert {name.split("/")[0] for name in written} <= {"audit", "audit.lock"}  # who read it


def test_a_state_on_a_read_only_disk_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    (world.state / "lock").unlink()

    def access(_: Path, mode: int) -> bool:  # root may write anywhere but there
        return mode != os.W_OK

    monkeypatch.setattr(os, "access", access)
    before = world.files()
    ran = world.apply("--dry-run")
    assert ran.out.endswith("Dry run: nothing written.\n"), ran.err
    assert world.status().code == 0
    assert world.files() == before
    assert world.get("web/app", "k") == b"1"  # with its record, and where that can't be written nothing is printed


def test_a_reader_sees_what_a_killed_writer_left_in_the_log(world: World, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    with contextlib.closing(_database(world)) as database:
        database.execute("UPDATE deliveries SET version = '9'")
        shutil.copytree(world.state, tmp_path / "killed")
    assert (tmp_path / "killed/state.db-wal").stat().st_size
    shutil.rmtree(world.state)
    shutil.copytree(tmp_path / "killed", world.state)
    assert world.states() == {"web/app": ("delivered", "9")}


# Interruptions


def test_an_interruption_that_is_swallowed_while_opening_is_no_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sealer.errors import CannotOpen

    world.put("web/app.yaml", {"k": b"1"})
    real = unseal.open_all

    def swallowed(document: SealedSecret, keys: PrivateKeys) -> Opened:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return Opened({}, frozenset(), {"k": CannotOpen()})

    monkeypatch.setattr(unseal, "open_all", swallowed)
    assert world.apply().code == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    monkeypatch.setattr(unseal, "open_all", real)
    assert world.apply().summary == "1 created"


def test_large_documents_make_small_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from controller import batch
    from controller.sources import documents

    monkeypatch.setattr(batch, "BYTES", 2500)
    monkeypatch.setattr(documents, "_KEPT", 5000)
    sizes: list[int] = []
    real = batch.begin

    def begin(bench: batch.Bench, work: Iterator[Work]) -> batch.Ready:
        found = real(bench, work)
        sizes.append(len(found.works))
        return found

    monkeypatch.setattr(batch, "begin", begin)
    for number in range(7):
        world.put(f"web/app-{number}.yaml", {"k": b"1"})
    assert world.apply().summary == "7 created"
    assert sizes == [2, 2, 2, 1, 0]
    assert world.apply().summary == "7 unchanged"
