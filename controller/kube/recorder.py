"""Events that are still to be written: while a SealedSecret waits for a worker, none writes one.

An event is best effort, and what it says stands in the status. With a backlog it is values and statuses that people
wait for, and of what an API server does for a new SealedSecret its event is a sixth. Afterwards one worker at a time
writes what waits, the oldest first, and stops for whatever is to be done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from controller.kube import events, names
from sealer.errors import SealerError
from sealer.kube.client import METADATA, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.kube.rest import Rest
    from sealer.kube.client import Client

_FORBIDDEN = 403
MOST = 10_000
"""So many may wait, of about 150 bytes each; who has one more writes one."""

_encode = msgspec.json.encode


class _Told(msgspec.Struct, array_like=True, frozen=True):
    """What an event says, and of which SealedSecret. It waits as JSON, which takes a third of what its texts do."""

    namespace: str
    name: str
    uid: str
    version: str
    reason: str
    message: str
    at: str

    def body(self, suffix: str) -> dict[str, Any]:
        of = {"namespace": self.namespace, "name": self.name, "uid": self.uid, "resourceVersion": self.version}
        return events.event({"metadata": of}, self.reason, self.message, self.at, suffix)


class Recorder:
    """The events of one replica. `leads` is asked before each: who leads no more says nothing more.

    `failed` is called with the path and the error for each event that the API server forbids.
    """

    def __init__(
        self,
        client: Client,
        rest: Rest,
        leads: Callable[[], bool],
        log: Callable[..., None],
        suffix: Callable[[], str],
        most: int = MOST,
        *,
        failed: Callable[[str, SealerError], None] = lambda *_: None,
    ) -> None:
        self._client, self._rest, self._leads, self._log, self._suffix = client, rest, leads, log, suffix
        self._most, self._failed = most, failed
        self._waiting: deque[bytes] = deque()  # each a _Told
        self._one = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def free(self) -> bool:
        """Whether there is something to write, and nobody who does."""
        return bool(self._waiting) and not self._one.locked()

    async def take(self, item: Mapping[str, Any], reason: str, message: str, now: str) -> None:
        """One more event about a SealedSecret; `now` as RFC 3339. Returns at once unless too many wait."""
        of, message = item["metadata"], message[: events.LONGEST]
        told = _Told(of["namespace"], of["name"], of["uid"], of["resourceVersion"], reason, message, now)
        self._waiting.append(_encode(told))
        while len(self._waiting) > self._most:
            if self._rest.seconds:
                self._waiting.popleft()
            await self.write()

    async def write(self) -> None:
        """Write the oldest, unless the API server wants to be left alone. Never raises."""
        async with self._one:
            if not self._leads():
                self._waiting.clear()
            if not self._waiting or self._rest.seconds:
                return
            waited = self._waiting.popleft()
            told = msgspec.json.decode(waited, type=_Told)
            try:
                await self._client.create(names.events(told.namespace), told.body(self._suffix()), accept=METADATA)
            except SealerError as error:
                if self._rest.told(error):
                    self._waiting.appendleft(waited)
                else:
                    self._refused(error)

    def _refused(self, error: SealerError) -> None:
        """Log an event that was refused; as a failure if rights are missing, since then all of them will be.

        A namespace that is being deleted answers 403 as well, but names the field `metadata.namespace`.
        """
        if isinstance(error, ApiError) and error.status == _FORBIDDEN and not error.fields:
            way_out = "grant create on events, as the ClusterRole of `sealer-controller manifests` does"
            self._failed(names.events(""), SealerError(f"no event is written: {error.what}", way_out=way_out))
        else:
            self._log("debug", "event", reason=error.what)

    async def written(self) -> None:
        """Write what waits, unless the API server wants to be left alone; returns when nobody writes any more."""
        while self._one.locked() or (self._waiting and not self._rest.seconds):
            await self.write()
