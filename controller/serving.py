"""Serving HTTP: a socket that listens, and uvicorn on it, with what it leaves open to strangers closed.

One connection is one request, and lasts for so many seconds at most: uvicorn has no limit of its own for how slowly a
request may come in or an answer be taken. Nor does its limit_concurrency serve, which answers 503 to whoever comes when
there are so many connections, idle ones among them: `connections` says which one goes instead, and `door` lets in.
Nothing is logged here, since a complaint about a request would quote it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller import connections
from controller.door import Door
from sealer import files
from sealer.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from prometheus_client import CollectorRegistry
    from starlette.applications import Starlette

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^\s:\[\]]*)):(?P<port>[0-9]{1,5})", re.ASCII)
_BACKLOG = 64
_CONNECTIONS = 64
_DESCRIPTORS = 512
"""Those that are left for all else."""
_EACH = 4
"""Descriptors for a connection: its own, and three for what is new or being closed."""
_TURNS = 4
"""Turns of the loop until a connection can be closed for a newer one: in these its request is read, if it is there."""
_ENDS = 5.0
_GRACE = 1
"""Seconds that requests have at the end, once nobody is let in any more."""
_HEAD = 10.0
"""Seconds in which a request's head has to come: who only connects holds no place for long."""
_OPENMETRICS = "application/openmetrics-text"


def bind(
    address: str, option: str = "--listen", example: str = "127.0.0.1:9640", *, must: bool = False
) -> socket.socket:
    """The socket of a HOST:PORT; without a HOST, of all addresses. `must`: of an option that can't be `none`.

    Raises UsageError for what is none, SourceError for one that can't be had.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > 65535:
        what = "is no HOST:PORT" if must else "is no HOST:PORT, and not none"
        raise UsageError(what, where=option, way_out=f"{option} {example}")
    try:
        return _listening(found["six"] or found["host"], int(found["port"]))
    except OSError as error:
        way_out = f"pass another one: {option} HOST:PORT" + ("" if must else f"; or none: {option} none")
        raise SourceError(
            f"can't listen: {files.reason(error)}", where=f"{option} {address}", way_out=way_out
        ) from None


def _listening(host: str, port: int) -> socket.socket:
    if not host:
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(("", port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(socket.socket(family, kind, protocol))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        made.listen(_BACKLOG)
        stack.pop_all()
        return made


def shown(bound: socket.socket) -> str:
    """The HOST:PORT that a socket has."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def in_thread(bound: socket.socket, app: Starlette, lasts: float, most: int = _CONNECTIONS) -> Iterator[None]:
    """Answer on a socket until the end of the block, in a thread with a loop of its own.

    `lasts`: seconds for which a connection is kept at most, with all that is read and written. `most`: connections.
    """
    most = room(most)
    server = _Server(_config(app, lasts, most), most)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="http", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_ENDS)
        bound.close()


@contextlib.asynccontextmanager
async def beside(
    bound: socket.socket, app: Starlette, lasts: float, most: int = _CONNECTIONS
) -> AsyncIterator[asyncio.Task[None]]:
    """As `in_thread`, on the loop of whoever calls, who is given what ends before that only with an error."""
    most = room(most)
    server = _Server(_config(app, lasts, most), most)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield task
    finally:
        server.should_exit = True
        try:
            await task
        finally:
            bound.close()


def exposed(registry: CollectorRegistry, accepted: str) -> tuple[bytes, str]:
    """All metrics as text, as an Accept header asks for it, and the content type.

    Of the header only that one name is looked at: the library's own choice repeats the version that it names.
    """
    from prometheus_client import exposition, openmetrics

    if _OPENMETRICS in accepted:
        data: bytes = openmetrics.exposition.generate_latest(registry)  # type: ignore[no-untyped-call]
        return data, openmetrics.exposition.CONTENT_TYPE_LATEST
    return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4


class _Server(uvicorn.Server):
    """One that waits at its own doors."""

    def __init__(self, config: uvicorn.Config, most: int) -> None:
        super().__init__(config)
        self._most = most
        self._doors: list[Door] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are of whoever calls."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As usual, but that uvicorn itself lets nobody in."""
        await super().startup([])
        self._doors = [Door(each, self._protocol, self._most) for each in sockets or ()]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As usual."""
        for each in self._doors:
            each.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return made(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def room(most: int) -> int:
    """As many connections as there are descriptors for, `most` if it can be: at 0 none is accepted, for a second.

    Where the soft limit is low it is raised to what is needed, which any process may up to its hard limit.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _DESCRIPTORS + _EACH * most
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return most
    return max((soft - _DESCRIPTORS) // _EACH, 1)


def _config(app: Starlette, lasts: float, most: int) -> uvicorn.Config:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).disabled = True
    table: connections.Table[Brief] = connections.Table(most)

    class Brief(H11Protocol):
        """A connection that ends, whoever holds on to it."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._ends = [self.loop.call_later(_HEAD, self._begun), self.loop.call_later(lasts, transport.abort)]
            self._lost = False
            self._settle(_TURNS)

        def connection_lost(self, exc: Exception | None) -> None:
            self._lost = True
            table.leave(self)
            for each in self._ends:
                each.cancel()
            super().connection_lost(exc)

        def waits(self) -> bool:
            """Whether a request has not come as a whole, or is being answered."""
            cycle = getattr(self, "cycle", None)  # its type there says that there always is one
            return cycle is None or cycle.more_body or cycle.response_started

        def _settle(self, turns: int) -> None:
            if self._lost:
                return
            if turns:
                self.loop.call_soon(self._settle, turns - 1)
                return
            peer = connections.address(self.client[0]) if self.client else None
            loser = table.enter(self, connections.holder(peer))
            if loser is not None:
                loser.transport.abort()

        def _begun(self) -> None:
            if getattr(self, "cycle", None) is None:
                self.transport.abort()

    return uvicorn.Config(
        app,
        http=Brief,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=[("connection", "close")],
        timeout_graceful_shutdown=_GRACE,
    )
