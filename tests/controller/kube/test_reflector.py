"""A collection is followed through every fault that a server or a network can have: nothing is lost, nothing twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.kube.listing import PAGE
from controller.kube.reflector import Reflector
from sealer.kube.client import Client
from sealer.kube.kubeconfig import Access, Cluster, User
from tests.controller.kube.fakeapi import PATH, PATIENCE, FakeApi, item, status

ANYONE = User(token="t")


class Mirror:
    """What a handler knows: the newest of each object, and all that it was told."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.told: list[tuple[str, str]] = []
        self.completed = 0
        self._moved = asyncio.Event()

    def seen(self, key: str, item: dict[str, Any], *, listed: bool) -> None:
        self.items[key] = item
        self.told.append(("listed" if listed else "seen", key))
        self._moved.set()

    def gone(self, key: str, uid: str) -> None:
        assert self.items.pop(key)["metadata"]["uid"] == uid
        self.told.append(("gone", key))
        self._moved.set()

    def complete(self) -> None:
        self.completed += 1
        self._moved.set()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for what is told; fails only if it never is."""
        async with asyncio.timeout(PATIENCE):
            while not wanted():
                self._moved.clear()
                if not wanted():
                    await self._moved.wait()


class World:
    """A server, a client, a reflector that runs, and the waits that it asked for."""

    def __init__(self, api: FakeApi, mirror: Mirror, waits: list[float]) -> None:
        self.api, self.mirror, self.waits = api, mirror, waits

    async def settled(self) -> None:
        """Until the mirror shows what the server has."""
        await self.mirror.until(lambda: self.mirror.items == {f"shop/{k}": v for k, v in self.api.items.items()})


@asynccontextmanager
async def world(
    *names: str, before: Callable[[FakeApi], object] = lambda _: None, user: User = ANYONE
) -> AsyncIterator[World]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async with FakeApi() as api:
        for name in names:
            await api.put(name)
        before(api)
        access = Access(Cluster(api.url), user, "default")
        async with Client(lambda: access) as client:
            mirror = Mirror()
            reflector = Reflector(client, PATH, mirror, sleep=sleep, draw=lambda _, high: high)
            task = asyncio.create_task(reflector.run())
            try:
                yield World(api, mirror, waits)
                assert not task.done(), "it never ends by itself"
            finally:
                task.cancel()
                await asyncio.wait([task])


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_list_then_watch() -> None:
    async def test() -> None:
        async with world("a", "b") as w:
            await w.settled()
            assert [kind for kind, _ in w.mirror.told] == ["listed", "listed"]
            await w.api.put("c")
            await w.api.put("a")
            await w.api.delete("b")
            await w.settled()
            assert w.mirror.told[2:] == [("seen", "shop/c"), ("seen", "shop/a"), ("gone", "shop/b")]
            assert len(w.api.lists) == 1
            assert {each["allowWatchBookmarks"] for each in w.api.watches} == {"true"}

    run(test)


def test_the_first_page_is_short_and_tells_how_long_the_next_may_be() -> None:
    async def test() -> None:
        names = [f"n{number:05}" for number in range(10 + PAGE + 7)]
        async with world(*names) as w:
            await w.settled()
            assert [each["limit"] for each in w.api.lists] == ["10"] + [str(PAGE)] * 2
            assert len(w.mirror.told) == len(names)

    run(test)


@pytest.mark.parametrize("resumable", [True, False])
def test_a_list_that_expires_half_way_is_still_whole(resumable: bool) -> None:
    async def test() -> None:
        def expiring(api: FakeApi) -> None:
            api.expire_tokens, api.resumable = 1, resumable

        names = [f"n{number:05}" for number in range(PAGE + 7)]
        async with world(*names, before=expiring) as w:
            await w.settled()
            assert w.mirror.completed == 1
            # From the first page on: what changed before the second one is seen by the watch.
            listed = str(w.api.version)
            await w.api.put("later")
            await w.settled()
            assert w.api.watches[0]["resourceVersion"] == listed

    run(test)


@pytest.mark.parametrize("as_event", [True, False])
def test_what_a_gap_held_is_made_up_for(as_event: bool) -> None:
    async def test() -> None:
        async with world("changed", "deleted", "again", "same") as w:
            await w.settled()
            if not as_event:
                w.api.answers.append((410, status(410, "Expired"), {}))
            w.api.silent = True
            await w.api.put("changed")
            await w.api.delete("deleted")
            await w.api.delete("again")
            await w.api.put("again", uid="another")
            await w.api.put("new")
            w.api.compact()
            w.api.silent = False
            await w.api.close_watches()
            await w.settled()
            assert ("gone", "shop/deleted") in w.mirror.told
            assert w.mirror.told.count(("gone", "shop/again")) == 1, "its uid is another one"
            assert w.mirror.told.count(("listed", "shop/same")) == 1, "what did not change is told once"
            await w.api.put("later")
            await w.settled()

    run(test)


def test_a_storm_of_410_is_waited_out_ever_longer() -> None:
    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            for _ in range(6):
                w.api.lines.append([json.dumps({"type": "ERROR", "object": status(410, "Expired")}).encode() + b"\n"])
            await w.api.close_watches()
            await w.mirror.until(lambda: w.mirror.completed == 7)
            assert w.waits[-6:] == sorted(w.waits[-6:])
            assert w.waits[-1] > 8 * w.waits[-6]
            await w.api.put("b")
            await w.settled()

    run(test)


TORN = [
    [b'{"type":"ADDED","object":{"metadata"'],
    [b"no JSON\n"],
    [b'{"type":"ADDED"}\n'],
    [b'{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n'],
    [b"[]\n"],
    [b"\n\n"],
    [json.dumps({"type": "ERROR", "object": status(500, "InternalError")}).encode() + b"\n"],
    [json.dumps({"type": "ERROR", "object": None}).encode() + b"\n"],
]


@pytest.mark.parametrize("lines", TORN)
def test_a_watch_that_breaks_goes_on_from_where_it_was(lines: list[bytes]) -> None:
    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            w.api.lines.append(lines)
            await w.api.close_watches()
            await w.api.put("b")
            await w.settled()
            assert len([each for each in w.api.lists if each["limit"] != "1"]) == 1

    run(test)


def test_after_three_that_break_it_lists() -> None:
    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            for _ in range(3):
                w.api.lines.append([b"torn"])
            await w.api.close_watches()
            await w.mirror.until(lambda: w.mirror.completed == 2)
            await w.api.put("b")
            await w.settled()

    run(test)


def test_what_the_server_asks_for_is_waited() -> None:
    async def test() -> None:
        def busy(api: FakeApi) -> None:
            api.answers.append((429, status(429, "TooManyRequests"), {"Retry-After": "77"}))
            api.answers.append((503, status(503, "ServiceUnavailable", details={"retryAfterSeconds": 55}), {}))

        async with world("a", before=busy) as w:
            await w.settled()
            assert w.waits[:2] == [77.0, 55.0]

    run(test)


def test_bookmarks_and_unknown_events_only_move_on() -> None:
    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            lines = [
                json.dumps({"type": kind, "object": {"metadata": {"resourceVersion": version}}}).encode() + b"\n"
                for kind, version in (("BOOKMARK", "150"), ("NOVELTY", "160"))
            ]
            w.api.version = 200
            w.api.lines.append(lines)
            await w.api.close_watches()
            await w.api.put("b")
            await w.settled()
            assert "160" in [each["resourceVersion"] for each in w.api.watches]

    run(test)


def test_events_that_come_twice_are_told_once() -> None:
    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            again = json.dumps({"type": "ADDED", "object": w.api.items["a"]}).encode() + b"\n"
            gone = json.dumps({"type": "DELETED", "object": item("never", 99)}).encode() + b"\n"
            w.api.lines.append([again, again, gone])
            await w.api.close_watches()
            await w.api.put("b")
            await w.settled()
            assert w.mirror.told == [("listed", "shop/a"), ("seen", "shop/b")]

    run(test)


def test_a_server_from_a_backup_is_told_anew() -> None:
    async def test() -> None:
        async with world("a", "b") as w:
            await w.settled()
            w.api.version = 50
            w.api.items = {"a": item("a", 40)}
            w.api.events.clear()
            await w.api.close_watches()
            await w.mirror.until(lambda: w.mirror.completed == 2)
            assert w.mirror.items == {"shop/a": item("a", 40)}
            await w.api.put("c")
            await w.settled()

    run(test)


def test_a_server_that_ends_each_watch_at_once_is_asked_less_and_less() -> None:
    """As behind a proxy that doesn't stream."""

    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            for count in range(2):
                await w.api.close_watches()
                while len(w.waits) == count:
                    await asyncio.sleep(0)
            assert w.waits[1] == 2 * w.waits[0]

    run(test)


def test_a_large_object_arrives_whole() -> None:
    async def test() -> None:
        async with world("a") as w:
            await w.settled()
            large = item("large", 300)
            large["spec"]["data"] = "x" * 1_400_000
            w.api.lines.append([json.dumps({"type": "ADDED", "object": large}).encode() + b"\n"])
            await w.api.close_watches()
            await w.mirror.until(lambda: "shop/large" in w.mirror.items)
            assert w.mirror.items["shop/large"] == large

    run(test)


def test_credentials_that_are_gone_for_a_while_end_nothing(tmp_path: Path) -> None:
    token = tmp_path / "token"

    async def test() -> None:
        async with world("a", user=User(token_file=token)) as w:
            async with asyncio.timeout(PATIENCE):
                while len(w.waits) < 3:
                    await asyncio.sleep(0)
            assert w.api.lists == []
            token.write_text("t")
            await w.settled()

    run(test)
