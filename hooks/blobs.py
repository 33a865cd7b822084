"""What is to be scanned, as blobs: index, range, work tree, paths, stdin, whole history (DESIGN section 3).

Names come first and cheaply, contents one by one. A blob that can't be read carries the reason instead of its bytes:
a hook that could not read what it should scan has to say so, never to pass. Symlinks and submodules hold nothing of
this repository and are left out; what Git ignores is, too, unless it is named.
"""

from __future__ import annotations

import os

from hooks import changed, gitpipe, reading
from hooks.reading import Blob as Blob
from sealer.errors import SealerError, SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hooks.changed import Entry
    from hooks.finding import Finding

    Scan = Callable[[Blob], list[Finding]]
    Tick = Callable[[int, int], None]
    """Told how many entries are done, and how many there are."""

_SPLIT_FROM = 400
"""Two processes read and scan at least so many entries; starting them costs as much as a hundred files."""


class Source:
    """Names of blobs and how to read them. `size` and `binary` say what was read so far, `note` what to be told.

    `absent` counts entries that are no files; `inner` are those of them that are repositories of their own. `renamed`
    has the former path of (path, object id) where the content stayed as it was.

    `apart`: each entry is read by itself, from no process that would have to be started.
    """

    apart = False

    def __init__(self, kind: str, entries: Sequence[Entry]) -> None:
        self.kind = kind
        self.entries = entries
        self.note = ""
        self.absent = self.size = self.binary = 0
        self.repeating: list[int] = []
        self.inner: list[int] = []
        self.renamed: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        """How many files there are."""
        return len(self.entries) - self.absent

    def scanned(self, scan: Scan, tick: Tick | None = None) -> Iterator[tuple[Blob, list[Finding]]]:
        """Scan all of it: the blobs with findings and those with a problem, in order. Raises SourceError."""
        total = len(self.entries)
        if total >= _SPLIT_FROM and (os.cpu_count() or 1) > 1:
            from hooks import workers

            if self.apart:
                yield from workers.shared(self, scan, tick)
                return
            blobs = self.blobs(workers.interesting(self, scan, tick))
            yield from ((blob, found) for blob in blobs if (found := findings(blob, scan)) or blob.problem)
            return
        for blob in self.sweep(range(total)):
            self.count(blob)
            found = findings(blob, scan)
            blob.looked(found=bool(found or blob.problem))
            if tick:
                tick(blob.entry + 1, total)
            if blob.found:
                yield blob, found
            elif blob.repeats:
                self.repeating.append(blob.entry)

    def blobs(self, which: Iterable[int] | None = None) -> Iterator[Blob]:
        """The blobs of some entries, or of all; read when they are asked for. A large file is several."""
        raise NotImplementedError

    def sweep(self, which: Iterable[int]) -> Iterator[Blob]:
        """Like `blobs`, to see which entries hold something: parts that were seen in another entry may be missing."""
        return self.blobs(which)

    def attribute(self, found: Sequence[Finding]) -> list[Finding]:
        """Findings with the commits that brought them in, where that is not known yet."""
        return list(found)

    def former(self, blob: Blob) -> Blob | None:
        """A blob as it was before it was renamed without a change; None if it was not."""
        path, oid, _ = self.entries[blob.entry]
        old = self.renamed.get((path, oid))
        return None if old is None else Blob(old + blob.path.removeprefix(path), blob.data, commit=blob.commit)

    def told(self) -> tuple[str, str]:
        """What has to be told after a scan, and a way out; empty for nothing."""
        return self.note, ""

    def count(self, blob: Blob) -> None:
        """Add a blob to what was read."""
        if blob.data is not None:
            self.size += len(blob.data if blob.whole is None else blob.whole)
        elif not blob.problem:
            self.binary += 1


def findings(blob: Blob, scan: Scan) -> list[Finding]:
    """What a scan finds in a blob, with the lines and the paths of the file that it is a part of."""
    found = scan(blob)
    if found and blob.whole is not None:
        blob.data, blob.whole = blob.whole, None
        found = scan(blob)
    if found and blob.within:
        from hooks.cutting import placed

        found = [one.but(key=placed(one.key, blob.within)) for one in found]
    if found and blob.before:
        return [one.but(line=one.line + blob.before, end=one.end + blob.before) for one in found]
    return found


class Objects(Source):
    """Blobs of a repository. What reads them may run already."""

    def __init__(self, kind: str, entries: Sequence[Entry], contents: gitpipe.Contents | None = None) -> None:
        super().__init__(kind, entries)
        self._contents = contents

    def blobs(self, which: Iterable[int] | None = None) -> Iterator[Blob]:
        """The blobs of some entries, or of all, from one process of Git."""
        if not self.entries and self._contents is None:
            return
        contents, self._contents = self._contents or gitpipe.Contents().__enter__(), None
        try:
            for number in range(len(self.entries)) if which is None else which:
                path, oid, commit = self.entries[number]
                yield from _object(contents, number, path, oid, commit)
        finally:
            contents.__exit__()


def _object(contents: gitpipe.Contents, number: int, path: str, oid: str, commit: str) -> Iterator[Blob]:
    try:
        if not oid:
            raise SourceError("is not merged yet", way_out="resolve the conflict, then git add it")
        size = left = contents.size(oid)

        def take(wanted: int) -> bytes:
            nonlocal left
            left -= (wanted := min(wanted, left))
            return contents.take(wanted)

        for blob in reading.blobs(path, size, take, commit):
            blob.entry = number
            yield blob
        while left > 0:
            take(1 << 20)
        contents.take(1)
    except SealerError as error:
        blob = Blob(path, None, problem=error.what, way_out=error.way_out, commit=commit)
        blob.entry = number
        yield blob


class _Input(Source):
    def __init__(self, data: bytes, name: str) -> None:
        super().__init__("stdin", [(name, "", "")])
        self._data = data

    def blobs(self, which: Iterable[int] | None = None) -> Iterator[Blob]:
        for _ in [0] if which is None else which:
            import io

            yield from reading.blobs(self.entries[0][0], len(self._data), io.BytesIO(self._data).read)


def staged(only: Sequence[str] = (), meanwhile: Callable[[], object] | None = None) -> Source:
    """What the index holds that HEAD does not: the content that would be committed, not that of the work tree.

    Git starts twice, to list and to read; while it does, `meanwhile` is called.
    """
    listing = changed.Listing(_against("HEAD"))
    contents = gitpipe.Contents().__enter__()
    try:
        if meanwhile:
            meanwhile()
        here = changed.prefix(bare=False)
        renamed: dict[tuple[str, str], str] = {}
        entries = changed.below(changed.regular(_staged(listing), renamed), only, here)
    except BaseException:
        listing.stop()
        contents.__exit__()
        raise
    if 0 < len(entries) < _SPLIT_FROM:
        source = Objects("staged", entries, contents)
    else:
        contents.__exit__()
        source = Objects("staged", entries)
    source.renamed = changed.seen_from(here, renamed)
    return source


def _against(tree: str) -> tuple[str, ...]:
    return "diff-index", "--cached", *changed.RAW, tree, "--"


def _staged(listing: changed.Listing) -> bytes:
    try:
        return listing.output()
    except SourceError:
        if changed.commit_id("HEAD"):
            raise
        # Before the first commit all of the index is new. The id of no tree at all depends on the repository's hash.
        return gitpipe.output(
            *_against(gitpipe.output("hash-object", "-t", "tree", os.devnull).decode("ascii").strip())
        )


def commits(text: str, only: Sequence[str] = ()) -> Source:
    """What the commits of `A..B` or `A...B` brought in: every version, also one that a later commit removed again."""
    from hooks import commits as range_

    return range_.source(text, only)


def work_tree(paths: Sequence[str] = (), *, submodules: bool = False) -> Source:
    """Files of the repository, tracked or not, less the ignored ones; or of the paths. Outside of Git: all files."""
    from hooks import worktree

    return worktree.source(paths, submodules=submodules)


def history(only: Sequence[str] = (), *, key: str = "") -> Source:
    """Every version of every file in all commits that a ref or a HEAD leads to.

    `key` stands for the rules and the engine: what was scanned with the same is remembered in the repository.
    """
    from hooks.history import source

    return source(only, key)


def stdin(data: bytes, name: str = "") -> Source:
    """One blob from a pipe; `name` is the path of what it is, where that is known."""
    return _Input(data, name or "stdin")
