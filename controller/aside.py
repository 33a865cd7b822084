"""A thread with an event loop of its own: neither what runs there nor whoever began it can hold the other one up.

Who runs there uses nothing of the loop that began it, but what may be used by any thread, or asks that loop (`Home`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")

_ENDS = 5.0
"""Seconds for a thread to end: what is under way has one of them (`serving`)."""


class Home:
    """The loop that began it all."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def ask(self, what: Callable[[], T], seconds: float) -> T:
        """What a function returns, called on that loop. Raises TimeoutError if it isn't by then, and won't be."""
        answer: Future[T] = Future()

        def call() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(what())
                except Exception as error:
                    answer.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(answer)


Running = AbstractAsyncContextManager[Collection["asyncio.Future[None]"]]
"""What is entered and left on the loop of the thread; as long as it is entered, none of these is to end."""


@contextlib.asynccontextmanager
async def aside(runs: Callable[[Home], Running], name: str) -> AsyncIterator[asyncio.Future[None]]:
    """Enter something in a thread, on a loop of the kind that runs here, and leave it at the end of the block.

    It is entered when the block begins, which is given what is done as soon as it has ended all the same, with the
    error. Raises what entering or leaving it raises, and RuntimeError if it ends by itself, or doesn't end.
    """
    thread = _Thread(runs, name)
    thread.start()
    try:
        await asyncio.wait([thread.entered, thread.ended], return_when=asyncio.FIRST_COMPLETED)
        if not thread.ended.done():
            yield thread.ended
    finally:
        thread.leave()
        await asyncio.wait([thread.ended], timeout=_ENDS)
        if thread.ended.done():
            thread.join()  # its last lines
            thread.ended.exception()  # if another one is on its way, asyncio is not to print this one
    if not thread.ended.done():
        raise RuntimeError(f"the thread {name} does not end")
    thread.ended.result()


class _Thread(threading.Thread):
    """Runs until it is told to leave. Both futures are of the loop that began it."""

    def __init__(self, runs: Callable[[Home], Running], name: str) -> None:
        super().__init__(name=name, daemon=True)  # one that hangs keeps no process from its end
        self._home = asyncio.get_running_loop()
        self._loop = type(self._home)()
        self._runs = runs
        self._leave = asyncio.Event()
        self.entered: asyncio.Future[None] = self._home.create_future()
        self.ended: asyncio.Future[None] = self._home.create_future()

    def leave(self) -> None:
        """Begin to end."""
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._leave.set)

    def run(self) -> None:
        """What the thread does."""
        error: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except BaseException as caught:  # whatever it is, whoever began this must hear of it
            error = caught
        self._tell(self.ended, error)

    async def _main(self) -> None:
        async with self._runs(Home(self._home)) as parts:
            self._tell(self.entered)
            leave = asyncio.ensure_future(self._leave.wait())
            ends: list[asyncio.Future[Any]] = [*parts, leave]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            leave.cancel()
            for each in parts:
                if each.done():
                    await each
            if not self._leave.is_set():
                raise RuntimeError(f"the thread {self.name} has ended by itself")

    def _tell(self, one: asyncio.Future[None], error: BaseException | None = None) -> None:
        with contextlib.suppress(RuntimeError):  # nobody waits any more, and the loop is closed
            self._home.call_soon_threadsafe(_settle, one, error)


def _settle(one: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        one.set_result(None)
    else:
        one.set_exception(error)
