"""When a key is made, by whom, and that two who are about to make the same key make one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.kube import names
from controller.kube.flags import KeyFlags
from controller.kube.keyschedule import due, suffix
from controller.kube.keyset import KeySet
from controller.kube.registry import KeyRegistry
from controller.kube.renewal import Renewal
from sealer.errors import NoKey, SealerError, UsageError
from sealer.formats import bundle, keys
from sealer.formats.keyid import KEM, RSA
from sealer.formats.strictjson import loads
from sealer.kube.client import ApiError, Unreachable
from tests.controller.kube.keys import NAMESPACE, PREFIX, Secrets, bitnami, identity, sealing, state
from tests.sealer.rings import NOW, rsa_key

PATIENCE = 60.0
START = NOW + timedelta(hours=12)
MONTH = timedelta(days=30)
FLAGS = KeyFlags(size=2048)
NEVER = replace(FLAGS, renew_period=0)


@pytest.mark.parametrize(
    ("age", "period", "cutoff", "wanted"),
    [
        (None, MONTH, None, timedelta()),
        (None, timedelta(), None, timedelta()),
        (timedelta(), MONTH, None, MONTH),
        (MONTH / 2, MONTH, None, MONTH / 2),
        (MONTH, MONTH, None, timedelta()),
        (2 * MONTH, MONTH, None, -MONTH),
        (MONTH, timedelta(), None, None),
        (MONTH, timedelta(), timedelta(), timedelta()),
        (timedelta(), timedelta(), timedelta(), None),
        (MONTH, timedelta(), MONTH, MONTH),
        (timedelta(days=1), MONTH, timedelta(days=2), timedelta(days=2)),
        (timedelta(days=29), MONTH, timedelta(days=2), timedelta(days=1)),
        (-MONTH, MONTH, None, 2 * MONTH),
    ],
)
def test_when_a_key_is_due(
    age: timedelta | None, period: timedelta, cutoff: timedelta | None, wanted: timedelta | None
) -> None:
    """Each as how far it is from now."""
    found = due(
        None if age is None else START - age,
        period=period,
        cutoff=None if cutoff is None else START + cutoff,
        now=START,
    )
    assert found == (None if wanted is None else START + wanted)


def test_a_name_follows_from_what_was_seen_of_a_kind() -> None:
    none, one, other = KeySet(), KeySet(uids={"bitnami": frozenset("a")}), KeySet(uids={"state": frozenset("a")})
    assert suffix("bitnami", none, 0) == suffix("bitnami", none, 0) == suffix("bitnami", other, 0)
    found = [
        suffix("bitnami", none, 0),
        suffix("bitnami", one, 0),
        suffix("state", none, 0),
        suffix("bitnami", none, 1),
        suffix("bitnami", none, 0, "another cluster"),
    ]
    assert len(set(found)) == 5
    assert {len(each) for each in found} == {5}
    assert set("".join(found)) <= set("bcdfghjklmnpqrstvwxz2456789")


def run(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def wrapped(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))  # type: ignore[arg-type]

    return wrapped


class Replica:
    """A controller with its registry, and whether it believes that it leads."""

    def __init__(self, world: World, flags: KeyFlags) -> None:
        self.leads = True
        self.made: list[str] = []
        self.failures: list[SealerError] = []
        self.registry = KeyRegistry(NAMESPACE, cluster="prod", prefix=flags.prefix, order=flags.order)
        self.renewal = Renewal(
            world.api,  # type: ignore[arg-type]
            self.registry,
            flags,
            lambda: self.leads,
            made=self.made.append,
            failed=self.failures.append,
            now=world.now,
            clock=world.clock,
            sleep=world.sleep,
        )


class World:
    """Secrets, a clock that moves only when it is let, and replicas that run."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.seconds = 1000.0
        self.api = Secrets(*items)
        self.api.now = self.now
        self._tasks: list[asyncio.Task[None]] = []
        self._sleepers: dict[asyncio.Event, float] = {}
        self._asleep = asyncio.Event()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000)

    def clock(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        alarm = asyncio.Event()
        self._sleepers[alarm] = self.seconds + seconds
        self._asleep.set()
        try:
            await alarm.wait()
        finally:
            del self._sleepers[alarm]

    async def start(self, flags: KeyFlags = FLAGS) -> Replica:
        replica = self.stand_by(flags)
        self.elect(replica)
        await self.settled()
        return replica

    def stand_by(self, flags: KeyFlags = FLAGS) -> Replica:
        replica = Replica(self, flags)
        self.api.attach(replica.registry)
        return replica

    def elect(self, replica: Replica) -> None:
        self._tasks.append(asyncio.ensure_future(replica.renewal.run()))

    async def settled(self) -> None:
        """Until all replicas wait for the clock: what can be made by now has been."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._asleep.clear()
                for _ in range(50):
                    await asyncio.sleep(0)
                if len(self._sleepers) >= sum(not task.done() for task in self._tasks):
                    return
                await self._asleep.wait()

    async def pass_(self, time: timedelta) -> None:
        """Let time pass, step by step, with all that happens meanwhile."""
        end = self.seconds + time.total_seconds()
        while True:
            await self.settled()
            at = min(self._sleepers.values(), default=end + 1)
            self.seconds = min(max(at, self.seconds), end)
            if at > end:
                return
            for alarm, when in list(self._sleepers.items()):
                if when <= self.seconds:
                    alarm.set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


@contextlib.asynccontextmanager
async def world(*items: dict[str, Any]) -> AsyncIterator[World]:
    found = World(*items)
    try:
        yield found
    finally:
        await found.stop()


def _kinds(api: Secrets) -> list[str]:
    """Which keys there are."""
    labels = [item["metadata"]["labels"] for item in api.items.values()]
    return sorted(each.get(names.OUR_KEY) or "rsa" for each in labels)


ALL = ["identity", "rsa", "sealing", "state"]


@run
async def test_first_keys_are_made_where_there_are_none() -> None:  # C3, C4
    async with world() as found:
        replica = await found.start(NEVER)
        assert _kinds(found.api) == ALL
        assert replica.made == found.api.created
        assert replica.failures == []
        assert replica.registry.problems == ()
        newest = replica.registry.newest(RSA)
        assert newest.not_before == START, "not dated back: else it would be older than a cutoff of now"
        assert newest.not_after == START + timedelta(hours=87600)
        kem = replica.registry.newest(KEM)
        assert (kem.made, kem.not_before) == (START, START - timedelta(minutes=5))
        published = bundle.parse(replica.registry.bundle(found.now()), cluster="prod")
        assert published.sequence == 1
        assert {key.public.algorithm for key in published.keys} == {KEM, RSA}
        await found.pass_(timedelta(hours=6))
        assert _kinds(found.api) == ALL


@run
async def test_what_there_is_is_not_made_again() -> None:  # C6, C9
    kem = keys.generate_kem()
    items = [bitnami(0, label="", name=PREFIX), sealing(kem, "a"), identity(), state(bytes(32))]
    async with world(*items) as found:
        await found.start(NEVER)
        assert found.api.created == []
    for missing, left in enumerate(items[1:], 1):
        async with world(*items[:missing], *items[missing + 1 :]) as found:
            await found.start(NEVER)
            assert len(found.api.created) == 1, left["metadata"]["name"]


@run
async def test_the_flags_of_a_key() -> None:  # C2
    flags = replace(
        NEVER, prefix="own-", ttl=7200.0, common_name="shop", labels=(("a", "b"),), annotations=(("c", "d=e"),)
    )
    async with world() as found:
        replica = await found.start(flags)
        (name,) = (name for name in found.api.created if name.startswith("own-"))
        metadata = found.api.items[name]["metadata"]
        assert metadata["generateName"] == "own-"
        assert metadata["labels"] == {names.KEY_LABEL: "active", "a": "b"}
        assert metadata["annotations"] == {"c": "d=e"}
        newest = replica.registry.newest(RSA)
        assert newest.not_after - newest.not_before == timedelta(hours=2)
        assert all(item["metadata"]["labels"]["a"] == "b" for item in found.api.items.values())


@pytest.mark.parametrize(
    ("change", "flag"),
    [({"size": 1024}, "key-size"), ({"size": 16384}, "key-size"), ({"ttl": 0.5}, "key-ttl")],
)
@run
async def test_flags_that_no_key_can_have(change: dict[str, Any], flag: str) -> None:
    async with world() as found:
        with pytest.raises(UsageError) as error:
            found.stand_by(replace(FLAGS, **change))
        assert error.value.where == f"--{flag}"
        assert error.value.way_out.startswith(f"--{flag}=")


@run
async def test_a_new_key_each_period() -> None:  # C5
    async with world() as found:
        replica = await found.start(replace(FLAGS, renew_period=100.0))
        first = replica.registry.newest(RSA)
        await found.pass_(timedelta(seconds=99))
        assert len(found.api.created) == 4
        await found.pass_(timedelta(seconds=1))
        await found.settled()
        assert len(found.api.created) == 6
        assert replica.registry.newest(RSA).made == first.made + timedelta(seconds=100)
        await found.pass_(timedelta(seconds=300))
        await found.settled()
        assert len(found.api.created) == 12
        published = bundle.parse(replica.registry.bundle(found.now()))
        assert len(published.keys) == 10
        assert published.sequence > 1
        assert sum(key.status == "active" for key in published.keys) == 2
        assert replica.failures == []


@run
async def test_the_first_renewal_is_a_period_after_the_newest_key() -> None:  # C7
    age = START - keys.validity(rsa_key().public.certificate)[0]
    flags = replace(FLAGS, renew_period=(age + timedelta(seconds=20)).total_seconds())
    kem = sealing(keys.generate_kem(), "a", START)
    async with world(bitnami(0), kem, identity(), state(bytes(32))) as found:
        replica = await found.start(flags)
        await found.pass_(timedelta(seconds=19))
        assert found.api.created == []
        await found.pass_(timedelta(seconds=1))
        await found.settled()
        assert replica.made == found.api.created
        (name,) = found.api.created
        assert replica.registry.newest(RSA).place.name == name


@run
async def test_a_key_that_is_overdue_is_renewed_at_once() -> None:
    old = keys.generate_kem()
    async with world(sealing(old, "a", START - 2 * MONTH), identity(), state(bytes(32))) as found:
        replica = await found.start()
        assert _kinds(found.api) == ["identity", "rsa", "sealing", "sealing", "state"]
        assert replica.registry.newest(KEM).key.id != old.id
        assert replica.registry.get(old.id) is not None


@run
async def test_a_cutoff_makes_one_key_whoever_leads_however_often() -> None:  # C8
    async with world() as found:
        await found.start(NEVER)
        cutoff = replace(NEVER, cutoff=START + timedelta(seconds=30))
        for _ in range(3):
            await found.start(cutoff)
        assert len(found.api.created) == 4, "the cutoff is to come"
        await found.pass_(timedelta(seconds=30))
        await found.settled()
        assert len(found.api.created) == 6
        for _ in range(3):
            await found.start(cutoff)
        await found.pass_(timedelta(hours=6))
        assert len(found.api.created) == 6


@run
async def test_at_a_signal_a_key_is_made_at_once() -> None:  # C4
    async with world() as found:
        replica = await found.start(NEVER)
        for count in (6, 8):
            await found.pass_(timedelta(seconds=1))
            before = replica.registry.newest(RSA).key.id, replica.registry.newest(KEM).key.id
            assert replica.renewal.renew()
            await found.settled()
            assert len(found.api.created) == count
            assert replica.registry.newest(RSA).key.id != before[0]
            assert replica.registry.newest(KEM).key.id != before[1]


@run
async def test_a_signal_to_one_that_does_not_lead_says_so_and_is_forgotten() -> None:
    async with world() as found:
        replica = await found.start(NEVER)
        replica.leads = False
        assert not replica.renewal.renew()
        replica.leads = True
        await found.pass_(timedelta(hours=1))
        assert len(found.api.created) == 4


@run
async def test_a_request_between_the_election_and_the_first_step_counts_and_an_old_one_does_not() -> None:
    async with world() as found:
        replica = await found.start(NEVER)
        await found.stop()
        assert replica.renewal.renew()
        found.elect(replica)
        await found.settled()
        assert len(found.api.created) == 6
        assert replica.renewal.renew()
        await found.stop()
        found.elect(replica)
        await found.pass_(timedelta(hours=1))
        assert len(found.api.created) == 6


@run
async def test_a_compromised_newest_key_is_followed_by_a_new_one() -> None:
    async with world() as found:
        replica = await found.start(NEVER)
        await found.pass_(timedelta(minutes=1))
        assert replica.renewal.renew()
        await found.settled()
        older, newest = (each.key.id for each in replica.registry.current.sealing if each.key.algorithm == RSA)
        assert replica.registry.newest(RSA).key.id == newest
        await found.pass_(timedelta(minutes=1))
        found.api.label(replica.registry.newest(RSA).place.name, theirs="compromised")
        await found.settled()
        assert len(found.api.created) == 7
        assert replica.registry.newest(RSA).key.id not in (older, newest)
        await found.pass_(timedelta(hours=6))
        assert len(found.api.created) == 7


@run
async def test_the_only_key_compromised_deleted_or_out_of_use_is_followed_by_a_new_one() -> None:
    for what in ("compromised", "disabled", None, "delete"):
        async with world() as found:
            replica = await found.start(NEVER)
            await found.pass_(timedelta(minutes=1))
            name = replica.registry.newest(RSA).place.name
            if what == "delete":
                found.api.delete(name)
            else:
                found.api.label(name, theirs=what)
            await found.settled()
            assert len(found.api.created) == 5, what
            assert replica.registry.newest(RSA).made == found.now()


@run
async def test_what_does_not_lead_makes_nothing() -> None:
    async with world() as found:
        replica = found.stand_by()
        replica.leads = False
        found.elect(replica)
        await found.pass_(timedelta(hours=6))
        assert found.api.created == []


@run
async def test_nothing_is_made_before_all_lists_are_complete() -> None:
    async with world() as found:
        replica = Replica(found, NEVER)
        found.elect(replica)
        await found.settled()
        *first, last = replica.registry.sources
        for source in first:
            source.handler.complete()
        await found.pass_(timedelta(hours=6))
        assert found.api.created == []
        found.api.attach(replica.registry)
        assert last.handler.completed  # type: ignore[attr-defined]
        await found.settled()
        assert _kinds(found.api) == ALL


@run
async def test_three_that_all_believe_to_lead_make_no_two_first_keys() -> None:  # 45
    async with world() as found:
        create, asked = found.api.create, dict[str, list[str]]()
        at_once = {kind: asyncio.Barrier(3) for kind in ALL}

        async def together(path: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
            """All have listed, and have seen no key of the kind, before the first one writes."""
            kind = body["metadata"]["labels"].get(names.OUR_KEY) or "rsa"
            asked.setdefault(kind, []).append(body["metadata"]["name"])
            await at_once[kind].wait()
            return await create(path, body, **params)

        found.api.create = together  # type: ignore[method-assign]
        found.api.quiet = True  # no watch comes in time
        replicas = [found.stand_by(NEVER) for _ in range(3)]
        for replica in replicas:
            found.elect(replica)
        await found.settled()
        assert _kinds(found.api) == ALL
        assert {kind: (len(each), len(set(each))) for kind, each in asked.items()} == dict.fromkeys(ALL, (3, 1))
        found.api.quiet = False
        found.api.show()
        await found.pass_(timedelta(hours=1))
        assert _kinds(found.api) == ALL
        assert len({replica.registry.newest(RSA).key.id for replica in replicas}) == 1
        assert sum(len(replica.made) for replica in replicas) == 4
        assert [replica.failures for replica in replicas] == [[], [], []]


@run
async def test_another_that_makes_the_same_key_between_list_and_write() -> None:  # 45
    for kind in ALL:
        async with world() as found:
            beaten: list[str] = []

            def first(verb: str, body: dict[str, Any], kind: str = kind, beaten: list[str] = beaten) -> None:
                """Whoever was first took the very name, which follows from what both saw."""
                labels = body["metadata"].get("labels", {})
                if verb == "create" and not beaten and (labels.get(names.OUR_KEY) or "rsa") == kind:
                    beaten.append(body["metadata"]["name"])
                    found.api.before = lambda verb, body: None
                    other = {
                        "rsa": bitnami(1, name=beaten[0]),
                        "sealing": sealing(keys.generate_kem(), beaten[0], START),
                        "identity": identity(beaten[0], START),
                        "state": state(bytes(32), beaten[0], START),
                    }[kind]
                    found.api.put(other)

            found.api.before = first
            replica = await found.start(NEVER)
            await found.pass_(timedelta(hours=1))
            assert _kinds(found.api) == ALL
            assert len(beaten) == 1
            assert beaten[0] not in found.api.created
            assert replica.failures == []


@run
async def test_a_name_that_something_else_has_is_passed_over() -> None:
    taken = f"{PREFIX}{suffix('bitnami', KeySet(), 0)}"
    other = {"metadata": {"name": taken, "uid": "u", "resourceVersion": "1", "labels": {}}, "data": {}}
    async with world(other) as found:
        replica = await found.start(NEVER)
        assert replica.registry.newest(RSA).place.name == f"{PREFIX}{suffix('bitnami', KeySet(), 1)}"
        assert replica.failures == []


@run
async def test_an_answer_that_was_lost_makes_no_second_key() -> None:  # 30
    async with world() as found:
        create = found.api.create
        lost: list[str] = []

        async def answer_lost(path: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
            await create(path, body, **params)
            lost.append(body["metadata"]["name"])
            raise Unreachable("gave no answer", where=path)

        found.api.create = answer_lost  # type: ignore[method-assign]
        found.api.quiet = True
        replica = await found.start(NEVER)
        await found.pass_(timedelta(hours=1))
        assert _kinds(found.api) == ALL
        assert len(lost) == 4
        assert len(replica.failures) >= 4


@run
async def test_who_loses_the_lease_while_a_key_is_generated_writes_nothing() -> None:
    async with world() as found:
        replica = found.stand_by(NEVER)
        get = found.api.get

        async def listed(path: str, **select: str) -> dict[str, Any]:
            replica.leads = False
            return await get(path, **select)

        found.api.get = listed  # type: ignore[method-assign]
        found.elect(replica)
        await found.pass_(timedelta(hours=1))
        assert found.api.created == []


@run
async def test_what_is_refused_is_told_tried_again_and_stops_nothing_else() -> None:
    async with world() as found:
        allowed = False

        def refuse(verb: str, body: dict[str, Any]) -> None:
            if verb == "create" and names.KEY_LABEL in body["metadata"]["labels"] and not allowed:
                raise ApiError(403, "Forbidden", where="x")

        found.api.before = refuse
        replica = await found.start(NEVER)
        assert _kinds(found.api) == ["identity", "sealing", "state"]
        assert len(replica.failures) == 1
        await found.pass_(timedelta(minutes=10))
        assert 10 <= len(replica.failures) <= 20, "ever more seldom, at least once a minute"
        replica.renewal._failures = 2000  # after a day and a half
        await found.pass_(timedelta(minutes=5))
        allowed = True
        await found.pass_(timedelta(minutes=1))
        await found.settled()
        assert _kinds(found.api) == ALL


@run
async def test_an_identity_that_cannot_be_read_is_not_replaced() -> None:
    broken = identity()
    broken["data"] = {}
    async with world(broken) as found:
        replica = await found.start(NEVER)
        await found.pass_(timedelta(hours=1))
        assert sorted(_kinds(found.api)) == ALL
        assert replica.registry.current.identity is None
        assert len(replica.registry.problems) == 1
        with pytest.raises(NoKey):
            replica.registry.bundle(found.now())
        found.api.delete(broken["metadata"]["name"])
        await found.settled()
        assert replica.registry.current.identity is not None


@run
async def test_a_clock_of_the_server_that_is_behind_makes_no_flood() -> None:  # 49
    flags = replace(FLAGS, renew_period=1800.0, order="SecretCreationTimestamp")
    async with world() as found:
        found.api.now = lambda: found.now() - timedelta(hours=2)
        await found.start(flags)
        await found.pass_(timedelta(minutes=29))
        assert len(found.api.created) == 4
        await found.pass_(timedelta(minutes=61))
        await found.settled()
        assert len(found.api.created) == 10


@run
async def test_the_number_of_the_bundle_counts_changes_and_nothing_else() -> None:
    async with world() as found:
        replica = await found.start(NEVER)

        def number() -> int:
            return bundle.parse(replica.registry.bundle(found.now())).sequence

        assert number() == 1
        await found.start(NEVER)
        await found.pass_(timedelta(hours=6))
        assert number() == 1
        found.api.label(replica.registry.newest(KEM).place.name, status="compromised")
        await found.settled()
        assert number() == 2, "the key that is out of use and the new one are one change"
        assert replica.registry.current.identity is not None
        name = replica.registry.current.identity.place.name
        text = found.api.items[name]["metadata"]["annotations"][names.KEY_SEQUENCE]
        assert loads(text.encode(), ValueError)["sequence"] == 2  # type: ignore[arg-type]


@run
async def test_a_number_that_another_wrote_meanwhile_is_no_failure() -> None:
    async with world() as found:

        def conflict(verb: str, body: dict[str, Any]) -> None:
            if verb == "patch":
                found.api.before = lambda verb, body: None
                raise ApiError(409, "Conflict", where="x")

        found.api.before = conflict
        replica = await found.start(NEVER)
        await found.pass_(timedelta(minutes=10))
        assert replica.failures == []
        assert bundle.parse(replica.registry.bundle(found.now())).sequence == 1
