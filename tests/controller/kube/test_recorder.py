"""Events wait for SealedSecrets, and none is lost meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.kube.recorder import Recorder
from controller.kube.rest import Rest
from controller.kube.troubles import Troubles
from sealer.errors import SealerError
from sealer.kube.client import ApiError
from tests.controller.kube import memory

NOW = "2026-11-27T10:00:00Z"


class _Api:
    """Takes events; `fails` is raised once for each that is to be refused. Each takes until `go` is set."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.fails: list[SealerError] = []
        self.at_once = self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def create(self, path: str, body: dict[str, Any], **_: str) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go.wait()
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.fails:
            raise self.fails.pop()
        self.made.append(body)

    @property
    def names(self) -> list[str]:
        return [each["involvedObject"]["name"] for each in self.made]


class _World:
    def __init__(self, most: int = 100) -> None:
        self.api, self.leads, self.said = _Api(), True, list[str]()
        self.fields: list[dict[str, object]] = []
        self.rest = Rest()
        self.recorder = Recorder(
            self.api,  # type: ignore[arg-type]
            self.rest,
            lambda: self.leads,
            self._say,
            lambda: "1",
            most,
            failed=Troubles(self._say, lambda: 0.0).tell,
        )

    def _say(self, level: str, event: str, **fields: object) -> None:
        self.said.append(f"{level} {event}")
        self.fields.append(fields)

    async def take(self, *names: str) -> None:
        for name in names:
            metadata = {"namespace": "shop", "name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
            await self.recorder.take({"metadata": metadata, "spec": {}}, "Unsealed", "", NOW)


def test_what_is_taken_waits_and_is_written_in_order() -> None:
    async def main() -> None:
        world = _World()
        await world.take("a", "b", "c")
        assert (world.api.names, len(world.recorder), world.recorder.free) == ([], 3, True)
        await world.recorder.write()
        assert (world.api.names, len(world.recorder)) == (["a"], 2)
        await world.recorder.written()
        assert (world.api.names, world.recorder.free) == (["a", "b", "c"], False)
        event = world.api.made[0]
        assert event["involvedObject"]["uid"] == "uid-a"
        assert (event["reason"], event["firstTimestamp"]) == ("Unsealed", NOW)

    asyncio.run(main())


def test_one_writes_at_a_time_and_others_see_that() -> None:
    async def main() -> None:
        world = _World()
        await world.take("a", "b")
        world.api.go.clear()
        writing = asyncio.create_task(world.recorder.write())
        await asyncio.sleep(0)
        assert not world.recorder.free
        ending = asyncio.create_task(world.recorder.written())
        await asyncio.sleep(0)
        assert not ending.done()
        world.api.go.set()
        await asyncio.gather(writing, ending)
        assert (world.api.names, world.api.most) == (["a", "b"], 1)

    asyncio.run(main())


def test_who_has_one_too_many_writes_one() -> None:
    async def main() -> None:
        world = _World(most=2)
        await world.take("a", "b", "c", "d")
        assert (world.api.names, len(world.recorder)) == (["a", "b"], 2)

    asyncio.run(main())


@pytest.mark.parametrize(
    "error",
    [
        ApiError(403, "Forbidden", where="events", fields=("metadata.namespace",)),  # a namespace that ends
        ApiError(404, "NotFound", where="events"),
        SealerError("gave no answer"),
    ],
)
def test_one_that_is_refused_is_said_and_left(error: SealerError) -> None:
    async def main() -> None:
        world = _World()
        world.api.fails = [error]
        await world.take("a", "b")
        await world.recorder.written()
        assert (world.api.names, world.said) == (["b"], ["debug event"])

    asyncio.run(main())


def test_who_may_write_no_events_says_so_once() -> None:
    """With the way out, since nobody would miss what never comes."""

    async def main() -> None:
        world = _World()
        world.api.fails = [ApiError(403, "Forbidden", where="events") for _ in range(3)]
        await world.take("a", "b", "c", "d")
        await world.recorder.written()
        assert (world.api.names, world.said) == (["d"], ["warning refused"])
        assert world.fields == [
            {
                "path": "/api/v1/events",
                "reason": "no event is written: the API server answered 403 Forbidden",
                "try": "grant create on events, as the ClusterRole of `sealer-controller manifests` does",
            }
        ]

    asyncio.run(main())


def _busy(seconds: float) -> ApiError:
    error = ApiError(429, "TooManyRequests", where="events")
    error.retry_after = seconds
    return error


def test_a_busy_api_server_gets_no_more_and_the_event_stays() -> None:
    async def main() -> None:
        world = _World(most=2)
        world.api.fails = [_busy(3600.0)]
        await world.take("a", "b")
        await world.recorder.written()
        assert (world.api.names, len(world.recorder), world.said) == ([], 2, [])
        assert world.rest.seconds > 0
        await world.take("c")  # nobody waits for it, and no more than may wait do
        assert (world.api.names, len(world.recorder)) == ([], 2)

    asyncio.run(main())


def test_it_comes_first_once_the_api_server_may_be_asked_again() -> None:
    async def main() -> None:
        world = _World()
        world.api.fails = [_busy(0.0)]
        await world.take("a", "b")
        await world.recorder.written()
        assert (world.api.names, world.said) == ([], [])
        await world.rest.over()
        await world.recorder.written()
        assert (world.api.names, world.said) == (["a", "b"], [])

    memory.run(main())


def test_who_leads_no_more_says_nothing_more() -> None:
    async def main() -> None:
        world = _World()
        await world.take("a", "b")
        world.leads = False
        await world.recorder.written()
        world.leads = True
        await world.take("c")
        await world.recorder.written()
        assert world.api.names == ["c"]

    asyncio.run(main())
