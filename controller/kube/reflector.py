"""What a collection of an API server holds, followed for ever: a list, then a watch, whatever goes wrong on the way.

Nothing is lost: what a watch missed shows at the next list, deletions too, since what was known is compared with it. Of
each object only its uid and version are kept; what the handler wants to keep is its business. `run` ends only when it
is cancelled.

    410, as an answer or as an event        list again, after a wait that doubles up to 30 s
    any other error, a torn line, an end    watch on from the last version; after three in a row list again
    429, 503                                wait at least as long as the server asks for
    a watch that ends at once, with nothing the same as an error
    nothing for 90 s                        the connection is dead: bookmarks come about each minute
    the version went backwards              the server was restored from a backup: all is told anew
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from controller.kube.listing import Pages
from sealer.errors import SealerError
from sealer.kube import answer
from sealer.kube.client import JSON, METADATA, METADATA_LIST, ApiError, Unreachable, of_status

if TYPE_CHECKING:
    from sealer.kube.client import Client

SILENCE = 90.0
"""Seconds without a byte after which a watch is dead."""
_LASTS = (300, 600)
"""Seconds after which the server ends a watch by itself, drawn: many must not come back at once."""
_FIRST, _CAP = 0.8, 30.0
_SHORT = 1.0
"""Seconds: a watch that ends sooner, and showed nothing, is no watch."""
_FAILURES = 3
_Identity = tuple[str, str, str]
"""Key (`namespace/name`), uid and version of an object."""
_GONE = 410


class Handler(Protocol):
    """Who is told. It is called between two lines of a watch, so it only takes note."""

    def seen(self, key: str, item: dict[str, Any], *, listed: bool) -> None:
        """An object is there, new or changed. `listed`: a list shows it, so that nobody waits for it just now."""

    def gone(self, key: str, uid: str) -> None:
        """An object with this uid is there no more."""

    def complete(self) -> None:
        """All that was there at the time of a list has been seen."""


class Reflector:
    """Follows one collection, as `/api/v1/secrets`; `select` are parameters such as labelSelector.

    With `metadata_only` the handler is shown PartialObjectMetadata: no spec, no data, no status ever comes here.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        handler: Handler,
        *,
        select: dict[str, str] | None = None,
        metadata_only: bool = False,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
        clock: Callable[[], float] = time.monotonic,
        failed: Callable[[str, SealerError], None] = lambda *_: None,
    ) -> None:
        self._client = client
        self._path = path
        self._handler = handler
        self._select = select or {}
        self._accept = (METADATA_LIST, METADATA) if metadata_only else (JSON, JSON)
        self._sleep = sleep
        self._draw = draw
        self._clock = clock
        self._failed = failed
        self._known: dict[str, _Identity] = {}
        self._version = ""
        self._failures = 0

    def __len__(self) -> int:
        return len(self._known)

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                await self._list()
                await self._follow()
            except SealerError as error:
                await self._wait(error)
            except (KeyError, TypeError):
                await self._wait(Unreachable("answered with what is no list of objects", where=self._path))

    async def _wait(self, error: SealerError) -> None:
        """Twice as long after each failure, drawn, and never shorter than the server asks for."""
        self._failures += 1
        self._failed(self._path, error)
        longest = min(_FIRST * 2.0 ** min(self._failures, 10), _CAP)
        asked = error.retry_after if isinstance(error, ApiError) else 0.0
        await self._sleep(max(self._draw(longest / 2, longest), asked))

    async def _list(self) -> None:
        left = dict(self._known)
        pages = Pages(self._client, self._path, self._select, self._accept[0])
        async for items in pages:
            if pages.began_anew:
                left, pages.began_anew = dict(self._known), False
            for item in items:
                key, _, _ = _identity(item)
                left.pop(key, None)
                self._see(item, listed=True)
        if self._version and _older(pages.version, self._version):
            # What is told of versions would be silent until the server has come as far again.
            self._known = {key: (key, uid, "") for key, uid, _ in self._known.values()}
            self._version = ""
            await self._list()
            return
        self._version = pages.version
        for key, uid, _ in left.values():
            del self._known[key]
            self._handler.gone(key, uid)
        self._handler.complete()

    async def _follow(self) -> None:
        """Watch from the last version on; comes back where only a list helps."""
        failed = 0
        while failed < _FAILURES:
            error: SealerError | None = None
            before, began = self._version, self._clock()
            try:
                await self._watch()
            except ApiError as refused:
                if refused.status == _GONE:
                    await self._wait(refused)
                    return
                error = refused
            except SealerError as broken:  # credentials, too, may be gone for a while
                error = broken
            except (msgspec.DecodeError, KeyError, TypeError):
                error = Unreachable("an event of the watch is none", where=self._path)
            if error is None:
                if await self._went_backwards():
                    return
                if self._version != before or self._clock() - began >= _SHORT:
                    failed = self._failures = 0
                    continue
                error = Unreachable("ends each watch at once", where=self._path)
            failed = failed + 1 if self._version == before else 1
            await self._wait(error)

    async def _watch(self) -> None:
        lasts = str(int(self._draw(*_LASTS)))
        lines = self._client.watch(
            self._path, SILENCE, accept=self._accept[1],
            **self._select, resourceVersion=self._version, allowWatchBookmarks="true", timeoutSeconds=lasts,
        )  # fmt: skip
        async for line in lines:
            event = answer.decode(line)
            kind, item = event["type"], event["object"]
            if kind == "ERROR":
                raise of_status(item, 500, f"watch {self._path}")
            version = item["metadata"]["resourceVersion"]
            if kind in ("ADDED", "MODIFIED"):
                self._see(item, listed=False)
            elif kind == "DELETED":
                key, uid, _ = _identity(item)
                if self._known.pop(key, None):
                    self._handler.gone(key, uid)
            # A bookmark, or an event of a kind that is not known yet, only says how far the server is.
            self._version = version
            self._failures = 0

    def _see(self, item: dict[str, Any], *, listed: bool) -> None:
        key, uid, version = now = _identity(item)
        known = self._known.get(key)
        if known == now:
            return
        if known is not None:
            key, former, _ = known
            if former != uid:
                self._handler.gone(key, former)
            else:  # one text for all who keep it: there are ten thousand of them
                uid = item["metadata"]["uid"] = former
        self._known[key] = (key, uid, version)
        self._handler.seen(key, item, listed=listed)

    async def _went_backwards(self) -> bool:
        """Whether the server is older than what it told before: a watch from the future is accepted, and silent."""
        try:
            page = await self._client.get(self._path, accept=self._accept[0], **self._select, limit="1")
            return _older(page["metadata"]["resourceVersion"], self._version)
        except (SealerError, KeyError, TypeError):
            return False  # the next watch, or its silence, tells


def _identity(item: dict[str, Any]) -> _Identity:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}", metadata["uid"], metadata["resourceVersion"]


def _older(one: str, other: str) -> bool:
    """Whether a version is older than another; False where that can't be told (numbers since Kubernetes 1.35)."""
    return one.isdigit() and other.isdigit() and int(one) < int(other)
