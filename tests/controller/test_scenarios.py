"""The scenarios of DELIVERY sections 1 and 5 that more than one part has a say in; each test is named after its own."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from controller.commands import apply
from controller.deliver import deliver
from controller.settings import Options
from sealer import schema
from sealer.errors import SourceError
from tests.controller.samples import Port
from tests.controller.world import RULES, Counts, World

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """apiVersion: sealer.dev/v1alpha1
kind: Store
metadata: {name: %s}
spec: {kind: files, namespaces: [%s], root: %s, allowDisk: true}
"""
TO_FILES = {"sealer.dev/stores": "disk"}


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    """A configuration with a store `disk` for the namespace web."""
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    (folder / "stores.yaml").write_text(CONFIG % ("disk", "web", tmp_path / "disk"))
    return folder


def _read(folder: Path, ref: str, item: str = "k") -> bytes | None:
    file = folder / "current" / ref / item
    return file.read_bytes() if file.exists() else None


# Where plaintext may go (section 1)


def test_a_store_that_only_the_source_names_is_refused(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=TO_FILES)
    world.write("store.yaml", CONFIG % ("disk", "web", "/tmp/anywhere"))
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert "store disk is not configured here; known: local" in ran.err
    assert "way out: give the --config that has it, or change the annotation" in ran.err


def test_a_namespace_that_the_store_does_not_serve_is_refused(world: World, config: Path, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=TO_FILES)
    world.put("db/main.yaml", {"k": b"1"}, annotations=TO_FILES)
    ran = world.apply("--config", config)
    assert (ran.code, ran.summary) == (1, "1 created, 1 failed")
    assert "store disk does not serve namespace db" in ran.err
    assert _read(tmp_path / "disk", "web/app") == b"1"
    assert _read(tmp_path / "disk", "db/main") is None


def test_a_policy_is_refused_as_not_supported_yet(world: World, config: Path) -> None:
    (config / "policy.yaml").write_text(
        "apiVersion: sealer.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec: {}\n"
    )
    world.put("web/app.yaml", {"k": b"1"})
    ran = world.apply("--config", config)
    assert (ran.code, ran.out) == (2, "")
    assert "policy.yaml:" in ran.err
    assert "not supported yet" in ran.err


@pytest.mark.parametrize("mode", ["warn", "refuse"])
def test_v1_where_it_is_not_wanted(world: World, config: Path, mode: str) -> None:
    (config / "controller.yaml").write_text(
        "apiVersion: sealer.dev/v1alpha1\nkind: Controller\nmetadata: {name: main}\n"
        f"spec: {{v1: {{default: accept, namespaces: {{web: {mode}}}}}}}\n"
    )
    world.put("web/app.yaml", {"k": b"1"}, envelope="v1")
    world.put("db/main.yaml", {"k": b"1"}, envelope="v1")
    ran = world.apply("--config", config)
    assert ran.summary == ("2 created" if mode == "warn" else "1 created, 1 failed")
    assert "web/app" in ran.err
    assert "v1 format" in ran.err
    assert "db/main" not in ran.err


def test_a_lost_annotation_does_not_change_who_may_be_served(world: World, config: Path, tmp_path: Path) -> None:
    """A denied document that was delivered is kept as it is."""
    world.put("web/app.yaml", {"k": b"1"}, annotations=TO_FILES)
    world.apply("--config", config)
    (config / "stores.yaml").write_text(CONFIG % ("disk", "db", tmp_path / "disk"))
    ran = world.apply("--config", config)
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert _read(tmp_path / "disk", "web/app") == b"1"


def test_a_store_that_can_not_be_used_says_why_and_the_others_get_theirs(
    world: World, config: Path, tmp_path: Path, counts: Counts
) -> None:
    everywhere = {"sealer.dev/stores": "local,disk"}
    world.put("web/app.yaml", {"k": b"1"}, annotations=everywhere)
    assert world.apply("--config", config).code == 0
    (tmp_path / "disk").chmod(0o755)
    world.put("web/app.yaml", {"k": b"2"}, annotations=everywhere)
    world.put("web/new.yaml", {"k": b"3"}, annotations=everywhere)
    ran = world.apply("--config", config)
    assert (ran.code, ran.summary) == (1, "1 created, 1 updated, 2 failed")
    assert "store disk: " in ran.err
    assert "chmod 700" in ran.err
    assert (world.get("web/app", "k"), world.get("web/new", "k")) == (b"2", b"3")
    rows = {(row["name"], row["store"]): row["state"] for row in world.status("--format", "json").json["deliveries"]}
    assert rows == {
        ("app", "local"): "delivered", ("app", "disk"): "stale",
        ("new", "local"): "delivered", ("new", "disk"): "pending",
    }  # fmt: skip
    before = counts.private
    assert world.apply("--config", config).summary == "2 failed"
    assert counts.private == before
    (tmp_path / "disk").chmod(0o700)
    assert world.apply("--config", config).code == 0
    assert (_read(tmp_path / "disk", "web/app"), _read(tmp_path / "disk", "web/new")) == (b"2", b"3")
    assert {state for state, _ in world.states().values()} == {"delivered"}


# The audit log comes first (section 4)


def test_where_the_log_can_not_be_written_nothing_is_opened(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    world.put("web/app.yaml", {"k": b"2"})
    before, counts.private = world.files(), 0
    shutil.move(world.state / "audit", world.state / "kept")
    (world.state / "audit").write_text("no folder")
    ran = world.apply()
    assert (ran.code, ran.out, counts.private) == (2, "", 0)
    assert str(world.state / "audit") in ran.err
    (world.state / "audit").unlink()
    shutil.move(world.state / "kept", world.state / "audit")
    assert world.files()["state.db"] == before["state.db"]
    assert world.get("web/app", "k") == b"1"


def test_a_full_disk_under_the_log_opens_nothing(world: World, counts: Counts) -> None:
    class Full(Port):
        def _full(self, call: str) -> None:
            if call == "audit.append":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    world.put("web/app.yaml", {"k": b"1"})
    port = Full()
    port.before = port._full
    wanted = apply.job(apply.Wanted("."), Options(state=world.state))
    with pytest.raises(SourceError, match="no space left"):
        deliver(wanted, port)
    assert counts.private == 0
    assert world.apply().summary == "1 created"


def test_a_log_that_was_cut_is_refused(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    (log,) = (world.state / "audit").iterdir()
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    world.put("web/app.yaml", {"k": b"2"})
    counts.private = 0
    ran = world.apply()
    assert (ran.code, ran.out, counts.private) == (1, "", 0)
    assert "audit restart" in ran.err
    assert world.run("audit", "restart", "--reason", "disk was lost", "--state", world.state).code == 0
    assert world.apply().summary == "1 updated"


# What goes and what stays (section 5)


def test_an_unreadable_file_keeps_everything(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    gone = world.put("web/old.yaml", {"k": b"1"})
    broken = world.put("web/broken.yaml", {"k": b"1"})
    world.apply()
    gone.unlink()
    broken.write_text("kind: SealedSecret\n  bad: [indent\n")
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 gone, kept, 1 failed, 1 unchanged")
    assert "nothing was deleted: a part of the source can't be read" in ran.err
    assert "way out: if it is meant so: sealer-controller apply . --allow-prune" in ran.err
    assert world.get("web/old", "k") == b"1"
    assert world.apply("--allow-prune").summary == "1 deleted, 1 failed, 1 unchanged"
    assert world.get("web/broken", "k") == b"1"


def test_an_empty_source_prunes_nothing_without_a_word(world: World) -> None:
    file = world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    file.unlink()
    ran = world.apply()
    assert (ran.code, ran.out) == (2, "")
    assert "holds no sealed document" in ran.err
    assert world.get("web/app", "k") == b"1"
    assert world.apply("--allow-prune").summary == "1 deleted"


def test_half_of_all_gone_looks_like_a_mistake(world: World) -> None:
    files = [world.put(f"web/app-{number}.yaml", {"k": b"1"}) for number in range(12)]
    world.apply()
    for file in files[:7]:
        file.unlink()
    for arguments in ((), ("--dry-run",)):
        ran = world.apply(*arguments)
        assert ran.code == 1
        assert "7 of 12 would go, and at most 6 may" in ran.err
    assert "7 gone, kept" in world.apply().summary
    found = world.apply("--format", "json").json
    schema.validate(found, "apply", file="apply")
    assert [each["message"] for each in found["remarks"]] == [
        "nothing was deleted: 7 of 12 would go, and at most 6 may"
    ]
    assert world.apply("--allow-prune").summary == "7 deleted, 5 unchanged"


def test_a_rename_is_a_new_document_and_a_withdrawn_one(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    (world.root / "web/app.yaml").unlink()
    world.put("web/renamed.yaml", {"k": b"1"})
    assert world.apply().summary == "1 created, 1 deleted"
    assert world.states() == {"web/renamed": ("delivered", "1"), "web/app": ("withdrawn", "1")}


def test_a_rename_that_fails_keeps_the_old_one(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    shutil.move(world.root / "web/app.yaml", world.root / "web/renamed.yaml")
    text = (world.root / "web/renamed.yaml").read_text().replace("name: app", "name: renamed")
    world.write("web/renamed.yaml", text)
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 gone, kept, 1 failed")
    assert "may be a renamed one" in ran.err
    assert world.get("web/app", "k") == b"1"


def test_what_is_to_be_retained_stays_and_comes_back(world: World, config: Path, tmp_path: Path) -> None:
    marks = {**TO_FILES, "sealer.dev/on-delete": "retain"}
    world.put("web/other.yaml", {"k": b"1"})
    file = world.put("web/app.yaml", {"k": b"1"}, annotations=marks)
    world.apply("--config", config)
    file.unlink()
    ran = world.apply("--config", config)
    assert (ran.code, ran.summary) == (0, "1 withdrawn, 1 unchanged")
    assert "stays in its store, managed no more (on-delete: retain)" in ran.out
    assert _read(tmp_path / "disk", "web/app") == b"1"
    assert world.states()["web/app"][0] == "withdrawn"
    world.put("web/app.yaml", {"k": b"1"}, annotations=marks)
    assert world.apply("--config", config).summary == "2 unchanged"
    assert world.states()["web/app"][0] == "delivered"


def test_a_store_that_is_named_no_more_loses_the_secret(world: World, config: Path, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations={"sealer.dev/stores": "local,disk"})
    assert world.apply("--config", config).summary == "1 created"
    world.put("web/app.yaml", {"k": b"1"}, annotations={"sealer.dev/stores": "local"})
    assert world.apply("--config", config).summary == "1 deleted"
    assert _read(tmp_path / "disk", "web/app") is None
    assert world.get("web/app", "k") == b"1"


def test_a_store_that_writes_elsewhere_now_is_withdrawn_from(world: World, config: Path, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=TO_FILES)
    world.apply("--config", config)
    (config / "stores.yaml").write_text(CONFIG % ("disk", "web", tmp_path / "moved"))
    ran = world.apply("--config", config)
    assert ran.code == 0, ran.err
    assert _read(tmp_path / "moved", "web/app") == b"1"
    assert _read(tmp_path / "disk", "web/app") is None


def test_two_repositories_in_one_state_prune_their_own_only(world: World) -> None:
    for name in ("one", "two"):
        world.put(f"{name}/web/{name}.yaml", {"k": b"1"})
        world.put(f"{name}/web/{name}-old.yaml", {"k": b"1"})
        assert world.apply("--source-name", name, source=name).code == 0
    (world.root / "one/web/one-old.yaml").unlink()
    assert world.apply("--source-name", "one", source="one").summary == "1 deleted, 1 unchanged"
    assert world.apply("--source-name", "two", source="two").summary == "2 unchanged"
    assert world.get("web/two-old", "k") == b"1"


def test_a_smaller_prefix_prunes_nothing_outside_of_it(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    kept = world.put("clusters/prod/a/one.yaml", {"k": b"1"})
    gone = world.put("clusters/prod/b/two.yaml", {"k": b"1"})
    world.put("clusters/prod/b/three.yaml", {"k": b"1"})
    world.apply()
    kept.unlink()
    gone.unlink()
    assert world.apply(source="clusters/prod/b").summary == "1 deleted, 1 unchanged"
    assert world.get("a/one", "k") == b"1"


def test_a_lost_state_finds_its_own(world: World, config: Path, tmp_path: Path) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations=TO_FILES)
    world.apply("--config", config)
    before = os.readlink(tmp_path / "disk/current/web/app")
    shutil.rmtree(world.state)
    assert world.apply("--config", config).summary == "1 unchanged"
    assert os.readlink(tmp_path / "disk/current/web/app") == before
    assert world.states() == {"web/app": ("delivered", world.states()["web/app"][1])}


def test_a_value_that_somebody_changed_in_a_store_is_put_back(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.put("web/other.yaml", {"k": b"2"})
    world.apply()
    with sqlite3.connect(world.state / "state.db") as database:  # as if another version had been written there
        database.execute("UPDATE local_heads SET version = 9 WHERE name = 'app'")
        database.execute("UPDATE local_versions SET version = 9 WHERE name = 'app'")
    database.close()
    ran = world.apply()
    assert (ran.code, ran.summary) == (0, "1 updated, 1 unchanged")
    assert "was changed outside of the controller" in ran.out
    assert world.get("web/app", "k") == b"1"


# Revisions


def test_an_older_pipeline_finishing_last_does_not_roll_back(world: World) -> None:
    world.put("web/app.yaml", {"k": b"old"})
    old = world.commit()
    world.put("web/app.yaml", {"k": b"new"})
    new = world.commit()
    assert world.apply().code == 0
    world.git("checkout", "-q", old)
    ran = world.apply()
    assert (ran.code, ran.out) == (1, "")
    assert f"commit {new} was applied before, and {old} does not follow it" in ran.err
    assert "--allow-rollback" in ran.err
    assert world.get("web/app", "k") == b"new"
    assert world.apply("--allow-rollback").summary == "1 updated"
    assert world.get("web/app", "k") == b"old"


def test_a_revert_guards_against_what_it_reverted(world: World) -> None:
    """An apply that changes nothing still tells which commit is the newest."""
    world.put("web/app.yaml", {"k": b"good"})
    world.commit()
    world.apply()
    good = (world.root / "web/app.yaml").read_bytes()
    world.put("web/app.yaml", {"k": b"bad"})
    bad = world.commit()
    world.write("web/app.yaml", good)
    world.commit()
    assert world.apply().summary == "1 unchanged"
    before = world.files()
    assert world.apply().summary == "1 unchanged"
    assert world.files() == before
    assert world.apply("--ref", bad).code == 1
    assert world.get("web/app", "k") == b"good"


def test_another_branch_is_no_descendant(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.commit()
    world.git("branch", "side")
    world.put("web/app.yaml", {"k": b"2"})
    world.commit()
    world.apply()
    world.git("checkout", "-q", "side")
    world.put("web/app.yaml", {"k": b"3"})
    world.commit()
    assert world.apply().code == 1
    assert world.get("web/app", "k") == b"2"


def test_what_can_not_be_known_of_a_revision_is_said(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.write(".sealer.yaml", RULES)
    world.commit()
    world.apply()
    shutil.rmtree(world.root / ".git")
    world.put("web/app.yaml", {"k": b"2"})
    ran = world.apply()
    assert (ran.code, ran.summary) == (0, "1 updated")
    assert "can't be known here" in ran.err


# Two at once


def test_two_applies_at_once_one_waits_and_both_end_well(world: World) -> None:
    for number in range(60):
        world.put(f"web/app-{number}.yaml", {"k": b"1"}, envelope="v1")
    command = [sys.executable, "-c", "from controller.main import main; main()", "apply", ".", "--state", world.state]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [(process.communicate(), process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    said = sorted(out.splitlines()[-1].partition(" (")[0] for (out, _), _ in ended)
    assert said == ["60 created", "60 unchanged"]
    assert set(world.states().values()) == {("delivered", "1")}
    assert world.run("audit", "verify", "--state", world.state).code == 0


# --on-change


def _hook(tmp_path: Path, code: int = 0) -> tuple[str, Path]:
    told = tmp_path / "told"
    script = tmp_path / "hook.py"
    script.write_text(
        f"import sys, pathlib\nwith pathlib.Path({str(told)!r}).open('a') as file: file.write(sys.stdin.read())\n"
        f"sys.exit({code})\n"
    )
    return f"{sys.executable} '{script}' '$HOME; echo'", told


def test_on_change_is_told_once_by_name(world: World, tmp_path: Path) -> None:
    command, told = _hook(tmp_path)
    world.put("web/app.yaml", {"k": b"planted"})
    world.put("web/db.yaml", {"k": b"1"})
    assert world.apply("--on-change", command).code == 0
    world.apply("--on-change", command)
    (world.root / "web/db.yaml").unlink()
    assert world.apply("--on-change", command).code == 0
    first, second = map(json.loads, told.read_text().splitlines())
    schema.validate(first, "change-event", file="change-event")
    assert [(each["action"], each["name"]) for each in first["changes"]] == [("created", "app"), ("created", "db")]
    assert [(each["action"], each["name"]) for each in second["changes"]] == [("deleted", "db")]
    assert "planted" not in told.read_text()


def test_on_change_that_fails_is_tried_again_with_all_that_it_missed(world: World, tmp_path: Path) -> None:
    failing, told = _hook(tmp_path, 3)
    world.put("web/app.yaml", {"k": b"1"})
    ran = world.apply("--on-change", failing)
    assert (ran.code, ran.summary) == (1, "1 created")
    assert "--on-change ended with 3" in ran.err
    told.unlink()
    command, told = _hook(tmp_path)
    world.put("web/db.yaml", {"k": b"1"})
    assert world.apply("--on-change", command).code == 0
    (only,) = map(json.loads, told.read_text().splitlines())
    assert [each["name"] for each in only["changes"]] == ["app", "db"]


@pytest.mark.parametrize("command", ["/no/such/program", "'unclosed", ""])
def test_on_change_that_can_not_run_is_said(world: World, command: str) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    ran = world.apply("--on-change", command)
    assert ran.code in (1, 2)
    assert "--on-change" in ran.err
    assert "Traceback" not in ran.err


def test_a_nested_configuration_with_the_same_id_prunes_nothing_above_it(world: World) -> None:
    """A copied `.sealer.yaml` poses as the whole source, and sees a part of it."""
    world.write(".sealer.yaml", RULES)
    for name in ("a", "b"):
        world.put(f"clusters/prod/web/{name}.yaml", {"k": b"1"})
    world.put("sub/clusters/prod/web/c.yaml", {"k": b"1"})
    world.commit()
    assert world.apply().code == 0
    world.write("sub/.sealer.yaml", RULES)
    world.commit()
    ran = world.apply(source="sub")
    assert (ran.code, ran.summary) == (1, "2 gone, kept, 1 unchanged")
    assert "paths count from sub now, and counted from the top before" in ran.err
    assert world.apply(source="sub").code == 1
    assert world.get("web/a", "k") == b"1"
    assert world.apply().code == 0
