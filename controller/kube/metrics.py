"""Metrics of the controller in a cluster: Bitnami's, with their names, labels and types, and ours, which say `sealer_`.

Bitnami's are what their dashboards and alerts ask for (`shared/reference/bitnami-sealed-secrets.md`, 4.3). Labels of
ours are words of ours: no name of a secret is in them. `condition_info` names SealedSecrets, which can be left out
(`--metrics-omit-secret-labels`). A golden file of the tests holds all names, types and labels.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Literal

import prometheus_client as prometheus
from prometheus_client.core import GaugeMetricFamily

from controller import serving
from controller.kube.conditions import TYPES
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keyrecord import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controller.kube.keyset import KeySet
    from controller.kube.queue_core import Numbers

Reason = Literal["fetch", "status", "unmanaged", "unseal", "update"]
Envelope = Literal["v1", "v2"]

THEIRS = "sealed_secrets_controller"
OURS = "sealer"
INSTANCE = "app.kubernetes.io/instance"
"""Label of a SealedSecret that its series have, too."""
PATHS = ("/v1/cert.pem", "/v1/keys", "/v1/rotate", "/v1/verify")
OTHER = "other"
"""Stands for each path that there is not: what strangers ask for makes no series."""

_METHODS = frozenset(("connect", "delete", "get", "head", "options", "patch", "post", "put", "trace"))
_CODES = range(100, 600)
_VALUES = {"True": 1, "False": -1}
# Go's: dashboards were made for these.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ALGORITHMS = (KEM, RSA)

_Values = tuple[tuple[str, int], ...]
_Series = tuple[str, _Values]


class Metrics:
    """All of them. Counted by any thread, read by the one that writes the page."""

    def __init__(self, version: str, queue: Callable[[], Numbers] | None = None, *, omit_secrets: bool = False) -> None:
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = prometheus.CollectorRegistry(auto_describe=True)
        prometheus.ProcessCollector(registry=registry)
        self.conditions = Conditions(omit=omit_secrets)
        registry.register(self.conditions)
        self._theirs(version)
        self._ours()
        self._waiting: _Waiting | None = None
        if queue is not None:
            self.follow(queue)

    def _theirs(self, version: str) -> None:
        registry, name = self.registry, THEIRS
        build = prometheus.Gauge(f"{name}_build_info", "Build information.", ["revision"], registry=registry)
        build.labels(version).set(1)
        self._unseals = prometheus.Counter(
            f"{name}_unseal_requests", "SealedSecrets that were opened, or tried to.", registry=registry
        )
        self._errors = prometheus.Counter(
            f"{name}_unseal_errors", "SealedSecrets that failed.", ["reason", "namespace"], registry=registry
        )
        self._requests = prometheus.Counter(
            f"{name}_http_requests", "Requests over HTTP.", ["path", "code", "method"], registry=registry
        )
        self._seconds = prometheus.Histogram(
            f"{name}_http_request_duration_seconds",
            "How long requests took.",
            ["path", "method"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def _ours(self) -> None:
        registry, name = self.registry, OURS
        self._reconciles = prometheus.Histogram(
            f"{name}_reconcile_duration_seconds", "How long one SealedSecret took.", buckets=_BUCKETS, registry=registry
        )
        self._drift = prometheus.Counter(
            f"{name}_drift_repairs", "Secrets that others changed or deleted, put back.", registry=registry
        )
        self._opens = prometheus.Counter(f"{name}_opens", "Items that were opened.", ["envelope"], registry=registry)
        self._keys = prometheus.Gauge(
            f"{name}_keys", "Sealing keys, by what they may do.", ["algorithm", "status"], registry=registry
        )
        self._begins = prometheus.Gauge(
            f"{name}_key_not_before_timestamp_seconds", "When the newest key began.", ["algorithm"], registry=registry
        )
        self._ends = prometheus.Gauge(
            f"{name}_key_not_after_timestamp_seconds", "When the newest key ends.", ["algorithm"], registry=registry
        )
        self._leader = prometheus.Gauge(f"{name}_leader", "Whether this replica acts.", registry=registry)
        self._listed = prometheus.Gauge(
            f"{name}_last_list_timestamp_seconds", "When all were last listed.", ["resource"], registry=registry
        )
        for envelope in ("v1", "v2"):
            self._opens.labels(envelope)
        for algorithm in _ALGORITHMS:
            for status in Status:
                self._keys.labels(algorithm, str(status))

    def audits(self) -> Audits:
        """Count what is written to an audit log. Once, and only where there is one."""
        return Audits(self.registry)

    def follow(self, queue: Callable[[], Numbers]) -> None:
        """Show what waits, as it was at the last `look`. Once."""
        self._waiting = _Waiting(queue)
        self.registry.register(self._waiting)

    def look(self) -> None:
        """Take down what waits just now: on the queue's own loop, since it moves on when it is asked."""
        if self._waiting is not None:
            self._waiting.look()

    def unsealed(self) -> None:
        """A SealedSecret is about to be opened."""
        self._unseals.inc()

    def failed(self, reason: Reason, namespace: str) -> None:
        """One failed."""
        self._errors.labels(reason, namespace).inc()

    def requested(self, path: str, method: str, code: int, seconds: float) -> None:
        """A request was answered."""
        path = path if path in PATHS else OTHER
        method = method.lower() if method.lower() in _METHODS else "unknown"
        self._requests.labels(path, str(code) if code in _CODES else "unknown", method).inc()
        self._seconds.labels(path, method).observe(seconds)

    def reconciled(self, seconds: float) -> None:
        """One SealedSecret was worked on for so long."""
        self._reconciles.observe(seconds)

    def repaired(self) -> None:
        """A Secret that others changed or deleted was put back."""
        self._drift.inc()

    def opened(self, envelope: Envelope, items: int = 1) -> None:
        """Items were opened."""
        self._opens.labels(envelope).inc(items)

    def keys(self, now: KeySet) -> None:
        """The keys that there are from now on."""
        for algorithm in _ALGORITHMS:
            statuses = [now.status[key.key.id] for key in now.sealing if key.key.algorithm == algorithm]
            for status in Status:
                self._keys.labels(algorithm, str(status)).set(statuses.count(status))
            newest = now.newest(algorithm)
            if newest is None:
                for each in (self._begins, self._ends):
                    each.remove_by_labels({"algorithm": algorithm})
            else:
                self._begins.labels(algorithm).set(newest.not_before.timestamp())
                self._ends.labels(algorithm).set(newest.not_after.timestamp())

    def leads(self, leads: bool) -> None:
        """Whether this replica acts from now on."""
        self._leader.set(leads)

    def listed(self, resource: str, at: float) -> None:
        """All objects of a kind were listed, at `at` in seconds since 1970."""
        self._listed.labels(resource).set(at)

    def page(self, accepted: str) -> tuple[bytes, str]:
        """All as text, in the format that is asked for by an Accept header, and its content type."""
        return serving.exposed(self.registry, accepted)


class Audits:
    """What is written to the audit log, and what is not."""

    def __init__(self, registry: prometheus.CollectorRegistry) -> None:
        self._records = prometheus.Counter(
            f"{OURS}_audit_records", "Records written to the audit log.", registry=registry
        )
        self._failures = prometheus.Counter(
            f"{OURS}_audit_failures", "Writes to the audit log that failed: nothing is opened then.", registry=registry
        )

    def wrote(self, records: int) -> None:
        """So many records are on disk."""
        self._records.inc(records)

    def failed(self) -> None:
        """A write failed."""
        self._failures.inc()


class Conditions:
    """`condition_info`: a series for each condition of each SealedSecret, 1, 0 or -1.

    Kept in a few bytes each, and gone with the object or with the label's old value (#1747 upstream). With `omit`
    nothing is kept, nor shown. Told by one thread, shown by another.
    """

    def __init__(self, *, omit: bool = False) -> None:
        self._omit = omit
        self._lock = threading.Lock()
        self._known: dict[str, _Series] = {}
        # The few that there are, once each: most objects have the same conditions, and no such label.
        self._same: dict[_Values, _Series] = {}

    def __len__(self) -> int:
        return len(self._known)

    def seen(self, key: str, labels: Mapping[str, str] | None, conditions: Mapping[str, str]) -> None:
        """The object of `key`, namespace/name, has these conditions by type: True, False, Unknown. None: no series."""
        if self._omit:
            return
        if not conditions:
            self.gone(key)
            return
        # Others may write conditions of any kind, and as many as they like.
        values = tuple((name, _VALUES.get(conditions[name], 0)) for name in sorted(TYPES) if name in conditions)
        instance = sys.intern((labels or {}).get(INSTANCE, ""))
        with self._lock:
            plain = self._same.setdefault(values, ("", values))
            self._known[key] = (instance, plain[1]) if instance else plain

    def gone(self, key: str) -> None:
        """There is no such object any more."""
        with self._lock:
            self._known.pop(key, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The series, for a registry."""
        if self._omit:
            return
        family = GaugeMetricFamily(
            f"{THEIRS}_condition_info",
            "Conditions of SealedSecrets: 1 true, 0 unknown, -1 false.",
            labels=["namespace", "name", "condition", "ss_app_kubernetes_io_instance"],
        )
        with self._lock:
            known = self._known.copy()
        for key, (instance, values) in known.items():
            namespace, _, name = key.partition("/")
            for condition, value in values:
                family.add_metric([namespace, name, condition, instance], value)
        yield family


class _Waiting:
    """What was in the queue when somebody looked."""

    def __init__(self, numbers: Callable[[], Numbers]) -> None:
        self._numbers = numbers
        self._seen = numbers()

    def look(self) -> None:
        """Ask."""
        self._seen = self._numbers()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._seen
        depth = GaugeMetricFamily(f"{OURS}_queue_depth", "SealedSecrets that wait, and where.", labels=["lane"])
        for lane in ("new", "backlog", "delayed", "parked", "running"):
            depth.add_metric([lane], getattr(now, lane))
        yield depth
        wait = GaugeMetricFamily(f"{OURS}_queue_oldest_seconds", "How long the one that waits the longest has.")
        wait.add_metric([], now.longest_wait)
        yield wait
        run = GaugeMetricFamily(f"{OURS}_queue_longest_run_seconds", "How long the one that runs the longest has.")
        run.add_metric([], now.longest_run)
        yield run
