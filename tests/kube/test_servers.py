"""Servers of tests end with the tests, however those end. No Kubernetes is needed to see it."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kube.servers import Ended, Servers, free_ports

_CHECKOUT = Path(__file__).parents[2]
# `cat` of a pipe that never ends stands for a server: whoever writes to the pipe learns when it is gone.
_TESTS = """
import signal, sys
from tests.kube.servers import Servers
with Servers() as servers:
    server = servers.start("cat", sys.argv[1])
    print(servers.directory, flush=True)
    if sys.stdin.readline() == "pause\\n":
        server.signal(signal.SIGSTOP)
    print("waiting", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def _await_reader_gone(writer: int) -> None:
    poll = select.poll()
    poll.register(writer, 0)
    assert poll.poll(60_000), "the server still runs"


@pytest.mark.parametrize("state", ["run", "pause"])
def test_nothing_is_left_of_tests_that_are_killed(pipe: Path, state: str) -> None:
    command = [sys.executable, "-c", _TESTS, str(pipe)]
    stream = subprocess.PIPE
    with subprocess.Popen(command, cwd=_CHECKOUT, stdin=stream, stdout=stream, stderr=stream, text=True) as tests:
        assert tests.stdin
        assert tests.stdout
        assert tests.stderr
        directory = Path(tests.stdout.readline().strip())
        writer = os.open(pipe, os.O_WRONLY)
        tests.stdin.write(f"{state}\n")
        tests.stdin.flush()
        assert tests.stdout.readline() == "waiting\n"
        assert directory.is_dir()
        tests.kill()
        # The guard, and then its child, hold the other end of this until they are done.
        assert tests.stderr.read() == ""
    assert not directory.exists()
    try:
        _await_reader_gone(writer)
    finally:
        os.close(writer)


def test_nothing_is_left_at_the_end_of_the_block(pipe: Path) -> None:
    with Servers() as servers:
        server = servers.start("cat", pipe)
        writer = os.open(pipe, os.O_WRONLY)
        directory = servers.directory
        assert directory.is_dir()
        assert server.running
    try:
        _await_reader_gone(writer)
    finally:
        os.close(writer)
    assert not directory.exists()


def test_interrupt_of_the_tests_does_not_reach_servers(pipe: Path) -> None:
    with Servers() as servers:
        server = servers.start("cat", pipe)
        assert os.getpgid(server.pid) != os.getpgrp()
        assert server.running


def test_program_that_ends_at_once_is_told_with_its_last_words() -> None:
    with Servers() as servers:
        server = servers.start("sh", "-c", "echo address already in use; exit 3")
        with pytest.raises(Ended, match=r"^sh ended with 3:\naddress already in use$"):
            server.wait_ready(lambda: False)


def test_free_ports_can_be_listened_on() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass
