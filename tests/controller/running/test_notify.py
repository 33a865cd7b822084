"""sd_notify, over real sockets."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.running.notify import Notifier


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket as systemd has it, and its name as systemd writes it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"@{secrets.token_hex(8)}" if request.param == "abstract" else str(tmp_path / "notify")
        listener.bind(name.replace("@", "\0", 1))
        listener.setblocking(False)
        yield name, listener


def messages(listener: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(listener.recv(4096).decode())
        except BlockingIOError:
            return found


def test_each_message(heard: tuple[str, socket.socket]) -> None:
    name, listener = heard
    told = Notifier({"NOTIFY_SOCKET": name})
    told.ready()
    told.status("two\nlines")
    told.ping()
    told.stopping()
    assert messages(listener) == ["READY=1", "STATUS=two lines", "STOPPING=1"]


def test_the_watchdog_hears_of_progress_at_half_its_time(heard: tuple[str, socket.socket]) -> None:
    name, listener = heard
    clock = Clock()
    told = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, clock)
    assert told.period == 10
    for _ in range(40):  # ten seconds, with progress each quarter of one
        told.ping()
        clock.now += 0.25
    assert messages(listener) == ["WATCHDOG=1"] * 2
    clock.now += 60
    assert messages(listener) == []  # nothing is said by itself
    told.ping()
    assert messages(listener) == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    "environ", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": ""}]
)
def test_no_watchdog_of_ours(environ: dict[str, str]) -> None:
    assert Notifier(environ).period == 0


def test_a_full_or_missing_socket_holds_nothing_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        told = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(5000):
            told.status("x" * 100)
        assert listener.recv(4096).startswith(b"STATUS=")
    told.ready()
    Notifier({"NOTIFY_SOCKET": "vsock:2:1234"}).ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
