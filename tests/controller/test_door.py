"""A door at a real socket: whose connections are let in, how many in a turn of the loop, and what becomes of others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from contextlib import ExitStack, closing

from controller import serving
from controller.door import Door


class Came(asyncio.Protocol):
    """A connection that was let in."""

    def __init__(self, came: list[str]) -> None:
        self._came = came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._came.append(transport.get_extra_info("peername")[0])
        transport.close()


def call(stack: ExitStack, bound: socket.socket, source: str) -> socket.socket:
    """A connection from an address of this machine."""
    return stack.enter_context(socket.create_connection(bound.getsockname()[:2], 30, (source, 0)))


def test_a_flood_fills_no_turn_of_the_loop_and_passes_nobody_by() -> None:
    async def main() -> None:
        came: list[str] = []
        with ExitStack() as stack:
            bound = stack.enter_context(serving.bind("127.0.0.1:0"))
            bound.listen(1024)
            for _ in range(100):
                call(stack, bound, "127.0.1.1")
            call(stack, bound, "127.0.1.2")
            stack.enter_context(closing(Door(bound, lambda: Came(came), 512)))
            while len(came) < 101:
                before = len(came)
                await asyncio.sleep(0)
                assert len(came) - before <= 4
            assert came.index("127.0.1.2") < 4

    asyncio.run(main())


def test_of_too_many_the_oldest_of_the_flood_are_closed_and_at_the_end_all() -> None:
    async def main() -> None:
        came: list[str] = []
        with ExitStack() as stack:
            bound = stack.enter_context(serving.bind("127.0.0.1:0"))
            bound.listen(1024)
            flood = [call(stack, bound, "127.0.1.1") for _ in range(50)]
            call(stack, bound, "127.0.1.2")
            with closing(Door(bound, lambda: Came(came), 10)):
                while "127.0.1.2" not in came:
                    await asyncio.sleep(0)
            assert len(came) < 10
            for each in flood:  # none is left open
                with contextlib.suppress(ConnectionResetError):
                    assert await asyncio.to_thread(each.recv, 1) == b""

    asyncio.run(main())


def test_without_descriptors_it_looks_again() -> None:
    """In a process of its own, whose limit is so low for a while that nothing can be accepted."""
    script = """
import asyncio, os, resource, socket
from controller import door, serving
door._PAUSE = 0.01

class Came(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"in")
        transport.close()

async def main():
    bound = serving.bind("127.0.0.1:0")
    caller = socket.create_connection(bound.getsockname())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = door.Door(bound, Came, 4)
    resource.setrlimit(resource.RLIMIT_NOFILE, (caller.fileno() + 1, hard))
    while opened._pause is None:
        await asyncio.sleep(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(await asyncio.to_thread(caller.recv, 9))
    opened.close()

asyncio.run(main())
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (said.stdout, said.stderr) == ("b'in'\n", "")
