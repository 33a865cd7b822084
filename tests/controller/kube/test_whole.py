"""A whole controller beside a cluster in memory: who waits for whom, what is asked for, what a status tells to do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any

import pytest

from controller.kube import names
from sealer.formats import envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from sealer.kube.client import ApiError
from tests.controller.kube import keys as keysecrets
from tests.controller.kube import memory
from tests.controller.kube.memory import Api, Asked, Client, Controller, Faults
from tests.controller.kube.objects import values
from tests.controller.samples import state_key

KEM = keys.generate_kem()
WORKERS = 4
WHILE = 60.0
"""Seconds of the loop's own clock, in which all is done that can be."""


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.on_the_loops_time(monkeypatch)


class Refusing:
    """Every creation of shop/db's Secret is answered so; `asked`: how many."""

    def __init__(self, error: ApiError) -> None:
        self._error = error
        self.asked = 0

    def __call__(self, number: int, asked: Asked) -> ApiError | None:
        if (asked.verb, asked.plural, asked.key) != ("create", "secrets", "shop/db"):
            return None
        self.asked += 1
        return self._error


class World:
    """A cluster with keys, and what was sealed there."""

    def __init__(self) -> None:
        self.api = Api()
        for each in (keysecrets.bitnami(0), keysecrets.sealing(KEM, "v2"), keysecrets.identity()):
            self.api.put("secrets", each)
        self.api.put("secrets", keysecrets.state(state_key()[1]))
        self.value = secrets.token_hex(9).encode()

    def seal(self, namespace: str, name: str, **template: Any) -> None:
        """A new SealedSecret."""
        text = envelope_v2.seal(self.value, Binding(Scope.STRICT, namespace, name).context("token"), [KEM.public])
        spec = {"encryptedData": {"token": text}, "template": template}
        metadata = {"namespace": namespace, "name": name}
        item = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": spec}
        self.api.put("sealedsecrets", item)

    def ask(self, key: str, value: str) -> None:
        """Ask for another look, as Flux and people do."""
        self._annotate("sealedsecrets", key, {"reconcile.fluxcd.io/requestedAt": value})

    def hand_over(self, key: str) -> None:
        """What the way out of a status says."""
        self._annotate("secrets", key, {"sealedsecrets.bitnami.com/managed": "true"})

    def _annotate(self, plural: str, key: str, annotations: dict[str, str]) -> None:
        item = self.api.objects[plural][key]
        self.api.put(plural, {**item, "metadata": {**item["metadata"], "annotations": annotations}})

    def status(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.objects["sealedsecrets"][key].get("status", {})
        return found

    def synced(self, key: str) -> tuple[str, str]:
        """Its reason and message."""
        found = self.status(key)["conditions"][0]
        return found["reason"], found["message"]

    def delivered(self, key: str) -> bool:
        item = self.api.objects["secrets"].get(key)
        return item is not None and values(item).get("token") == self.value

    def written(self) -> tuple[int, int, int]:
        """Writes so far: of Secrets, of statuses, of events."""
        made = [self.api.count(verb, "secrets") for verb in ("create", "patch", "delete")]
        return sum(made), self.api.count("update", "sealedsecrets"), self.api.count("create", "events")

    def controller(self, fault: Faults = lambda number, asked: None, **flags: Any) -> Controller:
        return Controller(self.api, Client(self.api, fault), memory.flags(workers=WORKERS, **flags)).start()


def run(test: Coroutine[Any, Any, None]) -> None:
    memory.run(test)


# Namespaces.


def test_a_namespace_whose_secrets_take_for_ever_holds_up_no_other() -> None:
    """Nor does it have more workers than it is allowed to, and all is done in the end."""

    async def test() -> None:
        world = World()
        go = asyncio.Event()
        holds: set[str] = set()

        async def slowly(key: str) -> None:
            holds.add(key)
            await go.wait()

        def fault(number: int, asked: Asked) -> Any:
            greedy = asked.key.startswith("greedy/") and (asked.verb, asked.plural) == ("create", "secrets")
            return slowly(asked.key) if greedy else None

        for number in range(3 * WORKERS):
            world.seal("greedy", f"s-{number}")
        made = world.controller(fault)
        await asyncio.sleep(WHILE)
        assert len(holds) == WORKERS
        for number in range(3):
            world.seal("shop", f"s-{number}")
        await asyncio.sleep(WHILE)
        assert all(world.delivered(f"shop/s-{number}") for number in range(3))
        assert len(holds) == WORKERS
        go.set()
        await asyncio.sleep(WHILE)
        assert all(world.delivered(f"greedy/s-{number}") for number in range(3 * WORKERS))
        assert made.defects == []
        await made.stop()

    run(test())


def test_who_has_one_waits_for_nobody_who_has_a_hundred() -> None:
    async def test() -> None:
        world = World()
        order: list[str] = []

        def fault(number: int, asked: Asked) -> None:
            if (asked.verb, asked.plural) == ("create", "secrets") and asked.key in world.api.objects["sealedsecrets"]:
                order.append(asked.key)

        for number in range(100):
            world.seal("a-first", f"s-{number}")
        world.seal("z-last", "one")
        made = world.controller(fault)
        await asyncio.sleep(WHILE)
        assert len(order) == 101
        assert order.index("z-last/one") <= WORKERS + 2
        await made.stop()

    run(test())


# Another look.


def test_who_asks_is_answered_in_the_status_and_nothing_is_opened_for_it() -> None:
    async def test() -> None:
        world = World()
        world.seal("shop", "db")
        made = world.controller()
        await asyncio.sleep(WHILE)
        before = world.written()
        assert (made.opens, "lastHandledReconcileAt" in world.status("shop/db")) == (1, False)
        for number, value in enumerate(("2026-11-27T20:00:00Z", "again"), 1):
            world.ask("shop/db", value)
            await asyncio.sleep(WHILE)
            assert world.status("shop/db")["lastHandledReconcileAt"] == value
            assert world.written() == (before[0], before[1] + number, before[2])
        assert made.opens == 1
        await made.stop()
        # Who comes next has nothing to do, but for what was asked meanwhile.
        after = world.written()
        second = world.controller()
        await asyncio.sleep(WHILE)
        assert (world.written(), second.opens) == (after, 0)
        await second.stop()
        world.ask("shop/db", "while nobody was there")
        third = world.controller()
        await asyncio.sleep(WHILE)
        assert world.status("shop/db")["lastHandledReconcileAt"] == "while nobody was there"
        assert (world.written(), third.opens) == ((after[0], after[1] + 1, after[2]), 0)
        await third.stop()

    run(test())


def test_what_was_changed_by_hand_is_found_by_who_asks_where_secrets_are_not_watched() -> None:
    async def test() -> None:
        world = World()
        world.seal("shop", "db")
        made = world.controller(skip_recreate=True)
        await asyncio.sleep(WHILE)
        assert world.delivered("shop/db")
        world.api.put("secrets", {**world.api.objects["secrets"]["shop/db"], "data": {"token": "aGFuZA=="}})
        await asyncio.sleep(WHILE)
        assert not world.delivered("shop/db")
        world.ask("shop/db", "now")
        await asyncio.sleep(WHILE)
        assert world.delivered("shop/db")
        assert world.status("shop/db")["lastHandledReconcileAt"] == "now"
        await made.stop()

    run(test())


def test_a_failure_is_answered_too_and_one_that_asks_at_length_is_not() -> None:
    async def test() -> None:
        world = World()
        world.seal("shop", "db", data={"url": "{{ nofunc }}"})
        made = world.controller()
        await asyncio.sleep(WHILE)
        world.ask("shop/db", "now")
        await asyncio.sleep(WHILE)
        assert world.synced("shop/db")[0] == "TemplateError"
        assert world.status("shop/db")["lastHandledReconcileAt"] == "now"
        before = world.written()
        world.ask("shop/db", "x" * 129)
        await asyncio.sleep(WHILE)
        assert world.written() == before
        assert world.status("shop/db")["lastHandledReconcileAt"] == "now"
        await made.stop()

    run(test())


def test_whoever_takes_over_knows_what_was_answered() -> None:
    async def test() -> None:
        world = World()
        world.seal("shop", "db")
        leader = world.controller()
        await asyncio.sleep(WHILE)
        standby = world.controller()
        world.ask("shop/db", "now")
        await asyncio.sleep(WHILE)
        assert standby.app.sealed.unsettled == set()
        before = world.written()
        await leader.stop()
        await asyncio.sleep(WHILE)
        assert (world.written(), standby.opens) == (before, 0)
        await standby.stop()

    run(test())


# Ways out.


def test_a_secret_of_others_is_taken_over_once_the_way_out_is_taken() -> None:
    async def test() -> None:
        world = World()
        theirs = {"metadata": {"namespace": "shop", "name": "db"}, "type": "Opaque", "data": {"token": "dGhlaXJz"}}
        world.api.put("secrets", theirs)
        world.seal("shop", "db")
        made = world.controller()
        await asyncio.sleep(WHILE)
        reason, message = world.synced("shop/db")
        assert reason == "Unmanaged"
        assert "kubectl annotate secret db -n shop sealedsecrets.bitnami.com/managed=true" in message
        world.hand_over("shop/db")
        await asyncio.sleep(WHILE)
        assert world.synced("shop/db") == ("Unsealed", "")
        assert world.delivered("shop/db")
        await made.stop()

    run(test())


def test_an_api_server_that_calls_a_secret_invalid_is_not_asked_again_and_its_type_is_explained() -> None:
    async def test() -> None:
        world = World()
        fault = Refusing(ApiError(422, "Invalid", where="POST", fields=("data[tls.crt]", "data[tls.key]")))
        world.seal("shop", "db", type="kubernetes.io/tls")
        made = world.controller(fault)
        await asyncio.sleep(WHILE)
        said = "the API server answered 422 Invalid (data[tls.crt], data[tls.key])"
        needs = "type kubernetes.io/tls needs the items tls.crt and tls.key"
        assert world.synced("shop/db") == ("Invalid", f"{said}; {needs}")
        assert {each["type"] for each in world.status("shop/db")["conditions"]} == {"Synced", "Ready", "Stalled"}
        assert fault.asked == 1
        (event,) = world.api.all("events").values()
        assert (event["reason"], event["message"]) == ("ErrUpdateFailed", f"{said}; {needs}")
        await made.stop()

    run(test())


def test_who_may_write_no_events_is_told_in_the_log() -> None:
    async def test() -> None:
        world = World()

        def fault(number: int, asked: Asked) -> ApiError | None:
            return ApiError(403, "Forbidden", where="POST") if asked.plural == "events" else None

        for number in range(5):
            world.seal(f"shop-{number}", "db")
        made = world.controller(fault)
        await asyncio.sleep(WHILE)
        told = [each for each in made.log.records if each["event"] == "refused"]
        assert [(each["path"], "ClusterRole" in each["try"]) for each in told] == [("/api/v1/events", True)]
        assert all(world.delivered(f"shop-{number}/db") for number in range(5))
        await made.stop()

    run(test())


def test_for_a_missing_right_it_is_opened_seldom() -> None:
    async def test() -> None:
        world = World()
        fault = Refusing(ApiError(403, "Forbidden", where="POST"))
        world.seal("shop", "db")
        made = world.controller(fault)
        await asyncio.sleep(WHILE)
        assert world.synced("shop/db")[0] == "Forbidden"
        assert 4 <= fault.asked <= 7  # after 1, 2, 4, 8, ... seconds, less the jitter; with the usual back-off it is 14
        await made.stop()

    run(test())


def test_what_was_written_when_the_answer_was_lost_is_found_though_the_watch_is_late() -> None:
    """Else it would be created again and again, and its status tell of the lost answer, until the watch tells."""

    async def test() -> None:
        world = World()
        late = asyncio.Event()

        async def hangs() -> None:
            await late.wait()

        def fault(number: int, asked: Asked) -> Any:
            if (asked.verb, asked.plural) == ("watch", "secrets"):
                return hangs()
            first = (asked.verb, asked.plural) == ("create", "secrets") and not world.api.count("create", "secrets")
            return "lost" if first else None

        made = world.controller(fault)
        await asyncio.sleep(WHILE)
        world.seal("shop", "db")
        await asyncio.sleep(WHILE)
        assert world.delivered("shop/db")
        assert world.synced("shop/db")[0] == "Unsealed"
        assert [each.verb for each in world.api.applied if (each.plural, each.key) == ("secrets", "shop/db")] == [
            "create"
        ]
        assert made.opens == 1
        late.set()
        await made.stop()

    run(test())
