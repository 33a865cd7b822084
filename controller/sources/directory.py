"""A directory as a source: walked, hashed, and parsed only where its bytes are new.

Regular files named *.yaml, *.yml or *.json count. `.git`, `.sealer*` and folders whose name begins with `..` (a
mounted volume's generations) are passed over. Linked folders are not entered; a linked file is read if it really lies
below the base folder and isn't met under its own name. What can't be read is a problem, never silence.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from controller.model import Problem
from controller.reason import UNREADABLE
from controller.sources import signature
from controller.sources.base import DIRTY, Found, Known, Reading
from controller.sources.documents import Documents
from controller.sources.names import MARK, OUT, SEARCHED, fits, no_text, passed_over, printable
from controller.sources.repository import Repository
from sealer import files, git
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from controller.sources.location import Location
    from sealer.documents.document import SealedSecret

_CHUNK = 1024 * 1024


class DirectorySource:
    """The sealed documents below one directory."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._links: frozenset[str] = frozenset()
        self._documents = Documents(self._stream)
        self._revision: str | None = None

    def read(self, known: Known) -> Reading:
        """Every sealed document; unreadable files and documents are problems."""
        revision = _Revision(self._location.root)
        walk = _Walk(self._location)
        paths = walk.paths()
        self._links = frozenset(walk.links)
        found = self._documents.read(paths, known)
        problems = sorted([*walk.problems, *self._documents.problems], key=lambda each: (each.path, each.line))
        self._revision = revision.text()
        documents = self._documents
        return Reading(self._revision, not walk.problems, found, tuple(problems), documents.fresh, documents.files)

    def load(self, found: Found) -> SealedSecret:
        """The document, from its file: the bytes must be those that were read before."""
        return self._documents.load(found)

    def descends(self, recorded: str) -> bool | None:
        """Whether HEAD is a recorded commit or follows it; None if that can't be known."""
        if self._revision is None:
            self._revision = _Revision(self._location.root).text()
        return Repository.around(self._location.root).descends(recorded, self._revision.removesuffix(DIRTY))

    def signature(self) -> str | None:
        """What changes whenever a file may have: names, sizes, inodes and times, without reading any."""
        return signature.of(self._location)

    def _stream(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | SourceError]]:
        for path in paths:
            try:
                yield path, self._read(path)
            except SourceError as error:
                yield path, error

    def _read(self, path: str) -> bytes:
        """The bytes of a file; a link that took the place of one since the walk is not followed."""
        name = os.path.join(self._location.base, path)
        if path in self._links:
            name = os.path.realpath(name)
            if not _within(name, self._location.base):
                raise SourceError(OUT, where=path)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                size = os.fstat(descriptor).st_size
                return b"" if _of_no_interest(descriptor, size) else self._all(descriptor, size)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SourceError(f"can't be read: {files.reason(error)}", where=path) from None

    def _all(self, descriptor: int, size: int) -> bytes:
        # One read of the right size: a buffer for the largest file that is allowed costs more than the file.
        if size > files.MAX_DOCUMENT:
            raise SourceError(f"is larger than {files.MAX_DOCUMENT // 1024:,} KiB")
        data = os.read(descriptor, size + 1)
        while len(data) < size and (more := os.read(descriptor, size - len(data))):
            data += more
        return data


class _Walk:
    """The files below a directory, as paths from the base folder, sorted within each folder."""

    def __init__(self, location: Location) -> None:
        self.problems: list[Problem] = []
        self._base = str(location.base)
        self._start = location.prefix
        self.links: list[str] = []

    def paths(self) -> list[str]:
        """Regular files first, then links to files that were not met under their own name."""
        found = list(self._below(self._start))
        met = set(found)
        for link in self.links:
            real = self._inside(link)
            if real is not None and real not in met:
                met.add(real)
                found.append(link)
        return found

    def _below(self, start: str) -> Iterator[str]:
        # Folders that wait stand on a list of ours: a repository may nest them deeper than Python's own stack.
        waiting = [self._listing(start)]
        while waiting:
            path, each = next(waiting[-1], (None, None))
            if path is None or each is None:
                waiting.pop()
            elif each.is_dir(follow_symlinks=False):
                waiting.append(self._listing(path))
            elif each.is_symlink():
                self.links.append(path)
            elif each.is_file(follow_symlinks=False):
                yield path

    def _listing(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Folders and files with a fitting name, by name."""
        try:
            with os.scandir(os.path.join(self._base, folder)) as listed:
                entries = sorted(listed, key=lambda each: each.name)
        except OSError as error:
            shown = printable(folder) or "."
            self.problems.append(Problem(shown, 0, UNREADABLE, f"can't be read: {files.reason(error)}"))
            return
        for each in entries:
            path = f"{folder}/{each.name}" if folder else each.name
            if passed_over(each.name):
                continue
            if each.is_dir(follow_symlinks=False) or (fits(each.name) and path.isprintable()):
                yield path, each
            elif fits(each.name):
                self.problems.append(no_text(path))

    def _inside(self, link: str) -> str | None:
        """Where a linked file really is, from the base folder; None (and a problem) for one that may not be read."""
        real = os.path.realpath(os.path.join(self._base, link))
        if os.path.isdir(real):
            return None
        if not _within(real, self._base):
            self.problems.append(Problem(link, 0, UNREADABLE, OUT))
            return None
        return os.path.relpath(real, self._base)


class _Revision:
    """The commit that a directory stands at, asked of Git while the files are read."""

    def __init__(self, directory: Path) -> None:
        self._text = ""
        self._thread = threading.Thread(target=self._ask, args=(directory,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The commit, with `-dirty` behind it if anything differs from it; "" outside of Git."""
        self._thread.join()
        return self._text

    def _ask(self, directory: Path) -> None:
        try:
            state = git.state(directory)
        except SourceError:
            return
        if state is not None and state.commit:
            self._text = state.commit + (DIRTY if state.dirty else "")


def _of_no_interest(descriptor: int, size: int) -> bool:
    """Whether a file that is too large to be read holds no sealed document: a lock file, a fixture."""
    if not files.MAX_DOCUMENT < size <= SEARCHED:
        return False
    tail = b""
    while chunk := os.read(descriptor, _CHUNK):
        if MARK in tail + chunk:
            return False
        tail = chunk[1 - len(MARK) :]
    return True


def _within(real: str, base: str | Path) -> bool:
    """Whether a file really lies below a folder, and not among Git's own."""
    return Path(real).is_relative_to(base) and ".git" not in Path(real).relative_to(base).parts
