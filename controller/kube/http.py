"""The endpoints of the controller in a cluster, as kubeseal calls them; answered by every replica.

    :8080  /healthz  /readyz  /v1/cert.pem  /v1/keys  /v1/verify  /v1/rotate        :8081  /metrics

Upstream's answers (`shared/reference/bitnami-sealed-secrets.md`, 4.2; what is not there was read off the real 0.40.0),
but for these differences: each path has its methods, all else is 405; `/v1/keys` is our signed bundle; several
documents are taken; what fails with 500 says why, in words of ours. Nothing of a request is repeated in an answer or a
log, but the document that `/v1/rotate` is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from starlette.middleware import Middleware
from starlette.responses import Response

from controller import serving as server
from controller.kube import identity, rotate
from controller.kube.audit import Audit
from controller.kube.auditlog import NotAudited
from controller.kube.bodies import Bodies, Broken, Busy, TooLarge
from controller.kube.effort import Effort, TooMuch
from controller.kube.pages import NO_STORE, TEXT, Measured, error, pages
from controller.kube.posted import read
from controller.kube.verify import opens
from sealer.errors import NoKey, SealerError

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette
    from starlette.requests import Request

    from controller.kube.audit import Told
    from controller.kube.identity import Identity, User
    from controller.kube.limits import Limiter
    from controller.kube.metrics import Metrics
    from controller.kube.pages import Handler
    from controller.kube.posted import Posted

Verb = Literal["verify", "rotate"]
T = TypeVar("T")

_CONNECTIONS = 512
_THREADS = 2
_MARGIN = 5.0
_PEM = "application/x-pem-file"

DEFECT = "a defect of this program"


class Keys(rotate.Keys, Protocol):
    """The keys of the cluster; `controller.kube.registry.KeyRegistry` is one. Asked from several threads."""

    @property
    def certificate(self) -> str:
        """The PEM of the newest certificate. Raises NoKey."""

    def bundle(self, now: datetime) -> bytes:
        """The signed bundle. Raises NoKey."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request to verify or rotate, for the log. `user`: as the API server calls who asked; "" if it was not asked.

    `reason`: in words of ours; `error`: the class of what was raised.
    """

    verb: Verb
    code: int
    user: str = ""
    documents: int = 0
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What answers. `limiter` and `identity` None: all are let; timeouts in seconds.

    `trouble`: what is wrong with the controller, "" if nothing is; `look` brings metrics up to date that need it.
    """

    keys: Keys
    ready: Callable[[], bool]
    metrics: Metrics
    trouble: Callable[[], str] = lambda: ""
    look: Callable[[], Awaitable[None]] | None = None
    limiter: Limiter | None = None
    identity: Identity | None = None
    audit: Audit = field(default_factory=Audit)
    accept_legacy: bool = True
    read_timeout: float = 120.0
    write_timeout: float = 120.0
    said: Callable[[Answered], None] = lambda _: None


class _Failed(Exception):
    """How a request ends that can't be answered."""

    def __init__(self, code: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.headers = headers or {}


class Site:
    """The endpoints with the threads that open for them; to be closed."""

    def __init__(self, wanted: Endpoints) -> None:
        self._wanted = wanted
        self._bodies = Bodies()
        self._pool = ThreadPoolExecutor(_THREADS, "http")

    def close(self) -> None:
        """Begin no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def app(self) -> Starlette:
        """What stands at :8080."""
        routes: dict[str, tuple[Handler, str]] = {
            "/healthz": (self._healthy, "GET"),
            "/readyz": (self._ready, "GET"),
            "/v1/cert.pem": (self._certificate, "GET"),
            "/v1/keys": (self._bundle, "GET"),
            "/v1/verify": (partial(self._answered, "verify"), "POST"),
            "/v1/rotate": (partial(self._answered, "rotate"), "POST"),
        }
        return pages(routes, [Middleware(Measured, metrics=self._wanted.metrics)])

    async def _healthy(self, _: Request) -> Response:
        trouble = self._wanted.trouble()
        return Response(f"{trouble or 'ok'}\n", 503 if trouble else 200, NO_STORE, TEXT)

    async def _ready(self, _: Request) -> Response:
        ready = self._wanted.ready()
        return Response("ok\n" if ready else "not ready\n", 200 if ready else 503, NO_STORE, TEXT)

    async def _certificate(self, _: Request) -> Response:
        try:
            return Response(self._wanted.keys.certificate, media_type=_PEM)
        except NoKey:
            return error(500, "cannot get certificate")

    async def _bundle(self, _: Request) -> Response:
        try:
            data = self._wanted.keys.bundle(datetime.now(UTC))
        except NoKey:
            return error(503, "no key bundle has been published yet", {"retry-after": "10"})
        return Response(data, headers=NO_STORE, media_type=TEXT)

    async def _answered(self, verb: Verb, request: Request) -> Response:
        """Any answer of these two: the limit, who asks, the body, and then the work."""
        told = _Told()
        headers: Mapping[str, str] = {}
        if self._wanted.limiter is not None:
            peer = request.client.host if request.client else ""
            forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
            limit = self._wanted.limiter.ask(f"/v1/{verb}", peer, forwarded)
            headers = limit.headers
            if not limit.allowed:
                return error(429, "limit exceeded", headers)
        try:
            response = await self._guarded(verb, request, told)
            answered = Answered(verb, response.status_code, told.user, told.documents)
        except _Failed as failed:
            cause = failed.__cause__
            error_name = type(cause).__name__ if cause is not None else ""
            answered = Answered(verb, failed.code, told.user, told.documents, failed.reason, error_name)
            response = error(failed.code, failed.reason, failed.headers)
        except Exception as defect:
            self._wanted.said(Answered(verb, 500, told.user, told.documents, DEFECT, type(defect).__name__))
            raise
        response.headers.update(headers)
        self._wanted.said(answered)
        return response

    async def _guarded(self, verb: Verb, request: Request, told: _Told) -> Response:
        asked = self._wanted.identity
        if "transfer-encoding" in request.headers:  # in chunks of one byte it costs a hundred times as much to read
            raise _Failed(411, "say how long the body is: Content-Length")
        try:
            with self._bodies.room() as room:
                user = await asked.who(request.headers) if asked is not None else None
                told.user = user.name if user else ""
                data = await room.read(request, self._wanted.read_timeout)
                return await self._worked(verb, data, user, told)
        except identity.Unknown as found:
            raise _Failed(401, "unauthorized", {"www-authenticate": "Bearer"}) from found
        except identity.Forbidden as found:
            raise _Failed(403, "forbidden") from found
        except identity.CantAsk as found:
            raise _Failed(503, "the API server can't be asked who this is") from found
        except TooLarge as found:
            raise _Failed(413, "request body too large") from found
        except Busy as found:
            raise _Failed(503, "busy", {"retry-after": "1"}) from found
        except Broken as found:
            raise _Failed(400 if verb == "verify" else 500, "the body can't be read") from found

    async def _worked(self, verb: Verb, data: bytes, user: User | None, told: _Told) -> Response:
        wanted, effort = self._wanted, Effort()
        try:
            async with asyncio.timeout(wanted.write_timeout):
                posted = await self._run(read, data)
                told.documents = len(posted)
                if user is not None and wanted.identity is not None:
                    await wanted.identity.may(user, verb, [each.namespace for each in posted])
                async with wanted.audit.asked(verb, posted, told.user) as audited:
                    return await self._done(verb, posted, effort, audited)
        except TimeoutError as found:
            raise _Failed(500, "it took too long") from found
        except (identity.Forbidden, identity.CantAsk):
            raise
        except TooMuch as found:
            raise _Failed(413 if verb == "verify" else 500, f"it {found.what}") from found
        except NotAudited as found:
            raise _Failed(503, "the audit log can't be written, so nothing is opened", {"retry-after": "10"}) from found
        except SealerError as found:
            raise _Failed(500, f"cannot {verb}: {rotate.reason(found)}") from found
        finally:
            effort.end()

    async def _done(self, verb: Verb, posted: Sequence[Posted], effort: Effort, audited: Told) -> Response:
        wanted, legacy = self._wanted, self._wanted.accept_legacy
        if verb == "rotate":
            again = await self._run(rotate.rotate, posted, wanted.keys, effort, accept_legacy=legacy)
            return Response(again, media_type="application/json")
        good = await self._run(opens, posted, wanted.keys.opening, effort, accept_legacy=legacy)
        if not good:
            audited.refused("it doesn't open")
        return Response(status_code=200 if good else 409)

    async def _run(self, work: Callable[..., T], *arguments: Any, **more: Any) -> T:
        """Something that takes its time, off the loop: RSA and the parsers release the GIL, or give it up often."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(work, *arguments, **more))


@dataclass(slots=True)
class _Told:
    """What is known of a request by the time that it ends."""

    user: str = ""
    documents: int = 0


def metrics_app(metrics: Metrics, look: Callable[[], Awaitable[None]] | None = None) -> Starlette:
    """What stands at :8081."""
    one = asyncio.Lock()

    async def page(request: Request) -> Response:
        async with one:  # they would share one processor, which the reconcilers need
            if look is not None:
                await look()
            # A page of ten thousand series takes long enough to hold up a probe.
            data, kind = await asyncio.to_thread(metrics.page, request.headers.get("accept", ""))
        return Response(data, headers={"content-type": kind})

    return pages({"/metrics": (page, "GET")})


@contextlib.asynccontextmanager
async def serving(
    wanted: Endpoints, bound: socket.socket, metrics: socket.socket | None
) -> AsyncIterator[tuple[asyncio.Future[None], ...]]:
    """Answer on these two sockets until the end of the block, on the loop of whoever calls; what ends none too soon."""
    lasts = wanted.read_timeout + wanted.write_timeout + _MARGIN
    running: list[asyncio.Future[None]] = []
    async with contextlib.AsyncExitStack() as stack:
        site = Site(wanted)
        stack.callback(site.close)
        if metrics is not None:
            more = server.beside(metrics, metrics_app(wanted.metrics, wanted.look), lasts)
            running.append(await stack.enter_async_context(more))
        running.append(await stack.enter_async_context(server.beside(bound, site.app(), lasts, _CONNECTIONS)))
        yield tuple(running)
