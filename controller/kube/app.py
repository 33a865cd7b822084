"""`run kubernetes`, wired together: what is watched, who leads, who works, what answers, and how it ends.

    keys        watched by every replica, made by the one that leads
    Secrets     their metadata is watched, before anything else: what stands must be known
    SealedSecrets   watched by every replica, so that a standby is warm; worked on by the one that leads
    HTTP        answered by every replica, in a thread of its own (`answering`)

SIGTERM and SIGINT end it: no new work is begun, what is being done has 20 s, the lease is given back. SIGUSR1 makes a
sealing key.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

from controller import aside, serving
from controller.kube import audit, standing
from controller.kube import flags as flagging
from controller.kube.answering import answering, bound
from controller.kube.cache import Standings
from controller.kube.health import Health
from controller.kube.http import DEFECT, Answered
from controller.kube.lease import Election
from controller.kube.metrics import Metrics
from controller.kube.opening import Opener
from controller.kube.parts import Parts
from controller.kube.queue import Queue
from controller.kube.reconcile import PARKED, Reconciler
from controller.kube.recorder import Recorder
from controller.kube.registry import KeyRegistry
from controller.kube.renewal import Renewal
from controller.kube.rest import Rest
from controller.kube.sealed import SealedSecrets
from controller.kube.troubles import Troubles
from controller.kube.watching import Watching, cancelled
from sealer.formats.keyid import KEM, RSA
from sealer.kube.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from controller.kube.flags import Flags
    from sealer.errors import SealerError
    from sealer.kube.kubeconfig import Access

ENDS = 20.0
"""Seconds that what is being done has at the end."""
_TELLS = 1.0
"""And events that still wait."""
_SPARE = 2
"""Workers more than one namespace may keep busy (`--workers`): so two are always left for all others."""

Log = Any
"""What has debug, info, warning and error, each of an event and fields: `controller.running.log.Log`."""


class App:
    """One replica. `environ` tells its pod's name and namespace."""

    def __init__(
        self,
        flags: Flags,
        access: Callable[[], Access],
        log: Log,
        version: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._flags, self._access, self._log, self._version = flags, access, log, version
        self._client = Client(access)
        self._writer = Client(access, only=self._leads)
        self.namespace = flags.namespace or environ.get("POD_NAMESPACE") or self._client.namespace
        self._identity = f"{environ.get('POD_NAME') or socket.gethostname()}_{secrets.token_hex(4)}"
        self._keys = asyncio.Event()  # all are known
        self._stop = asyncio.Event()
        self.queue = Queue(most=flags.workers)
        self.metrics = Metrics(version, self.queue.numbers, omit_secrets=flags.omit_secret_labels)
        self.registry = KeyRegistry(
            self.namespace, cluster=flags.cluster, prefix=flags.keys.prefix, order=flags.keys.order
        )
        self._tell = Troubles(self._say).tell
        self._health = Health(told=self._hangs)
        self.election = Election(
            self._client, self.namespace, flags.lease, self._identity, failed=self._tell, behind=self._waits
        )
        self.standings = Standings(lambda key: self.sealed.stirred(key), standing.of)
        self.sealed = SealedSecrets(
            self.standings, self.queue, self._leads, watched=not flags.skip_recreate, told=self._told
        )
        self._watching = Watching(
            self._client,
            flagging.watched(flags, self.namespace),
            None if flags.skip_recreate else self.standings,
            self.sealed,
            selector=flags.label_selector,
            listed=lambda resource: self.metrics.listed(resource, time.time()),
            known=self._all_known,
            failed=self._tell,
        )
        self.audit = audit.made(flags.audit_log, flags.cluster, self.metrics.audits, told=self._say, failed=self._tell)
        self._renewal = Renewal(
            self._writer,
            self.registry,
            flags.keys,
            self._leads,
            made=self._key_made,
            failed=self._key_failed,
            place=lambda: self.election.uid,
            audit=self.audit,
        )
        self._rest = Rest()
        self._recorder = Recorder(self._writer, self._rest, self._leads, self._say, _suffix, failed=self._tell)
        self.registry.on_change(self._keys_changed)
        self._working = False

    # From the first list to the end.

    async def run(self) -> None:
        """Serve until asked to end. Raises SealerError for what is wrong from the start."""
        sockets = bound(self._flags)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number.name)
        loop.add_signal_handler(signal.SIGUSR1, self._renew)
        self._log.info("start", program=self._version, namespace=self.namespace, identity=self._identity)
        shown = [serving.shown(each) for each in sockets]
        answers = answering(
            self._flags, self._access, self.registry, self.metrics, self._health, self._answered, sockets, self.audit
        )
        self._health.beat(False)
        async with self._client, self._writer, self.audit, aside.aside(answers, "http") as answered:
            self._log.info("listen", address=shown[0], metrics=shown[1])
            with contextlib.closing(Opener()) as opener:
                jobs = (self._follow(), self._lead(opener), self._health.beats(self._ready))
                tasks = [asyncio.create_task(each) for each in jobs]
                stopped: asyncio.Future[Any] = asyncio.create_task(self._stop.wait())
                ends: list[asyncio.Future[Any]] = [*tasks, answered]
                try:
                    await asyncio.wait([*ends, stopped], return_when=asyncio.FIRST_COMPLETED)
                    for each in ends:
                        if each.done():
                            await each  # a defect: nothing else ends them
                    await self._drain()
                finally:
                    await cancelled([*tasks, stopped])
        self._log.info("stop")

    async def _follow(self) -> None:
        """Watch keys, then all that they are for."""
        tasks = [asyncio.create_task(each.run()) for each in self.registry.reflectors(self._client, self._tell)]
        known = asyncio.ensure_future(self._keys.wait())
        try:
            await asyncio.wait([*tasks, known], return_when=asyncio.FIRST_COMPLETED)
            tasks.append(asyncio.create_task(self._watching.run()))
            await asyncio.gather(*tasks)
        finally:
            await cancelled([*tasks, known])

    async def _lead(self, opener: Opener) -> None:
        """Stand for the lease again and again; work while it is held."""
        parts = Parts(
            client=self._writer,
            queue=self.queue,
            sealed=self.sealed,
            registry=self.registry,
            opener=opener,
            audit=self.audit,
            metrics=self.metrics,
            recorder=self._recorder,
            rest=self._rest,
            leads=self._leads,
            log=self._say,
            own_namespace=self.namespace,
            absent=self._absent,
            accept_data=self._flags.accept_v1_data,
            update_status=self._flags.update_status,
            delete_ourselves=self._flags.old_gc_behavior,
        )
        while True:
            await self.election.lead(lambda: self._work(Reconciler(parts)))
            self._working = False
            self.metrics.leads(False)
            self._log.warning("lease-lost", identity=self._identity)

    async def _work(self, reconciler: Reconciler) -> None:
        self._log.info("leads", identity=self._identity)
        self.metrics.leads(True)
        self._working = True
        jobs: list[Coroutine[Any, Any, None]] = [self.audit.start(), self._renewal.run()]
        jobs += [reconciler.work() for _ in range(self._flags.workers + _SPARE)]
        tasks = [asyncio.create_task(each) for each in jobs]
        self.sealed.start()
        try:
            await asyncio.gather(*tasks)
        finally:
            self._working = False
            await cancelled(tasks)
            self.queue.clear()  # else it waits here for ever, as the metrics tell, while another one leads

    async def _drain(self) -> None:
        """Let the workers end what each has, and tell of what they ended."""
        self.queue.shut_down()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDS):
                await self.queue.ended()
                await self.audit.written()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TELLS):  # the next leader waits for our lease
                await self._recorder.written()

    # What is asked of it.

    def _leads(self) -> bool:
        return self._working and self.election.leads

    def _absent(self, key: str) -> bool:
        return not self._flags.skip_recreate and self.standings.get(key) is None

    def _ready(self) -> bool:
        known = self._watching.known and self.registry.current.newest(RSA) is not None
        return known and not self._stop.is_set()

    def _say(self, level: str, event: str, **fields: object) -> None:
        getattr(self._log, level)(event, **fields)

    # What it is told.

    def _end(self, name: str) -> None:
        self._log.info("signal", signal=name)
        self._stop.set()
        self._health.beat(self._ready())

    def _renew(self) -> None:
        if not self._renewal.renew():
            self._log.info("signal", signal="SIGUSR1", note="another replica leads, and makes keys")

    def _all_known(self) -> None:
        self._health.beat(self._ready())
        self._log.info("ready", sealed=len(self.sealed.known), unsettled=len(self.sealed.unsettled))

    def _waits(self, holder: str) -> None:
        self._log.info("waits", identity=self._identity, holder=holder)

    def _keys_changed(self) -> None:
        self._keys.set()
        self._health.beat(self._ready())
        self.metrics.keys(self.registry.current)
        now = self.registry.current
        newest = {name: found.key.id[:8] for name in (RSA, KEM) if (found := now.newest(name)) is not None}
        self._log.info("keys", count=len(now.sealing), newest=newest, published=self.registry.published)
        for problem in self.registry.problems:
            self._log.error("key", name=problem.path, reason=problem.what)
        count = self.queue.release(PARKED)
        if count:
            self._log.info("keys-changed", retried=count)

    def _key_made(self, name: str) -> None:
        self._log.info("key-made", name=name)

    def _key_failed(self, error: SealerError) -> None:
        self._log.warning("key-failed", reason=error.what)

    def _told(self, key: str, item: dict[str, Any] | None) -> None:
        if item is None:
            self.metrics.conditions.gone(key)
            return
        status = item.get("status")
        found = status.get("conditions") if isinstance(status, dict) else None
        known = {str(each.get("type")): str(each.get("status")) for each in found or () if isinstance(each, dict)}
        self.metrics.conditions.seen(key, standing.texts(item["metadata"].get("labels")), known)

    # What it is told by the thread of HTTP.

    def _answered(self, answered: Answered) -> None:
        level = self._log.error if answered.reason == DEFECT else self._log.info
        level(
            answered.verb, code=answered.code, user=answered.user, documents=answered.documents,
            reason=answered.reason, error=answered.error,
        )  # fmt: skip

    def _hangs(self, seconds: float, at: str) -> None:
        self._log.error("hangs", seconds=round(seconds), at=at)


def _suffix() -> str:
    """What ends an event's name: no two of one replica are alike."""
    return f"{time.time_ns():x}"
