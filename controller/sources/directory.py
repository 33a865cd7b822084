"""A directory as a source: walked, hashed, and parsed only where its bytes are new.

Regular files named *.yaml, *.yml or *.json count. `.git`, `.sealer*` and folders whose name begins with `..` (a
mounted volume's generations) are passed over. Linked folders are not entered; a linked file is read if it really lies
below the base folder and isn't met under its own name. What can't be read is a problem, never silence.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from controller.model import Problem
from controller.reason import UNREADABLE
from controller.sources import entry
from controller.sources.base import Found, Known, Reading
from sealer import console, files, git
from sealer.errors import DocumentError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from controller.sources.location import Location
    from sealer.documents.document import Document, SealedSecret

SUFFIXES = (".yaml", ".yml", ".json")
MARK = b"SealedSecret"
"""A file without these bytes holds no sealed document."""

_KEPT = 128 * 1024 * 1024
# New documents up to here stay in memory until they are delivered; those beyond are read once more.
_SEARCHED = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_DIRTY = "-dirty"
_OUT = "is a link out of the source, and is not followed"


class DirectorySource:
    """The sealed documents below one directory."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._links: frozenset[str] = frozenset()
        self._room = _KEPT
        self._last: tuple[tuple[str, str], tuple[Document, ...]] = (("", ""), ())

    def read(self, known: Known) -> Reading:
        """Every sealed document; unreadable files and documents are problems."""
        revision = _Revision(self._location.root)
        walk = _Walk(self._location)
        paths = walk.paths()
        self._links = frozenset(walk.links)
        found: list[Found] = []
        fresh: dict[str, bytes] = {}
        problems = list(walk.problems)
        digests = self._digests(paths, problems)
        cached = dict(known(digests.values())) if digests else {}
        for path, digest in digests.items():
            if digest in cached:
                try:
                    found += [Found(path, digest, each) for each in entry.load(cached[digest])]
                except (LookupError, TypeError, ValueError):  # damaged: it is parsed again
                    del cached[digest]
        new = [each for each in digests.items() if each[1] not in cached]
        for path, digest in console.progress(new, total=len(new), doing="reading"):
            found += self._parsed(path, digest, fresh, problems)
        problems.sort(key=lambda each: (each.path, each.line))
        return Reading(revision.text(), not walk.problems, tuple(found), tuple(problems), fresh)

    def load(self, found: Found) -> SealedSecret:
        """The document, from its file: the bytes must be those that were read before."""
        if found.body is not None:
            return found.body
        from sealer.documents.document import SealedSecret

        for each in self._documents(found):
            if isinstance(each, SealedSecret) and each.place.index == found.entry.index:
                return each
        raise SourceError("was changed while it was read", where=found.path, way_out="apply again")

    def descends(self, recorded: str) -> bool | None:
        """Whether HEAD is a recorded commit or follows it."""
        return None

    def signature(self) -> str | None:
        """Not known yet."""
        return None

    def _documents(self, found: Found) -> tuple[Document, ...]:
        """All documents of a file. The last one stays: a file may hold thousands, and each of them is asked for."""
        from sealer.documents.document import parse

        key = (found.path, found.file)
        if self._last[0] != key:
            self._last = (key, parse(self._same(found.path, found.file), found.path).documents)
        return self._last[1]

    def _digests(self, paths: Iterable[str], problems: list[Problem]) -> dict[str, str]:
        """Digests of the bytes of those files that may hold a sealed document; the bytes are not kept."""
        found: dict[str, str] = {}
        for path in paths:
            try:
                data = self._read(path)
            except SourceError as error:
                problems.append(Problem(path, 0, UNREADABLE, error.what))
                continue
            if MARK in data:
                found[path] = hashlib.sha256(data).hexdigest()
        return found

    def _parsed(self, path: str, digest: str, fresh: dict[str, bytes], problems: list[Problem]) -> Iterable[Found]:
        """The documents of a file that is new; failures are not cached."""
        from sealer.documents.document import parse

        try:
            data = self._same(path, digest)
        except SourceError as error:
            problems.append(Problem(path, 0, UNREADABLE, error.what, error.way_out))
            return ()
        file = parse(data, path)
        pairs = entry.entries(file)
        problems += [Problem(path, each.line, UNREADABLE, _said(each), each.way_out) for each in file.problems]
        if not file.problems:
            fresh[digest] = entry.dump(each for each, _ in pairs)
        self._room -= len(data)
        return [Found(path, digest, each, body if self._room > 0 else None) for each, body in pairs]

    def _same(self, path: str, digest: str) -> bytes:
        data = self._read(path)
        if hashlib.sha256(data).hexdigest() != digest:
            raise SourceError("was changed while it was read", where=path, way_out="apply again")
        return data

    def _read(self, path: str) -> bytes:
        """The bytes of a file; a link that took the place of one since the walk is not followed."""
        name = os.path.join(self._location.base, path)
        if path in self._links:
            name = os.path.realpath(name)
            if not _within(name, self._location.base):
                raise SourceError(_OUT, where=path)
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
            shown = _printable(folder) or "."
            self.problems.append(Problem(shown, 0, UNREADABLE, f"can't be read: {files.reason(error)}"))
            return
        for each in entries:
            path = f"{folder}/{each.name}" if folder else each.name
            if _passed_over(each.name):
                continue
            fits = each.name.lower().endswith(SUFFIXES)
            # Names go into tables, reports and commands to paste: one that isn't text is a problem, not a path.
            if each.is_dir(follow_symlinks=False) or (fits and path.isprintable()):
                yield path, each
            elif fits:
                what = "has a name that is not printable text"
                self.problems.append(Problem(_printable(path), 0, UNREADABLE, what, "rename it"))

    def _inside(self, link: str) -> str | None:
        """Where a linked file really is, from the base folder; None (and a problem) for one that may not be read."""
        real = os.path.realpath(os.path.join(self._base, link))
        if os.path.isdir(real):
            return None
        if not _within(real, self._base):
            self.problems.append(Problem(link, 0, UNREADABLE, _OUT))
            return None
        return os.path.relpath(real, self._base)


class _Revision:
    """The commit that a directory stands at, asked of Git while the files are read."""

    def __init__(self, directory: Path) -> None:
        self._text = ""
        self._thread = threading.Thread(target=self._ask, args=(directory,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The short commit, with `-dirty` behind it if anything differs from it; "" outside of Git."""
        self._thread.join()
        return self._text

    def _ask(self, directory: Path) -> None:
        try:
            state = git.state(directory)
        except SourceError:
            return
        if state is not None and state.commit:
            self._text = state.commit + (_DIRTY if state.dirty else "")


def _of_no_interest(descriptor: int, size: int) -> bool:
    """Whether a file that is too large to be read holds no sealed document: a lock file, a fixture."""
    if not files.MAX_DOCUMENT < size <= _SEARCHED:
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


def _said(error: DocumentError) -> str:
    return str(error).removeprefix(f"{error.where}: ")


def _printable(path: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in path)


def _passed_over(name: str) -> bool:
    return name == ".git" or name.startswith((".sealer", ".."))


def unknown(_: Iterable[str]) -> dict[str, bytes]:
    """No file is known: what a run without state passes to `read`."""
    return {}
