"""One of several acts, whatever happens to it, to the others, to the clocks and to the server between them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from controller.kube.lease import Election, Times
from sealer.errors import SourceError
from sealer.kube.client import ApiError, Unreachable

PATH = "/apis/coordination.k8s.io/v1/namespaces/vault/leases"


class Clock:
    """A monotonic clock that moves when somebody sleeps, all sleepers side by side."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self._sleepers.append((self.now + seconds, event))
        await event.wait()

    async def pass_(self, seconds: float) -> None:
        """Let time pass, step by step, with all that happens meanwhile."""
        end = self.now + seconds
        while True:
            for _ in range(100):  # all that can go on without time passing does
                await asyncio.sleep(0)
            due = min((at for at, _ in self._sleepers), default=end + 1)
            self.now = min(due, end)
            if due > end:
                return
            for each in [each for each in self._sleepers if each[0] <= self.now]:
                self._sleepers.remove(each)
                each[1].set()


class Leases:
    """One lease with its versions; `down` is who gets no answer but `trouble`."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.down: set[str] = set()
        self.trouble: Exception = ApiError(500, "InternalError", where=PATH)

    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = json.loads(json.dumps(body))
        assert self.lease is not None
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return self.lease

    @property
    def holder(self) -> str:
        return self.lease["spec"]["holderIdentity"] if self.lease else ""


class Seat:
    """The requests of one who stands for it, answered as an API server answers them."""

    def __init__(self, leases: Leases, name: str) -> None:
        self._leases, self._name = leases, name

    async def get(self, path: str) -> dict[str, Any]:
        await self._begin(path, f"{PATH}/sealer")
        if self._leases.lease is None:
            raise ApiError(404, "NotFound", where=path)
        return json.loads(json.dumps(self._leases.lease))  # type: ignore[no-any-return]

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        await self._begin(path, PATH)
        if self._leases.lease is not None:
            raise ApiError(409, "AlreadyExists", where=path)
        return self._leases.put(body)

    async def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        await self._begin(path, f"{PATH}/sealer")
        found = self._leases.lease
        if found is None or body["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", where=path)
        return self._leases.put(body)

    async def _begin(self, path: str, right: str) -> None:
        assert path == right
        await asyncio.sleep(0)
        if self._name in self._leases.down:
            raise self._leases.trouble


class World:
    """Leases, a clock, and who stands for election."""

    def __init__(self) -> None:
        self.leases, self.clock = Leases(), Clock()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.elections: dict[str, Election] = {}
        self.working: set[str] = set()
        self.skew: dict[str, float] = {}

    async def join(self, name: str, work: Callable[[], Awaitable[None]] | None = None) -> None:
        seat: Any = Seat(self.leases, name)
        election = Election(
            seat, "vault", "sealer", name, times=Times(), sleep=self.clock.sleep,
            clock=lambda: self.clock() + self.skew.get(name, 0.0),
        )  # fmt: skip

        async def working() -> None:
            self.working.add(name)
            try:
                await (work or asyncio.Event().wait)()  # type: ignore[func-returns-value]
            finally:
                self.working.discard(name)

        self.elections[name] = election
        self.tasks[name] = asyncio.create_task(election.lead(working))
        await self.clock.pass_(0)

    async def stop(self, name: str) -> None:
        """As SIGTERM does."""
        self.tasks[name].cancel()
        await asyncio.wait([self.tasks[name]])

    async def close(self) -> None:
        for name in self.tasks:
            await self.stop(name)


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    try:
        yield made
    finally:
        await made.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_the_first_one_leads_and_goes_on_to() -> None:
    async def test() -> None:
        async with world() as w:
            await w.join("a")
            await w.join("b")
            await w.clock.pass_(120)
            assert w.working == {"a"}
            assert (w.elections["a"].leads, w.elections["b"].leads) == (True, False)
            assert w.leases.lease is not None
            assert w.leases.lease["spec"]["leaseTransitions"] == 0
            assert w.leases.lease["spec"]["leaseDurationSeconds"] == 15

    run(test)


def test_who_is_stopped_gives_it_back_at_once() -> None:
    async def test() -> None:
        async with world() as w:
            await w.join("a")
            await w.join("b")
            await w.stop("a")
            assert w.leases.holder == ""
            await w.clock.pass_(3)
            assert w.working == {"b"}
            assert w.leases.lease is not None
            assert w.leases.lease["spec"]["leaseTransitions"] == 1

    run(test)


def test_who_is_cut_off_stops_before_another_one_begins() -> None:
    async def test() -> None:
        async with world() as w:
            await w.join("a")
            await w.join("b")
            await w.clock.pass_(30)
            w.leases.down.add("a")
            both = False
            for _ in range(40):
                await w.clock.pass_(0.5)
                both = both or w.working == {"a", "b"}
                if not w.elections["a"].leads and not w.elections["b"].leads:
                    assert "b" not in w.working
            assert not both
            assert w.working == {"b"}
            w.leases.down.clear()
            await w.clock.pass_(30)
            assert w.working == {"b"}

    run(test)


TROUBLES = [
    ApiError(500, "InternalError", where=PATH),
    Unreachable("gave no answer", where=PATH),
    SourceError("can't be read", where="token"),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=[type(each).__name__ for each in TROUBLES])
def test_a_short_outage_changes_nothing(trouble: Exception) -> None:
    async def test() -> None:
        async with world() as w:
            w.leases.trouble = trouble
            await w.join("a")
            w.leases.down.add("a")
            await w.clock.pass_(7)
            w.leases.down.clear()
            await w.clock.pass_(20)
            assert w.working == {"a"}

    run(test)


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_clocks_may_differ(skew: float) -> None:
    async def test() -> None:
        async with world() as w:
            w.skew["b"] = skew
            await w.join("a")
            await w.join("b")
            await w.clock.pass_(60)
            assert w.working == {"a"}

    run(test)


def test_a_holder_that_is_gone_is_followed_after_its_time() -> None:
    async def test() -> None:
        async with world() as w:
            await w.join("dead")
            w.tasks["dead"].cancel()
            w.leases.down.add("dead")
            await w.join("b")
            await w.clock.pass_(14)
            assert "b" not in w.working
            await w.clock.pass_(4)
            assert "b" in w.working

    run(test)


def test_a_lease_that_is_deleted_is_made_anew() -> None:
    async def test() -> None:
        async with world() as w:
            await w.join("a")
            w.leases.lease = None
            await w.clock.pass_(5)
            assert w.leases.holder == "a"
            assert w.working == {"a"}

    run(test)


def test_a_lease_that_was_taken_away_ends_the_work() -> None:
    async def test() -> None:
        async with world() as w:
            await w.join("a")
            assert w.leases.lease is not None
            w.leases.lease["spec"]["holderIdentity"] = "thief"
            await w.clock.pass_(3)
            assert w.working == set()
            assert w.leases.holder == "thief", "it is not given back by who does not have it"

    run(test)


def test_work_that_ends_or_fails_gives_it_back() -> None:
    async def fail() -> None:
        raise RuntimeError("of the work")

    async def end() -> None:
        pass

    async def test() -> None:
        async with world() as w:
            await w.join("a", end)
            await asyncio.wait_for(w.tasks["a"], 5)
            assert w.leases.holder == ""
            await w.join("b", fail)
            with pytest.raises(RuntimeError, match="of the work"):
                await asyncio.wait_for(w.tasks["b"], 5)
            assert w.leases.holder == ""

    run(test)
