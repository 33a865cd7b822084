"""A whole controller that answers over HTTP in a thread: what holds up its own loop, what holds up the other, its end.

The cluster is in memory, all else is real. A test runs in a thread of its own, beside the controller's loop.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from controller import aside, serving
from controller.kube import answering, health, http
from controller.kube import app as apps
from controller.kube.health import Health
from controller.kube.lease import Election, Times
from controller.kube.registry import KeyRegistry
from tests.controller.kube import memory
from tests.controller.kube.endpoints import Client as Caller
from tests.controller.kube.endpoints import encoded, raw, sealed, until_closed
from tests.controller.kube.test_whole import World
from tests.controller.running.test_notify import Clock
from tests.sealer.rings import rsa_key

if TYPE_CHECKING:
    from tests.controller.kube.memory import Asked

WAITS = 30.0
WORD = secrets.token_hex(8)


class Records:
    """What a controller says, to be waited for by any thread."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._moved = threading.Condition()

    def __getattr__(self, level: str) -> Callable[..., None]:
        if level.startswith("_"):
            raise AttributeError(level)
        return lambda event, **fields: self._add({"level": level, "event": event, **fields})

    def _add(self, record: dict[str, Any]) -> None:
        with self._moved:
            self.all.append(record)
            self._moved.notify_all()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.all if each["event"] == event]

    def until(self, event: str) -> dict[str, Any]:
        with self._moved:
            assert self._moved.wait_for(lambda: self.of(event), WAITS), f"no {event}: {self.all}"
            return self.of(event)[0]


class Beats(Health):
    """Counts the beats."""

    def __init__(self, clock: Clock, told: Callable[[float, str], None]) -> None:
        super().__init__(clock, told)
        self.count = threading.Semaphore(0)

    def beat(self, ready: bool) -> None:
        super().beat(ready)
        self.count.release()


class Running:
    """A controller that runs, and what a test does with it from another thread."""

    def __init__(self, world: World, clock: Clock, **flags: Any) -> None:
        self.world, self.clock, self.log = world, clock, Records()
        self.asked: dict[tuple[str, str], threading.Semaphore] = {}
        client = memory.Client(world.api, self._count)
        wanted = replace(memory.flags(**flags), listen="127.0.0.1:0", listen_metrics="127.0.0.1:0")
        environ = {"POD_NAMESPACE": memory.OWN, "POD_NAME": "pod"}
        self.app = apps.App(wanted, lambda: client, self.log, "test", environ)  # type: ignore[arg-type,return-value]
        self.loop = asyncio.get_running_loop()

    def _count(self, number: int, asked: Asked) -> None:
        self.asked.setdefault((asked.verb, asked.plural), threading.Semaphore(0)).release()

    def until(self, verb: str, plural: str, times: int) -> None:
        """So many more requests of this kind."""
        one = self.asked.setdefault((verb, plural), threading.Semaphore(0))
        while one.acquire(blocking=False):
            pass
        for _ in range(times):
            assert one.acquire(timeout=WAITS), f"no {verb} {plural}"

    def on_its_loop(self, function: Callable[[], Any]) -> Any:
        """What a function returns there."""

        async def called() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(WAITS)

    @property
    def at(self) -> Caller:
        host, _, port = self.log.until("listen")["address"].rpartition(":")
        return Caller(host, int(port))

    @property
    def metrics(self) -> Caller:
        host, _, port = self.log.until("listen")["metrics"].rpartition(":")
        return Caller(host, int(port))

    @property
    def beats(self) -> threading.Semaphore:
        found = self.app._health
        assert isinstance(found, Beats)
        return found.count


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a test in a thread, beside a controller that leads and is ready, and ends that."""
    clock = Clock()
    monkeypatch.setattr(health, "_PERIOD", 0.01)
    monkeypatch.setattr(answering, "_LOOKS", 0.01)
    monkeypatch.setattr(aside, "_ENDS", WAITS)
    monkeypatch.setattr(serving, "_GRACE", WAITS)
    monkeypatch.setattr(apps, "Client", lambda access, **_: access())
    monkeypatch.setattr(apps, "Health", lambda told: Beats(clock, told))
    quick = Times(period=0.01)
    monkeypatch.setattr(apps, "Election", lambda *arguments, **named: Election(*arguments, **named, times=quick))

    def run(test: Callable[[Running], None], **flags: Any) -> None:
        async def main() -> None:
            running = Running(World(), clock, **flags)
            task = asyncio.create_task(running.app.run())
            try:
                await asyncio.to_thread(begun, running)
            finally:
                if not task.done():
                    os.kill(os.getpid(), signal.SIGTERM)
                await task

        def begun(running: Running) -> None:
            for event in ("listen", "leads", "ready"):
                running.log.until(event)
            test(running)

        asyncio.run(main())
        assert [each.name for each in threading.enumerate() if each.name == "http"] == []

    return run


class Held:
    """A place where whoever comes by waits until it goes on."""

    def __init__(self) -> None:
        self.reached, self.goes_on = threading.Event(), threading.Event()

    def __call__(self, *_: object, **__: object) -> bool:
        self.reached.set()
        assert self.goes_on.wait(WAITS)
        return True


def test_the_lease_is_renewed_and_documents_are_delivered_while_http_is_held_up(
    controller: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a flood without an end: of the loop that answers not one turn is left."""
    held = Held()
    monkeypatch.setattr(KeyRegistry, "certificate", property(held))

    def test(running: Running) -> None:
        with ThreadPoolExecutor(1) as pool:
            flood = pool.submit(running.at.get, "/v1/cert.pem")
            assert held.reached.wait(WAITS)
            try:
                running.until("update", "leases", 5)
                assert not running.on_its_loop(lambda: running.world.delivered("shop/db"))
                running.on_its_loop(lambda: running.world.seal("shop", "db"))
                while not running.on_its_loop(lambda: running.world.delivered("shop/db")):
                    running.until("update", "leases", 1)
                assert not flood.done()
            finally:
                held.goes_on.set()
            assert flood.result(WAITS)[0] == 500

    controller(test)


def test_a_probe_is_told_that_the_loop_that_works_hangs(controller: Callable[..., None]) -> None:
    def test(running: Running) -> None:
        held, at = Held(), running.at
        assert at.get("/healthz") == at.get("/readyz") == (200, b"ok\n")
        running.loop.call_soon_threadsafe(held)
        assert held.reached.wait(WAITS)
        try:
            # Nothing is wrong yet.
            running.clock.now += 10
            assert at.get("/healthz") == at.get("/readyz") == (200, b"ok\n")
            running.clock.now += 10
            said = (503, b"the controller has not come any further for 20 s\n")
            assert (at.get("/healthz"), at.get("/healthz")) == (said, said)
            assert at.get("/readyz") == (503, b"not ready\n")
            code, page = running.metrics.get("/metrics")
            assert code == 200
            assert b"sealer_leader 1.0" in page
            assert b'sealer_queue_depth{lane="new"} 0.0' in page
            assert at.get("/v1/cert.pem") == (200, rsa_key(0).public.certificate.encode())
            assert at.post("/v1/verify", sealed({"a": b"b"}, rsa_key(0))) == (200, b"")
            (hangs,) = running.log.of("hangs")
            assert (hangs["level"], hangs["seconds"]) == ("error", 20)
            assert "test_answering.py:" in hangs["at"]
        finally:
            held.goes_on.set()
        while running.beats.acquire(blocking=False):
            pass
        assert running.beats.acquire(timeout=WAITS)
        assert at.get("/healthz") == at.get("/readyz") == (200, b"ok\n")

    controller(test)


def test_what_waits_is_asked_of_the_loop_that_works(
    controller: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "_LOOKS", WAITS)

    def test(running: Running) -> None:
        threads = set()
        ask = running.app.queue.numbers
        running.app.metrics._waiting._numbers = lambda: threads.add(threading.current_thread()) or ask()  # type: ignore[func-returns-value,union-attr]
        running.on_its_loop(lambda: running.app.queue.add_after("shop/later", 1000))
        _, page = running.metrics.get("/metrics")
        assert b'sealer_queue_depth{lane="delayed"} 1.0' in page
        assert threads == {threading.main_thread()}

    controller(test)


@pytest.mark.parametrize("where", [(serving._Server, "main_loop"), (serving, "Door")])
def test_an_error_of_the_thread_ends_the_controller(monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]) -> None:
    """While it answers, and before it does."""

    def fails(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(apps, "Client", lambda access, **_: access())
    monkeypatch.setattr(*where, fails)

    async def main() -> None:
        async with asyncio.timeout(WAITS):
            await Running(World(), Clock()).app.run()

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(main())


def test_at_the_end_nobody_is_let_in_and_what_is_worked_on_is_answered(
    controller: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    monkeypatch.setattr(http, "opens", held)
    document = sealed({"a": b"b"}, rsa_key(0))

    def test(running: Running) -> None:
        at = running.at
        with ThreadPoolExecutor(1) as pool, raw(at) as idle:
            asks = pool.submit(at.post, "/v1/verify", document)
            assert held.reached.wait(WAITS)
            os.kill(os.getpid(), signal.SIGTERM)
            assert until_closed(idle) == b""
            with pytest.raises(ConnectionError):
                at.get("/healthz")
            held.goes_on.set()
            assert asks.result(WAITS) == (200, b"")

    controller(test)


def test_who_ends_is_not_ready_while_it_ends_what_it_does(
    controller: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on answering meanwhile: whoever still finds it in a Service is not turned away."""
    drains = threading.Event()
    goes_on: list[asyncio.Event] = []

    async def drain(_: apps.App) -> None:
        goes_on.append(asyncio.Event())
        drains.set()
        await goes_on[0].wait()

    monkeypatch.setattr(apps.App, "_drain", drain)

    def test(running: Running) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert drains.wait(WAITS)
        at = running.at
        assert (at.get("/healthz"), at.get("/readyz")) == ((200, b"ok\n"), (503, b"not ready\n"))
        assert at.get("/v1/cert.pem")[0] == 200
        running.until("update", "leases", 2)
        running.loop.call_soon_threadsafe(goes_on[0].set)

    controller(test)


def test_the_log_says_why_something_is_not_sealed_anew(
    controller: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def test(running: Running) -> None:
        elsewhere = sealed({WORD: WORD.encode()}, rsa_key(0)) | {"metadata": {"name": WORD, "namespace": "shop"}}
        for each in (encoded(elsewhere), WORD.encode()):
            assert running.at.ask("POST", "/v1/rotate", each)[0] == 500
        with monkeypatch.context() as patch:
            patch.setattr(http.rotate, "rotate", lambda *_, **__: {}[WORD])
            assert running.at.post("/v1/rotate", elsewhere) == (500, b"Internal Server Error")
        found = [(each["level"], each["code"], each["reason"], each["error"]) for each in running.log.of("rotate")]
        assert found == [
            ("info", 500, "cannot rotate: no key could decrypt secret", "CannotOpen"),
            ("info", 500, "cannot rotate: it is no SealedSecret", "Malformed"),
            ("error", 500, "a defect of this program", "KeyError"),
        ]
        assert WORD not in str(running.log.all)

    controller(test, rate_limit=0)
