"""`/healthz`, `/readyz` and `/metrics` over HTTP, in a thread of their own. Nothing that a request says is repeated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from controller import serving as http
from controller.serving import bind as bind
from controller.serving import shown as shown

if TYPE_CHECKING:
    import socket

    from starlette.requests import Request

    from controller.running.health import Health
    from controller.running.metrics import Metrics

_LASTS = 30.0


def serving(bound: socket.socket, health: Health, metrics: Metrics) -> contextlib.AbstractContextManager[None]:
    """Answer on a socket until the end of the block."""
    return http.in_thread(bound, app(health, metrics), _LASTS)


def app(health: Health, metrics: Metrics) -> Starlette:
    """The three pages."""

    async def page(request: Request) -> Response:
        data, kind = metrics.page(request.headers.get("accept", ""))
        return Response(data, headers={"content-type": kind})

    made = Starlette(
        routes=[
            Route("/healthz", _probe(health.alive)),
            Route("/readyz", _probe(health.ready)),
            Route("/metrics", page),
        ]
    )
    # Where `/healthz/` is sent on to, the Host header of the request is repeated.
    made.router.redirect_slashes = False
    return made


def _probe(ask: Callable[[], tuple[bool, str]]) -> Callable[[Request], object]:
    async def answer(_: Request) -> Response:
        good, said = ask()
        return PlainTextResponse(f"{said}\n", 200 if good else 503, headers={"cache-control": "no-store"})

    return answer
