"""Which commit brought a blob in, and who made it when; asked only for blobs with findings, for all of them at once."""

from __future__ import annotations

import contextlib
import os
import tempfile

from hooks import gitpipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hooks.finding import Finding

    Person = tuple[int, str, str]
    """When a commit was made, by whom, and its author's date (ISO 8601)."""

_NEVER = 1 << 62
_MANY = 12
"""Git compares all of a tree with each of these: with more, it is faster to list everything."""


def oldest(
    found: Sequence[Finding], commits: Mapping[str, str], who: Mapping[str, Person]
) -> tuple[list[Finding], set[str]]:
    """Of each value in a path the finding of the oldest commit, with that commit; and the ids of their blobs.

    Findings come with the ids of their blobs in the commits' place.
    """
    best: dict[object, tuple[int, int, Finding]] = {}
    for number, one in enumerate(found):
        commit = commits.get(one.commit, "")
        same = (one.path, one.rule.id, one.value if one.value is not None else (one.key, one.line))
        # Where nobody knows, what was listed first is oldest.
        place = (who[commit][0] if commit in who else _NEVER, number, one)
        if same not in best or place[:2] < best[same][:2]:
            best[same] = place
    kept = [one for _, _, one in best.values()]
    return [one.but(commit=commits.get(one.commit, "")[:12]) for one in kept], {one.commit for one in kept}


def first(oids: set[str], paths: Iterable[str]) -> dict[str, str]:
    """The oldest commit that leads to each blob; `paths` are where to look first, as seen from here."""
    some = sorted(set(paths))
    found = _first(oids, ("--full-history", "--", *some)) if len(some) <= _MANY else {}
    # A name with a line break is listed only up to that.
    return found if len(found) == len(oids) else _first(oids, ())


def _first(oids: set[str], limit: tuple[str, ...]) -> dict[str, str]:
    words = ("rev-list", "--objects", "--in-commit-order", "--reverse", "--all", "--missing=allow-any")
    wanted = {oid.encode("ascii") for oid in oids}
    width = len(next(iter(wanted)))
    commit, found = b"", dict[str, str]()
    # Git starts with the oldest, and goes no further than to the last one that is asked for.
    with contextlib.closing(gitpipe.lines(*words, *limit)) as lines:
        for line in lines:
            if len(line) == width + 1:
                commit = line
            elif line[:width] in wanted:
                found.setdefault(line[:width].decode("ascii"), commit[:width].decode("ascii"))
                if len(found) == len(wanted):
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
