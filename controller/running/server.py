"""`/healthz`, `/readyz` and `/metrics` over HTTP, in a thread of their own. Nothing that a request says is repeated."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sealer import files
from sealer.errors import SourceError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from controller.running.health import Health
    from controller.running.metrics import Metrics

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})", re.ASCII)
_BACKLOG = 64
_CONNECTIONS = 64
_ENDS = 5.0


def bind(address: str) -> socket.socket:
    """The socket of a HOST:PORT. Raises UsageError for what is none, SourceError for one that can't be had."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > 65535:
        raise UsageError("is no HOST:PORT, and not none", where="--listen", way_out="--listen 127.0.0.1:9640")
    host, port = found["six"] or found["host"], int(found["port"])
    way_out = "pass another one: --listen HOST:PORT; or none: --listen none"
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as stack:
            made = stack.enter_context(socket.socket(family, kind, protocol))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(where)
            made.listen(_BACKLOG)
            stack.pop_all()
            return made
    except OSError as error:
        raise SourceError(
            f"can't listen: {files.reason(error)}", where=f"--listen {address}", way_out=way_out
        ) from None


def shown(bound: socket.socket) -> str:
    """The HOST:PORT that a socket has."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def serving(bound: socket.socket, health: Health, metrics: Metrics) -> Iterator[None]:
    """Answer on a socket until the end of the block."""
    # Its complaints about strangers' requests would stand among our records.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).disabled = True
    config = uvicorn.Config(
        app(health, metrics),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="http", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_ENDS)
        bound.close()


def app(health: Health, metrics: Metrics) -> Starlette:
    """The three pages."""

    async def page(request: Request) -> Response:
        data, kind = metrics.page(request.headers.get("accept", ""))
        return Response(data, headers={"content-type": kind})

    return Starlette(
        routes=[
            Route("/healthz", _probe(health.alive)),
            Route("/readyz", _probe(health.ready)),
            Route("/metrics", page),
        ]
    )


def _probe(ask: Callable[[], tuple[bool, str]]) -> Callable[[Request], object]:
    async def answer(_: Request) -> Response:
        good, said = ask()
        return PlainTextResponse(f"{said}\n", 200 if good else 503, headers={"cache-control": "no-store"})

    return answer
