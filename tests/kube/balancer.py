"""A TCP load balancer in front of API servers: each new connection goes to the next one that takes it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def balanced(ports: Sequence[int]) -> Iterator[int]:
    """The port that it listens at, of 127.0.0.1 as `ports` are. What is cut off at one end is cut off at the other."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    balancer = _Balancer(ports)
    try:
        try:
            yield asyncio.run_coroutine_threadsafe(balancer.start(), loop).result()
        finally:
            # Also where the test failed: what is left of it would be the failure of the next one.
            asyncio.run_coroutine_threadsafe(balancer.end(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Balancer:
    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = itertools.cycle(ports)
        self._count = len(ports)
        self._served: set[asyncio.Task[None]] = set()
        self._accepted: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        self._server.close()
        # Those, too, that asyncio is just accepting, and those that were not begun and so close nothing themselves.
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            for each in self._served:
                each.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        for writer in self._accepted:
            writer.close()
        # Who was cancelled while it waited for this cancelled what is waited for.
        await asyncio.gather(*map(_closed, self._accepted), return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted.append(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._served.add(task)
        task.add_done_callback(self._served.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_closed, writer)
            for port in itertools.islice(self._ports, self._count):
                with contextlib.suppress(OSError):
                    behind, to_behind = await asyncio.open_connection("127.0.0.1", port)
                    stack.push_async_callback(_closed, to_behind)
                    break
            else:
                return
            both = [asyncio.create_task(_pump(*each)) for each in ((reader, to_behind), (behind, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in both:
                    each.cancel()
                await asyncio.gather(*both, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
