"""What answers over HTTP (`http`), as the flags have it, in a thread and on a loop of its own (`controller.aside`).

On the loop that works a flood of requests would delay the Lease, and a long step of its a probe. What crosses:

    keys        `KeyRegistry`: sets that never change, replaced as a whole
    health      `Health`: the last beat, replaced as a whole; bad once the loop that works hangs
    metrics     each has a lock; what waits in the queue is asked of that loop, and is as it was if no answer comes
    the log     has a lock
    audit       is written on that loop, which a request waits for before it opens anything
    identity    has connections of its own to the API server: asking costs the loop that works nothing
    limits, bodies, threads that open    are of this thread alone
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from controller import serving
from controller.kube import http
from controller.kube.identity import Identity
from controller.kube.limits import Limiter, networks
from sealer.kube.client import Client

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import AsyncIterator, Callable

    from controller.aside import Home, Running
    from controller.kube.audit import Audit
    from controller.kube.flags import Flags
    from controller.kube.health import Health
    from controller.kube.metrics import Metrics
    from sealer.kube.kubeconfig import Access

_LOOKS = 1.0
"""Seconds for the loop that works to say what waits: less than whoever asks for metrics waits."""


def bound(flags: Flags) -> tuple[socket.socket, socket.socket]:
    """The sockets of endpoints and metrics. Raises UsageError, SourceError."""
    with contextlib.ExitStack() as stack:
        listen = stack.enter_context(serving.bind(flags.listen, "--listen-addr", ":8080", must=True))
        metrics = stack.enter_context(serving.bind(flags.listen_metrics, "--listen-metrics-addr", ":8081", must=True))
        stack.pop_all()
        return listen, metrics


def answering(
    flags: Flags,
    access: Callable[[], Access],
    keys: http.Keys,
    metrics: Metrics,
    health: Health,
    said: Callable[[http.Answered], None],
    sockets: tuple[socket.socket, socket.socket],
    audit: Audit,
) -> Callable[[Home], Running]:
    """What `controller.aside` runs. `said` is called in its thread. Raises UsageError for flags that are none."""
    limiter = _limiter(flags)

    @contextlib.asynccontextmanager
    async def running(home: Home) -> AsyncIterator[tuple[asyncio.Future[None], ...]]:
        async def look() -> None:
            with contextlib.suppress(TimeoutError):
                await home.ask(metrics.look, _LOOKS)

        async with contextlib.AsyncExitStack() as stack:
            identity = None
            if flags.require_identity:
                asks = await stack.enter_async_context(Client(access))
                identity = Identity(asks, time.monotonic, flags.token_audiences)
            wanted = http.Endpoints(
                keys=keys,
                ready=health.ready,
                trouble=health.trouble,
                metrics=metrics,
                look=look,
                limiter=limiter,
                identity=identity,
                audit=audit,
                accept_legacy=flags.accept_v1_data,
                read_timeout=flags.read_timeout,
                write_timeout=flags.write_timeout,
                said=said,
            )
            yield await stack.enter_async_context(http.serving(wanted, *sockets))

    return running


def _limiter(flags: Flags) -> Limiter | None:
    if flags.rate_limit <= 0:
        return None
    return Limiter(flags.rate_limit, flags.rate_limit_burst, time.monotonic, networks(flags.proxies))
