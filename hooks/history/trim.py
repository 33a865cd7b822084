"""Versions of one file against each other: only what is new in a version, with what stands around it, is scanned.

Of a version, the bytes that it begins and ends with in common with the version read before it are left out, and long
ranges between that both have, but for CONTEXT bytes and then up to the next end of a line on each side. No match is
lost by that:

* A match that touches what is new, or stands within CONTEXT bytes of it, is kept with all lines that it is on, as long
  as it is no longer than that. So is a mark in the line above it.
* Any other match lies in a range that both versions have, and so does all that decides on it. It was found in the
  other version, or in one that was read before that.
* What the gaps bring together can't be reported: a version in which something is found is scanned as a whole.
* That holds only where what decides is near. Formats that are parsed as a whole are not trimmed, but for YAML, where
  whole documents are left out; which endings are safe is a list, and all others are not. Nor is a file trimmed that
  has the manifest of a Secret in it, whose values may be far from its kind. A private key has its first line near
  what is new in it, since already its next line is new.
* A version may have what its base had, unseen. It `repeats`, if its base had findings or repeats: once a branch loses
  the older version, this one is looked at as a whole.
"""

from __future__ import annotations

import re

from hooks.reading import WIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hooks.reading import Blob

CONTEXT = 512
_LEAST = 4 * CONTEXT
"""Smaller files are scanned faster than they are compared."""
_ANCHOR = 64
"""So many bytes in the middle of a range are looked for in the other version."""
_DEPTH = 3
_STEP = 64
"""How exactly the common bytes are measured, at best."""
_LINES = frozenset(
    """
    adoc asm c cc cjs clj cpp cs css csv dart diff ex exs go h hpp htm html java js jsx kt less lock log lua m
    map md mjs patch pl po pot proto py pyi r rb rs rst s scala scss sql sum svg swift ts tsv tsx vue
    """.split()  # noqa: SIM905 - easier to read
)
"""Endings of what `hooks.structure` reads in no format, whatever it begins with: lines are looked at, one by one."""
_DOCUMENTS = frozenset(("yaml", "yml"))
_SECRET = re.compile(rb"""ind\W{1,16}Secret""")


class Trimmer:
    """Goes through versions, those of one path after each other."""

    def __init__(self) -> None:
        self._path = ""
        self._kind = ""
        self._old: bytes | None = None
        self._last: Blob | None = None

    def trim(self, blob: Blob) -> None:
        """Leave out of a blob what the blob before it has as well. The two are scanned in this order."""
        data = blob.data
        if blob.path != self._path:
            self._path, self._kind, self._old = blob.path, _kind(blob.path), None
        # Lines of UTF-16 don't end with a byte.
        if not self._kind or data is None or len(data) < _LEAST or blob.before or data[:2] in WIDE:
            self._old = self._last = None
            return
        old, last = self._old, self._last
        self._last = blob
        if old is None:
            self._old = None if self._kind == "lines" and _manifest(data) else data
            return
        self._old = data
        changes = _changes(old, data)
        if self._kind == "lines":
            if any(_manifest(data[max(0, start - 64) : end + 64]) for start, end in changes):
                self._old = None
                return
            kept = [_around(data, start, end) for start, end in changes]
        else:
            kept = [_documents(data, start, end) for start, end in changes]
        if kept != [(0, len(data))]:
            blob.whole = data
            blob.data = _joined(data, kept)
            blob.base = last


def _kind(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    ending = name.rpartition(".")[2]
    if ending in _LINES and ".env" not in name:
        return "lines"
    return "documents" if ending in _DOCUMENTS else ""


def _manifest(data: bytes) -> bool:
    return b"Secret" in data and _SECRET.search(data) is not None


def _changes(old: bytes, new: bytes) -> list[tuple[int, int]]:
    """Where something of a version is new, or what was there is gone; a step too much on each side of it."""
    most = min(len(old), len(new))
    start = _same_after(old, 0, new, 0, most)
    after = _same_before(old, len(old), new, len(new), most - start)
    return _split(old, start, len(old) - after, new, start, len(new) - after, _DEPTH)


def _split(
    old: bytes, old_start: int, old_end: int, new: bytes, start: int, end: int, depth: int
) -> list[tuple[int, int]]:
    """The changes of a range, less what in its middle is in the other version as well."""
    if depth and end - start >= _LEAST:
        for quarter in (2, 1, 3):
            at = new.find(b"\n", start + (end - start) * quarter // 4) + 1
            if not 0 < at <= end - _ANCHOR:
                continue
            there = old.find(new[at : at + _ANCHOR], old_start, old_end)
            if there < 0:
                continue
            before = _same_before(old, there, new, at, min(there - old_start, at - start))
            after = _same_after(old, there, new, at, min(old_end - there, end - at))
            if before + after > 3 * CONTEXT:
                return [
                    *_split(old, old_start, there - before, new, start, at - before, depth - 1),
                    *_split(old, there + after, old_end, new, at + after, end, depth - 1),
                ]
    return [(start, end)]


def _same_after(old: bytes, there: int, new: bytes, at: int, most: int) -> int:
    """How many bytes are the same from two places on; up to a step fewer than there are."""
    step = max(_STEP, most >> 7)
    low, high = 0, most
    while high - low > step:
        middle = (low + high) // 2
        if old.startswith(new[at + low : at + middle], there + low):
            low = middle
        else:
            high = middle
    return low


def _same_before(old: bytes, there: int, new: bytes, at: int, most: int) -> int:
    """How many bytes are the same before two places; up to a step fewer than there are."""
    step = max(_STEP, most >> 7)
    low, high = 0, most
    while high - low > step:
        middle = (low + high) // 2
        if old.startswith(new[at - middle : at - low], there - middle):
            low = middle
        else:
            high = middle
    return low


def _joined(data: bytes, kept: list[tuple[int, int]]) -> bytes:
    """What of a text is kept, each byte once."""
    parts, last = [], 0
    for start, end in kept:
        if end > last:
            parts.append(data[max(start, last) : end])
            last = end
    return b"".join(parts)


def _around(data: bytes, start: int, end: int) -> tuple[int, int]:
    start = data.rfind(b"\n", 0, max(0, start - CONTEXT)) + 1
    end = data.find(b"\n", min(len(data), end + CONTEXT))
    return start, len(data) if end < 0 else end + 1


def _documents(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The whole documents of YAML that what is new touches."""
    first = 0
    while start > 0 and (at := data.rfind(b"\n---", 0, start - 1)) >= 0:
        if data[at + 4 : at + 5].isspace():
            first = at + 1
            break
        start = at
    last = data.find(b"\n---", end)
    while last >= 0 and not data[last + 4 : last + 5].isspace():
        last = data.find(b"\n---", last + 1)
    return first, last + 1 if last >= 0 else len(data)
