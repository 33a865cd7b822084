"""The queue against models of it: no key is lost, none is worked on twice at once, each comes after its last add."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.kube.order import Bucket, namespace
from controller.kube.queue import BACKLOG, NEW, Priority, Queue
from controller.kube.queue_core import QueueCore
from tests.controller.kube.test_queue import _Loop

KEYS = st.sampled_from(("a/1", "a/2", "a/3", "a/4", "b/1", "b/2", "c/1"))
MOST = 2
"""Keys of one namespace that are worked on at once, in half of the runs."""
REASONS = st.sampled_from(("no key", "no rights"))
PRIORITIES = st.sampled_from((NEW, BACKLOG))
DELAYS = st.sampled_from((0.0, 0.5, 1.0, 7.0, 400.0))
TIMES = st.sampled_from((0.004, 0.3, 1.0, 60.0, 500.0))


@dataclass
class Model:
    """What waits and will, without order and priorities."""

    most: int | None = None
    waits: set[str] = field(default_factory=set)
    running: dict[str, set[str]] = field(default_factory=dict)  # and what was released meanwhile
    delays: dict[str, float] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)

    def add(self, key: str) -> None:
        self.waits.add(key)
        self.delays.pop(key, None)
        self.parked.pop(key, None)

    def delay(self, key: str, at: float) -> None:
        if key not in self.waits:
            self.delays[key] = min(at, self.delays.get(key, at))

    def pass_to(self, now: float) -> None:
        for key in [key for key, at in self.delays.items() if at <= now]:
            self.add(key)

    def park(self, key: str, reason: str) -> None:
        if reason in self.running.get(key, ()):
            self.add(key)
        elif key not in self.waits:
            self.parked[key] = reason

    def release(self, reason: str) -> int:
        keys = [key for key, why in self.parked.items() if why == reason]
        for key in keys:
            self.add(key)
        for released in self.running.values():
            released.add(reason)
        return len(keys)

    def due(self) -> set[str]:
        """What could be worked on now."""
        full = {of for of, count in Counter(map(namespace, self.running)).items() if count == self.most}
        return {key for key in self.waits - self.running.keys() if namespace(key) not in full}

    def take(self, key: str | None) -> None:
        due = self.due()
        assert (key is None) == (not due)
        if key is not None:
            assert key in due
            self.waits.remove(key)
            self.running[key] = set()


class QueueModel(RuleBasedStateMachine):
    """Each step is told to both. The bucket is never empty: so few steps make no hundred retries."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.model = Model()
        self.core = QueueCore(lambda low, high: high)

    @initialize(most=st.sampled_from((None, MOST)))
    def bound(self, most: int | None) -> None:
        self.model.most = most
        self.core = QueueCore(lambda low, high: high, most)

    @rule(key=KEYS, priority=PRIORITIES)
    def add(self, key: str, priority: Priority) -> None:
        self.core.add(self.now, key, priority)
        self.model.add(key)

    @rule(key=KEYS, seconds=DELAYS, priority=PRIORITIES)
    def add_after(self, key: str, seconds: float, priority: Priority) -> None:
        self.core.add_after(self.now, key, seconds, priority)
        self.model.delay(key, self.now + seconds)

    @rule(key=KEYS)
    def retry(self, key: str) -> None:
        self.model.delay(key, self.now + self.core.retry(self.now, key))

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.core.forget(key)

    @rule(key=KEYS, reason=REASONS)
    def park(self, key: str, reason: str) -> None:
        self.core.park(self.now, key, reason)
        self.model.park(key, reason)

    @rule(reason=REASONS)
    def release(self, reason: str) -> None:
        assert self.core.release(self.now, reason) == self.model.release(reason)

    @rule()
    def get(self) -> None:
        self.model.take(self.core.take(self.now))

    @precondition(lambda self: self.model.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.running)))
        self.core.done(self.now, key)
        del self.model.running[key]

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def numbers_agree(self) -> None:
        self.model.pass_to(self.now)
        found = self.core.numbers(self.now)
        assert found.new + found.backlog == len(self.model.waits - self.model.running.keys())
        assert (found.running, found.parked) == (len(self.model.running), len(self.model.parked))
        assert self.core.due(self.now) == found.new + found.backlog
        assert self.core.free(self.now) == len(self.model.due())
        assert self.core.next_due() == min(self.model.delays.values(), default=float("inf"))


class Starved(RuleBasedStateMachine):
    """One retry in ten seconds, and only workers look at the queue: what is owed comes once, sooner or later."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.owed: set[str] = set()
        self.running: set[str] = set()
        self.core = QueueCore(most=MOST)
        self.core._bucket = Bucket(0.1, 1)

    @rule(key=KEYS, priority=PRIORITIES)
    def add(self, key: str, priority: Priority) -> None:
        self.core.add(self.now, key, priority)
        self.owed.add(key)

    @rule(key=KEYS, seconds=DELAYS, priority=PRIORITIES)
    def add_after(self, key: str, seconds: float, priority: Priority) -> None:
        self.core.add_after(self.now, key, seconds, priority)
        self.owed.add(key)

    @rule(key=KEYS)
    def retry(self, key: str) -> None:
        self.core.retry(self.now, key)
        self.owed.add(key)

    @rule(key=KEYS)
    def park_and_release(self, key: str) -> None:
        self.core.park(self.now, key, "no key")
        self.core.release(self.now, "no key")
        self.owed.add(key)

    @rule()
    def get(self) -> None:
        if (key := self.core.take(self.now)) is not None:
            assert key not in self.running
            self.owed.remove(key)
            self.running.add(key)
            assert Counter(map(namespace, self.running))[namespace(key)] <= MOST

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.core.done(self.now, key)
        self.running.remove(key)

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    def teardown(self) -> None:
        """A worker that sleeps until the queue tells it to gets all that is owed, and in few steps."""
        for _ in range(30):
            for key in self.running:
                self.core.done(self.now, key)
            self.running.clear()
            self.get()
            if not self.running and self.core.next_due() < float("inf"):
                self.now = max(self.now, self.core.next_due())
        assert not self.owed
        assert self.core.idle
        assert self.core.numbers(self.now).delayed == 0


_SETTINGS = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestQueueModel, TestStarved = QueueModel.TestCase, Starved.TestCase
TestQueueModel.settings = TestStarved.settings = _SETTINGS


@given(
    counts=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 8), min_size=1),
    priorities=st.lists(PRIORITIES, min_size=32, max_size=32),
    most=st.none() | st.integers(1, 4),
    workers=st.integers(1, 6),
)
@settings(max_examples=200, deadline=None)
def test_no_namespace_gets_two_turns_while_another_waits(
    counts: dict[str, int], priorities: list[Priority], most: int | None, workers: int
) -> None:
    """Of one priority, whoever waits and may have a turn has one before anybody else has a second."""
    core = QueueCore(most=most)
    left: dict[Priority, Counter[str]] = {NEW: Counter(), BACKLOG: Counter()}
    which = iter(priorities)
    priority: dict[str, Priority] = {}
    for of, count in counts.items():
        for number in range(count):
            key = f"{of}/{number}"
            priority[key] = next(which)
            core.add(0.0, key, priority[key])
            left[priority[key]][of] += 1
    # Who had a turn since this one had one, or as many keys out as it may.
    passed: dict[Priority, dict[str, set[str]]] = {each: {of: set() for of in counts} for each in (NEW, BACKLOG)}
    running: list[str] = []
    while core.due(0.0):
        key = core.take(0.0) if len(running) < workers else None
        if key is None:
            core.done(0.0, running.pop(0))
            continue
        running.append(key)
        lane, of = priority[key], namespace(key)
        out = Counter(map(namespace, running))
        left[lane][of] -= 1
        for other in counts:
            if other == of or (most is not None and out[other] >= most):
                for each in passed.values():
                    each[other] = set()
            elif left[lane][other]:
                assert of not in passed[lane][other]
                passed[lane][other].add(of)
    assert not any(sum(each.values()) for each in left.values())


@given(seed=st.integers(0, 1 << 32), most=st.none() | st.integers(1, 3), workers=st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_workers_that_are_cancelled_lose_no_key(seed: int, most: int | None, workers: int) -> None:
    """Workers end anywhere, wherever they wait, and others take their places, as where a Lease goes and comes back.

    No key is with two, no namespace over its bound, and each key is worked on to its end after it was added last.
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_cancelling(Random(seed), most, workers, runner.get_loop().time))


async def _cancelling(random: Random, most: int | None, workers: int, clock: Callable[[], float]) -> None:
    queue = Queue(clock, lambda low, high: high, most)
    owed: set[str] = set()
    running: set[str] = set()

    async def work() -> None:
        while (key := await queue.get()) is not None:
            assert key not in running
            running.add(key)
            assert most is None or Counter(map(namespace, running))[namespace(key)] <= most
            owed.discard(key)
            try:
                await asyncio.sleep(random.choice((0, 0, 0.1, 5)))
                if random.random() < 0.3:
                    owed.add(key)
                    queue.retry(key)
                else:
                    queue.forget(key)
            except asyncio.CancelledError:  # the next one to lead begins with what is unsettled
                owed.add(key)
                queue.add(key, BACKLOG)
                raise
            finally:
                running.remove(key)
                queue.done(key)

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    for _ in range(60):
        step = random.random()
        if step < 0.4:
            key = f"{random.choice('aab')}/{random.randrange(4)}"
            owed.add(key)
            queue.add(key, random.choice((NEW, BACKLOG)))
        elif step < 0.5:
            key = f"{random.choice('aab')}/{random.randrange(4)}"
            owed.add(key)
            queue.add_after(key, random.choice((0.0, 0.1, 3)))
        elif step < 0.7:
            which = random.randrange(workers)
            tasks[which].cancel()
            tasks.append(tasks[which])  # it is looked at in the end
            tasks[which] = asyncio.create_task(work())
        else:
            await asyncio.sleep(random.choice((0, 0, 0, 0.05, 1)))
    while owed or running:
        await asyncio.sleep(1)
    assert queue.numbers().running == queue.numbers().delayed == queue.due() == 0
    queue.shut_down()
    await queue.ended()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        assert ended is None or isinstance(ended, asyncio.CancelledError)
