"""Which commit brought a blob in, and who made it when; asked only for blobs with findings, for all of them at once."""

from __future__ import annotations

import os
import tempfile

from hooks import gitpipe
from hooks.blobs import RAW, prefix, raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hooks.finding import Finding

_NEVER = 1 << 62
_MANY = 300
"""Git compares every path of a tree with each of these: with more, it is faster to look at all."""


Person = tuple[int, str, str]
"""When a commit was made, by whom, and its author's date (ISO 8601)."""
Pair = tuple[str, str]
"""A path as seen from here, and the id of a blob."""


def oldest(found: Sequence[Finding], commits: Mapping[Pair, str], who: Mapping[str, Person]) -> list[Finding]:
    """Of each value in a path the finding of the oldest commit, with that commit. It comes with its blob's id there."""
    from dataclasses import replace

    best: dict[object, tuple[int, int, Finding]] = {}
    for number, one in enumerate(found):
        commit = commits.get((one.path, one.commit), "")
        same = (one.path, one.rule.id, one.value if one.value is not None else (one.key, one.line))
        # Where nobody knows, what was listed last is oldest.
        place = (who[commit][0] if commit in who else _NEVER, -number, replace(one, commit=commit[:12]))
        if same not in best or place[:2] < best[same][:2]:
            best[same] = place
    return [one for _, _, one in best.values()]


def first(pairs: set[Pair]) -> dict[Pair, str]:
    """The oldest commit in which each blob is and before was not, by path as seen from here and id."""
    oids = {oid for _, oid in pairs}
    paths = sorted({path for path, _ in pairs})
    limit = ("--full-history", "--", *paths) if len(paths) <= _MANY else ()
    revisions = ("rev-list", "--all", "--topo-order", "--reverse", *limit)
    differ = ("diff-tree", "--stdin", "-r", "-c", "--root", *RAW, *limit[1:])
    here = prefix()
    there: dict[Pair, str] = {}
    anywhere: dict[str, str] = {}
    for path, _, oid, _, commit in raw(gitpipe.piped(revisions, differ)):
        if oid in oids:
            shown = os.path.relpath(path, here) if here else path
            there.setdefault((shown, oid), commit)
            anywhere.setdefault(oid, commit)
    return {pair: there.get(pair) or anywhere[pair[1]] for pair in pairs if pair[1] in anywhere}


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
