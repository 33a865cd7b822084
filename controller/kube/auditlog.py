"""The audit log of one replica: `controller.audit.log`, written in groups, from any event loop.

    begin   intents, which are on disk when it returns; all that wait at once share one write and one fdatasync
    end     outcomes, which go along with the next intents, or by themselves a moment later

While one group is written by a thread, the next one gathers. The first use takes the directory for this process, and
closes what an earlier process left open there as `abandoned`. An outcome that can't be written is kept and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self

from controller import flock
from controller.audit import follow
from controller.audit.log import MAX_BYTES, Log
from controller.state_files import LOCK
from sealer import files
from sealer.errors import SealerError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from controller.audit.record import Entry, Outcome
    from controller.effects import Effects

    _Group = tuple[tuple[Entry, ...], Future[list[int]]]
    """Intents of one caller, and where it waits for their sequences, perhaps in another thread."""

_SOON = 0.05
"""Seconds that outcomes wait for intents to go along with: alone each would keep the next intents from the disk."""
_FIRST, _CAP = 1.0, 60.0
"""Seconds until outcomes are tried again that could not be written, and the most."""
_MOST = 10_000
"""Above so many no refusal is kept while the log can't be written; these go on, and what they say stands elsewhere.
Of outcomes there are never more than of intents on disk."""
_SLOW = 10.0
"""Seconds of one write until it is told of: a disk on a network may never answer, and all waits for it."""
_ENDS = 5.0
"""Seconds that what is left has at the end."""
_KILLED: tuple[Outcome, str] = ("abandoned", "its process ended before it said what came of it")
_GIVEN_UP: tuple[Outcome, str] = ("abandoned", "it was given up before it began")


class NotAudited(SealerError):
    """The log can't be written, and so nothing is done. In words for a status: no path of the controller is in them."""


class Counted(Protocol):
    """What is told how it goes; `controller.kube.metrics.Audits` is one."""

    def wrote(self, records: int) -> None:
        """So many records are on disk."""

    def failed(self) -> None:
        """A group was not written."""


class AuditLog:
    """A chain in a directory of its own. `told(level, event, **fields)` and `failed(path, error)` log to stderr."""

    def __init__(
        self,
        directory: Path,
        *,
        told: Callable[..., None] = lambda *_, **__: None,
        failed: Callable[[str, SealerError], None] = lambda *_: None,
        counted: Counted | None = None,
        effects: Effects | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.directory = directory
        self._told, self._tell, self._counted = told, failed, counted
        self._effects, self._max_bytes = effects, max_bytes
        self._pool = ThreadPoolExecutor(1, "audit")
        self._log: Log | None = None
        self._held = -1
        self._news: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Group] = []
        self._ends: list[Entry] = []
        self._due = False
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """From now on groups are gathered in this loop; without it, in that of the first use."""
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # What callers do, in any loop.

    async def begin(self, entries: Iterable[Entry]) -> list[int]:
        """Write intents; the sequences to end them by. Raises NotAudited: then nothing may be done.

        Whoever is cancelled meanwhile has done nothing, which is said if the intents are on disk.
        """
        self._loop = self._loop or asyncio.get_running_loop()
        intents, numbers = group = tuple(entries), Future[list[int]]()
        numbers.set_running_or_notify_cancel()  # whoever waits may go, but what is written is written
        self._loop.call_soon_threadsafe(self._begin, group)
        try:
            return await asyncio.wrap_future(numbers)
        except asyncio.CancelledError:  # perhaps with the numbers on their way
            numbers.add_done_callback(partial(self._give_up, intents))
            self._call(self._drop, group)
            raise

    def end(self, entries: Sequence[Entry]) -> None:
        """Say what came of it, or what was not done. Returns at once."""
        self._call(self._end, entries)

    def _call(self, what: Callable[[Any], None], argument: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, argument)

    # What the replica does, in its own loop.

    async def start(self) -> None:
        """Take the directory, and say what an earlier process left open. What is wrong with it is told, not raised."""
        with contextlib.suppress(NotAudited):
            await self.begin(())

    async def written(self) -> None:
        """Return when all that was said is on disk, or can't be written."""
        await asyncio.sleep(0)  # `end` of just now
        while self._task is not None or self._ends:
            self._due = True
            await asyncio.wait([self._wake()])
            if self._failures:
                return

    async def close(self) -> None:
        """Write what is left, as far as the disk takes it, and give the directory back."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS):
                await self.written()
        if self._timer is not None:
            self._timer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._release()

    def _begin(self, group: _Group) -> None:
        self._waiting.append(group)
        self._wake()

    def _drop(self, group: _Group) -> None:
        if group in self._waiting:  # a disk that hangs must not gather those that have gone
            self._waiting.remove(group)

    def _give_up(self, intents: tuple[Entry, ...], numbers: Future[list[int]]) -> None:
        if numbers.exception() is None:
            self.end([ended(each, number, _GIVEN_UP) for each, number in zip(intents, numbers.result(), strict=True)])

    def _end(self, entries: Sequence[Entry]) -> None:
        self._keep(entries)
        if self._task is None:
            self._later(_SOON)

    def _keep(self, entries: Sequence[Entry]) -> None:
        room = len(self._ends) < _MOST
        self._ends += [each for each in entries if room or each.phase == "outcome"]

    def _later(self, seconds: float) -> None:
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(seconds, self._now)

    def _now(self) -> None:
        self._timer = None
        self._due = True
        self._wake()

    def _wake(self) -> asyncio.Task[None]:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return self._task

    async def _run(self) -> None:
        try:
            while self._waiting or (self._due and self._ends):
                await self._group()
        finally:
            self._task, self._due = None, False
            if self._ends:
                again = min(_FIRST * 2.0 ** min(self._failures - 1, 16), _CAP)  # it may fail a thousand times
                self._later(again if self._failures else _SOON)

    async def _group(self) -> None:
        waiting, ends = self._waiting, self._ends
        self._waiting, self._ends, self._due = [], [], False
        entries = [*ends, *(each for intents, _ in waiting for each in intents)]
        loop = asyncio.get_running_loop()
        slow = loop.call_later(_SLOW, self._hangs)
        try:
            numbers = await loop.run_in_executor(self._pool, self._write, entries)
        except (SealerError, OSError, MemoryError) as error:
            more, self._ends = self._ends, ends
            self._keep(more)
            self._missed(waiting, error if isinstance(error, SealerError) else SourceError(_words(error)))
        except Exception as error:  # a defect of ours, or of a record that can't be one: it must not be tried for ever
            self._missed(waiting, SourceError(_words(error)))
        else:
            self._failures = 0
            if self._counted is not None:
                self._counted.wrote(len(entries))
            self._settle(waiting, numbers[len(ends) :])
        finally:
            slow.cancel()

    def _hangs(self) -> None:
        what = f"the audit log is not written for {_SLOW:.0f} s: the disk does not answer; nothing is opened meanwhile"
        self._tell(str(self.directory), SourceError(what))

    def _missed(self, waiting: Iterable[_Group], error: SealerError) -> None:
        self._failures += 1
        if self._counted is not None:
            self._counted.failed()
        self._tell(error.where or str(self.directory), error)
        for _, waiter in waiting:
            what = error.what if "audit log" in error.what else f"the audit log can't be written: {error.what}"
            waiter.set_exception(NotAudited(what, way_out="see the log of the controller"))

    def _settle(self, waiting: Iterable[_Group], numbers: list[int]) -> None:
        at = 0
        for intents, waiter in waiting:
            waiter.set_result(numbers[at : at + len(intents)])
            at += len(intents)
        if self._news:
            self._told("info", "audit", path=str(self.directory), **self._news)
            self._news = {}

    # In the thread.

    def _write(self, entries: list[Entry]) -> list[int]:
        if self._log is None:
            self._log = self._opened()
        return self._log.append(entries)

    def _opened(self) -> Log:
        """The log, taken for this process; what another one left open is closed."""
        try:
            self._take()
            log = Log.unchecked(self.directory, now=_milliseconds, effects=self._effects, max_bytes=self._max_bytes)
            log.prepare()
            left = follow.unended(log.directory)
            log.append([ended(entry, number, _KILLED) for number, entry in left.items()])
        except BaseException:
            self._release()
            raise
        self._news = {"sequence": log.head().sequence, "abandoned": len(left)}
        return log

    def _take(self) -> None:
        """Make the directory, ours alone, and hold its lock: two that write one chain would close each other's."""
        directory = self.directory
        try:
            if not directory.is_dir():
                directory.mkdir(mode=0o700, parents=True)
                directory.chmod(0o700)  # a volume's own directory may give its group to what is made there
            files.check_private(directory)
            self._held = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            way_out = "make it writable: --audit-log DIR"
            raise SourceError(_words(error), where=str(directory), way_out=way_out) from None
        if not flock.taken(self._held, within=0):
            what = "the audit log is written by another controller; each replica needs a directory of its own"
            raise SourceError(what, where=str(directory), way_out="--audit-log=DIR/$(POD_NAME)")

    def _release(self) -> None:
        if self._held >= 0:
            os.close(self._held)
        self._held, self._log = -1, None


def ended(intent: Entry, number: int, said: tuple[Outcome, str]) -> Entry:
    """The outcome of an intent of this sequence, and why."""
    outcome, why = said
    return intent._replace(phase="outcome", outcome=outcome, reason=why, intent=number)


def _words(error: Exception) -> str:
    said = files.reason(error) if isinstance(error, OSError) else type(error).__name__
    return f"the audit log can't be written: {said}; nothing is opened without it"


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
