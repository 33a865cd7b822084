"""Case 38 of operators.md, section 4: a controller that is killed at any moment, and the one after it.

What outlives a controller stands in the API server, and only requests change that: whoever is killed between two of
them leaves what who is killed right after the first leaves. So all moments are those before and after each request,
of one whole run that creates, updates, takes over, refuses, repairs and deletes; each is tried, all fake, and so are
requests that fail while the controller lives on (29, 30).

The end is always the same: each Secret holds what was sealed last, nobody else's was touched, no value is anywhere
else, nothing was opened or written oftener than a run without faults does, but for what each worker had in hand.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.kube import names
from sealer.formats import envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from tests.controller.kube import keys as keysecrets
from tests.controller.kube import memory
from tests.controller.kube.memory import OWN, Api, Asked, Client, Controller, Fault, Item
from tests.controller.kube.objects import values as held
from tests.controller.samples import state_key
from tests.sealer.rings import rsa_key

SHOP = "shop"
KEM, FOREIGN_KEM = keys.generate_kem(), keys.generate_kem()
STATE = state_key()[1]
SETTLES = 4.0
"""Seconds of the loop, which pass at once: all that is to be done is done, and the lease is renewed a few times."""
TAKES_OVER = 60.0
"""As many, until the lease of who was killed has run out."""


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.on_the_loops_time(monkeypatch)


def _value() -> bytes:
    return secrets.token_hex(16).encode()


@dataclass
class World:
    """The cluster, what users do in it step by step, and what should stand after all of that."""

    api: Api = field(default_factory=Api)
    wanted: dict[str, dict[str, bytes]] = field(default_factory=dict)
    values: list[bytes] = field(default_factory=list)
    foreign: dict[str, Item] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    marks: bool = True
    """Whether controllers read the marks of those before them; without, what no status tells of may be drawn again."""
    controllers: list[Controller] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = keysecrets.bitnami(0), keysecrets.sealing(KEM, "v2"), keysecrets.identity(), keysecrets.state(STATE)
        for item in found:
            self.api.put("secrets", item)

    def controller(
        self, fault: Callable[[int, Asked], Fault | None] = lambda number, asked: None, **flags: Any
    ) -> Controller:
        """One that runs."""
        made = Controller(self.api, Client(self.api, fault), memory.flags(**flags))
        self.controllers.append(made)
        return made.start()

    # What users do.

    def seal(self, name: str, *, v2: bool = False, items: int = 1, **spec: Any) -> None:
        """Create or change a SealedSecret."""
        new = {f"item{number}": _value() for number in range(items)}
        place = Binding(Scope.STRICT, SHOP, name)
        text = {
            key: envelope_v2.seal(value, place.context(key), [KEM.public])
            if v2
            else envelope_v1.seal(value, place.label(), rsa_key(0).public)
            for key, value in new.items()
        }
        self.api.put("sealedsecrets", _sealed(name, {"encryptedData": text, **spec}))
        self.values += new.values()
        self.wanted[name] = new

    def refuse(self, name: str, text: str) -> None:
        """One that nobody can deliver."""
        self.api.put("sealedsecrets", _sealed(name, {"encryptedData": {"token": text}}))

    def stand(self, name: str, *, namespace: str = SHOP, **annotations: str) -> Item:
        """A Secret of somebody else."""
        self.values.append(_value())
        metadata = {"namespace": namespace, "name": name, "annotations": annotations}
        data = {"theirs": base64.b64encode(self.values[-1]).decode()}
        return self.api.put("secrets", {"metadata": metadata, "type": "Opaque", "data": data})

    def edit(self, name: str) -> None:
        """Change a Secret by hand."""
        stands = self.api.objects["secrets"][f"{SHOP}/{name}"]
        self.api.put("secrets", {**stands, "data": {"item0": "aGFuZA==", "more": "aGFuZA=="}})

    def begin(self) -> None:
        """What is there when the first controller starts."""
        for namespace, name in ((SHOP, "strange"), (SHOP, "alone"), ("other", "plain"), (OWN, "beside")):
            self.foreign[f"{namespace}/{name}"] = self.stand(name, namespace=namespace)
        for name, mark in (("taken", names.MANAGED), ("merged", names.PATCH)):
            self.stand(name, **{mark: "true"})
            self.seal(name)
        self.wanted["merged"] |= {"theirs": self.values[-2]}
        for number in range(2):
            self.seal(f"v1-{number}", items=2)
            self.seal(f"v2-{number}", v2=True)
        for name in ("edited", "doomed", "lost", "again"):
            self.seal(name, v2=True)
        self.seal("drawn", v2=True, template={"data": {"made": "{{ randAlphaNum 24 }}"}})
        place = Binding(Scope.STRICT, SHOP, "foreign-key")
        self.refuse("foreign-key", envelope_v2.seal(_value(), place.context("token"), [FOREIGN_KEM.public]))
        self.refuse("garbage", "AgA")
        self.seal("strange")
        del self.wanted["strange"]

    def change(self) -> None:
        """All that may happen to what was delivered."""
        self.seal("v1-0")
        self.seal("v2-0", v2=True, items=3)
        self.seal("late")
        self.api.delete("sealedsecrets", f"{SHOP}/doomed")
        del self.wanted["doomed"]
        self.api.delete("sealedsecrets", f"{SHOP}/again")
        self.seal("again")
        if f"{SHOP}/edited" in self.api.objects["secrets"]:
            self.edit("edited")
        if f"{SHOP}/lost" in self.api.objects["secrets"]:
            self.api.delete("secrets", f"{SHOP}/lost")

    def mend(self) -> None:
        """What was refused is deleted or sealed right."""
        self.seal("garbage", v2=True)
        self.api.delete("sealedsecrets", f"{SHOP}/strange")
        self.seal("v2-0", v2=True)
        self.seal("doomed")

    @property
    def steps(self) -> tuple[Callable[[], None], ...]:
        return self.change, self.mend

    # What came of it.

    @property
    def opens(self) -> int:
        return sum(each.opens for each in self.controllers)

    def look(self) -> None:
        """Note what was drawn, which must never be another again."""
        stands = self.api.objects["secrets"].get(f"{SHOP}/drawn")
        told = "status" in self.api.objects["sealedsecrets"][f"{SHOP}/drawn"]
        if stands is not None and (told or self.marks):
            self.drawn.add(stands["data"]["made"])

    def verify(self) -> None:
        """Each Secret is right, each status says so, and nothing else happened."""
        self.look()
        stands = {key.partition("/")[2]: item for key, item in self.api.all("secrets", SHOP).items()}
        for name, item in self.foreign.items():
            assert self.api.objects["secrets"][name] == item
        found = {name: held(item) for name, item in stands.items() if f"{SHOP}/{name}" not in self.foreign}
        (made,) = self.drawn
        assert found.get("drawn", {}).pop("made", b"") == base64.b64decode(made)
        assert found == self.wanted
        self._told()
        self._nothing_leaked()
        self._events()

    def _told(self) -> None:
        for key, item in self.api.all("sealedsecrets").items():
            name = key.partition("/")[2]
            status = item["status"]
            said = {each["type"]: each["status"] for each in status["conditions"]}
            assert status["observedGeneration"] == item["metadata"]["generation"], name
            assert said["Synced"] == ("True" if name in self.wanted else "False"), (name, status)
            if name in self.wanted:
                metadata = self.api.objects["secrets"][key]["metadata"]
                assert status["secretRef"] == {each: metadata[each] for each in ("name", "uid", "resourceVersion")}
                assert [each["uid"] for each in metadata.get("ownerReferences", ())] == (
                    [] if name == "merged" else [item["metadata"]["uid"]]
                )

    def _nothing_leaked(self) -> None:
        """No value in anything but a Secret, nor in what controllers say or send elsewhere."""
        sent = [each.body for run in self.controllers for each in run.client.asked if each.plural != "secrets"]
        objects = [self.api.all(plural) for plural in ("sealedsecrets", "events", "leases")]
        text = json.dumps([sent, objects, [run.log.records for run in self.controllers]], default=str)
        for value in self.values:
            assert value.decode() not in text
            assert base64.b64encode(value).decode().rstrip("=")[:-1] not in text

    def _events(self) -> None:
        """None was told twice: one for each verdict of each generation."""
        told = Counter(
            (each["involvedObject"]["uid"], each["involvedObject"]["resourceVersion"], each["reason"])
            for each in self.api.all("events").values()
        )
        assert [each for each, count in told.items() if count > 1] == []
        for run in self.controllers:
            assert run.defects == []


def _sealed(name: str, spec: dict[str, Any]) -> Item:
    metadata = {"namespace": SHOP, "name": name, "annotations": {}}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": spec}


async def _steps(world: World, left: list[Callable[[], None]]) -> None:
    """What users do while a controller runs, each step when the former is done; `left` are those to come."""
    await asyncio.sleep(SETTLES)
    while left:
        left.pop(0)()
        await asyncio.sleep(SETTLES)


async def _undisturbed(**flags: Any) -> World:
    world = World()
    world.begin()
    run = world.controller(**flags)
    await _steps(world, list(world.steps))
    world.look()
    await run.stop()
    world.verify()
    return world


@dataclass(frozen=True)
class Bound:
    """What a run without faults took, and how many requests it made."""

    requests: int
    opens: int
    writes: int
    events: int
    statuses: int

    @classmethod
    def of(cls, world: World) -> Bound:
        api = world.api
        writes = sum(api.count(verb, "secrets", namespace=SHOP) for verb in ("create", "patch", "delete"))
        requests = len(world.controllers[0].client.asked)
        return cls(requests, world.opens, writes, api.count("create", "events"), api.count("update", "sealedsecrets"))


def _at(number: int, fault: Fault) -> Callable[[int, Asked], Fault | None]:
    return lambda count, asked: fault if count == number else None


async def _killed(
    number: int, fault: Fault, workers: int, *, gap: bool, then: Callable[[], None] | None = None
) -> World:
    """A run whose n-th request is the last one; `gap`: users go on before there is another controller."""
    world = World(marks=then is None)
    world.begin()
    left = list(world.steps)
    first = world.controller(_at(number, fault), workers=workers)
    if not await first.until_killed(_steps(world, left)):
        await first.stop()  # so it is killed as it gives the lease back
    assert first.client.killed.is_set()
    world.look()
    while gap and left:
        left.pop(0)()
    if then is not None:
        then()
    second = world.controller(workers=workers)
    await asyncio.sleep(TAKES_OVER)
    world.look()
    await _steps(world, left)
    await second.stop()
    world.verify()
    return world


def _within(found: Bound, bound: Bound, more: int, what: object) -> None:
    """No more than a run without faults took, but for what so many workers had opened and not written yet."""
    assert found.opens <= bound.opens + more, what
    assert found.writes <= bound.writes, what
    assert found.events <= bound.events, what
    assert found.statuses <= bound.statuses, what


# One worker's n-th request that was answered to nobody leaves what the next that never came does: "after" is enough.
@pytest.mark.parametrize(
    ("workers", "fault", "gap"), [(1, "after", False), (1, "after", True), (4, "before", False), (4, "after", True)]
)
def test_38_killed_at_any_request_and_the_next_goes_on(workers: int, fault: Fault, gap: bool) -> None:
    """Fake."""
    bound = Bound.of(memory.run(_undisturbed(workers=workers)))
    for number in range(1, bound.requests + 1):
        found = Bound.of(memory.run(_killed(number, fault, workers, gap=gap)))
        _within(found, bound, workers, number)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)], ids=["up", "down"])
def test_61_killed_at_any_request_and_the_next_is_of_another_version(
    first: int, second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fake. One reads nothing of the marks that the other leaves at Secrets: it opens again, and all is as it was."""

    def version(number: int) -> None:
        monkeypatch.setattr("controller.kube.standing._VERSION", number)

    version(first)
    bound = Bound.of(memory.run(_undisturbed(workers=1)))
    for number in range(1, bound.requests + 1):
        version(first)
        found = Bound.of(memory.run(_killed(number, "after", 1, gap=False, then=lambda: version(second))))
        assert found.opens <= bound.opens + 2, number
        assert found.writes <= bound.writes + 1, number
        assert found.events <= bound.events, number


@pytest.mark.parametrize("life", [14, 17, 20, 31])
def test_38_killed_again_and_again(life: int) -> None:
    """Fake. Each lives for so many requests, of which it needs a dozen to begin with; one at last lives on."""

    async def test() -> World:
        world = World()
        world.begin()
        left = list(world.steps)
        for _ in range(12):
            run = world.controller(_at(life, "after"), workers=1)
            assert await run.until_killed(asyncio.sleep(10 * TAKES_OVER))
            world.look()
        await _survives(world, left)
        return world

    bound = Bound.of(memory.run(_undisturbed(workers=1)))
    _within(Bound.of(memory.run(test())), bound, 12, life)


async def _survives(world: World, left: list[Callable[[], None]]) -> None:
    """One more controller, to the end of the run."""
    last = world.controller(workers=1)
    await asyncio.sleep(TAKES_OVER)
    world.look()
    await _steps(world, left)
    await last.stop()
    world.verify()


@pytest.mark.parametrize("fault", ["lost", "conflict", "refused"])
def test_29_30_any_request_fails_and_the_controller_goes_on(fault: Fault) -> None:
    """Fake. A failed one is tried again, and may be told of by a status and an event of its own."""

    async def test(number: int) -> World:
        world = World()
        world.begin()
        run = world.controller(_at(number, fault), workers=1)
        await asyncio.sleep(TAKES_OVER)
        world.look()
        await _steps(world, list(world.steps))
        await run.stop()
        world.verify()
        return world

    bound = Bound.of(memory.run(_undisturbed(workers=1)))
    for number in range(1, bound.requests + 1):
        found = Bound.of(memory.run(test(number)))
        assert found.opens <= bound.opens + 1, number
        assert found.writes <= bound.writes, number
        assert found.events <= bound.events + 1, number
        assert found.statuses <= bound.statuses + 2, number


@pytest.mark.parametrize("seed", range(3))
def test_29_every_second_write_meets_a_conflict(seed: int) -> None:
    """Fake. Four workers; what is delivered is opened oftener, and written no oftener."""

    async def test() -> World:
        draw = random.Random(seed)
        world = World()
        world.begin()

        def fault(number: int, asked: Asked) -> Fault | None:
            return "conflict" if asked.verb in ("create", "update", "patch") and draw.random() < 0.5 else None

        run = world.controller(fault, workers=4)
        await asyncio.sleep(TAKES_OVER)
        for step in world.steps:
            step()
            await asyncio.sleep(TAKES_OVER)
        await run.stop()
        world.verify()
        return world

    bound = Bound.of(memory.run(_undisturbed(workers=4)))
    assert Bound.of(memory.run(test())).writes <= bound.writes


# The first start, where keys are made.


def _kinds(api: Api) -> Counter[str]:
    labels = [item["metadata"].get("labels") or {} for item in api.all("secrets", OWN).values()]
    return Counter(each.get(names.OUR_KEY) or "rsa" for each in labels)


async def _first_start(fault: Callable[[int, Asked], Fault | None]) -> tuple[int, list[Item]]:
    """Killed on the way; users seal with what is published by whichever lives, and all of it opens at the end."""
    api = Api()
    first = Controller(api, Client(api, fault), memory.flags(workers=1)).start()
    killed = await first.until_killed(asyncio.sleep(SETTLES))
    kept = list(api.all("secrets", OWN).values())
    sealed = _sealed_to(api, first, "one")
    if not killed:
        await first.stop()
    second = Controller(api, Client(api), memory.flags(workers=1)).start()
    await asyncio.sleep(TAKES_OVER)
    sealed |= _sealed_to(api, second, "two")
    await asyncio.sleep(SETTLES)
    await second.stop()
    assert {name.partition("/")[2]: held(item) for name, item in api.all("secrets", SHOP).items()} == sealed
    assert len(sealed) >= 2
    assert _kinds(api) == dict.fromkeys(("rsa", "sealing", "identity", "state"), 1)
    assert first.defects == second.defects == []
    return len(first.client.asked), kept


def _sealed_to(api: Api, controller: Controller, name: str) -> dict[str, dict[str, bytes]]:
    """What a user seals with the newest keys that a controller shows, if it shows any yet; of both formats."""
    registry, found = controller.app.registry, {}
    for kind, newest in (("v1", registry.current.newest("rsa")), ("v2", registry.current.newest(KEM.algorithm))):
        if newest is None or not registry.published:
            continue
        value, place = {"token": _value()}, Binding(Scope.STRICT, SHOP, f"{name}-{kind}")
        if kind == "v1":
            text = envelope_v1.seal(value["token"], place.label(), newest.key.public)
        else:
            text = envelope_v2.seal(value["token"], place.context("token"), [newest.key.public])
        api.put("sealedsecrets", _sealed(f"{name}-{kind}", {"encryptedData": {"token": text}}))
        found[f"{name}-{kind}"] = value
    return found


@pytest.mark.parametrize("fault", ["before", "after", "lost", "conflict", "refused"])
def test_38_killed_at_any_request_of_the_first_start(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake. One key of each kind is there at the end, and those that were there stayed as they were."""
    made = Counter[str]()

    def generate(**_: Any) -> keys.PrivateKey:
        made["rsa"] += 1
        return rsa_key(-made["rsa"] % 3 - 3)

    monkeypatch.setattr("controller.kube.renewal.generate_rsa", generate)
    count, _ = memory.run(_first_start(lambda number, asked: None))
    for number in range(1, count + 1):
        memory.run(_first_start(_at(number, fault)))
