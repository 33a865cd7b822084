"""The sealed documents in files, wherever their bytes come from: hashed, and parsed only where the bytes are new."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from controller.model import Problem
from controller.reason import UNREADABLE
from controller.sources import entry
from controller.sources.base import Found, Known
from controller.sources.names import MARK
from sealer import console
from sealer.errors import DocumentError, SourceError

if TYPE_CHECKING:
    from sealer.documents.document import Document, SealedSecret

Bytes = bytes | SourceError
Stream = Callable[[Sequence[str]], Iterator[tuple[str, Bytes]]]
"""The bytes of files, in the order that they were asked for; b"" for one that holds no sealed document anyway."""

_FILES, _BYTES = 256, 16 * 1024 * 1024
# Files that are read, looked up and parsed at once.
_KEPT = 128 * 1024 * 1024
# New documents up to here stay in memory until they are delivered; those beyond are read once more.


class Documents:
    """Documents of one source. `fresh` and `problems` grow while files are read; `files` are the digests of all."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._room = _KEPT
        self._last: tuple[tuple[str, str], tuple[Document, ...]] = (("", ""), ())
        self.fresh: dict[str, bytes] = {}
        self.problems: list[Problem] = []
        self.files: frozenset[str] = frozenset()

    def read(self, paths: Sequence[str], known: Known) -> tuple[Found, ...]:
        """Every sealed document of these files; what is unreadable is a problem."""
        self.fresh, self.problems = {}, []
        found: list[Found] = []
        files: set[str] = set()
        for part in _parts(console.progress(self._stream(paths), total=len(paths), doing="reading")):
            digests = self._digests(part)
            files.update(digests.values())
            cached = known(digests.values()) if digests else {}
            for path, digest in digests.items():
                found += self._found(path, digest, part[path], cached.get(digest))
        self.files = frozenset(files)
        return tuple(found)

    def load(self, found: Found) -> SealedSecret:
        """The document, from its file: the bytes must be those that were read before."""
        if found.body is not None:
            return found.body
        from sealer.documents.document import SealedSecret

        for each in self._documents(found):
            if isinstance(each, SealedSecret) and each.place.index == found.entry.index:
                return each
        raise _changed(found.path)

    def _documents(self, found: Found) -> tuple[Document, ...]:
        """All documents of a file. The last one stays: a file may hold thousands, and each of them is asked for."""
        from sealer.documents.document import parse

        key = (found.path, found.file)
        if self._last[0] != key:
            ((path, data),) = self._stream([found.path])
            self._last = (key, parse(_same(data, path, found.file), path).documents)
        return self._last[1]

    def _digests(self, part: Mapping[str, bytes | SourceError]) -> dict[str, str]:
        """Digests of the bytes of those files that may hold a sealed document."""
        found: dict[str, str] = {}
        for path, data in part.items():
            if isinstance(data, SourceError):
                self.problems.append(Problem(path, 0, UNREADABLE, data.what, data.way_out))
            elif MARK in data:
                found[path] = hashlib.sha256(data).hexdigest()
        return found

    def _found(self, path: str, digest: str, data: Bytes, cached: bytes | None) -> Iterable[Found]:
        if cached is not None:
            with contextlib.suppress(LookupError, TypeError, ValueError):  # damaged: it is parsed again
                return [Found(path, digest, each) for each in entry.load(cached)]
        return () if isinstance(data, SourceError) else self._parsed(path, digest, data)

    def _parsed(self, path: str, digest: str, data: bytes) -> Iterable[Found]:
        """The documents of a file that is new; failures are not cached."""
        from sealer.documents.document import parse

        file = parse(data, path)
        pairs = entry.entries(file)
        self.problems += [Problem(path, each.line, UNREADABLE, _said(each), each.way_out) for each in file.problems]
        if not file.problems:
            self.fresh[digest] = entry.dump(each for each, _ in pairs)
        self._room -= len(data)
        return [Found(path, digest, each, body if self._room > 0 else None) for each, body in pairs]


def _parts(stream: Iterable[tuple[str, Bytes]]) -> Iterator[dict[str, Bytes]]:
    """A stream in parts, so that no more than one of them is in memory while it is looked up and parsed."""
    part: dict[str, Bytes] = {}
    size = 0
    for path, data in stream:
        part[path] = data
        size += 0 if isinstance(data, SourceError) else len(data)
        if len(part) == _FILES or size > _BYTES:
            yield part
            part, size = {}, 0
    yield part


def _same(data: bytes | SourceError, path: str, digest: str) -> bytes:
    if isinstance(data, SourceError):
        raise data
    if hashlib.sha256(data).hexdigest() != digest:
        raise _changed(path)
    return data


def _changed(path: str) -> SourceError:
    return SourceError("was changed while it was read", where=path, way_out="apply again")


def _said(error: DocumentError) -> str:
    return str(error).removeprefix(f"{error.where}: ")
