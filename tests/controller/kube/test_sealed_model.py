"""Two watches that lag behind a cluster, and a worker: whatever comes between, all that should stand does at the end.

The worker does what `reconcile` does, in its steps, and another replica may do the same while this one does not lead.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.kube import document, names, standing
from controller.kube.cache import Delivered, Standings
from controller.kube.queue import Queue
from controller.kube.sealed import SealedSecrets
from tests.controller.kube.objects import sealed

KEYS = st.sampled_from(["shop/a", "shop/b"])


def _input(item: dict[str, Any]) -> str:
    return document.input_for(item, *document.read(item))


@dataclass
class Cluster:
    """What there is, and what the watches have not shown yet: None for what is gone, with its uid."""

    sealed: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    sealed_events: deque[tuple[str, dict[str, Any], bool]] = field(default_factory=deque)
    secret_events: deque[tuple[str, dict[str, Any], bool]] = field(default_factory=deque)
    version: int = 9  # so that versions get another length, and are no good as texts

    def next(self) -> str:
        self.version += 1
        return str(self.version)

    def apply(self, key: str, number: int) -> None:
        """Create or change a SealedSecret."""
        spec = {"encryptedData": {"foo": f"Ag{number}="}}
        before = self.sealed.get(key)
        if before is None:
            item = sealed(spec, uid=f"s{self.next()}", name=key[5:])
        elif before["spec"] == spec:
            return
        else:
            item = copy.deepcopy(before)
            item["spec"] = spec
            item["metadata"]["generation"] += 1
        self._show(key, item)

    def ask(self, key: str, text: str) -> None:
        """Ask for another look at a SealedSecret."""
        item = copy.deepcopy(self.sealed[key])
        annotations = {names.REQUESTED: text}
        if item["metadata"].get("annotations") != annotations:
            item["metadata"]["annotations"] = annotations
            self._show(key, item)

    def told(self, key: str, uid: str, status: dict[str, Any]) -> None:
        """The status, as a patch that names the uid."""
        before = self.sealed.get(key)
        if before is not None and before["metadata"]["uid"] == uid and before.get("status") != status:
            self._show(key, {**copy.deepcopy(before), "status": status})

    def _show(self, key: str, item: dict[str, Any]) -> None:
        item["metadata"]["resourceVersion"] = self.next()
        self.sealed[key] = item
        self.sealed_events.append((key, item, True))

    def delete(self, key: str) -> None:
        """A SealedSecret, whose Secret the cluster collects."""
        item = self.sealed.pop(key)
        self.sealed_events.append((key, item, False))
        if self.secrets.get(key, {}).get("owner") == item["metadata"]["uid"]:
            self.lose(key)

    def write(self, key: str, value: str, owner: str) -> None:
        """A Secret, by whomever."""
        uid = self.secrets[key]["metadata"]["uid"] if key in self.secrets else f"u{self.next()}"
        metadata = {"uid": uid, "resourceVersion": self.next()}
        self.secrets[key] = {"metadata": metadata, "value": value, "owner": owner}
        self.secret_events.append((key, self.secrets[key], True))

    def lose(self, key: str) -> None:
        """A Secret."""
        self.secret_events.append((key, self.secrets.pop(key), False))


@dataclass
class Run:
    """What the worker has in hand, and how far it is. `item` is None for what is gone."""

    key: str
    item: dict[str, Any] | None
    work: Any
    written: Delivered | None = None


def work(cluster: Cluster, key: str, item: dict[str, Any]) -> Delivered:
    """Bring the Secret to what it should be, if it isn't."""
    wanted, owner = _input(item), item["metadata"]["uid"]
    stands = cluster.secrets.get(key)
    if stands is None or (stands["value"], stands["owner"]) != (wanted, owner):
        cluster.write(key, wanted, owner)
    metadata = cluster.secrets[key]["metadata"]
    return Delivered(metadata["uid"], metadata["resourceVersion"])


def tell(cluster: Cluster, key: str, item: dict[str, Any], found: Delivered) -> None:
    status = {
        "observedGeneration": item["metadata"]["generation"],
        "conditions": [{"type": "Synced", "status": "True"}],
        "input": _input(item),
        "secretRef": {"name": key[5:], "uid": found.uid, "resourceVersion": found.version},
        "lastHandledReconcileAt": standing.requested(item),
    }
    cluster.told(key, item["metadata"]["uid"], status)


class Lagging(RuleBasedStateMachine):
    """Rules are what the cluster, its users, the watches and the worker do, one small step each."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.cluster, self.queue, self.leads = Cluster(), Queue(), True
        self.standings = Standings(lambda key: self.known.stirred(key), standing.of)
        self.known = SealedSecrets(self.standings, self.queue, lambda: self.leads)
        self.standings.complete()
        self.run: Run | None = None

    def teardown(self) -> None:
        try:
            if not self.leads:
                self.lead()
            self._to_the_end()
            for key in self.cluster.sealed:
                self.cluster.ask(key, "t3")  # of what is settled
            self._to_the_end()
        finally:
            self.loop.close()

    # Users.

    @rule(key=KEYS, number=st.integers(1, 3))
    def apply(self, key: str, number: int) -> None:
        self.cluster.apply(key, number)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        if key in self.cluster.sealed:
            self.cluster.delete(key)

    @rule(key=KEYS, text=st.sampled_from(("t1", "t2")))
    def ask(self, key: str, text: str) -> None:
        if key in self.cluster.sealed:
            self.cluster.ask(key, text)

    @rule(key=KEYS)
    def edit_the_secret(self, key: str) -> None:
        if key in self.cluster.secrets:
            self.cluster.write(key, "edited", self.cluster.secrets[key]["owner"])

    @rule(key=KEYS)
    def delete_the_secret(self, key: str) -> None:
        if key in self.cluster.secrets:
            self.cluster.lose(key)

    # Watches.

    @precondition(lambda self: self.cluster.sealed_events)
    @rule()
    def show_a_sealed_secret(self) -> None:
        key, item, there = self.cluster.sealed_events.popleft()
        if there:
            self.known.seen(key, copy.deepcopy(item), listed=False)
        else:
            self.known.gone(key, item["metadata"]["uid"])

    @precondition(lambda self: self.cluster.secret_events)
    @rule()
    def show_a_secret(self) -> None:
        key, item, there = self.cluster.secret_events.popleft()
        if there:
            self.standings.seen(key, item, listed=False)
        else:
            self.standings.gone(key, item["metadata"]["uid"])

    # The worker: takes, writes, tells.

    @precondition(lambda self: self.leads and self.run is None and self._waits())
    @rule()
    def begin(self) -> None:
        key = self.loop.run(self.queue.get())
        assert key is not None
        guard = self.known.worked(key)
        guard.__enter__()
        item = self.known.waiting.take(key) or copy.deepcopy(self.cluster.sealed.get(key))
        self.run = Run(key, item, guard)

    @precondition(lambda self: self.run is not None and self.run.written is None)
    @rule()
    def write(self) -> None:
        run = self.run
        assert run is not None
        if run.item is None:
            self.known.forget(run.key)
            self._done()
        else:
            run.written = work(self.cluster, run.key, run.item)

    @precondition(lambda self: self.run is not None and self.run.written is not None)
    @rule()
    def end(self) -> None:
        run = self.run
        assert run is not None
        assert run.item is not None
        assert run.written is not None
        tell(self.cluster, run.key, run.item, run.written)
        self.known.settle(run.key, run.written)
        self._done()

    def _done(self) -> None:
        assert self.run is not None
        self.run.work.__exit__(None, None, None)
        self.queue.done(self.run.key)
        self.run = None

    # Who leads.

    @precondition(lambda self: self.leads)
    @rule()
    def lose_the_lease(self) -> None:
        self.leads = False
        if self.run is not None:
            self._done()

    @precondition(lambda self: not self.leads)
    @rule()
    def lead(self) -> None:
        self.leads = True
        self.known.start()

    @precondition(lambda self: not self.leads)
    @rule(key=KEYS)
    def another_replica_works(self, key: str) -> None:
        item = self.cluster.sealed.get(key)
        if item is not None:
            tell(self.cluster, key, item, work(self.cluster, key, item))

    # What holds.

    def _waits(self) -> int:
        numbers = self.queue.numbers()
        return numbers.new + numbers.backlog

    @invariant()
    def who_leads_has_all_that_is_to_be_done(self) -> None:
        if self.leads and self.known.unsettled:
            assert self._waits() or self.run is not None

    def _to_the_end(self) -> None:
        for _ in range(200):
            if self.cluster.sealed_events:
                self.show_a_sealed_secret()
            elif self.cluster.secret_events:
                self.show_a_secret()
            elif self.run is not None:
                (self.write if self.run.written is None else self.end)()
            elif self._waits():
                self.begin()
            else:
                break
        else:
            raise AssertionError("it never ends")
        for key, item in self.cluster.sealed.items():
            stands = self.cluster.secrets[key]
            assert (stands["value"], stands["owner"]) == (_input(item), item["metadata"]["uid"])
            assert standing.answered(item)
        assert self.known.known.keys() == self.cluster.sealed.keys()
        assert self.known.unsettled == set()
        assert len(self.known.waiting) == 0


TestLagging = Lagging.TestCase
TestLagging.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
