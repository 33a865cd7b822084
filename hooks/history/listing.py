"""All blobs that a commit of the repository leads to, each under every path that it ever stood at.

`git rev-list --objects` would name one path for each, which may be that of an example or be left out, while the same
bytes stand where they count. What commits changed names all, and costs Git no more.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from operator import itemgetter

from hooks import gitpipe
from sealer.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from hooks.changed import Entry

    Change = tuple[str, str, str]
    """Path from the top, object id, commit."""

_RAW = ("-z", "--raw", "--no-abbrev", "--no-relative", "--ignore-submodules=all")
_FILE = b"100"
"""How modes of files begin; those of links and submodules don't."""
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
    less = ("--not", *sorted(known)) if known else ()
    result = Listing()
    places = _places(less)
    if places is None or _is_partial():
        # What is not here is only told by the walk over all objects.
        first = _objects(result, ("--all", *less))
        absent = set(result.missing)
        result.entries = _entries({**first, **{place: "" for place in places or () if place[1] not in absent}})
    else:
        tagged = _tagged()
        result.entries = _entries({**places, **(_objects(result, tagged) if tagged else {})})
    return result


def changes(words: Sequence[str], paths: Sequence[str] = ()) -> Generator[Change, None, None]:
    """(path, object id, commit) of each file that a commit brought in, in the order of the commits that `words` list.

    Raises SourceError, at the latest at the end.
    """
    limit = ("--", *paths) if paths else ()
    differ = ("diff-tree", "--stdin", "-r", "-c", "--root", "--no-renames", *_RAW)
    commit, head, tail = "", b"", b""
    # Any bytes may be in a path, so fields are counted: an id stands alone, and a path follows what begins with `:`.
    with contextlib.closing(gitpipe.streamed(("rev-list", *words, *limit), (*differ, *limit))) as pieces:
        for piece in pieces:
            fields = (tail + piece).split(b"\0")
            tail = fields.pop()
            for field in fields:
                if head:
                    last, head = head, b""
                    if (oid := _file(last)) is not None:
                        yield os.fsdecode(field), oid, commit
                elif field[:1] == b":":
                    head = field
                else:
                    commit = field.decode("ascii")


def _file(head: bytes) -> str | None:
    """The id of what stands before a path, if that is of a file that is there."""
    parents = 2 if head[1:2] == b":" else 1
    if parents == 2:
        parents = len(head) - len(head.lstrip(b":"))
    words = head[parents:].split(b" ")
    return words[2 * parents + 1].decode("ascii") if words[parents][:3] == _FILE else None


def _places(less: Sequence[str]) -> dict[tuple[str, str], str] | None:
    """Every (path, object id), new ones first; None where trees or commits are missing."""
    try:
        return {(path, oid): "" for path, oid, _ in changes(("--all", *less))}
    except gitpipe.NoRepository:
        raise
    except SourceError:
        return None


def _entries(places: Iterable[tuple[str, str]]) -> list[Entry]:
    entries = [(path, oid, "") for path, oid in places]
    # Git lists new commits first, and a stable order keeps that, turned, for the versions of one path.
    entries.reverse()
    entries.sort(key=itemgetter(0))
    return entries


def _objects(result: Listing, words: Sequence[str]) -> dict[tuple[str, str], str]:
    """All blobs that these lead to, each with the first path that it has; what is missing is put into the result."""
    words = ("rev-list", "--objects", "--missing=print", *words)
    text = gitpipe.answer(*words[:1], *_ONLY_BLOBS, *words[1:])
    # Git before 2.32 lists trees and commits as well; whoever reads them leaves them out.
    if text is None:
        text = gitpipe.output(*words)
    found: dict[tuple[str, str], str] = {}
    for line in text.split(b"\n"):
        oid, _, name = line.partition(b" ")
        if oid[:1] == b"?":
            result.missing.append(oid[1:].decode("ascii"))
        elif oid:
            path = os.fsdecode(name) or f"object {oid[:12].decode('ascii')}"
            found[path, oid.decode("ascii")] = ""
    return found


def _tagged() -> list[str]:
    """What refs lead to that is no commit: a blob or a tree by itself."""
    text = gitpipe.output("for-each-ref", "--format=%(objectname) %(objecttype) %(*objecttype)")
    lines = [line.split(" ") for line in text.decode("ascii").splitlines()]
    return [oid for oid, kind, inner in lines if kind != "commit" and inner != "commit"]


def _is_partial() -> bool:
    """Whether a clone was made that lacks objects on purpose."""
    return bool(gitpipe.answer("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$"))
