"""`run` as a real process: polls, signals, health, systemd."""

from __future__ import annotations

import contextlib
import secrets
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sealer.formats.keys import generate_kem
from sealer.keyrings.keyring import Keyring
from tests.controller.running.daemon import Running, Systemd, running

if TYPE_CHECKING:
    from tests.controller.world import World

HOUR = ("--interval", 3600, "--resync", 3600)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    found = Systemd(tmp_path / "notify")
    yield found
    found.close()


def up(world: World, *arguments: object, source: object = ".", **named: Any) -> Any:
    return running(source, "--state", world.state, "--listen", "127.0.0.1:0", *arguments, **named)


def test_delivers_what_changes_until_it_is_told_to_end(world: World) -> None:
    one, two = (secrets.token_hex(16).encode() for _ in "12")
    world.put("payments/db.yaml", {"password": one})
    with up(world, *HOUR) as daemon:
        daemon.started()
        assert world.get("payments/db", "password") == one
        world.put("payments/db.yaml", {"password": two})
        world.put("web/app.yaml", {"k": one})
        record = daemon.run(result="changed")
        assert [(each["action"], each["name"]) for each in record["changes"]] == [
            ("created", "web/app"),
            ("updated", "payments/db"),
        ]
        (world.root / "web/app.yaml").unlink()
        assert daemon.run()["counts"]["deleted"] == 1
        assert daemon.end() == 0
        assert daemon.records[-1] == {**daemon.records[-1], "event": "stop", "signal": "SIGTERM"}
        assert not daemon.other
        assert one.decode() not in daemon.said()
    assert world.get("payments/db", "password") == two
    assert world.run("audit", "verify", "--state", world.state).code == 0


def test_a_poll_applies_only_what_changed(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, "--interval", 1, "--resync", 3600) as daemon:
        daemon.started()
        daemon.wait("poll")  # from here on the file is too old to have been changed unseen
        before = daemon.metric("sealer_runs_total", result="unchanged"), daemon.metric("sealer_polls_total")
        daemon.wait("poll")
        daemon.wait("poll")
        assert daemon.metric("sealer_runs_total", result="unchanged") == before[0]
        assert daemon.metric("sealer_polls_total") >= before[1] + 2
        world.put("payments/db.yaml", {"k": b"2"})
        assert daemon.wait("run", result="changed")["counts"]["updated"] == 1
        assert daemon.end(signal.SIGINT) == 0


def test_what_a_store_lost_is_there_again_after_a_resync(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, "--interval", 3600, "--resync", 1) as daemon:
        daemon.started()
        daemon.wait("run", result="unchanged")
        with contextlib.closing(sqlite3.connect(world.state / "state.db")) as database, database:
            database.execute("DELETE FROM local_heads")
            database.execute("DELETE FROM local_versions")
        assert daemon.wait("run", result="changed")["changes"] == [{"action": "updated", "name": "payments/db"}]
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"1"


def test_a_key_that_is_added_opens_what_failed(world: World) -> None:
    later = generate_kem()
    world.put("payments/db.yaml", {"k": b"1"}, to=later)
    world.put("web/app.yaml", {"k": b"1"})
    with up(world, "--interval", 1, "--resync", 3600) as daemon:
        assert daemon.wait("run")["counts"]["others"] == 1
        pem = world.root.parent / "key.pem"
        pem.write_text(later.pem)
        pem.chmod(0o600)
        assert world.run("keys", "import", pem).code == 0
        assert daemon.wait("run", result="changed")["counts"]["created"] == 1
        assert daemon.metric("sealer_deliveries", state="delivered") == 2
        assert daemon.end() == 0


def test_limits_of_the_configuration_are_read_again(world: World) -> None:
    config = world.root.parent / "config"
    config.mkdir(mode=0o700)
    limits = (
        "apiVersion: sealer.dev/v1alpha1\nkind: Controller\nspec: {{limits: {{prune: {{count: {0}, percent: {0}}}}}}}\n"
    )
    (config / "controller.yaml").write_text(limits.format(5))
    for number in range(12):
        world.put(f"web/a{number}.yaml", {"k": b"1"})
    with up(world, "--interval", 1, "--resync", 3600, "--config", config) as daemon:
        daemon.started()
        for number in range(11):
            (world.root / f"web/a{number}.yaml").unlink()
        assert daemon.wait("run", result="incomplete")["refusal"]
        (config / "controller.yaml").write_text(limits.format(100))
        assert daemon.wait("run", result="changed")["counts"]["deleted"] == 11
        assert daemon.end() == 0


def test_health_and_metrics(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    world.write("web/bad.yaml", (world.root / "payments/db.yaml").read_text().replace("name: db", "name: other"))
    with up(world, *HOUR) as daemon:
        daemon.wait("run", result="incomplete")
        assert daemon.get("/healthz") == (200, "ok: last run incomplete\n")
        assert daemon.get("/readyz")[0] == 200  # one bad document is no reason to take a controller for broken
        assert daemon.metric("sealer_deliveries", state="delivered") == 1
        assert daemon.metric("sealer_deliveries", state="failed") == 1
        assert daemon.metric("sealer_changes_total", action="created") == 1
        assert daemon.metric("sealer_last_success_timestamp_seconds") == 0
        assert daemon.metric("sealer_source_age_seconds") >= 0
        key = world.ring.entry(world.kem.id)
        ends = daemon.metric("sealer_key_expiry_timestamp_seconds", key=key.id[:8], algorithm=key.algorithm)
        assert ends == key.not_after.timestamp()
        assert not {"payments", "bad", "other"} & set(daemon.get("/metrics")[1].replace('"', " ").split())
        (world.root / "web/bad.yaml").unlink()
        daemon.run()
        assert daemon.metric("sealer_last_success_timestamp_seconds") > 0


def test_systemd_hears_of_the_first_run_of_progress_and_of_the_end(world: World, systemd: Systemd) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, *HOUR, env={**systemd.env, "WATCHDOG_USEC": "400000"}) as daemon:
        before = systemd.until("READY=1")
        assert any(each.startswith("STATUS=last run changed") for each in before)
        assert [systemd.hear() for _ in range(3)] == ["WATCHDOG=1"] * 3  # while it waits for an hour
        daemon.process.send_signal(signal.SIGTERM)
        systemd.until("STOPPING=1")
        assert daemon.ended() == 0


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_read_once(world: World, tmp_path: Path) -> None:
    secret = secrets.token_hex(8)
    kept = tmp_path / "passphrase"
    kept.write_text(f"{secret}\n")
    kept.chmod(0o600)
    ring = tmp_path / "ring"
    assert world.run("init", "--cluster", "prod", "--keyring", ring, "--passphrase-file", kept).code == 0
    key = Keyring.open(ring, passphrase=lambda: secret)
    sealed = key.private(key.entries[0].id)
    world.put("payments/db.yaml", {"k": b"1"}, to=sealed)
    with up(world, *HOUR, "--keyring", ring, "--passphrase-file", kept) as daemon:
        daemon.started()
        kept.unlink()
        world.put("payments/db.yaml", {"k": b"2"}, to=sealed)
        assert daemon.run()["counts"]["updated"] == 1
        assert secret not in daemon.said()
        assert daemon.end() == 0
    kept.write_text("another\n")
    kept.chmod(0o600)
    with up(world, *HOUR, "--keyring", ring, "--passphrase-file", kept) as daemon:
        assert daemon.ended() == 2
        assert "wrong passphrase" in daemon.other[0]


def start_fails(daemon: Running) -> str:
    assert daemon.ended() == 2
    assert not daemon.records
    return "\n".join(daemon.other)


def test_what_is_wrong_from_the_start_ends_at_once(world: World, tmp_path: Path) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, source="nowhere") as daemon:
        assert "nowhere: no such directory" in start_fails(daemon)
    with up(world, "--allow-prune", "--no-prune") as daemon:
        assert "contradict each other" in start_fails(daemon)
    with up(world, "--keyring", tmp_path / "none") as daemon:
        assert "there is no keyring here" in start_fails(daemon)
    with up(world, "--on-change", "") as daemon:
        assert "--on-change" in start_fails(daemon)
    with up(world, *HOUR) as first:
        first.started()
        with running(".", "--state", world.state, "--listen", f"127.0.0.1:{_port(first)}") as second:
            assert "can't listen: address already in use" in start_fails(second)
        with up(world, "--lock-timeout", 0) as second:
            assert f"the state is in use by process {first.process.pid}" in start_fails(second)


def _port(daemon: Running) -> int:
    daemon.get("/healthz")
    return daemon.port


def test_without_http_none_of_it_is_imported(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    told = "import atexit, sys\natexit.register(lambda: print('MODULES', *sys.modules, file=sys.stderr))"
    with running(".", "--state", world.state, "--listen", "none", *HOUR, before=told) as daemon:
        daemon.started()
        assert daemon.end() == 0
        modules = set(daemon.other[-1].split())
    assert "sqlalchemy" in modules
    assert not modules & {"starlette", "uvicorn", "prometheus_client", "jsonschema", "rich"}
