"""The audit log on disk: appended to under a lock, rotated, cut where a writer was killed (DELIVERY section 4).

    log = Log.open(state, now=clock)
    log.check(head)                     the log holds all that the state vouches for, or it is refused
    [number] = log.append([Entry("intent", "put", ref)])        on disk when it returns; else nothing may be done

Any process may append. Each append reads the last line under `<state>/audit.lock`, so that two writers make one chain.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from controller import flock, state_files
from controller.audit import folder, follow
from controller.audit.actor import Actor
from controller.audit.folder import FOLDER, Tail
from controller.audit.follow import Head, Scan
from controller.audit.record import KEY_VERBS, ZEROS, Entry, chain, digest, parse, stamp
from controller.configuration.model import AUDIT_MAX_BYTES
from controller.effects import Effects
from sealer import files
from sealer.errors import FormatError, Refused, SealerError, SourceError
from sealer.shell import quote

__all__ = ["MAX_BYTES", "Head", "Log", "Scan"]

MAX_BYTES = AUDIT_MAX_BYTES
LOCK = "audit.lock"
LOCK_TIMEOUT = 30.0


class Log:
    """An audit log that can be written."""

    __slots__ = ("_actor", "_checked", "_effects", "_last", "_max_bytes", "_now", "directory", "state")

    def __init__(self, state: Path, *, now: Callable[[], int], effects: Effects, max_bytes: int, actor: Actor) -> None:
        self.state = state
        self.directory = state / FOLDER
        self._now, self._effects, self._max_bytes, self._actor = now, effects, max_bytes, actor
        self._last: Head | None = None
        self._checked: Head | None = None

    def __repr__(self) -> str:
        return f"Log({str(self.directory)!r})"

    @classmethod
    def open(
        cls,
        state: Path,
        *,
        now: Callable[[], int],
        effects: Effects | None = None,
        max_bytes: int = MAX_BYTES,
        actor: Actor | None = None,
    ) -> Log:
        """The log of a state directory; both are made if they aren't there. `now` is in milliseconds.

        A torn last line is cut, and that is recorded. Raises SourceError where the log can't be written, Refused
        where its end is none.
        """
        log = cls.unchecked(state, now=now, effects=effects, max_bytes=max_bytes, actor=actor)
        state_files.make(state)
        log.prepare()
        return log

    @classmethod
    def unchecked(
        cls,
        state: Path,
        *,
        now: Callable[[], int],
        effects: Effects | None = None,
        max_bytes: int = MAX_BYTES,
        actor: Actor | None = None,
    ) -> Log:
        """As `open`, of a log that may be damaged: for `restart`, or for `prepare` where the directory is no state."""
        return cls(state, now=now, effects=effects or Effects(), max_bytes=max_bytes, actor=actor or Actor.current())

    def prepare(self) -> None:
        """Make the folder of the log in a directory that is there, and see that the log's end is whole, as `open`."""
        with self._clear(self.directory):
            self.directory.mkdir(mode=0o700, exist_ok=True)
        files.check_private(self.directory)
        with self._locked():
            self._settled()

    def check(self, head: Head | None) -> None:
        """Refused unless the log holds the line that the state vouches for. Without a head anything goes."""
        if head is None or head.sequence == 0:
            return
        if not follow.holds(self.directory, head):
            self._refuse(f"is not the log that the state knows: record {head.sequence} is gone or changed")
        self._checked = head

    def append(self, entries: Sequence[Entry]) -> list[int]:
        """Write entries, all or none, to disk; their sequences.

        Raises SourceError if they can't be written, and Refused if the log's end is no longer what it was: then
        nothing may be opened.
        """
        if not entries:
            return []
        with self._locked():
            tail = self._settled()
            self._write(tail, entries)
            return list(range(tail.sequence + 1, tail.sequence + 1 + len(entries)))

    def head(self) -> Head:
        """The last line that this log wrote, else the last there is."""
        if self._last is None:
            with self._locked():
                self._last = _head(self._settled())
        return self._last

    def scan(self, since: int) -> Scan:
        """What was begun and ended from sequence `since` on. Starts at the checked head if it can.

        Raises Refused where the chain is broken on the way.
        """
        found = Scan()
        try:
            for record in follow.records(self.directory, since, self._checked):
                said = record.entry
                if said.verb in KEY_VERBS:
                    continue
                if said.phase == "intent":
                    found.open[record.sequence] = said
                elif said.phase == "outcome":
                    found.open.pop(said.intent, None)
                    found.closed[said.intent] = said
        except FormatError as error:
            self._refuse(error.what, Path(error.where).name)
        return found

    def restart(self, reason: str, lost: Head | None, floor: int = 0) -> Head:
        """Begin a new file with a record that says that the log was damaged, and what was lost.

        Its sequence is above every one that the state may remember: of the lost head, and `floor`.
        """
        with self._clear(self.directory):
            self.directory.mkdir(mode=0o700, exist_ok=True)
        with self._locked(), self._clear(self.directory):
            last = folder.last_bytes(self.directory)
            found = folder.names(self.directory)
            known = [floor, lost.sequence if lost else 0, *(folder.first(each) for each in found[-1:])]
            with contextlib.suppress(FormatError):
                known.append(parse(last).sequence)
            said = f"after {lost.sequence} {lost.hash}: {reason}" if lost else reason
            tail = Tail(sequence=max(known), hash=digest(last) if last else ZEROS)
            self._write(tail, [Entry("event", "restart", outcome="done", reason=said)])
        return self.head()

    # Writing, under the lock

    def _refuse(self, what: str, name: str = "") -> NoReturn:
        state = quote(str(self.state))
        raise Refused(
            what if name else f"the audit log {what}",
            where=str(self.directory / name),
            way_out=f"sealer-controller audit verify --state {state} says where; then "
            f"sealer-controller audit restart --state {state} --reason TEXT",
        )

    def _settled(self) -> Tail:
        """The end of the log, with no torn line; Refused if it is not a later one than we saw."""
        try:
            with self._clear(self.directory):
                tail = folder.tail(self.directory)
        except FormatError as error:
            self._refuse(error.what, Path(error.where).name)
        seen = self._last
        if seen and (tail.sequence < seen.sequence or (tail.sequence == seen.sequence and tail.hash != seen.hash)):
            self._refuse(f"was changed while it was open: record {seen.sequence} is gone or changed")
        if tail.torn:
            tail = self._cut(tail)
        return tail

    def _cut(self, tail: Tail) -> Tail:
        path = self.directory / tail.file
        with self._clear(path):
            torn = path.read_bytes()[-tail.torn :]
            with self._effects.around("audit.append", "cut"):
                os.truncate(path, tail.size - tail.torn)
        said = f"{tail.torn} bytes of a line that was never finished, SHA-256 {digest(torn)}"
        tail = Tail(tail.file, tail.size - tail.torn, 0, tail.sequence, tail.hash, tail.last, tail.offset)
        self._write(tail, [Entry("event", "cut", outcome="done", reason=said)])
        return folder.tail(self.directory)

    def _write(self, tail: Tail, entries: Sequence[Entry]) -> None:
        moment = stamp(self._now())
        lines, hashes = chain(entries, self._actor, time=moment, after=tail.sequence, prev=tail.hash)
        data = b"\n".join((*lines, b""))
        name, size = tail.file, tail.size
        if not name or (size and size + len(data) > self._max_bytes):
            name, size = folder.name(tail.sequence + 1), 0
            self._begin(name)
        path = self.directory / name
        with self._clear(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                self._put(descriptor, data, size, name)
            finally:
                os.close(descriptor)
        start = size + len(data) - len(lines[-1]) - 1
        self._last = Head(name, start, tail.sequence + len(lines), hashes[-1])

    def _put(self, descriptor: int, data: bytes, size: int, name: str) -> None:
        """One write and one fdatasync. What could not be written whole is taken back: no torn line of ours stays."""
        try:
            with self._effects.around("audit.append", name):
                written = os.write(descriptor, data)
            if written != len(data):
                raise SourceError("the disk is full, or the file may not grow")
            with self._effects.around("audit.sync", name):
                _sync(descriptor)
        except (OSError, SealerError):
            if os.fstat(descriptor).st_size != size:
                with self._effects.around("audit.append", "taken back"):
                    os.ftruncate(descriptor, size)
            raise

    def _begin(self, name: str) -> None:
        path = self.directory / name
        with self._clear(path), self._effects.around("audit.rotate", name):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            files.sync_directory(self.directory)

    @contextlib.contextmanager
    def _clear(self, path: Path) -> Iterator[None]:
        """An error of the operating system, or of a test's port, as one that says what it means."""
        try:
            yield
        except OSError as error:
            what = files.reason(error)
        except SourceError as error:
            if error.where:
                raise
            what = error.what
        else:
            return
        raise SourceError(
            f"the audit log can't be written: {what}; nothing is opened without it",
            where=str(path),
            way_out=f"df -h {quote(str(self.state))}; make room there, or make it writable",
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the log. A descriptor each time, so that threads exclude each other too."""
        path = self.state / LOCK
        with self._clear(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if not flock.taken(descriptor, within=LOCK_TIMEOUT):
                raise SourceError("the audit log is in use by another process, for half a minute", where=str(path))
            yield
        finally:
            os.close(descriptor)


def _head(tail: Tail) -> Head:
    return Head(tail.last, tail.offset, tail.sequence, tail.hash)


def _sync(descriptor: int) -> None:
    getattr(os, "fdatasync", os.fsync)(descriptor)
