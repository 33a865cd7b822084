"""One commit as a source: what a directory's rules make of its files, without checking anything out.

Links are followed in the text of the commit only, never on disk. Submodules are not fetched, and passed over.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from controller.model import Problem
from controller.reason import UNREADABLE
from controller.sources import clone, repository
from controller.sources.base import Found, Known, Reading
from controller.sources.documents import Documents
from controller.sources.location import GIT
from controller.sources.names import OUT, fits, no_text, passed_over
from controller.sources.repository import FILES, LINK, Damaged, Object
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from controller.sources.location import Location
    from controller.sources.repository import Repository
    from sealer.documents.document import SealedSecret
    from sealer.git import Blobs

_HOPS = 40
_LONGEST = 4096
# As Linux has them: links on one way, bytes of one path.


class TreeSource:
    """The sealed documents of a folder of one commit."""

    def __init__(self, location: Location, opened: Repository) -> None:
        self._location = location
        self._repository = opened
        self._objects: dict[str, str] = {}
        self._documents = Documents(self._stream)
        self._blobs: Blobs | None = None
        self._close: weakref.finalize[..., TreeSource] | None = None

    def read(self, known: Known) -> Reading:
        """Every sealed document; unreadable files and documents are problems."""
        try:
            return self._read(known)
        except Damaged as error:
            raise self._mended(error) from None

    def _read(self, known: Known) -> Reading:
        base, prefix = self._location.folder, self._location.prefix
        tree = Tree(self._below(base, prefix), lambda: self._below(base, ""), self._text)
        self._objects = tree.files()
        found = self._documents.read(list(self._objects), known)
        problems = sorted([*tree.problems, *self._documents.problems], key=lambda each: (each.path, each.line))
        documents = self._documents
        return Reading(
            self._location.commit, not tree.problems, found, tuple(problems), documents.fresh, documents.files
        )

    def load(self, found: Found) -> SealedSecret:
        """The document, from its file."""
        try:
            return self._documents.load(found)
        except Damaged as error:
            raise self._mended(error) from None

    def descends(self, recorded: str) -> bool | None:
        """Whether the commit is a recorded one or follows it; None if that can't be known."""
        return self._repository.descends(recorded, self._location.commit)

    def signature(self) -> str | None:
        """The commit: whoever polls locates again, and that fetches."""
        return self._location.commit

    def _mended(self, error: Damaged) -> SourceError:
        """What to say of a repository that is damaged: ours is made anew."""
        ours = self._location.kind == GIT and self._location.repository
        return clone.damaged(ours) if ours else self._repository.why(error)

    def _below(self, base: str, prefix: str) -> dict[str, Object]:
        """Entries below the prefix, by their path from the base folder."""
        folder = "/".join(each for each in (base, prefix) if each)
        lead = f"{prefix}/" if prefix else ""
        return {f"{lead}{path}": each for path, each in self._repository.below(self._location.commit, folder)}

    def _stream(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | SourceError]]:
        blobs = self._open()
        try:
            oids = [self._objects[path] for path in paths]
            for path, data in zip(paths, repository.stream(blobs, oids), strict=True):
                if isinstance(data, Damaged) and self._location.kind == GIT:
                    raise data  # a clone of ours is whole
                yield path, data
        except BaseException:  # answers that nobody took would be taken for those of the next question
            self._shut()
            raise

    def _text(self, link: Object) -> str | None:
        """What a link says; None if that can be no path."""
        (data,) = repository.stream(self._open(), [link.oid])
        if isinstance(data, SourceError):
            raise data
        text = data.decode(errors="surrogateescape")
        return text if 0 < len(data) < _LONGEST and "\0" not in text else None

    def _open(self) -> Blobs:
        if self._blobs is None:
            self._blobs = self._repository.blobs()
            self._close = weakref.finalize(self, self._blobs.__exit__)
        return self._blobs

    def _shut(self) -> None:
        self._blobs = None
        if self._close is not None:
            self._close()


class Tree:
    """Which files of a commit are read. `entries` are those below the prefix, `everything` gives those of the base."""

    def __init__(
        self,
        entries: Mapping[str, Object],
        everything: Callable[[], Mapping[str, Object]],
        text: Callable[[Object], str | None],
    ) -> None:
        self.problems: list[Problem] = []
        self._entries = entries
        self._everything = everything
        self._text = text
        self._all: Mapping[str, Object] = {}
        self._folders: set[str] = set()

    def files(self) -> dict[str, str]:
        """Path -> blob: regular files first, in the order of a walk, then links to files that were not met."""
        found: dict[str, str] = {}
        links: list[str] = []
        for path in sorted(self._entries, key=lambda each: each.split("/")):
            entry = self._entries[path]
            parts = path.split("/")
            counts = fits(parts[-1]) and entry.mode in (*FILES, LINK)
            if not counts or any(map(passed_over, parts)):
                continue
            if not path.isprintable():
                self.problems.append(no_text(path))
            elif entry.mode == LINK:
                links.append(path)
            else:
                found[path] = entry.oid
        if links:
            self._all = self._everything()
            self._folders = {path[:at] for path in self._all for at in range(len(path)) if path[at] == "/"}
        met = set(found)
        for link in links:
            real = self._real(link)
            if real is not None and real not in met:
                met.add(real)
                found[link] = self._all[real].oid
        return found

    def _real(self, link: str) -> str | None:
        """Where a linked file really is, from the base folder; None (and a problem) for one that may not be read."""
        try:
            return self._follow(link)
        except SourceError as error:
            self.problems.append(Problem(link, 0, UNREADABLE, error.what, error.way_out))
            return None

    def _follow(self, link: str) -> str | None:
        here: list[str] = []
        left = link.split("/")[::-1]
        hops = 0
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not here:
                    raise SourceError(OUT)
                here.pop()
                continue
            if part == ".git":
                raise SourceError(OUT)
            here.append(part)
            entry = self._all.get("/".join(here))
            if entry is None and "/".join(here) not in self._folders:
                raise SourceError("can't be read: no such file or directory")
            if entry is None or entry.mode != LINK:
                if entry is not None and entry.mode in FILES and left:
                    raise SourceError("can't be read: not a directory")
                continue
            hops += 1
            text = self._text(entry)
            if hops > _HOPS:
                raise SourceError("can't be read: too many levels of symbolic links")
            if text is None or text.startswith("/"):
                raise SourceError(OUT if text else "can't be read: file name too long")
            here.pop()
            left += text.split("/")[::-1]
        found = self._all.get("/".join(here))
        return "/".join(here) if found is not None and found.mode in FILES else None
