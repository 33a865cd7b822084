"""A collection of an API server, page by page, in little memory: one page as bytes, and one of its objects at a time.

A page that expires half-way goes on from where the server says, or the list begins anew. How many objects a page has
follows their size: a SealedSecret may be of 3 kB or of a megabyte, and a page is answered whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from sealer.kube import answer
from sealer.kube.client import JSON, ApiError, TooLarge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sealer.kube.client import Client

PAGE = 500
"""Objects of a page, at most."""
_FIRST = 10
_BYTES = 1 << 20
"""Of a page, about."""
_MOST = 8 << 20
"""Of a page that is read; one that is larger is asked for again, with fewer objects. No object is so large."""
_FAILURES = 3
_GONE = 410


class Page(msgspec.Struct):
    """A page as it came; its objects are read when it is their turn."""

    metadata: dict[str, Any]
    items: list[msgspec.Raw] | None = None


class Pages:
    """A list in pages: the objects of each. Raises ApiError, Unreachable, TooLarge.

    `version` is that of the first page: where a list went on as of a later time, the watch from there makes up for it.
    """

    def __init__(self, client: Client, path: str, select: dict[str, str], accept: str = JSON) -> None:
        self._client = client
        self._accept = accept
        self._path = path
        self._select = select
        self._limit = _FIRST
        self.version = ""
        self.began_anew = False

    async def __aiter__(self) -> AsyncIterator[Iterator[dict[str, Any]]]:
        token, expired = "", 0
        while True:
            params = {**self._select, "limit": str(self._limit), **({"continue": token} if token else {})}
            try:
                page = await self._client.read(self._path, Page, most=_MOST, accept=self._accept, **params)
            except TooLarge:
                if self._limit == 1:
                    raise
                self._limit = max(1, self._limit // 8)
                continue
            except ApiError as error:
                if error.status != _GONE or not token or expired >= _FAILURES:
                    raise
                expired += 1
                token = error.continue_token
                if not token:
                    self.version, self.began_anew = "", True
                continue
            self.version = self.version or page.metadata["resourceVersion"]
            items = page.items or []
            self._fit(items)
            yield map(answer.decode, items)
            token = page.metadata.get("continue") or ""
            if not token:
                return
            del page, items  # else two are there at once: this one until the next is read

    def _fit(self, items: list[msgspec.Raw]) -> None:
        """Ask for as many next time as would have been right."""
        if items:
            size = sum(map(len, items)) / len(items)
            self._limit = max(1, min(PAGE, int(_BYTES / size)))


async def listed(client: Client, path: str, **select: str) -> list[dict[str, Any]]:
    """All objects of a collection, once. Raises ApiError, Unreachable."""
    pages = Pages(client, path, select)
    found: list[dict[str, Any]] = []
    async for items in pages:
        if pages.began_anew:
            found, pages.began_anew = [], False
        found += items
    return found
