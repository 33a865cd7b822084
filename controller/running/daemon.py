"""The loop of `run`: poll, apply if there is a reason, tell, wait. Errors of a run are told and tried again.

What a poll compares is all that decides what a run would do: the source, the keyring, the configuration. What a store
may have lost meanwhile shows at the resync.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from controller.effects import Call, Effects
from controller.running import result as results
from controller.running.health import trouble
from controller.sources import open_source
from sealer.errors import SealerError

if TYPE_CHECKING:
    from controller.look import Job
    from controller.report import Report
    from controller.running.health import Health
    from controller.running.keys import Keys
    from controller.running.log import Log
    from controller.running.metrics import Metrics
    from controller.running.notify import Notifier
    from controller.running.result import Result
    from controller.running.schedule import Schedule
    from controller.running.signals import Signals
    from controller.session import Session

CLOCK = 5000
"""Milliseconds that a clock may go back before it is worth a word."""


def milliseconds() -> int:
    """The system's clock."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What a daemon is made of. `make` makes the job anew: it locates the source, and reads configuration and keyring.

    `clock` is in milliseconds, `monotonic` in seconds.
    """

    make: Callable[[], Job]
    schedule: Schedule
    signals: Signals
    log: Log
    health: Health
    notifier: Notifier
    metrics: Metrics | None = None
    clock: Callable[[], int] = milliseconds
    monotonic: Callable[[], float] = time.monotonic


class Progress(Effects):
    """Every effect is progress: a long delivery is no hung one."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        """Tell of it before and after."""
        del call, what
        self._beat()
        yield
        self._beat()


class Daemon:
    """One source, for ever. Close it: it holds the state's lock."""

    def __init__(self, parts: Parts, keys: Keys) -> None:
        self._parts = parts
        self._keys = keys
        self._session: Session | None = None
        self._open = contextlib.ExitStack()
        self._limit = 0
        self._latest = 0
        self._started = False
        self._polled: set[str] = set()

    def begin(self, job: Job) -> None:
        """Open state, log and lock. Raises SealerError."""
        from controller.session import opened

        self.close()
        self._limit = job.configuration.audit_max_bytes
        self._session = self._open.enter_context(opened(job, self._parts.clock, Progress(self.beat)))
        known = self._session.state.source(job.location.source) if self._session.state else None
        self._latest = max(self._latest, known.applied_at if known else 0)

    def close(self) -> None:
        """Close what is open, and free the lock."""
        self._session = None
        self._open.close()

    def run(self) -> None:
        """Poll and apply until somebody asks to end."""
        signals, schedule = self._parts.signals, self._parts.schedule
        while not signals.ending:
            asked = signals.taken()
            now = self._parts.monotonic()
            if asked or schedule.polls(now):
                self.turn(asked=asked)
            self.beat()
            left = schedule.next - self._parts.monotonic()
            period = self._parts.notifier.period
            signals.wait(min(left, period) if period else left)

    def beat(self) -> None:
        """The loop is alive, and has come further."""
        self._parts.health.beat()
        self._parts.notifier.ping()

    def turn(self, *, asked: bool = False) -> None:
        """One poll, and one run if there is a reason for it."""
        parts, signature = self._parts, None
        started = parts.monotonic()
        try:
            with parts.log.notes(self._polled):
                job = self._job()
                self._look_at_clock(job.now)
                signature = self._signature(job)
            if parts.metrics:
                parts.metrics.polled()
            self.beat()
            if not asked and not parts.schedule.applies(started, signature):
                parts.schedule.idle(parts.monotonic())
                parts.log.debug("poll")
                return
            with parts.log.notes():
                report = self._apply(job)
        except SealerError as error:
            self._failed(results.of_error(error), error, signature, started)
        except Exception as error:  # a defect of ours in one run is no reason to stop delivering
            self._failed(results.of_defect(error), error, signature, started)
        else:
            self._done(report, signature, started)
        # The collector is set for one large run; between two nothing waits for it, and what has died may go.
        gc.collect()
        self._first()

    def _job(self) -> Job:
        job = self._keys.renewed(self._parts.make())
        return replace(job, now=self._parts.clock(), stop=self._stop)

    def _stop(self) -> bool:
        """Called between two batches."""
        self.beat()
        return bool(self._parts.signals.ending)

    def _signature(self, job: Job) -> object:
        """What decides what a run would do; None if the source can't tell whether it changed."""
        found = open_source(job.location).signature()
        if found is None:
            return None
        return found, self._keys.ring.record, job.configuration, job.location.config

    def _apply(self, job: Job) -> Report:
        from controller.deliver import apply

        if self._session is None or job.configuration.audit_max_bytes != self._limit:
            self.begin(job)
        assert self._session is not None  # noqa: S101  # for mypy: begin has made it
        return apply(job, self._session)

    def _done(self, report: Report, signature: object, started: float) -> None:
        parts, word = self._parts, results.result(report)
        now = parts.monotonic()
        retry = parts.schedule.ended(now, results.end(report), signature)
        parts.health.ended(word)
        fields = results.fields(report) | {"retry": round(retry, 1) or None}
        self._count(word, now - started, report)
        level: Callable[..., None] = parts.log.info if report.changed or report.stopped else parts.log.debug
        (level if report.ok else parts.log.error)("run", **fields)

    def _failed(self, fields: dict[str, Any], error: Exception, signature: object, started: float) -> None:
        parts = self._parts
        now = parts.monotonic()
        retry = parts.schedule.ended(now, "failed", signature)
        parts.health.ended("failed", trouble(error))
        self._count("failed", now - started, None)
        parts.log.error("run-failed", **fields, retry=round(retry, 1))
        # Whatever the state's connection was in: the next run begins with a new one.
        self.close()

    def _count(self, word: Result, seconds: float, report: Report | None) -> None:
        parts = self._parts
        parts.notifier.status(f"last run {word}" + (f": {report.unchanged} unchanged" if report else ""))
        if parts.metrics is None:
            return
        parts.metrics.ended(word, seconds, report, now=parts.clock())
        state = self._session.state if self._session else None
        if report is None or state is None:
            return
        if word != "unchanged" or not self._started:
            from controller import status

            with contextlib.suppress(SealerError):
                rows = status.rows(state.documents(report.source), state.deliveries(report.source), {}, {})
                parts.metrics.counted(row.state for row in rows)
        parts.metrics.keys(self._keys.ring.entries)

    def _first(self) -> None:
        """After the first run, however it went: what fails is tried again, and starting anew would not help it."""
        if not self._started:
            self._started = True
            # What is there now, modules above all, stays: no later collection looks at it again.
            gc.freeze()
            self._parts.notifier.ready()

    def _look_at_clock(self, now: int) -> None:
        if now + CLOCK < self._latest:
            self._parts.log.warning("clock", seconds=(self._latest - now) / 1000)
        self._latest = now
