"""Every version of every file: unique blobs by their ids, from one stream of git, in the order of paths.

A blob is scanned once for each kind of path that it ever stood at, and where it holds something, for each of its paths
(`copies`): what is an example at one is in use at another.
Only findings are asked for their commits, authors and dates (`attribute`), and what was scanned is remembered.
"""

from __future__ import annotations

from hooks import gitpipe
from hooks.blobs import Source, findings
from hooks.changed import below, within
from hooks.history import copies, listing, stream
from hooks.history.memory import Memory
from hooks.history.trim import Trimmer
from hooks.reading import Blob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from hooks.blobs import Scan, Tick
    from hooks.changed import Entry
    from hooks.finding import Finding
    from hooks.history.commits import Place

_SHALLOW = "this clone is shallow: the commits that it lacks were not scanned; git fetch --unshallow brings them"
_DOUBTED = "{} is not trusted, since another user made it or may write it: everything is scanned, until it is removed"


def source(only: Sequence[str], key: str) -> History:
    """The history around us. Raises SourceError."""
    place = listing.Place()
    memory = Memory(place.folder, key, place.width, place.shallow)
    tips = listing.tips()
    known = memory.tips if memory.tips and listing.leads_to(tips, memory.tips) else set()
    listed = listing.listed(known)
    if not known:
        memory.forget(listed.entries)
    return History(listed, memory, only, tips, shallow=bool(place.shallow))


class History(Source):
    """Versions of files. `entries` are those that are not remembered; `people` has author and date by commit.

    Until `attribute` has put in the commit, a finding has the id of its blob there.
    """

    def __init__(
        self, listed: listing.Listing, memory: Memory, only: Sequence[str], tips: set[str], *, shallow: bool
    ) -> None:
        new = [(path, oid, "") for path, oid, _ in listed.entries if not memory.knows(path, oid)]
        again = [(path, oid, "") for path, oid in memory.found if (path, oid) not in memory.repeats]
        every = _Paths(new, only)
        same = copies.others(every.shown)
        self._new = every.some(set(range(len(every.top))) - same)
        self._others = every.some(same)
        self._again = _Paths(again, only)
        super().__init__("history", self._new.shown)
        self.people: dict[str, tuple[str, str]] = {}
        doubted = _DOUBTED.format(memory.doubted) if memory.doubted else ""
        self.note = "; ".join(filter(None, (_SHALLOW if shallow else "", doubted)))
        self._memory = memory
        self._count: dict[Place, int] = {}
        self._places: dict[tuple[str, str], tuple[Place, str]] = {}
        self._missing = listed.missing
        # All is known from these commits on once this run is through, or from where it was before.
        self._tips = tips if not only and not listed.missing else memory.tips
        self._known = 0 if only else len(memory)

    def __len__(self) -> int:
        return len(self.entries) + len(self._others.top) + (self._known or len(self._again.shown))

    def blobs(self, which: Iterable[int] | None = None) -> Iterator[Blob]:
        """The blobs of some entries, each whole."""
        return stream.blobs(self.entries, list(range(len(self.entries)) if which is None else which))

    def sweep(self, which: Iterable[int]) -> Iterator[Blob]:
        """The blobs of some entries, trimmed against the version before."""
        trimmer = Trimmer()
        for blob in self.blobs(which):
            trimmer.trim(blob)
            yield blob

    def scanned(self, scan: Scan, tick: Tick | None = None) -> Iterator[tuple[Blob, list[Finding]]]:
        """Scan what is new, and once more what had findings."""
        still = yield from self._look(self._again, scan)
        holding: set[int] = set()
        for blob, found in super().scanned(scan, tick):
            holding.add(blob.entry)
            self._note(blob, found, self._new)
            yield blob, found
        new = self._new.entries(holding)
        # A version that repeats what an older one has at one path may be the first that has it at another.
        telling = {oid for _, oid, _ in (*still, *new, *self._new.entries(self.repeating))}
        telling |= {oid for _, oid in self._memory.found}
        copied = [number for number, (_, oid, _) in enumerate(self._others.top) if oid in telling]
        new += yield from self._look(self._others.some(copied), scan)
        if self._missing:
            what = f"{len(self._missing):,} objects are missing from the repository, so they were not scanned"
            yield Blob("history", None, problem=what, way_out=gitpipe.MISSING_WAY_OUT), []
        self._remember(still, new)

    def _look(self, paths: _Paths, scan: Scan) -> Generator[tuple[Blob, list[Finding]], None, list[Entry]]:
        """Scan each of a few; comes back with those that hold something."""
        holding: set[int] = set()
        for blob in stream.blobs(paths.shown, range(len(paths.shown))):
            self.count(blob)
            found = findings(blob, scan)
            if found or blob.problem:
                holding.add(blob.entry)
                self._note(blob, found, paths)
                yield blob, found
        return paths.entries(holding)

    def attribute(self, found: Sequence[Finding]) -> list[Finding]:
        """One finding for each value in a path, with the oldest commit that brought it in there."""
        from collections import Counter

        from hooks.history import commits

        if not found:
            return []
        where = [self._places[one.path, one.commit] for one in found]
        places = dict(where)
        remembered = self._memory.found
        known = {place: remembered[place] for place in places if remembered.get(place)}
        if wanted := places.keys() - known.keys():
            known |= commits.first(wanted, (places[place] for place in wanted))
            remembered.update({place: known.get(place, "") for place in places if place in remembered})
        who = commits.people(known.values())
        self.people = {commit[:12]: (author, date) for commit, (_, author, date) in who.items()}
        placed = [(one, place) for one, (place, _) in zip(found, where, strict=True)]
        result, holding = commits.oldest(placed, known, who)
        # Of a blob all of whose findings were reported, and none is the oldest, nothing else is to be told.
        times = Counter(place for place, _ in where)
        repeats = {place for place in places if times[place] == self._count.get(place) and place not in holding}
        repeats -= self._memory.repeats
        if wanted or repeats:
            self._memory.repeats |= repeats
            self._memory.save()
        return result

    def _note(self, blob: Blob, found: list[Finding], paths: _Paths) -> None:
        place = paths.top[blob.entry][:2]
        # A member of an archive has a path of its own.
        self._places[blob.path, blob.commit] = place, paths.shown[blob.entry][0]
        # A blob with a problem is always looked at again.
        more = len(found) if not blob.problem else 1 << 30
        self._count[place] = self._count.get(place, 0) + more

    def _remember(self, still: list[Entry], holding: list[Entry]) -> None:
        memory = self._memory
        new = self.entries or self._others.top
        if not new and memory.tips == self._tips and len(still) == len(self._again.top):
            return
        for path, oid, _ in self._again.top:
            if (path, oid, "") not in still:
                del memory.found[path, oid]
        scanned = (*self._new.top, *self._others.top)
        memory.add(scanned, holding, self._new.entries(self.repeating), self._tips)
        memory.save()


class _Paths:
    """Entries as Git names them, from the top, and beside them as they are seen from here."""

    def __init__(self, entries: list[Entry], only: Sequence[str] = (), shown: list[Entry] | None = None) -> None:
        self.top = entries
        self.shown = below(entries, ()) if shown is None else shown
        if only:
            pairs = [pair for pair in zip(self.top, self.shown, strict=True) if within(pair[1][0], only)]
            self.top, self.shown = [top for top, _ in pairs], [shown for _, shown in pairs]

    def some(self, numbers: Iterable[int]) -> _Paths:
        """Some of them, in their order."""
        picked = sorted(numbers)
        return _Paths([self.top[number] for number in picked], (), [self.shown[number] for number in picked])

    def entries(self, numbers: Iterable[int]) -> list[Entry]:
        """Some of them, as Git names them."""
        return [self.top[number] for number in sorted(numbers)]
