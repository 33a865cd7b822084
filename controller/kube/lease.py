"""Which of several controllers acts: whoever holds a Lease (coordination.k8s.io/v1), as client-go elects a leader.

A holder renews every two seconds, and stops to act ten seconds after the last renewal that it began and that succeeded;
others take over when they have seen no renewal for fifteen. Both are counted on the clock of the machine that counts,
never against a time that another one wrote, so that clocks may differ. It is no lock: who was stopped for long may
still have a request on its way, which is why everything that is written is the same whoever writes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealer.errors import SealerError
from sealer.kube.client import ApiError

if TYPE_CHECKING:
    from sealer.kube.client import Client

_NOT_FOUND, _CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: until others take over, until a holder stops without a renewal, and between two attempts."""

    duration: float = 15.0
    deadline: float = 10.0
    period: float = 2.0


class Election:
    """One who stands for a lease. `identity` must differ for each, as the name of a pod does.

    `behind` is told of another one who holds it, once.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        times: Times | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        failed: Callable[[str, SealerError], None] = lambda *_: None,
        behind: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._name = name
        self._identity = identity
        self._times = times or Times()
        self._clock = clock
        self._sleep = sleep
        self._failed = failed
        self._behind = behind
        self._holder = ""
        self._seen: object = None
        self._seen_at = 0.0
        self._until = float("-inf")
        self.uid = ""
        """Of the Lease, once it was held: no other cluster has it."""

    @property
    def leads(self) -> bool:
        """Whether this one may act now; asked before each write."""
        return self._clock() < self._until

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait to be elected, then work until the work ends or the lease is lost, which cancels it.

        However it ends, cancellation too, the lease is given back, so that the next one need not wait.
        """
        while not await self._attempt():
            await self._sleep(self._times.period)
        task = asyncio.ensure_future(work())
        try:
            while not task.done() and self.leads:
                await self._pause(task)
                if not task.done():
                    await self._attempt()
            if task.done():
                await task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
            await self._release()

    async def _pause(self, task: asyncio.Future[None]) -> None:
        """Until the next attempt is due, or the work has ended."""
        pause: asyncio.Future[Any] = asyncio.ensure_future(self._sleep(self._times.period))
        both: list[asyncio.Future[Any]] = [pause, task]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()

    async def _attempt(self) -> bool:
        """Take or renew the lease, if that may be; whether it is held now. An error changes nothing.

        A renewal that comes after the deadline is none: what was not done meanwhile is begun anew by who is elected.
        """
        began, until = self._clock(), self._until
        try:
            async with asyncio.timeout(self._times.deadline):
                held = await self._take()
        except SealerError as error:
            self._failed(self._path, error)
            return self.leads
        except TimeoutError:
            return self.leads
        # Counted from before the request: the server may have taken it long before it answered.
        held = held and (until == float("-inf") or self._clock() < until)
        self._until = began + self._times.deadline if held else float("-inf")
        return held

    async def _take(self) -> bool:
        found = await self._found()
        if found is None:
            return await self._written(self._client.create(self._leases, self._body(None)))
        spec = found.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._expired(spec):
            if holder != self._holder:
                self._holder = holder
                self._behind(holder)
            return False
        self._holder = ""
        return await self._written(self._client.replace(self._path, self._body(found)))

    async def _found(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._client.get(self._path)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return found

    async def _written(self, request: Awaitable[Any]) -> bool:
        try:
            self.uid = (await request)["metadata"].get("uid", "")
        except ApiError as error:
            if error.status == _CONFLICT:  # somebody else was faster
                return False
            raise
        return True

    def _expired(self, spec: dict[str, Any]) -> bool:
        """Whether the holder has not renewed for as long as it said; counted from when its last renewal was seen."""
        now = self._clock()
        seen = (spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseTransitions"))
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        return now - self._seen_at >= float(spec.get("leaseDurationSeconds") or self._times.duration)

    def _body(self, found: dict[str, Any] | None, *, released: bool = False) -> dict[str, Any]:
        """The lease as ours; of one that was found, at its version, so that two can't both take it."""
        before = (found or {}).get("spec") or {}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = before.get("holderIdentity") == self._identity
        metadata: dict[str, Any] = {"name": self._name}
        if found is not None:
            metadata = {**found["metadata"]}
            metadata.pop("managedFields", None)
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": "" if released else self._identity,
                "leaseDurationSeconds": 1 if released else max(int(self._times.duration), 1),
                "acquireTime": before.get("acquireTime", now) if mine else now,
                "renewTime": now,
                "leaseTransitions": int(before.get("leaseTransitions") or 0) + (0 if mine or found is None else 1),
            },
        }

    async def _release(self) -> None:
        """Give the lease back, if it is still ours; who can't be reached learns of it when it runs out."""
        self._until = float("-inf")
        with contextlib.suppress(SealerError, TimeoutError):
            async with asyncio.timeout(self._times.period):
                found = await self._found()
                if found is not None and (found.get("spec") or {}).get("holderIdentity") == self._identity:
                    await self._written(self._client.replace(self._path, self._body(found, released=True)))

    @property
    def _path(self) -> str:
        return f"{self._leases}/{self._name}"
