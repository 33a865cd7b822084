"""What is watched of each namespace: its Secrets first, then its SealedSecrets, whatever becomes of the others.

Whether a SealedSecret is settled shows only when the Secrets of its namespace are known. A namespace that can't be read
is told of and tried again, and holds up no other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from controller.kube import names
from controller.kube.reflector import Reflector
from sealer.kube.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from controller.kube.cache import Standings
    from controller.kube.reflector import Handler
    from controller.kube.sealed import SealedSecrets
    from sealer.errors import SealerError
    from sealer.kube.client import Client

_REFUSED = (401, 403, 404)


class Watching:
    """The watches of namespaces; "" stands for all. `standings` None: no Secret is watched.

    `known` is called once, when each namespace was listed or refused. `failed` is told of a path and what it gave.
    """

    def __init__(
        self,
        client: Client,
        namespaces: tuple[str, ...],
        standings: Standings | None,
        sealed: SealedSecrets,
        *,
        selector: str = "",
        listed: Callable[[str], None],
        known: Callable[[], None],
        failed: Callable[[str, SealerError], None],
    ) -> None:
        self._client, self._standings, self._sealed = client, standings, sealed
        self._select = {"labelSelector": selector} if selector else {}
        self._listed, self._known, self._failed = listed, known, failed
        self._left = set(namespaces)  # neither listed nor refused yet
        self._namespaces = namespaces
        self._some = self._told = False

    @property
    def known(self) -> bool:
        """Whether all SealedSecrets are known that may be read."""
        return self._some and not self._left

    async def run(self) -> None:
        """Watch until cancelled."""
        tasks = [asyncio.create_task(self._namespace(each)) for each in self._namespaces]
        try:
            await asyncio.gather(*tasks)
        finally:
            await cancelled(tasks)

    async def _namespace(self, namespace: str) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            if self._standings is not None:
                told = _Told(self._standings, lambda: self._listed("secrets"))
                path = names.secrets(namespace)
                tasks.append(self._start(namespace, path, told, metadata_only=True))
                first = asyncio.ensure_future(told.first.wait())
                await asyncio.wait([*tasks, first], return_when=asyncio.FIRST_COMPLETED)
                first.cancel()
            told = _Told(self._sealed, lambda: self._done(namespace))
            tasks.append(self._start(namespace, names.sealed_secrets(namespace), told, select=self._select))
            await asyncio.gather(*tasks)
        finally:
            await cancelled(tasks)

    def _start(self, namespace: str, path: str, told: Handler, **more: Any) -> asyncio.Task[None]:
        def failed(path: str, error: SealerError) -> None:
            self._failed(path, error)
            if isinstance(error, ApiError) and error.status in _REFUSED:
                self._less(namespace)

        return asyncio.create_task(Reflector(self._client, path, told, failed=failed, **more).run())

    def _done(self, namespace: str) -> None:
        self._listed("sealedsecrets")
        self._some = True
        self._less(namespace)

    def _less(self, namespace: str) -> None:
        self._left.discard(namespace)
        if self.known and not self._told:
            self._told = True
            self._known()


class _Told:
    """A handler whose first list is waited for."""

    def __init__(self, handler: Handler, listed: Callable[[], None]) -> None:
        self.seen = handler.seen
        self.gone = handler.gone
        self._complete = handler.complete
        self._listed = listed
        self.first = asyncio.Event()

    def complete(self) -> None:
        """Tell all."""
        self._complete()
        self.first.set()
        self._listed()


async def cancelled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel all of them, and return when they have ended."""
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
