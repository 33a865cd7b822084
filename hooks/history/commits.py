"""Which commit brought a blob in, and who made it when; asked only for blobs with findings, for all of them at once."""

from __future__ import annotations

import contextlib
import os
import tempfile

from hooks import gitpipe
from hooks.history import listing
from sealer.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from hooks.finding import Finding

    Place = tuple[str, str]
    """A path from the top, and the id of what stood there."""
    Person = tuple[int, str, str]
    """When a commit was made, by whom, and its author's date (ISO 8601)."""

_NEVER = 1 << 62
_MANY = 12
"""Git compares all of a tree with each of these: with more, it is faster to list everything."""


def oldest(
    found: Sequence[tuple[Finding, Place]], commits: Mapping[Place, str], who: Mapping[str, Person]
) -> tuple[list[Finding], set[Place]]:
    """Of each value in a path the finding of the oldest commit, with that commit; and the places of their blobs."""
    best: dict[object, tuple[int, int, Finding, Place]] = {}
    for number, (one, place) in enumerate(found):
        commit = commits.get(place, "")
        same = (one.path, one.rule.id, one.value if one.value is not None else (one.key, one.line))
        # Where nobody knows, what was listed first is oldest.
        now = (who[commit][0] if commit in who else _NEVER, number, one, place)
        if same not in best or now[:2] < best[same][:2]:
            best[same] = now
    kept = [(one, place) for _, _, one, place in best.values()]
    return [one.but(commit=commits.get(place, "")[:12]) for one, place in kept], {place for _, place in kept}


def first(places: AbstractSet[Place], paths: Iterable[str]) -> dict[Place, str]:
    """The oldest commit that brought each blob to its path; `paths` are where to look, as seen from here."""
    some = sorted(set(paths))
    try:
        return _first(places, ("--full-history",), some if len(some) <= _MANY else ())
    except gitpipe.NoRepository:
        raise
    except SourceError:  # trees are missing: the rest is told without its commit
        return {}


def _first(places: AbstractSet[Place], words: tuple[str, ...], paths: Sequence[str]) -> dict[Place, str]:
    found: dict[Place, str] = {}
    # Git starts with the oldest, and goes no further than to the last one that is asked for.
    with contextlib.closing(listing.changes(("--all", "--reverse", *words), paths)) as changes:
        for path, oid, commit in changes:
            if (path, oid) in places:
                found.setdefault((path, oid), commit)
                if len(found) == len(places):
                    break
    return found


def people(commits: Iterable[str]) -> dict[str, Person]:
    """Who made each commit; those that are gone are left out."""
    wanted = sorted(set(commits))
    if not wanted:
        return {}
    with tempfile.TemporaryFile() as asked:
        asked.write("\n".join([*wanted, ""]).encode("ascii"))
        asked.flush()
        os.lseek(asked.fileno(), 0, os.SEEK_SET)
        text = gitpipe.output(
            "rev-list", "--no-walk=unsorted", "--ignore-missing", "--format=%H%x00%ct%x00%an <%ae>%x00%aI", "--stdin",
            stdin=asked.fileno(),
        )  # fmt: skip
    found = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        fields = line.split("\0")
        if len(fields) == 4:
            found[fields[0]] = int(fields[1]), fields[2], fields[3]
    return found
