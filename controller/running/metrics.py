"""Metrics of a daemon, by Prometheus' naming rules. Labels are words of ours and ids of keys: no name of a secret.

They live in a registry of their own; the numbers are set by the loop and read by the thread that answers HTTP.
"""

from __future__ import annotations

import sys
from collections import Counter as Count
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import prometheus_client as prometheus

from controller import serving
from controller.report import CHANGING
from controller.running.result import ACTIONS, RESULTS

if TYPE_CHECKING:
    from controller.report import Report
    from controller.running.result import Result
    from sealer.formats.keyrecord import KeyEntry

STATES = ("delivered", "stale", "failed", "refused", "missing", "foreign", "pending", "withdrawn")


class Metrics:
    """All of them. `clock` is monotonic, in seconds."""

    def __init__(self, version: str, clock: Callable[[], float]) -> None:
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = prometheus.CollectorRegistry(auto_describe=True)
        prometheus.ProcessCollector(registry=registry)
        python = ".".join(map(str, sys.version_info[:3]))
        info = prometheus.Info("sealer_build", "The program.", registry=registry)
        info.info({"version": version, "python": python})
        self._deliveries = prometheus.Gauge(
            "sealer_deliveries", "Secrets at stores, by their state.", ["state"], registry=registry
        )
        self._runs = prometheus.Counter("sealer_runs", "Runs, by what they came to.", ["result"], registry=registry)
        self._polls = prometheus.Counter("sealer_polls", "Looks at the source.", registry=registry)
        self._changes = prometheus.Counter(
            "sealer_changes", "Secrets that were written or taken out.", ["action"], registry=registry
        )
        self._success = prometheus.Gauge(
            "sealer_last_success_timestamp_seconds", "When a run last did all that was asked for.", registry=registry
        )
        self._duration = prometheus.Gauge(
            "sealer_last_run_duration_seconds", "How long the last run took.", registry=registry
        )
        age = prometheus.Gauge(
            "sealer_source_age_seconds", "Time since the source could last be looked at.", registry=registry
        )
        self._expiry = prometheus.Gauge(
            "sealer_key_expiry_timestamp_seconds",
            "When a key that is sealed to ends.",
            ["key", "algorithm"],
            registry=registry,
        )
        for state in STATES:
            self._deliveries.labels(state)
        for result in RESULTS:
            self._runs.labels(result)
        for op in CHANGING:
            self._changes.labels(ACTIONS[op])
        self._seen = clock()
        self._clock = clock
        age.set_function(lambda: clock() - self._seen)

    def polled(self) -> None:
        """The source could be looked at."""
        self._polls.inc()
        self._seen = self._clock()

    def ended(self, result: Result, seconds: float, report: Report | None = None, *, now: int = 0) -> None:
        """A run has ended, at `now` in milliseconds."""
        self._runs.labels(result).inc()
        self._duration.set(seconds)
        for op in CHANGING if report else ():
            self._changes.labels(ACTIONS[op]).inc(report.count(op) if report else 0)
        if result in ("unchanged", "changed"):
            self._success.set(now / 1000)

    def counted(self, states: Iterable[str]) -> None:
        """What stands in the state now: the state of each secret at each store."""
        found = Count(states)
        for state in {*STATES, *found}:
            self._deliveries.labels(state).set(found[state])

    def keys(self, entries: Iterable[KeyEntry]) -> None:
        """The keys that are sealed to now."""
        self._expiry.clear()
        for each in entries:
            if each.status == "active":
                self._expiry.labels(each.id[:8], each.algorithm).set(each.not_after.timestamp())

    def page(self, accepted: str) -> tuple[bytes, str]:
        """All as text, in the format that is asked for by an Accept header, and its content type."""
        return serving.exposed(self.registry, accepted)
