"""`run` where something is wrong: it says so, goes on, and loses nothing (issue 4, show 6)."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.controller.running.daemon import PATIENCE, Systemd, running

if TYPE_CHECKING:
    from tests.controller.world import World

# A clock that a test moves by writing milliseconds into a file.
CLOCK = (
    "import time, pathlib\n_real, _file = time.time_ns, pathlib.Path({!r})\n"
    "time.time_ns = lambda: _real() + int(_file.read_text()) * 1_000_000"
)


def up(world: World, *arguments: object, source: object = ".", **named: Any) -> Any:
    words = ("--interval", 3600, "--resync", 3600, "--listen", "127.0.0.1:0", "--state", world.state)
    return running(source, *words, *arguments, **named)


def verified(world: World) -> bool:
    """The audit log is whole, and the state stands for it."""
    return world.run("audit", "verify", "--state", world.state).code == 0


def test_a_database_that_another_program_locks(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world) as daemon:
        daemon.started()
        with contextlib.closing(sqlite3.connect(world.state / "state.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            world.put("payments/db.yaml", {"k": b"2"})
            daemon.hup()
            failed = daemon.wait("run-failed")
            assert failed["error"] == "is locked by another program"
            assert failed["where"] == str(world.state / "state.db")
            assert failed["wayOut"]
            assert failed["retry"] > 0
            assert daemon.get("/healthz")[0] == 200
            assert "failed: the source, the keyring or the state" in daemon.get("/healthz")[1]
            other.rollback()
        daemon.wait("run", result="changed")  # by itself
        assert daemon.get("/healthz") == (200, "ok: last run changed\n")
        assert daemon.metric("sealer_runs_total", result="failed") >= 1
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"2"
    assert verified(world)


def test_a_damaged_database_is_said_and_left_as_it_is(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    assert world.apply().code == 0
    database = world.state / "state.db"
    good = database.read_bytes()
    database.write_bytes(b"x" * len(good))
    with up(world) as daemon:
        assert daemon.ended() == 2
        assert "state.db: is damaged" in daemon.other[0]
        assert "way out: restore it from a backup" in daemon.other[1]
    assert database.read_bytes() == b"x" * len(good)
    database.write_bytes(good)
    with up(world) as daemon:
        assert daemon.started().records[-1]["result"] == "unchanged"
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"1"


def test_a_database_that_is_damaged_while_it_runs(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    database = world.state / "state.db"
    with up(world) as daemon:
        daemon.started()
        daemon.hup()
        with contextlib.closing(sqlite3.connect(database)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        daemon.wait("run")
        good = database.read_bytes()
        with database.open("r+b") as file:
            file.write(b"x" * len(good))
        world.put("payments/db.yaml", {"k": b"2"})
        daemon.hup()
        assert "damaged" in daemon.wait("run-failed")["error"]
        for path in world.state.glob("state.db-*"):
            path.unlink()
        database.write_bytes(good)
        daemon.wait("run", result="changed")
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"2"
    assert verified(world)


def test_an_audit_log_that_is_cut_while_it_runs_stops_delivery_and_not_the_daemon(world: World) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world) as daemon:
        daemon.started()
        (log,) = (world.state / "audit").iterdir()
        whole = log.read_bytes()
        log.write_bytes(whole[: len(whole) // 2])
        world.put("payments/db.yaml", {"k": b"2"})
        daemon.hup()
        assert "audit" in daemon.wait("run-failed")["where"]
        assert daemon.get("/healthz")[0] == 200
        assert "a rule says no" in daemon.get("/healthz")[1]
        log.write_bytes(whole)
        daemon.wait("run", result="changed")
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"2"
    assert verified(world)


def test_a_clock_that_is_set_back(world: World, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("0")
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, before=CLOCK.format(str(offset))) as daemon:
        daemon.started()
        offset.write_text("-7200000")
        world.put("payments/db.yaml", {"k": b"2"})
        world.put("web/app.yaml", {"k": b"1"})
        daemon.hup()
        assert 7100 < daemon.wait("clock")["seconds"] < 7300
        assert daemon.wait("run")["counts"] == {**daemon.records[-1]["counts"], "created": 1, "updated": 1}
        (world.root / "web/app.yaml").unlink()
        assert daemon.run()["counts"]["deleted"] == 1
        assert sum(each["event"] == "clock" for each in daemon.records) == 1
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"2"
    assert verified(world)
    offset.write_text("-14400000")
    with up(world, before=CLOCK.format(str(offset))) as daemon:  # a machine that starts with a wrong clock
        assert daemon.wait("clock")["seconds"] > 7000
        daemon.wait("run", result="unchanged")
        assert daemon.end() == 0


class Hook:
    """An `--on-change` command that tells when it was started, and ends when a test lets it."""

    def __init__(self, folder: Path) -> None:
        names = folder / "up", folder / "go"
        for name in names:
            os.mkfifo(name)
        # Open at both ends, so that nobody waits for the other to open it.
        self._up, self._go = (os.open(name, os.O_RDWR) for name in names)
        self.command = shlex.join(["sh", "-c", f"cat > {folder}/told; echo up > {names[0]}; read word < {names[1]}"])

    def started(self) -> None:
        """Wait until it runs."""
        assert select.select([self._up], [], [], PATIENCE)[0]
        assert os.read(self._up, 100) == b"up\n"

    def let(self) -> None:
        """Let it end."""
        os.write(self._go, b"go\n")

    def close(self) -> None:
        """No more."""
        os.close(self._up)
        os.close(self._go)


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Hook]:
    found = Hook(tmp_path)
    yield found
    found.close()


def test_a_poll_asked_for_during_a_run_comes_after_it(world: World, hook: Hook) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, "--on-change", hook.command) as daemon:
        hook.started()
        world.put("web/app.yaml", {"k": b"1"})  # after the source was read
        daemon.hup()
        daemon.hup()
        hook.let()
        daemon.wait("run", result="changed")
        hook.started()
        hook.let()
        assert daemon.wait("run", result="changed")["counts"]["created"] == 1
        assert daemon.end() == 0


def test_the_end_comes_at_the_end_of_a_step(world: World, hook: Hook) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, "--on-change", hook.command) as daemon:
        hook.started()
        daemon.process.send_signal(signal.SIGTERM)
        hook.let()
        assert daemon.wait("run", result="changed")
        assert daemon.wait("stop", signal="SIGTERM")
        assert daemon.ended() == 0


def test_a_hung_command_is_ended_by_the_second_signal_and_told_again(world: World, hook: Hook, tmp_path: Path) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    with up(world, "--on-change", hook.command) as daemon:
        hook.started()
        daemon.wait("listen")
        assert daemon.get("/healthz")[0] == 200  # HTTP does not wait for it
        assert daemon.get("/readyz")[0] == 503
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait("signal", signal="SIGTERM")
        daemon.process.send_signal(signal.SIGTERM)
        hook.let()  # what it leaves behind, and what holds the pipe of the log
        assert daemon.process.wait(PATIENCE) == -signal.SIGTERM
    assert world.get("payments/db", "k") == b"1"
    told = tmp_path / "again"
    with up(world, "--on-change", shlex.join(["sh", "-c", f"cat > {told}"])) as daemon:
        daemon.started()
        assert daemon.end() == 0
    assert '"payments"' in told.read_text()
    assert verified(world)


def test_a_command_that_fails_is_tried_again_by_itself(world: World, tmp_path: Path) -> None:
    world.put("payments/db.yaml", {"k": b"1"})
    gate = tmp_path / "gate"
    with up(world, "--on-change", shlex.join(["test", "-e", str(gate)])) as daemon:
        first = daemon.wait("run", result="incomplete")
        assert first["hook"] == "ended with 1"
        assert first["retry"] > 0
        gate.touch()
        assert "hook" not in daemon.wait("run", result="unchanged")
        assert daemon.end() == 0


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    found = Systemd(tmp_path / "notify")
    yield found
    found.close()


def test_the_watchdog_hears_of_a_long_delivery_and_nothing_of_a_hung_one(world: World, systemd: Systemd) -> None:
    for number in range(600):
        world.put(f"web/a{number}.yaml", {"k": b"1"})
    hook = (  # two words on the same socket, and work between them that takes a while
        "import hashlib, os, socket\n"
        "def say(text):\n"
        "    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(text, os.environ['NOTIFY_SOCKET'])\n"
        "say(b'HOOK=begin'); hashlib.pbkdf2_hmac('sha256', b'', b'', 1_000_000); say(b'HOOK=end')"
    )
    command = shlex.join([sys.executable, "-c", hook])
    with up(world, "--on-change", command, env={**systemd.env, "WATCHDOG_USEC": "20000"}) as daemon:
        assert systemd.until("HOOK=begin").count("WATCHDOG=1") >= 3  # one for each batch at least
        assert systemd.until("HOOK=end") == ["HOOK=end"]
        daemon.wait("run", result="changed")
        systemd.until("WATCHDOG=1")
        assert daemon.end() == 0


def test_a_git_server_that_is_away_and_back(world: World, tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    world.put("payments/db.yaml", {"k": b"1"})
    world.commit()
    world.git("clone", "-q", "--bare", ".", str(bare))
    world.git("remote", "add", "origin", str(bare))
    away = tmp_path / "away"
    bare.rename(away)
    with up(world, source=f"file://{bare}") as daemon:
        daemon.wait("start")
        assert daemon.wait("run-failed")["retry"] > 0  # a machine that starts before its network
        assert daemon.get("/readyz")[0] == 503
        away.rename(bare)
        assert daemon.wait("run", result="changed")["revision"] == world.git("rev-parse", "HEAD")[:7]
        assert daemon.get("/readyz")[0] == 200
        bare.rename(away)
        world.put("payments/db.yaml", {"k": b"2"})
        world.commit()
        daemon.hup()
        daemon.wait("run-failed")
        assert world.get("payments/db", "k") == b"1"
        away.rename(bare)
        world.git("push", "-q", "origin", "main")
        assert daemon.wait("run", result="changed")["revision"] == world.git("rev-parse", "HEAD")[:7]
        assert world.get("payments/db", "k") == b"2"
        world.git("push", "-q", "--force", "origin", "HEAD~1:main")
        daemon.hup()
        assert "not follow it" in daemon.wait("run-failed")["error"]
        assert daemon.end() == 0
    assert world.get("payments/db", "k") == b"2"
