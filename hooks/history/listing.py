"""All blobs that a commit of the repository leads to, each under the first path that it is found at."""

from __future__ import annotations

import hashlib
import os
from operator import itemgetter

from hooks import gitpipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooks.changed import Entry

_ONLY_BLOBS = ("--filter=object:type=blob", "--filter-provided-objects")


class Listing:
    """`entries` come in the order of paths, the oldest version of each first; `missing` are ids of what is not here."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.missing: list[str] = []


class Place:
    """Where a repository keeps what all its worktrees share; `shallow` stands for where its history ends."""

    def __init__(self) -> None:
        told = gitpipe.output("rev-parse", "--git-common-dir", "--show-object-format", "--git-path", "shallow")
        folder, form, shallow = told.removesuffix(b"\n").rsplit(b"\n", 2)
        self.folder = os.fsdecode(folder)
        self.width = 32 if form == b"sha256" else 20
        self.shallow = ""
        try:
            with open(shallow, "rb") as stream:
                self.shallow = hashlib.sha256(stream.read()).hexdigest()
        except FileNotFoundError:
            pass


def tips() -> set[str]:
    """The commits that all refs and the HEADs of all worktrees stand at."""
    return set(gitpipe.output("rev-list", "--no-walk=unsorted", "--all").decode("ascii").split())


def leads_to(tips: set[str], known: Iterable[str]) -> bool:
    """Whether all known commits are still in the history of the tips."""
    wanted = set(known) - tips
    if not wanted:
        return True
    lost = gitpipe.answer("rev-list", "--max-count=1", *sorted(wanted), "--not", "--all")
    return lost is not None and not lost.strip()


def listed(known: Iterable[str] = ()) -> Listing:
    """What the history holds, less that of known commits. Raises SourceError."""
    words = ("rev-list", "--objects", "--all", "--missing=print")
    less = ("--not", *sorted(known)) if known else ()
    text = gitpipe.answer(*words, *_ONLY_BLOBS, *less)
    # Git before 2.32 lists trees and commits as well; whoever reads them leaves them out.
    if text is None:
        text = gitpipe.output(*words, *less)
    result = Listing()
    last, path = b"", ""
    for line in text.split(b"\n"):
        oid, _, name = line.partition(b" ")
        if oid[:1] == b"?":
            result.missing.append(oid[1:].decode("ascii"))
        elif oid:
            if name != last:
                last, path = name, os.fsdecode(name)
            result.entries.append((path or f"object {oid[:12].decode('ascii')}", oid.decode("ascii"), ""))
    # Git lists new commits first, and a stable order keeps that, turned, for the versions of one path.
    result.entries.reverse()
    result.entries.sort(key=itemgetter(0))
    return result
