"""One file's bytes as blobs: whole, in parts where it is large, the members of an archive, or nothing of a binary."""

from __future__ import annotations

from hooks.gitpipe import SNIFF, is_binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hooks.engine.found import Candidates
    from hooks.text import Text

WHOLE = 4 * 1024 * 1024
"""A text up to this size is one blob: parsers of formats want to see all of it."""
PART = 2 * 1024 * 1024
OVERLAP = 128 * 1024
MAX_ARCHIVE = 64 * 1024 * 1024
"""Archives are unpacked from memory."""

_LOOK_FIRST = 256 * 1024
PACKED = (b"PK", b"\x1f\x8b", b"BZ", b"\xfd7", b"\x28\xb5", b"7z", b"Ra")
WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
"""Byte-order marks of UTF-16, and what they say."""


class Blob:
    """One file's bytes under the name that users know. `data` is None for a binary, and where `problem` says why.

    `entry` is its number in the source. A part of a larger text has in `before` how many lines come before it, and in
    `within` where in a list of JSON it begins (`hooks.cutting`). A blob
    of a history is trimmed: `data` lacks what its `base`, the version before it, has as well, and `whole` has all of
    its bytes. `repeats` says that what was left out may hold a finding, since some older version has one. `first` is
    the result of the scanner's first pass, until the second pass uses it.
    No dataclass: their import costs a hook 15 ms. The bytes show in no repr.
    """

    __slots__ = (
        "base",
        "before",
        "commit",
        "data",
        "entry",
        "first",
        "found",
        "path",
        "problem",
        "repeats",
        "way_out",
        "whole",
        "within",
    )

    def __init__(
        self, path: str, data: bytes | None, *, problem: str = "", way_out: str = "", commit: str = "", before: int = 0
    ) -> None:
        self.path = path
        self.data = data
        self.problem = problem
        self.way_out = way_out
        self.commit = commit
        self.before = before
        self.within: tuple[str | int, ...] = ()
        self.whole: bytes | None = None
        self.base: Blob | None = None
        self.first: tuple[Text, Candidates] | None = None
        self.entry = 0
        self.found = self.repeats = False

    def __repr__(self) -> str:
        return f"Blob({self.path!r})"

    def looked(self, *, found: bool) -> None:
        """Keep whether a scan found something. The base was scanned before, so `repeats` is known now."""
        self.found = found
        base, self.base = self.base, None
        self.repeats = base is not None and (base.found or base.repeats)


def blobs(path: str, size: int, take: Callable[[int], bytes], commit: str = "") -> Iterator[Blob]:
    """What a file of this size holds. `take` gives its next bytes, fewer only at the end; not all of them are taken."""
    head = take(size if size <= _LOOK_FIRST else SNIFF)
    if is_binary(head) or head[:2] in PACKED:
        if _is_archive(head):
            yield from _members(path, size, head, take, commit)
            return
        if is_binary(head):
            yield Blob(path, _undone(head, size, take), commit=commit)
            return
    if size <= WHOLE:
        yield Blob(path, head if len(head) >= size else head + take(size - len(head)), commit=commit)
    else:
        from hooks.cutting import parts

        yield from parts(path, size, head, take, commit)


def _is_archive(head: bytes) -> bool:
    from hooks.decode.packed import kind

    return bool(kind(head[:512]))


def _members(path: str, size: int, head: bytes, take: Callable[[int], bytes], commit: str) -> Iterator[Blob]:
    from hooks.archive import members

    if size > MAX_ARCHIVE:
        what = f"is an archive of {size >> 20:,} MiB; more than {MAX_ARCHIVE >> 20} MiB are not scanned"
        yield Blob(path, None, problem=what, way_out="unpack it and scan the folder, or leave it out", commit=commit)
        return
    # The archive counts as a binary beside its members.
    yield Blob(path, None, commit=commit)
    yield from members(Blob(path, head + take(size - len(head)), commit=commit))


def _undone(head: bytes, size: int, take: Callable[[int], bytes]) -> bytes | None:
    """The text of a binary that is UTF-16 without a mark, if it is."""
    from hooks.decode.readable import MAX_BYTES, utf16

    if size > MAX_BYTES or utf16(head) is None:
        return None
    return utf16(head + take(size - len(head)))
