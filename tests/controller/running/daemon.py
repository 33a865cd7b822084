"""`sealer-controller run` as a real process. Tests wait for records of its log and for what systemd would hear."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from sealer import schema

PATIENCE = 60.0
"""Seconds after which a test fails where nothing comes; nothing depends on how fast it comes."""
_START = "import sys; from controller.main import main; main(sys.argv[1:])"


class Running:
    """One process. Every record that it logs is checked against the schema."""

    def __init__(self, *arguments: object, env: dict[str, str] | None = None, before: str = "") -> None:
        """`before` is Python that runs in the process first."""
        words = ["run", "--log-level", "debug", "--log-format", "json", *map(str, arguments)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{_START}", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self.records: list[dict[str, Any]] = []
        self.other: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def wait(self, event: str, **fields: Any) -> dict[str, Any]:
        """The next record of an event whose fields are these."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit and (record := self._next()) is not None:
            if record["event"] == event and all(record.get(name) == value for name, value in fields.items()):
                return record
        raise AssertionError(f"no {event} {fields}: {self.said()}")

    def run(self, **fields: Any) -> dict[str, Any]:
        """Ask for a run, and wait for it."""
        self.hup()
        return self.wait("run", **fields)

    def started(self) -> Running:
        """Wait until the first run has ended."""
        self.wait("start")
        self.wait("run")
        return self

    def settle(self) -> None:
        """Ask for runs until nothing is left to do."""
        while self._lines.qsize():
            self._next()
        self.run()  # it may have begun before
        last = [self.run()["result"] for _ in range(3)]
        assert last[-1] == "unchanged", self.records[-1]

    def hup(self) -> None:
        """Ask for a poll."""
        self.process.send_signal(signal.SIGHUP)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask for the end; the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(PATIENCE)
        while self._next() is not None:
            pass
        return code

    def get(self, path: str) -> tuple[int, str]:
        """One page of it."""
        if not self.port:
            address = next(each["address"] for each in self.records if each["event"] == "listen")
            self.port = int(address.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """One sample."""
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for each in family.samples:
                if each.name == name and each.labels == labels:
                    return each.value
        raise AssertionError(f"no {name} {labels}")

    def memory(self) -> int:
        """Resident bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:"))) * 1024

    def said(self) -> str:
        """All that it wrote."""
        return "\n".join([*map(json.dumps, self.records), *self.other])

    def close(self) -> None:
        """End it whatever it does, and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        if self.process.stderr:
            self.process.stderr.close()

    def _read(self) -> None:
        for line in self.process.stderr or ():
            self._lines.put(line)
        self._lines.put(None)

    def _next(self) -> dict[str, Any] | None:
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            if not line.startswith("{"):
                self.other.append(line.rstrip())
                continue
            record: dict[str, Any] = json.loads(line)
            schema.validate(record, "log-record", file="log")
            self.records.append(record)
            return record
        self._lines.put(None)
        return None


@contextlib.contextmanager
def running(*arguments: object, **named: Any) -> Iterator[Running]:
    """A process that has ended when the block has."""
    found = Running(*arguments, **named)
    try:
        yield found
    finally:
        found.close()


class Systemd:
    """A notify socket, and what was heard on it."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(PATIENCE)
        self.env = {"NOTIFY_SOCKET": str(path)}

    def hear(self) -> str:
        """The next message."""
        return self._socket.recv(4096).decode()

    def until(self, wanted: str) -> list[str]:
        """All messages up to one that begins so."""
        found = [self.hear()]
        while not found[-1].startswith(wanted):
            found.append(self.hear())
        return found

    def close(self) -> None:
        """No more."""
        self._socket.close()
