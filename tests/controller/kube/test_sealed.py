"""SealedSecrets as their watch shows them: what is settled is never queued, and nothing that is not is ever lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from controller.kube import document, standing
from controller.kube.cache import Delivered, Standings
from controller.kube.queue import Queue
from controller.kube.sealed import SealedSecrets
from tests.controller.kube.objects import DB, OTHER, sealed, secret

KEY = str(DB)
SECRET, VERSION = "99999999-cccc", "41"
DELIVERED = Delivered(SECRET, VERSION)
ASKED = "reconcile.fluxcd.io/requestedAt"
CLUSTER = "sealedsecrets.bitnami.com/cluster-wide"


class World:
    """What is under test, with a real queue; `leads` may be changed."""

    def __init__(self, *, leads: bool = True, watched: bool = True) -> None:
        self.leads = leads
        self.queue = Queue()
        self.told: list[tuple[str, dict[str, Any] | None]] = []
        self.standings = Standings(lambda key: self.sealed.stirred(key), standing.of)
        self.sealed = SealedSecrets(
            self.standings,
            self.queue,
            lambda: self.leads,
            watched=watched,
            told=lambda key, item: self.told.append((key, item)),
        )

    def counts(self) -> tuple[int, int]:
        """How many wait: as new ones, and of the backlog."""
        numbers = self.queue.numbers()
        return numbers.new, numbers.backlog

    def come(self) -> list[str]:
        """All keys that wait, each done at once."""
        return asyncio.run(self._come())

    async def _come(self) -> list[str]:
        found = []
        while any(self.counts()):
            key = await self.queue.get()
            assert key is not None
            self.queue.done(key)
            found.append(key)
        return found

    def stands(self, version: str = VERSION, uid: str = SECRET, *, listed: bool = False) -> None:
        """Show that the Secret stands."""
        self.standings.seen(KEY, secret(uid=uid, resourceVersion=version), listed=listed)

    def shown(self, item: dict[str, Any], *, listed: bool = False) -> list[str]:
        """Show a SealedSecret; what comes of it."""
        self.sealed.seen(KEY, item, listed=listed)
        return self.come()


def delivered(item: dict[str, Any], *, version: str = VERSION, uid: str = SECRET, **status: Any) -> dict[str, Any]:
    """The SealedSecret with a status that says that this very document was delivered."""
    said = {
        "observedGeneration": item["metadata"]["generation"],
        "conditions": [{"type": "Synced", "status": "True"}],
        "input": document.input_for(item, *document.read(item)),
        "secretRef": {"name": DB.name, "uid": uid, "resourceVersion": version},
    }
    return {**item, "status": {**said, **status}}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def settled() -> World:
    """One whose SealedSecret is delivered, and known to be."""
    world = World()
    world.stands(listed=True)
    world.standings.complete()
    assert world.shown(delivered(sealed()), listed=True) == []
    return world


# At the start.


def test_what_its_status_and_its_secret_show_to_be_delivered_is_never_queued(world: World) -> None:
    """Operators.md 4, case 55: a restart opens nothing and writes nothing."""
    world.stands(listed=True)
    world.standings.complete()
    assert world.shown(delivered(sealed()), listed=True) == []
    assert (world.sealed.unsettled, len(world.sealed.waiting)) == (set(), 0)
    assert world.sealed.known[KEY].delivered == DELIVERED


@pytest.mark.parametrize(
    "item",
    [
        sealed(),
        delivered(sealed(), version="40"),
        delivered(sealed(), uid=OTHER),
        delivered(sealed(), observedGeneration=0),
        delivered(sealed(), input="ab" * 32),
        delivered(sealed(), conditions=[{"type": "Synced", "status": "False"}]),
        delivered(sealed(), secretRef=None),
        {**sealed(), "status": "text"},
        {**sealed({"encryptedData": {}, "template": "text"}), "status": delivered(sealed())["status"]},
    ],
    ids=[
        "no status", "another version", "another Secret", "of an older generation", "another input", "failed",
        "no Secret named", "no status at all", "a document that can't be read",
    ],
)  # fmt: skip
def test_all_else_is_queued_once_behind_what_is_new(world: World, item: dict[str, Any]) -> None:
    world.stands(listed=True)
    world.sealed.seen(KEY, item, listed=True)
    assert world.counts() == (0, 1)
    assert world.sealed.waiting.take(KEY) == item
    assert (world.come(), world.sealed.unsettled) == ([KEY], {KEY})


def test_what_changes_while_it_is_watched_comes_before_the_backlog(world: World) -> None:
    world.sealed.seen(KEY, sealed(), listed=False)
    assert world.counts() == (1, 0)


@pytest.mark.parametrize("watched", [True, False])
def test_e13_with_skip_recreate_secrets_are_not_looked_at(watched: bool) -> None:
    """Their informer of Secrets doesn't exist then; ours believes the status."""
    world = World(watched=watched)
    assert world.shown(delivered(sealed()), listed=True) == ([KEY] if watched else [])


def test_all_keys_that_are_there(world: World) -> None:
    world.shown(sealed())
    world.sealed.seen("shop/web", sealed(name="web"), listed=True)
    assert sorted(world.sealed.keys()) == [KEY, "shop/web"]
    assert world.sealed.completed == 0
    world.sealed.complete()
    assert world.sealed.completed == 1


# Changes.


@pytest.mark.parametrize(
    "item",
    [
        sealed(generation=2),
        sealed(uid=OTHER),
        sealed(annotations={CLUSTER: "true"}),
        sealed(annotations={"sealer.dev/on-delete": "retain"}),
        sealed(annotations={"sealer.dev/stores": "local"}),
        sealed(annotations={ASKED: "t1"}),
    ],
    ids=["spec", "made again", "scope", "on-delete", "stores", "asked for"],
)
def test_a_change_that_delivery_depends_on_comes_at_once(settled: World, item: dict[str, Any]) -> None:
    """10.2: theirs ignores a scope annotation that is added."""
    assert settled.shown(item) == [KEY]
    assert settled.sealed.waiting.take(KEY) == item


@pytest.mark.parametrize(
    "item",
    [
        sealed(resourceVersion="8"),
        sealed(labels={"app": "shop"}, annotations={"note": "n", ASKED: "x" * 129}),
        delivered(sealed(), version="77"),
        {**sealed(), "status": {"observedGeneration": 1, "conditions": [{"type": "Synced", "status": "False"}]}},
    ],
    ids=["nothing", "labels", "its status", "a status of somebody else's making"],
)
def test_a_change_that_nothing_depends_on_does_not(settled: World, item: dict[str, Any]) -> None:
    assert settled.shown(item) == []
    assert len(settled.sealed.waiting) == 0


def test_of_an_annotation_of_any_length_little_is_remembered_and_each_change_counts(settled: World) -> None:
    """One may have 256 KiB, in each of ten thousand SealedSecrets."""
    for end in "ab":
        assert settled.shown(sealed(annotations={CLUSTER: "x" * 200_000 + end})) == [KEY]
        assert sum(map(len, settled.sealed.known[KEY].scope)) < 200


def test_what_asks_for_a_look_is_no_other_annotation_whatever_it_says(settled: World) -> None:
    for marked in ({CLUSTER: "true"}, {ASKED: f"{CLUSTER}=true"}):
        assert settled.shown(sealed(annotations=marked)) == [KEY]


def test_a_change_that_was_delivered_already_is_settled_at_once(settled: World) -> None:
    settled.stands("42")
    settled.come()
    assert settled.shown(delivered(sealed(generation=2), version="42")) == []
    assert settled.sealed.known[KEY].delivered == Delivered(SECRET, "42")


def test_everybody_who_wants_to_know_is_told_all(world: World) -> None:
    item = sealed()
    world.sealed.seen(KEY, item, listed=True)
    world.sealed.seen(KEY, item, listed=False)
    world.sealed.gone(KEY, item["metadata"]["uid"])
    world.sealed.forget(KEY)
    assert world.told == [(KEY, item), (KEY, item), (KEY, None)]


# Drift.


def test_another_secret_than_was_delivered_comes(settled: World) -> None:
    settled.stands("42")
    assert (settled.counts(), settled.come()) == ((1, 0), [KEY])


def test_a_deleted_secret_comes(settled: World) -> None:
    settled.standings.gone(KEY, SECRET)
    assert settled.come() == [KEY]


def test_a_secret_of_the_name_that_was_made_by_somebody_comes_whatever_its_version(settled: World) -> None:
    settled.stands("12", uid=OTHER)
    assert settled.come() == [KEY]


@pytest.mark.parametrize("version", ["41", "40", "9"])
def test_what_stood_before_it_was_delivered_is_no_news(settled: World, version: str) -> None:
    """The watch is late; versions are compared as numbers."""
    settled.stands(version)
    assert settled.come() == []


def test_versions_that_are_no_numbers_are_news_where_they_differ() -> None:
    world = World()
    world.stands("x1", listed=True)
    world.standings.complete()
    assert world.shown(delivered(sealed(), version="x1")) == []
    world.stands("x1")
    assert world.come() == []
    world.stands("x2")
    assert world.come() == [KEY]


def test_a_secret_that_no_sealed_secret_is_called_is_none_of_ours(world: World) -> None:
    world.standings.seen("shop/web", secret(name="web"), listed=False)
    world.standings.gone("shop/web", SECRET)
    assert world.come() == []
    assert "shop/web" not in world.sealed.unsettled


# While it is worked on.


@pytest.fixture
def worked(world: World) -> Iterator[World]:
    """One that is worked on; what stands is not known yet."""
    assert world.shown(sealed()) == [KEY]
    world.sealed.waiting.take(KEY)
    with world.sealed.worked(KEY):
        yield world


def test_what_was_just_written_is_no_news(worked: World) -> None:
    worked.stands()
    assert worked.shown(delivered(sealed())) == []
    worked.sealed.settle(KEY, DELIVERED)
    assert (worked.come(), worked.sealed.unsettled) == ([], set())


def test_nor_is_it_where_the_watch_shows_it_later(world: World) -> None:
    world.shown(sealed())
    with world.sealed.worked(KEY):
        world.sealed.settle(KEY, DELIVERED)
    world.stands()
    assert world.shown(delivered(sealed())) == []
    assert world.sealed.unsettled == set()


def test_what_somebody_wrote_after_that_comes(worked: World) -> None:
    worked.stands("42")
    worked.sealed.settle(KEY, DELIVERED)
    assert (worked.come(), worked.sealed.unsettled) == ([KEY], {KEY})


def test_what_was_deleted_after_that_comes(worked: World) -> None:
    worked.stands()
    worked.standings.gone(KEY, SECRET)
    assert worked.come() == []  # who works on it now will say what became of it
    worked.sealed.settle(KEY, DELIVERED)
    assert (worked.come(), worked.sealed.unsettled) == ([KEY], {KEY})


def test_a_change_meanwhile_comes_again_and_stays_whole(worked: World) -> None:
    later = sealed(generation=2)
    assert worked.shown(later) == [KEY]
    worked.stands()
    worked.sealed.settle(KEY, DELIVERED)
    assert worked.sealed.waiting.take(KEY) == later


def test_who_was_worked_on_in_vain_is_watched_again(world: World) -> None:
    world.shown(sealed())
    with pytest.raises(ZeroDivisionError), world.sealed.worked(KEY):
        raise ZeroDivisionError
    world.stands()
    assert world.come() == [KEY]


# What is gone.


def test_what_is_gone_comes_once_more_so_that_it_is_forgotten(settled: World) -> None:
    settled.sealed.gone(KEY, sealed()["metadata"]["uid"])
    assert settled.come() == [KEY]
    assert KEY in settled.sealed.known  # what was delivered is still known to who forgets it
    settled.sealed.forget(KEY)
    assert (dict(settled.sealed.known), settled.sealed.unsettled) == ({}, set())


def test_nothing_whole_stays_of_what_is_gone(world: World) -> None:
    world.sealed.seen(KEY, sealed(), listed=False)
    world.sealed.gone(KEY, sealed()["metadata"]["uid"])
    assert len(world.sealed.waiting) == 0


def test_that_a_former_one_is_gone_says_nothing_of_the_present_one(settled: World) -> None:
    settled.sealed.gone(KEY, OTHER)
    settled.sealed.gone("shop/web", OTHER)
    assert settled.come() == []


def test_a_settled_one_that_is_forgotten_meanwhile_is_not_known_again(worked: World) -> None:
    worked.sealed.forget(KEY)
    worked.sealed.settle(KEY, DELIVERED)
    assert dict(worked.sealed.known) == {}


def test_what_was_missed_of_one_that_is_gone_is_not_held_against_the_next(world: World) -> None:
    world.shown(sealed())
    with world.sealed.worked(KEY):
        world.stands()
        world.standings.gone(KEY, SECRET)  # as the cluster collects it
        world.sealed.gone(KEY, sealed()["metadata"]["uid"])
        world.sealed.forget(KEY)
    world.come()
    assert world.shown(sealed(uid=OTHER)) == [KEY]
    with world.sealed.worked(KEY):
        world.sealed.settle(KEY, DELIVERED)
    assert (world.come(), world.sealed.unsettled) == ([], set())


# Who does not lead.


def test_a_standby_queues_nothing_and_knows_what_there_is_to_do() -> None:
    world = World(leads=False)
    assert world.shown(sealed(), listed=True) == []
    assert world.sealed.unsettled == {KEY}
    world.leads = True
    world.sealed.start()
    assert (world.counts(), world.come()) == ((0, 1), [KEY])


def test_a_standby_sees_what_the_leader_delivers() -> None:
    world = World(leads=False)
    world.shown(sealed())
    world.stands()
    assert world.shown(delivered(sealed())) == []
    assert (world.sealed.unsettled, len(world.sealed.waiting)) == (set(), 0)
    world.leads = True
    world.sealed.start()
    assert world.come() == []


def test_what_waits_at_a_standby_has_the_latest_status() -> None:
    world = World(leads=False)
    world.shown(sealed())
    failed = {**sealed(), "status": {"observedGeneration": 1, "conditions": [{"type": "Synced", "status": "False"}]}}
    world.shown(failed)
    assert world.sealed.waiting.take(KEY) == failed


def test_a_standby_forgets_at_once() -> None:
    world = World(leads=False)
    world.shown(sealed())
    world.sealed.gone(KEY, sealed()["metadata"]["uid"])
    assert (dict(world.sealed.known), world.sealed.unsettled, world.told[-1]) == ({}, set(), (KEY, None))
    assert len(world.sealed.waiting) == 0


# What happens while somebody works on it.


def test_a_secret_that_changed_meanwhile_is_looked_at_again_if_nothing_was_written() -> None:
    """As one that is annotated `managed` while its refusal is being told."""
    world = World()
    world.stands()
    assert world.shown(sealed()) == [KEY]
    with world.sealed.worked(KEY):
        world.stands("42")
        world.sealed.settle(KEY, None)
    assert world.come() == [KEY]


def test_what_was_written_meanwhile_is_no_news() -> None:
    world = World()
    assert world.shown(sealed()) == [KEY]
    with world.sealed.worked(KEY):
        world.stands()
        world.sealed.settle(KEY, DELIVERED)
    assert (world.come(), world.sealed.unsettled) == ([], set())


def test_one_that_changed_meanwhile_is_known_to_who_leads_next() -> None:
    """Whoever works on the change may lose the lease before it is done."""
    world = World()
    assert world.shown(sealed()) == [KEY]
    with world.sealed.worked(KEY):
        world.sealed.seen(KEY, sealed(generation=2), listed=False)
        world.sealed.settle(KEY, DELIVERED)
    assert world.come() == [KEY]
    assert world.sealed.unsettled == {KEY}
    world.sealed.start()
    assert world.come() == [KEY]
