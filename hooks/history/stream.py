"""Many objects from one git, as fast as it gives them: it reads their ids from a file, so that nobody has to wait."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile

from hooks import gitpipe, reading
from sealer.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from hooks.changed import Entry
    from hooks.reading import Blob

_BUFFER = 1 << 20
_SMALL = 256 * 1024
_F_SETPIPE_SZ = 1031
"""Of Linux."""


def blobs(entries: Sequence[Entry], numbers: Sequence[int]) -> Iterator[Blob]:
    """The blobs of some entries, in this order. What can't be read is a blob with a problem."""
    at = 0
    while at < len(numbers):
        with _Git([entries[number][1] for number in numbers[at:]]) as git:
            while at < len(numbers):
                number = numbers[at]
                at += 1
                path, oid, _ = entries[number]
                try:
                    for blob in git.blobs(path, oid):
                        blob.entry = number
                        yield blob
                except SourceError as error:
                    blob = reading.Blob(path, None, problem=error.what, way_out=error.way_out, commit=oid)
                    blob.entry = number
                    yield blob
                    if git.stopped:
                        break


class _Git:
    """One `git cat-file` that is given all ids at once; a context manager."""

    def __init__(self, oids: list[str]) -> None:
        with tempfile.TemporaryFile() as asked:
            asked.write("\n".join([*oids, ""]).encode("ascii"))
            asked.flush()
            os.lseek(asked.fileno(), 0, os.SEEK_SET)
            reader, writer = os.pipe()
            with contextlib.suppress(OSError, ImportError):
                import fcntl

                fcntl.fcntl(writer, _F_SETPIPE_SZ, _BUFFER)
            self._process = gitpipe.spawn(("cat-file", "--batch", "--buffer"), asked.fileno(), writer)
        os.close(writer)
        self._stream = open(reader, "rb", buffering=_BUFFER)  # noqa: SIM115 - as long as git
        self._left = 0
        self.stopped = False
        """Git gave up: at an object that is damaged, or that a partial clone lacks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        gitpipe.ended(self._process)

    def blobs(self, path: str, oid: str) -> Iterable[Blob]:
        """The blobs that the next object is; none, if it is no blob. Raises SourceError if it can't be read."""
        head = self._stream.readline().split()
        if len(head) != 3:
            self.stopped = not head
            raise gitpipe.missing(oid)
        size = self._left = int(head[2])
        if size <= _SMALL and head[1] == b"blob":
            data = self._take(size)
            self._stream.read(1)
            if data.find(b"\0", 0, gitpipe.SNIFF) < 0 and data[:2] not in reading.PACKED:
                return (reading.Blob(path, data, commit=oid),)
            return reading.blobs(path, size, io.BytesIO(data).read, oid)
        return self._large(path, size, oid, head[1])

    def _large(self, path: str, size: int, oid: str, kind: bytes) -> Iterator[Blob]:
        if kind == b"blob":
            yield from reading.blobs(path, size, self._take, oid)
        while self._left:
            self._take(_BUFFER)
        self._stream.read(1)

    def _take(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left))
        if len(data) < min(size, self._left):
            self.stopped = True
            raise SourceError("git cat-file stopped before its answer was complete", way_out="git fsck")
        self._left -= len(data)
        return data
