"""Pages over HTTP: a table of handlers, what all else is answered with, and how requests are counted."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from controller.kube.metrics import Metrics

    Handler = Callable[[Request], Awaitable[Response]]

TEXT = "text/plain; charset=utf-8"
NO_STORE = {"cache-control": "no-store"}

_LINGERS = 0.5
_PROBES = ("/healthz", "/readyz")
_SAFE = {"x-content-type-options": "nosniff"}


def pages(routes: Mapping[str, tuple[Handler, str]], middleware: list[Middleware] | None = None) -> Starlette:
    """Handlers by their paths, each with the one method that it has; nothing else is there."""

    async def refused(_: Request, raised: Exception) -> Response:
        code = raised.status_code if isinstance(raised, HTTPException) else 500
        headers = raised.headers if isinstance(raised, HTTPException) else None
        return error(code, "404 page not found" if code == 404 else "method not allowed", headers)

    made = Starlette(
        routes=[Route(path, _route(handler), methods=[method]) for path, (handler, method) in routes.items()],
        middleware=middleware,
        exception_handlers={404: refused, 405: refused},
    )
    # Where `/healthz/` is sent on to, the Host header of the request is repeated.
    made.router.redirect_slashes = False
    return made


def _route(handler: Handler) -> Handler:
    # Starlette takes what is no plain function for an app of its own.
    async def endpoint(request: Request) -> Response:
        return await handler(request)

    return endpoint


def error(code: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in one line of text."""
    made = _Lingering if code == 413 else Response
    return made(f"{text}\n", code, {**_SAFE, **(headers or {})}, TEXT)


class _Lingering(Response):
    """An answer to someone who still writes: a socket that is closed with bytes unread takes the answer with it.

    So it waits a moment, as Go's server does; what is written meanwhile is not read.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and end a moment later."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await asyncio.sleep(_LINGERS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Measured:
    """Counts and times requests, but those of probes, as upstream."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        code, began, counted = 500, monotonic(), False

        def count() -> None:
            nonlocal counted
            if not counted:
                counted = True
                self._metrics.requested(scope["path"], scope["method"], code, monotonic() - began)

        async def watched(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            elif not message.get("more_body"):
                count()  # before whoever asked has it all, so that they find it counted
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            count()
