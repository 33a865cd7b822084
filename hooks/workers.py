"""Two processes that read and scan: one that was forked tells which entries hold something, and how much it read.

No finding crosses the border, since a value is not pickled: the process that asked scans those few entries again.
Entries go round in groups, group N to process N modulo 2, and answers are taken in the order of groups. A process
that ends before it said that all is done is an error, never silence.

Where each entry is read by itself (`shared`), the process that asks is one of the two, so that half of what is found
is scanned once. Where reading needs a process of Git (`interesting`), it asks two others.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal

from hooks import scanner
from hooks.blobs import findings
from sealer.errors import SealerError, SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, NoReturn

    from hooks.blobs import Scan, Source, Tick
    from hooks.finding import Finding
    from hooks.reading import Blob

    Answer = tuple[int, int, int, list[int], list[int], list[int]]
    """Bytes, binaries, entries that are none; numbers of those that hold something, repeat, are repositories."""

PROCESSES = 2
GROUP = 64
MOST = 256
"""Groups of long lists are larger, so that versions of one file stay together."""


def interesting(source: Source, scan: Scan, tick: Tick | None = None) -> Iterator[int]:
    """The numbers of the entries that hold something, in order. Raises SourceError where a process stopped."""
    _load()
    processes: list[_Process] = []
    try:
        processes += (_Process(source, scan, number) for number in range(PROCESSES))
        for group, entries in enumerate(_groups(source)):
            found = processes[group % PROCESSES].answer(source)
            if tick:
                tick(entries.stop, len(source.entries))
            yield from found
        for process in processes:
            process.wait()
    finally:
        gc.unfreeze()
        for process in processes:
            process.stop()


def shared(source: Source, scan: Scan, tick: Tick | None = None) -> Iterator[tuple[Blob, list[Finding]]]:
    """The blobs with findings and those with a problem, in order. Raises SourceError where the other one stopped."""
    _load()
    other = _Process(source, scan, 1)
    try:
        for group, entries in enumerate(_groups(source)):
            ours = group % PROCESSES == 0
            for blob in scanner.ahead(source.sweep(entries)) if ours else source.blobs(other.answer(source)):
                if ours:
                    source.count(blob)
                found = findings(blob, scan)
                if found or blob.problem:
                    yield blob, found
            if tick:
                tick(entries.stop, len(source.entries))
        other.wait()
    finally:
        gc.unfreeze()
        other.stop()


def _load() -> None:
    """Load once what most scans need, and share it; a collection would touch it, and so make copies."""
    scanner.load_all()
    gc.freeze()


def _groups(source: Source) -> Iterator[range]:
    total = len(source.entries)
    each = group_size(total)
    return (range(start, min(start + each, total)) for start in range(0, total, each))


def group_size(total: int) -> int:
    """How many entries are read before they are answered for."""
    return max(GROUP, total // MOST)


class _Process:
    """One process that was forked off, and the pipe that its answers come from."""

    def __init__(self, source: Source, scan: Scan, number: int) -> None:
        reader, writer = os.pipe()
        self._id = os.fork()
        if not self._id:
            os.close(reader)
            _work(source, scan, number, writer)
        os.close(writer)
        self._stream: BinaryIO = open(reader, "rb")  # noqa: SIM115 - as long as the process

    def answer(self, source: Source) -> list[int]:
        """The entries of its next group that hold something; what it read is added to the source's counts."""
        try:
            answer: Answer | tuple[str, str, str] = marshal.load(self._stream)  # noqa: S302 - our own process wrote it
        except (EOFError, ValueError, TypeError):
            raise SourceError("a process of the scan stopped early, so nothing is known of the rest") from None
        if len(answer) == 3:
            what, where, way_out = answer
            raise SourceError(what, where=where, way_out=way_out)
        size, binary, absent, found, repeating, inner = answer
        source.size += size
        source.binary += binary
        source.absent += absent
        source.repeating += repeating
        source.inner += inner
        return found

    def wait(self) -> None:
        """Let it end, which it does by itself."""
        process, self._id = self._id, 0
        if os.waitpid(process, 0)[1]:
            raise SourceError("a process of the scan stopped early, so nothing is known of the rest")

    def stop(self) -> None:
        """End it, if it still runs."""
        self._stream.close()
        if self._id:
            os.kill(self._id, signal.SIGKILL)
            os.waitpid(self._id, 0)


def _work(source: Source, scan: Scan, number: int, writer: int) -> NoReturn:
    """Scan the groups of one process; nothing of the one that it was forked from may run on in it."""
    code = 1
    try:
        _scan_groups(source, scan, number, writer)
        code = 0
    except SealerError as error:
        os.write(writer, marshal.dumps((error.what, error.where, error.way_out)))
        code = 0
    finally:
        # Whatever it was: no traceback, no handler, no buffer of the parent is flushed a second time.
        os._exit(code)


def _scan_groups(source: Source, scan: Scan, number: int, writer: int) -> None:
    total = len(source.entries)
    each = group_size(total)
    mine = range(number, (total + each - 1) // each, PROCESSES)
    source.size = source.binary = source.absent = 0
    found: list[int] = []
    source.repeating, source.inner = [], []
    waiting = iter(mine)
    group = next(waiting, None)

    def done() -> None:
        nonlocal group
        counts = source.size, source.binary, source.absent
        _write(writer, marshal.dumps((*counts, found, source.repeating, source.inner)))
        found.clear()
        source.repeating.clear()
        source.inner.clear()
        source.size = source.binary = source.absent = 0
        group = next(waiting, None)

    entries = (entry for group in mine for entry in range(group * each, min((group + 1) * each, total)))
    for blob in scanner.ahead(source.sweep(entries)):
        while group is not None and blob.entry >= (group + 1) * each:
            done()
        source.count(blob)
        blob.looked(found=bool(scan(blob) or blob.problem))
        if blob.found and found[-1:] != [blob.entry]:
            found.append(blob.entry)
        elif blob.repeats and not blob.found:
            source.repeating.append(blob.entry)
    while group is not None:
        done()


def _write(writer: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writer, view) :]
