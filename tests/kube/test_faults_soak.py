"""A controller that lives on while all around it fails at random, in a real cluster (operators.md, section 4: 57).

Some rounds of it are in the suite, with a seed that doesn't change; `SOAK_SECONDS=3600 pytest FILE` lasts an hour,
with another seed each time, which it prints. Each round changes SealedSecrets, touches Secrets, breaks something, and
holds in the end what `faults.py` asks of every fault. No round leaves anything behind in the process.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kube.cluster import Cluster
from tests.kube.controllers import CRD, Objects, Running, until_leading
from tests.kube.faults import Case, idle, release
from tests.kube.hastened import hastened

SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
ROUNDS, CHANGES, MOST = 5, 12, 60
MORE = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def shaken(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster for this test alone."""
    with Cluster(*kube_programs) as running:
        running.define(CRD)
        yield running


@dataclass(frozen=True)
class Sample:
    """What a process has at rest."""

    memory: float
    files: float
    tasks: int


class Soak:
    """What is done to one controller, drawn."""

    def __init__(self, case: Case, controller: Running, draw: random.Random) -> None:
        self._case, self._controller, self._draw = case, controller, draw
        self._cluster = case.own.cluster
        self._count = 0
        self.changes: list[Callable[[], None]] = [
            self.create,
            self.create,
            self.update,
            self.delete,
            self.lose,
            self.edit,
        ]
        self.faults: list[Callable[[], None]] = [self.kill, self.stand_still, self.etcd, self.lease, self.stop]

    def round(self, fault: Callable[[], None]) -> None:
        """Changes, and a fault before all of them are delivered; then all is as it should be."""
        for _ in range(CHANGES):
            self._draw.choice(self.changes)()
        fault()
        self._case.verify()
        idle(self._cluster, self._controller)

    def sample(self) -> Sample:
        """After a round."""
        tasks = self._tasks()
        get = self._controller.counted
        return Sample(get("process_resident_memory_bytes"), get("process_open_fds"), tasks)

    def _tasks(self) -> int:
        told = lambda: [each["count"] for each in self._controller.log if each["event"] == "tasks"]  # noqa: E731
        before = len(told())
        self._controller.process.send_signal(signal.SIGUSR2)
        self._cluster.apiserver.wait_ready(lambda: len(told()) > before)
        return int(told()[-1])

    # Changes.

    def create(self) -> None:
        if len(self._case.values) < MOST:
            self._count += 1
            self._case.seal(self._controller, f"s-{self._count}", v2=self._draw.random() < 0.5)

    def update(self) -> None:
        if name := self._any():
            body = self._case.body(self._controller, name, v2=self._draw.random() < 0.5)
            self._case.objects.patch("sealedsecrets", name, {"spec": body["spec"]})

    def delete(self) -> None:
        """Its Secret, too, as the cluster would; there is no controller manager here."""
        if name := self._any():
            self._case.objects.holds(name, {"token": self._case.values.pop(name)})
            self._case.objects.delete("sealedsecrets", name)
            self._case.objects.delete("secrets", name)

    def lose(self) -> None:
        if self._standing(name := self._any()):
            self._case.objects.delete("secrets", name)

    def edit(self) -> None:
        if self._standing(name := self._any()):
            self._case.objects.patch("secrets", name, {"data": {"token": "bm90IHRoaXM="}})

    def _any(self) -> str:
        return self._draw.choice(sorted(self._case.values)) if self._case.values else ""

    def _standing(self, name: str) -> bool:
        return name != "" and self._case.objects.get("secrets", name) is not None

    # Faults.

    def kill(self) -> None:
        self._cluster.restart(kill=True)
        self._answers()

    def stand_still(self) -> None:
        self._cluster.pause()
        until_leading(self._cluster, self._controller, False)
        self._cluster.resume()

    def etcd(self) -> None:
        self._cluster.stop_etcd(kill=True)
        self._cluster.start_etcd()
        self._answers()

    def lease(self) -> None:
        release(self._case)

    def stop(self) -> None:
        """It stands still itself, until the API server has told something that it doesn't read."""
        self._controller.process.send_signal(signal.SIGSTOP)
        self._case.objects.cluster.namespace()
        self._controller.process.send_signal(signal.SIGCONT)

    def _answers(self) -> None:
        """Come back when it answers tests as well: it fills its caches for a while, and says 429."""
        objects = self._case.objects
        paths = [objects.path(plural) for plural in ("sealedsecrets", "secrets", "events")]
        self._cluster.apiserver.wait_ready(lambda: all(self._cluster.call("GET", each)[0] == 200 for each in paths))


def test_57_random_faults_leave_nothing_behind(
    shaken: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real. Memory stays where it was after the first rounds; so does the number of tasks and of open files."""
    hastened(monkeypatch, tmp_path / "hastened")
    seed = int(time.time()) if SECONDS else 57
    print(f"seed {seed}")
    case = Case(Objects(shaken, shaken.namespace()), Objects(shaken, shaken.namespace()))
    case.stranger()
    with case.runs_ours() as controller:
        soak = Soak(case, controller, random.Random(seed))
        began, samples = time.monotonic(), []
        while len(samples) < ROUNDS or time.monotonic() - began < SECONDS:
            if not len(samples) % len(soak.faults):
                faults = random.Random(seed + len(samples)).sample(soak.faults, len(soak.faults))
            t = time.monotonic()
            soak.round(faults[len(samples) % len(faults)])
            samples.append(soak.sample())
            print(faults[(len(samples) - 1) % len(faults)].__name__, time.monotonic() - t, samples[-1])
        assert "defect" not in [each["event"] for each in controller.log]
        assert controller.end() == 0
