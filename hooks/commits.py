"""What a range of commits brought in, as blobs."""

from __future__ import annotations

from hooks import blobs, changed, gitpipe
from sealer.errors import SourceError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def source(text: str, only: Sequence[str] = ()) -> blobs.Source:
    """What the commits of `A..B` or `A...B` brought in: every version, also one that a later commit removed again."""
    left, dots, right = text.partition("...") if "..." in text else text.partition("..")
    if not dots or not left:
        raise UsageError("--range takes A..B or A...B", where=text, way_out="sealer-scan --range origin/main..HEAD")
    old, new = (changed.commit_id(name) or _no_commit(name, text) for name in (left, right or "HEAD"))
    if gitpipe.is_shallow() or dots == "...":
        _merge_base(old, new, text)
    entries: dict[tuple[str, str], str] = {}
    revisions = ("rev-list", "--reverse", f"{old}..{new}")
    differ = ("diff-tree", "--stdin", "-r", "-c", "--root", *changed.RAW)
    renamed: dict[tuple[str, str], str] = {}
    for path, mode, oid, status, commit in changed.raw(gitpipe.piped(revisions, differ), renamed):
        if mode in changed.REGULAR:
            if (path, oid) in entries or status[:1] != "R":
                renamed.pop((path, oid), None)
            entries.setdefault((path, oid), commit)
    here = changed.prefix()
    listed = [(path, oid, commit[:12]) for (path, oid), commit in entries.items()]
    made = blobs.Objects("range", changed.below(listed, only, here))
    # Where the former path was not asked for, nobody looks at it.
    seen = changed.seen_from(here, renamed)
    made.renamed = {place: old for place, old in seen.items() if changed.within(old, only)}
    return made


def _no_commit(name: str, text: str) -> str:
    if not name.strip("0"):
        what = "all zeros stands for no commit: there is nothing to compare with"
        raise SourceError(what, where=text, way_out="sealer-scan --range origin/main..HEAD")
    if gitpipe.is_shallow():
        what = f"{name} is not in this shallow clone, so the range can't be scanned"
        raise SourceError(what, where=text, way_out="git fetch --unshallow (CI: fetch-depth 0)")
    raise SourceError(f"{name} is no commit of this repository", where=text, way_out="git fetch, or name another")


def _merge_base(old: str, new: str, text: str) -> None:
    if not gitpipe.answer("merge-base", old, new):
        what = "no common ancestor is in this clone, so commits between the two may be missing"
        raise SourceError(what, where=text, way_out="git fetch --unshallow (CI: fetch-depth 0)")
