"""Programs that run while tests do, in a process group of their own, and that never outlive them."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

# kubernetes' own tests found 30 s too short on slow machines (kubernetes/kubernetes#137743).
START_LIMIT = 60.0
STOP_LIMIT = 20.0
_POLL = 0.05


class NotReady(Exception):
    """A server ended, or didn't answer in time; the text has the last lines that it wrote."""


class Ended(NotReady):
    """It ended before it was ready, as when another program took its port."""


class Server:
    """A running program; what it writes goes to the file `log`."""

    def __init__(self, command: Sequence[str | Path], group: int, log: Path) -> None:
        self.name = Path(command[0]).name
        self.log = log
        environment = {name: os.environ.get(name, "") for name in ("PATH", "GOGC")}
        environment |= {"HOME": str(log.parent), "TMPDIR": str(log.parent)}
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                process_group=group,
            )
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended; a paused one has not."""
        return self._process.poll() is None

    def wait_ready(self, probe: Callable[[], bool], what: str = "") -> None:
        """Ask `probe` until it is true; raises `Ended`, or `NotReady` after a minute, which says `what` is not."""
        limit = time.monotonic() + START_LIMIT
        while not probe():
            try:
                self._process.wait(_POLL)
            except subprocess.TimeoutExpired:
                if time.monotonic() > limit:
                    raise NotReady(
                        f"{what or self.name} is not ready after {START_LIMIT:.0f} s:\n{self._tail()}"
                    ) from None
            else:
                raise Ended(f"{self.name} ended with {self._process.returncode}:\n{self._tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Send one; a program that has ended gets none."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it still runs after 20 s; a paused one goes on first."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: no chance to say goodbye to anyone."""
        self._process.kill()
        self._process.wait()

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Servers:
    """A temporary directory and the servers that live in it; leaving the block ends and removes all of it.

    So does the death of this process, however it dies (`guard.py`). Not PR_SET_PDEATHSIG: that is Linux only, removes
    no files, and takes the end of the thread that started a server for the end of the process.
    """

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="sealer-kube-"))
        self._guard = subprocess.Popen(
            [sys.executable, "-I", Path(__file__).with_name("guard.py"), self.directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        assert self._guard.stdout is not None
        self._guard.stdout.readline()
        self._started: list[Server] = []
        return self

    def start(self, *command: str | Path) -> Server:
        """Start a program; its log is NAME.log in the directory."""
        server = Server(command, self._guard.pid, self.directory / f"{Path(command[0]).name}.log")
        self._started.append(server)
        return server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The last started goes first: an API server without its etcd would wait for it.
        for server in reversed(self._started):
            if server.running:
                server.stop()
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._guard.stdin.close()
        # Its child holds the other end until the directory is gone.
        self._guard.stdout.read()
        self._guard.stdout.close()
        self._guard.wait()


def free_ports(count: int) -> list[int]:
    """Different TCP ports of 127.0.0.1 that nothing listens on.

    From below the range that systems take the ports of outgoing connections from (32768 on Linux, 49152 elsewhere): a
    server that is down for a moment finds its port again.
    """
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", random.randrange(20000, 32768)))
            except OSError:
                probe.close()
            else:
                held.append(probe)
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()
