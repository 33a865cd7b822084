"""The sealed documents in files, wherever their bytes come from: hashed, and parsed only where the bytes are new."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
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

Stream = Callable[[Sequence[str]], Iterator[tuple[str, bytes | SourceError]]]
"""The bytes of files, in the order that they were asked for; b"" for one that holds no sealed document anyway."""

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
        digests = self._digests(paths)
        self.files = frozenset(digests.values())
        cached = dict(known(digests.values())) if digests else {}
        for path, digest in digests.items():
            if digest in cached:
                try:
                    found += [Found(path, digest, each) for each in entry.load(cached[digest])]
                except (LookupError, TypeError, ValueError):  # damaged: it is parsed again
                    del cached[digest]
        new = [path for path, digest in digests.items() if digest not in cached]
        for path, data in console.progress(self._stream(new), total=len(new), doing="reading"):
            found += self._parsed(path, digests[path], data)
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

    def _digests(self, paths: Sequence[str]) -> dict[str, str]:
        """Digests of the bytes of those files that may hold a sealed document; the bytes are not kept."""
        found: dict[str, str] = {}
        for path, data in self._stream(paths):
            if isinstance(data, SourceError):
                self.problems.append(Problem(path, 0, UNREADABLE, data.what, data.way_out))
            elif MARK in data:
                found[path] = hashlib.sha256(data).hexdigest()
        return found

    def _parsed(self, path: str, digest: str, given: bytes | SourceError) -> Iterable[Found]:
        """The documents of a file that is new; failures are not cached."""
        from sealer.documents.document import parse

        try:
            data = _same(given, path, digest)
        except SourceError as error:
            self.problems.append(Problem(path, 0, UNREADABLE, error.what, error.way_out))
            return ()
        file = parse(data, path)
        pairs = entry.entries(file)
        self.problems += [Problem(path, each.line, UNREADABLE, _said(each), each.way_out) for each in file.problems]
        if not file.problems:
            self.fresh[digest] = entry.dump(each for each, _ in pairs)
        self._room -= len(data)
        return [Found(path, digest, each, body if self._room > 0 else None) for each, body in pairs]


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
