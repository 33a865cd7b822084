"""Cases 52 to 54, 59 and 61 of operators.md, section 4: many objects, many leaders, little memory, another version.

Fake: whole controllers beside a cluster in memory, on a clock of their own (`tests.controller.kube.memory`), where the
order of what happens shows, and how much of it at one time. Real: processes beside a real API server.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import itertools
import json
import secrets
import shutil
import subprocess
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from controller.kube import names
from controller.kube.listing import PAGE
from controller.kube.order import TURNS
from sealer.formats import envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from sealer.kube.client import ApiError
from tests.controller.kube import keys as keysecrets
from tests.controller.kube import memory
from tests.controller.kube.memory import Api, Asked, Client, Controller, Fault
from tests.controller.kube.objects import values as held
from tests.controller.samples import state_key
from tests.kube.cluster import Cluster
from tests.kube.controllers import CRD, PATIENCE, Running, ours, until_leading
from tests.kube.faults import (
    Case,
    delivered,
    identity,
    leases,
    listed,
    release,
    unsealed,
    until,
    versions,
)
from tests.kube.hastened import hastened

KEM = keys.generate_kem()
MANY = 10_000
SHOP = "shop"
WORKERS = 8
FORMER = "fa8d15e"
"""The commit of the version before this one: there is no release yet, so the first that could do all of this."""
TAKES = 600.0
"""Seconds of the fakes' clock, which pass at once."""


class Crowd:
    """A cluster in memory with many SealedSecrets of one value; one envelope is enough for all."""

    def __init__(self, count: int, size: int = 32) -> None:
        self.api = Api()
        for each in (keysecrets.bitnami(0), keysecrets.sealing(KEM, "v2"), keysecrets.identity()):
            self.api.put("secrets", each)
        self.api.put("secrets", keysecrets.state(state_key()[1]))
        self.value = secrets.token_hex(size // 2).encode()
        place = Binding(Scope.CLUSTER_WIDE, SHOP, "s")
        self._text = envelope_v2.seal(self.value, place.context("token"), [KEM.public])
        for number in range(count):
            self.add(f"s-{number:05}")

    def add(self, name: str) -> None:
        """One more."""
        annotations = {"sealedsecrets.bitnami.com/cluster-wide": "true"}
        metadata = {"namespace": SHOP, "name": name, "annotations": annotations}
        body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
        self.api.put("sealedsecrets", {**body, "spec": {"encryptedData": {"token": self._text}}})

    def change(self, name: str) -> None:
        """Another value, sealed anew."""
        stands = self.api.objects["sealedsecrets"][f"{SHOP}/{name}"]
        place = Binding(Scope.CLUSTER_WIDE, SHOP, name)
        text = envelope_v2.seal(self.value, place.context("token"), [KEM.public])
        self.api.put("sealedsecrets", {**stands, "spec": {"encryptedData": {"token": text}}})

    def verify(self, count: int) -> None:
        """All are delivered, and say so."""
        found = self.api.all("secrets", SHOP)
        assert len(found) == count
        assert {held(item)["token"] for item in found.values()} == {self.value}
        for item in self.api.all("sealedsecrets").values():
            assert item["status"]["conditions"][0]["status"] == "True"


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.on_the_loops_time(monkeypatch)


# Many objects.


@dataclass
class Cold:
    """A start with ten thousand that wait, in which users do something after so many were delivered."""

    crowd: Crowd = field(default_factory=lambda: Crowd(MANY))
    order: list[str] = field(default_factory=list)
    """Names of Secrets, as their first write was asked for."""
    came: dict[str, int] = field(default_factory=dict)
    """How many had been asked for when something was done about a name."""

    def fault(self, number: int, asked: Asked) -> None:
        if asked.plural != "secrets" or asked.verb not in ("create", "patch") or not asked.key.startswith(SHOP):
            return
        self.order.append(asked.key.partition("/")[2])
        done = len(self.order)
        if done in (100, 1_000, 5_000, 9_000):  # when all were listed
            self._new(f"new-{done}")
        if done == 2_000:
            for each in range(60):
                self._new(f"many-{each}")
        if done == 3_000:
            self._lose(self.order[0])
        if done == 4_000:
            self._hurry("s-09999")

    def _new(self, name: str) -> None:
        self.came[name] = len(self.order)
        self.crowd.add(name)

    def _lose(self, name: str) -> None:
        """A Secret that stands is deleted."""
        self.came[name] = len(self.order)
        self.crowd.api.delete("secrets", f"{SHOP}/{name}")

    def _hurry(self, name: str) -> None:
        """One that waits is changed."""
        self.came[name] = len(self.order)
        self.crowd.change(name)

    def place(self, name: str) -> int:
        """How many others came before it since something was done about it."""
        return self.order[self.came[name] :].index(name)

    async def run(self) -> Controller:
        """Until nothing is to be done."""
        api = self.crowd.api
        made = Controller(api, Client(api, self.fault), memory.flags(workers=WORKERS)).start()
        await asyncio.sleep(TAKES)
        await made.stop()
        return made


@pytest.fixture(scope="module")
def cold() -> Iterator[tuple[Cold, Controller]]:
    """That start, run once."""
    with pytest.MonkeyPatch.context() as patch:
        memory.on_the_loops_time(patch)
        found = Cold()
        yield found, memory.run(found.run())


def test_53_a_cold_start_of_ten_thousand_asks_for_little_at_a_time(cold: tuple[Cold, Controller]) -> None:
    """Fake. Three writes for each, one private operation, so many requests at once as there are workers."""
    start, run = cold
    count = MANY + 64
    start.crowd.verify(count)
    # One is delivered twice since its Secret was deleted.
    assert run.opens == count + 1
    assert len(start.order) == count + 1
    api = start.crowd.api
    assert api.count("update", "sealedsecrets") == count + 1
    assert api.count("create", "events") == count
    assert api.most <= WORKERS + 1  # and the lease
    asked = Counter((each.verb, each.plural) for each in run.client.asked)
    assert asked["list", "sealedsecrets"] == MANY // PAGE + 1  # the first page is short
    assert asked["get", "sealedsecrets"] <= MANY * 2 // 3  # the first were kept until it was their turn
    assert asked["get", "secrets"] == 0  # a watch shows that nothing stands
    assert run.defects == []
    assert not any(each["event"] == "retry" for each in run.log.records)


def test_54_what_is_new_comes_before_the_ten_thousand_that_wait(cold: tuple[Cold, Controller]) -> None:
    """Fake. The order alone: behind what workers have in hand, with one of the backlog for each ten."""
    start, _ = cold
    many = sorted(start.place(name) for name in start.came if name.startswith("many"))
    assert many[-1] <= 60 * (TURNS + 1) // TURNS + WORKERS
    others = {name: start.place(name) for name in start.came if not name.startswith("many")}
    assert set(others) == {"new-100", "new-1000", "new-5000", "new-9000", "s-00000", "s-09999"}
    assert max(others.values()) <= WORKERS + 1, others


class Busy:
    """An API server that takes so many requests a second, and answers all else with 429 and the time to wait."""

    def __init__(self, rate: int, wait: float = 1.0) -> None:
        self._rate, self._wait = rate, wait
        self._second, self._count = 0, 0
        self.refused: list[float] = []

    def __call__(self, number: int, asked: Asked) -> ApiError | None:
        now = asyncio.get_running_loop().time()
        if asked.plural == "leases":  # a priority level of its own
            return None
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        if self._count <= self._rate:
            return None
        self.refused.append(now)
        error = ApiError(429, "TooManyRequests", where="")
        error.retry_after = self._wait
        return error


@pytest.mark.parametrize(("asks", "waits"), [(1.0, 1), (7.0, 7), (3600.0, 10)])
def test_53_a_busy_api_server_is_left_alone_for_as_long_as_it_asks(asks: float, waits: int) -> None:
    """Fake. Each worker is refused once, or twice if it is an event that is refused first, and waits; but no hour."""
    count, busy = 1_000, Busy(100, asks)

    async def test() -> None:
        crowd = Crowd(count)
        run = Controller(crowd.api, Client(crowd.api, busy), memory.flags(workers=WORKERS)).start()
        await asyncio.sleep(TAKES)
        await run.stop()
        crowd.verify(count)
        assert run.opens <= count + len(busy.refused)
        assert run.defects == []

    memory.run(test())
    times = Counter(map(int, busy.refused))
    assert max(times.values()) <= 2 * WORKERS
    assert len(times) > 1
    assert all(later - sooner >= waits for sooner, later in itertools.pairwise(sorted(times)))


def test_58_who_leaves_the_api_server_alone_ends_at_once_when_asked_to() -> None:
    """Fake. Nobody has a key in hand while all wait."""

    async def test() -> None:
        crowd = Crowd(100)
        busy = Busy(40, 3600.0)
        run = Controller(crowd.api, Client(crowd.api, busy), memory.flags(workers=WORKERS)).start()
        await asyncio.sleep(1)
        assert busy.refused
        asked, now = len(run.client.asked), asyncio.get_running_loop().time()
        await run.stop()
        assert asyncio.get_running_loop().time() - now < 1
        after = run.client.asked[asked:]
        assert {each.plural for each in after} == {"leases"}
        (lease,) = crowd.api.all("leases").values()
        assert lease["spec"]["holderIdentity"] == ""

    memory.run(test())


# Little memory.


@dataclass
class Elsewhere:
    """As much of a cluster as a controller needs that is started (`controllers.ours`)."""

    kubeconfig: Path


@contextlib.contextmanager
def over_http(api: Api, folder: Path, asked: Callable[[int, Asked], None]) -> Iterator[Elsewhere]:
    """The cluster in memory as a server, which tells of each request."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        app = web.Application(client_max_size=1 << 23)
        app.router.add_route("*", "/{path:.*}", functools.partial(_answer, Client(api, asked)))
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        end = asyncio.Event()
        ready.set_result((url, asyncio.get_running_loop(), end))
        await end.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    url, loop, end = ready.result(PATIENCE)
    try:
        config = {
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
        yield Elsewhere(kubeconfig)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(PATIENCE)


async def _answer(client: Client, request: web.Request) -> web.StreamResponse:
    path, query, accept = request.path, dict(request.query), request.headers["Accept"]
    query.pop("fieldManager", None)
    body = await request.json() if request.can_read_body else None
    if "watch" in query:
        response = web.StreamResponse()
        await response.prepare(request)
        async for line in client.watch(path, 0, accept=accept, **query):
            await response.write(line + b"\n")
        return response
    try:
        if request.method == "GET":
            found = await client.get(path, accept=accept, **query)
        elif request.method == "POST":
            found = await client.create(path, body)
        else:
            found = await (client.replace if request.method == "PUT" else client.patch)(path, body)
    except ApiError as error:
        return web.json_response({"code": error.status, "reason": error.reason}, status=error.status)
    return web.Response(body=msgspec.json.encode(found), content_type="application/json")


def _peak(run: Running) -> float:
    """MiB of memory that a process had at most."""
    text = Path(f"/proc/{run.process.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.parametrize(("count", "size"), [(MANY, 2000), (200, 400_000)])
def test_59_whatever_waits_takes_less_than_100_mebibytes(count: int, size: int, tmp_path: Path) -> None:
    """Fake, with a real process: many values of 2 kB, and fewer large ones, so that not all that waits is kept."""
    crowd, some = Crowd(count, size=size), threading.Event()

    def asked(number: int, each: Asked) -> None:
        if crowd.api.count("create", "secrets", namespace=SHOP) >= count // 20:
            some.set()

    with over_http(crowd.api, tmp_path, asked) as cluster, ours(cluster, memory.OWN) as run:  # type: ignore[arg-type]
        assert some.wait(PATIENCE)
        assert _peak(run) < 100
        assert run.end() == 0
    found = crowd.api.all("secrets", SHOP)
    assert len(found) == unsealed(run) <= count
    assert {held(item)["token"] for item in found.values()} == {crowd.value}
    said = {key: item["status"] for key, item in crowd.api.all("sealedsecrets").items() if "status" in item}
    assert said.keys() == found.keys()
    text = json.dumps([said, crowd.api.all("events"), run.log])
    assert crowd.value.decode() not in text


# Leaders.


@pytest.mark.parametrize("standby", [False, True], ids=["alone", "two"])
@pytest.mark.parametrize("fault", ["refused", "late"])
def test_51_renewals_fail_for_a_while_and_what_comes_meanwhile_is_not_lost(fault: str, standby: bool) -> None:
    """Fake. For each length of such a time, about the deadline above all, and with objects all the time."""

    async def test(length: float) -> None:
        crowd = Crowd(0)
        begins = asyncio.get_running_loop().time() + 5

        async def late(number: int, asked: Asked) -> Fault | None:
            left = begins + length - asyncio.get_running_loop().time()
            if asked.plural != "leases" or not 0 < left <= length:
                return None
            if fault == "late":
                await asyncio.sleep(left)
                return None
            return "refused"

        clients = [Client(crowd.api, late), *([Client(crowd.api)] if standby else [])]
        runs = [Controller(crowd.api, each, memory.flags(workers=1)).start() for each in clients]
        for number in range(100):
            crowd.add(f"s-{number}")
            await asyncio.sleep(0.3)
        await asyncio.sleep(60)
        crowd.verify(100)
        for run in runs:
            await run.stop()
            assert run.defects == []
        assert sum(run.opens for run in runs) <= 100 + len(runs)

    for tenths in range(77, 177, 9):  # the deadline is at ten seconds, another one may take over after fifteen
        memory.run(test(tenths / 10))


@pytest.fixture(scope="module")
def loaded(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster for the real tests of this file."""
    with Cluster(*kube_programs) as running:
        running.define(CRD)
        yield running


@pytest.fixture
def case(loaded: Cluster) -> Case:
    """Two new namespaces."""
    return Case.of(loaded)


def _hand_over(case: Case, leader: Running, standby: Running) -> None:
    """The lease is taken from one, and given to another when that one has stopped."""
    (name,) = until(case.own, "leases", bool, leases(case))
    body: dict[str, Any] = {"spec": {"holderIdentity": "nobody", "leaseDurationSeconds": 3600}}
    _patch(case, name, body)
    until_leading(case.own.cluster, leader, False)
    body["spec"] = {"holderIdentity": identity(standby), "leaseDurationSeconds": 15}
    _patch(case, name, body)
    until_leading(case.own.cluster, standby, True)


def _patch(case: Case, name: str, body: dict[str, Any]) -> None:
    cluster, kind = case.own.cluster, "application/merge-patch+json"
    status, answer = cluster.call("PATCH", f"{leases(case)}/{name}", body, kind)
    assert status == 200, answer


def test_52_ten_leader_changes_under_load(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real."""
    hastened(monkeypatch, tmp_path / "hastened")
    changes, each, workers = 10, 12, 2
    flags = f"--workers={workers}"
    with case.runs_ours(flags) as one, case.standby(flags) as other, ThreadPoolExecutor(1) as pool:
        leader, standby = one, other
        batches = [case.bodies(one, each, f"c{number}") for number in range(changes)]
        for number, batch in enumerate(batches):
            creating = pool.submit(case.create, batch)
            _hand_over(case, leader, standby)
            creating.result(PATIENCE)
            leader, standby = standby, leader
            if number:
                name = f"c{number - 1}-0"
                case.objects.patch("sealedsecrets", name, {"spec": case.body(leader, name)["spec"]})
        case.verify()
        told = [e for e in listed(case.objects, "events").values() if e["reason"] == "Unsealed"]
        assert len(told) <= changes * each + changes - 1
        assert changes * each <= unsealed(one) + unsealed(other) <= changes * (each + 1) - 1 + changes * workers
        led = [sum(each["event"] == "leads" for each in run.log) for run in (one, other)]
        assert led == [changes // 2 + 1, changes // 2]


# Versions.


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the version before this one; in a checkout without so much history that of this one."""
    root, folder = Path(__file__).parents[2], tmp_path_factory.mktemp("former")
    parts = ["sealer", "controller", "schemas"]
    made = subprocess.run(["git", "-C", str(root), "archive", FORMER, *parts], capture_output=True, check=False)
    if made.returncode:
        for part in parts:
            shutil.copytree(root / part, folder / part)
        return folder
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextlib.contextmanager
def _of(folder: Path, running: AbstractContextManager[Running]) -> Iterator[Running]:
    """A controller whose program is in this folder."""
    with contextlib.ExitStack() as stack:
        with contextlib.chdir(folder):
            run = stack.enter_context(running)
        assert Path(f"/proc/{run.process.pid}/cwd").resolve() == folder.resolve()
        yield run


def test_61_one_version_after_the_other_with_objects_in_flight(case: Case, former: Path) -> None:
    """Real. A rolling update, a crash of the new version and the old one again, and the update at last."""
    newest = case.keys()
    bodies = [case.bodies(newest, 40, f"w{number}") for number in range(2)]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        old = stack.enter_context(_of(former, case.runs_ours("--workers=1")))
        new = stack.enter_context(case.standby("--workers=1"))
        creating = pool.submit(case.create, bodies[0])
        until(case.objects, "secrets", delivered)
        assert old.end() == 0
        creating.result(PATIENCE)
        until(case.objects, "secrets", lambda now: delivered(now) == 40)
        stood = versions(case.objects, "secrets")
        again = stack.enter_context(_of(former, case.standby("--workers=1")))
        creating = pool.submit(case.create, bodies[1])
        until(case.objects, "secrets", lambda now: delivered(now) > 41)
        new.process.kill()
        new.process.wait(PATIENCE)
        release(case)
        creating.result(PATIENCE)
        case.verify()
        assert stood.items() <= versions(case.objects, "secrets").items()
        assert 80 <= sum(map(unsealed, (old, new, again))) <= 81
        assert again.end() == 0
    before = versions(case.objects, "secrets", "sealedsecrets", "events")
    with case.runs_ours() as last:
        case.verify()
        assert unsealed(last) == 0
        assert versions(case.objects, "secrets", "sealedsecrets", "events") == before
