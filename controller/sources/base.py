"""The port that sources stand behind, and what they hand over. No key is used here and nothing is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from controller.model import Problem
    from controller.sources.entry import Entry
    from sealer.documents.document import SealedSecret

DIRTY = "-dirty"

Known = Callable[[Iterable[str]], Mapping[str, bytes]]
"""The cached entries of those files (by hex digest of their bytes) that were parsed before."""


@dataclass(frozen=True, slots=True)
class Found:
    """One sealed document of a source. `body` is None where its file was known and not parsed."""

    path: str
    file: str
    entry: Entry
    body: SealedSecret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """All sealed documents of a source, whoever they are for.

    `revision` is the full commit id, with `-dirty` behind it if anything differs from it; "" outside of Git.
    `complete` is False if something could not be walked; `fresh` holds the entries of files that were parsed anew,
    `files` the digests of all that may hold a sealed document.
    """

    revision: str
    complete: bool
    found: tuple[Found, ...]
    problems: tuple[Problem, ...]
    fresh: Mapping[str, bytes]
    files: frozenset[str] = frozenset()


class Source(Protocol):
    """Where sealed documents come from. Each stands for a location as `locate` found it: to poll, locate again."""

    def read(self, known: Known) -> Reading:
        """All that is there now."""

    def load(self, found: Found) -> SealedSecret:
        """The document itself. Raises SourceError if its file is another one by now."""

    def descends(self, recorded: str) -> bool | None:
        """Whether what is read is a recorded revision or follows it; None if that can't be known."""

    def signature(self) -> str | None:
        """What changes whenever something to read may have: for polls. None: can't tell, read."""


def unknown(_: Iterable[str]) -> dict[str, bytes]:
    """No file is known: what a run without state passes to `read`."""
    return {}
