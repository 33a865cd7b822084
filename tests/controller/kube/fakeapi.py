"""One collection of an API server over real HTTP, whose faults can be ordered; for what a healthy server never does.

Versions, pages, continue tokens, 410 and bookmarks are as Kubernetes has them (kubernetes.io/docs/reference/using-api/
api-concepts: "Efficient detection of changes", "Retrieving large results sets in chunks", "410 Gone").
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any, Self

from aiohttp import web

PATIENCE = 20.0
PATH = "/apis/bitnami.com/v1alpha1/sealedsecrets"


def item(name: str, version: int, uid: str = "") -> dict[str, Any]:
    """An object of the collection."""
    metadata = {"namespace": "shop", "name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"said": f"{name} at {version}"}}


def status(code: int, reason: str, **more: Any) -> dict[str, Any]:
    """A Status (meta/v1)."""
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, **more}


class FakeApi:
    """Objects with versions, and what was asked for. An async context manager; `url` is where it listens.

    `answers` are given to the next requests in place of the right ones; `lines` to the next watches, which then break
    off in the middle of the last, unless it ends with a line break.
    """

    def __init__(self) -> None:
        self.version = 100
        self.items: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.oldest = 0
        """Versions before this one have been compacted."""
        self.answers: deque[tuple[int, dict[str, Any], dict[str, str]]] = deque()
        self.lines: deque[list[bytes]] = deque()
        self.expire_tokens = 0
        self.resumable = True
        self.silent = False
        self.lists: list[dict[str, str]] = []
        self.watches: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self._changed = asyncio.Condition()
        self._closing = 0
        self._watching = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get(PATH, self._get)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def put(self, name: str, uid: str = "") -> None:
        """Create an object, or change it."""
        before = self.items.get(name)
        self.version += 1
        new = item(name, self.version, uid or (before["metadata"]["uid"] if before else ""))
        await self._tell("MODIFIED" if before else "ADDED", new)

    async def delete(self, name: str) -> None:
        """Delete an object."""
        self.version += 1
        gone = self.items[name]
        gone["metadata"]["resourceVersion"] = str(self.version)
        await self._tell("DELETED", gone)

    async def _tell(self, kind: str, new: dict[str, Any]) -> None:
        name = new["metadata"]["name"]
        if kind == "DELETED":
            del self.items[name]
        else:
            self.items[name] = new
        self.events.append((self.version, kind, json.loads(json.dumps(new))))
        async with self._changed:
            self._changed.notify_all()

    def compact(self) -> None:
        """Forget all that is past, as etcd does every five minutes."""
        self.oldest = self.version
        self.events.clear()

    async def close_watches(self) -> None:
        """End all watches, as a server does that stops, or whose time for them is up; waits until there is one."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self._watching)
            self._closing += 1
            self._changed.notify_all()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        query = dict(request.query)
        (self.watches if "watch" in query else self.lists).append(query)
        if self.answers:
            code, body, headers = self.answers.popleft()
            return web.json_response(body, status=code, headers=headers)
        return await self._watch(request, query) if "watch" in query else self._list(query)

    def _list(self, query: dict[str, str]) -> web.Response:
        start, _, pinned = query.get("continue", "0:").partition(":")
        if query.get("continue") and self.expire_tokens:
            self.expire_tokens -= 1
            more = {"metadata": {"continue": f"{start}:"}} if self.resumable else {}
            return web.json_response(status(410, "Expired", **more), status=410)
        names = sorted(self.items)
        limit = int(query.get("limit", "0")) or len(names)
        page = [self.items[name] for name in names[int(start) : int(start) + limit]]
        metadata = {"resourceVersion": pinned or str(self.version)}
        if int(start) + limit < len(names):
            metadata["continue"] = f"{int(start) + limit}:{metadata['resourceVersion']}"
        return web.json_response({"metadata": metadata, "items": page})

    async def _watch(self, request: web.Request, query: dict[str, str]) -> web.StreamResponse:
        since, closing = int(query["resourceVersion"]), self._closing
        response = web.StreamResponse()
        await response.prepare(request)
        if self.lines:
            for line in self.lines.popleft():
                await response.write(line)
            if request.transport is not None:
                request.transport.close()
            return response
        if since < self.oldest:
            await response.write(_line("ERROR", status(410, "Expired")))
            return response
        self._watching += 1
        async with self._changed:
            self._changed.notify_all()
        try:
            await self._follow(response, since, closing)
        finally:
            self._watching -= 1
        return response

    async def _follow(self, response: web.StreamResponse, since: int, closing: int) -> None:
        while self._closing == closing:
            for version, kind, new in [] if self.silent else self.events:
                if version > since:
                    since = version
                    await response.write(_line(kind, new))
            async with self._changed:
                if self._closing == closing and (self.silent or not self.events or self.events[-1][0] <= since):
                    await self._changed.wait()


def _line(kind: str, new: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": new}).encode() + b"\n"
