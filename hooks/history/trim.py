"""Versions of one file against each other: only what is new in a version, with what stands around it, is scanned.

Of a version, the bytes that it begins and ends with in common with the version read before it are left out, but for
CONTEXT bytes and then up to the next end of a line on each side. No match is lost by that:

* A match that touches what is new, or stands within CONTEXT bytes of it, is kept with all lines that it is on, as long
  as it is no longer than that. So is a mark in the line above it.
* Any other match lies in what both versions have in common, and so does all that decides on it. It was found in the
  other version, or in one that was read before that.
* That holds only where what decides is near. Formats that are parsed as a whole are not trimmed, but for YAML, where
  whole documents are left out; which endings are safe is a list, and all others are not. Nor is a file trimmed that
  has the manifest of a Secret in it, whose values may be far from its kind. A private key has its first line near
  what is new in it, since already its next line is new.
* A version that has findings is no base for the next one. So each version with a finding is known as such, whichever
  of them a branch may lose later on.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hooks.reading import Blob

CONTEXT = 1024
_LEAST = 4 * CONTEXT
"""Smaller files are scanned faster than they are compared."""
_STEP = 256
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
        """Leave out of a blob what the one before it had as well. That one has been scanned by now."""
        data = blob.data
        if blob.path != self._path:
            self._path, self._kind, self._old = blob.path, _kind(blob.path), None
        if not self._kind or data is None or len(data) < _LEAST or blob.before:
            self._old = self._last = None
            return
        old = self._old
        if self._last is not None and self._last.found:
            old = None
        self._last = blob
        if old is None:
            self._old = None if self._kind == "lines" and _manifest(data) else data
            return
        self._old = data
        start, end = _changed(old, data)
        if self._kind == "lines":
            if _manifest(data[max(0, start - 64) : end + 64]):
                self._old = None
                return
            start, end = _around(data, start, end)
        else:
            start, end = _documents(data, start, end)
        if end - start < len(data):
            blob.whole = data
            blob.data = data[start:end]


def _kind(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    ending = name.rpartition(".")[2]
    if ending in _LINES and ".env" not in name:
        return "lines"
    return "documents" if ending in _DOCUMENTS else ""


def _manifest(data: bytes) -> bool:
    return b"Secret" in data and _SECRET.search(data) is not None


def _changed(old: bytes, new: bytes) -> tuple[int, int]:
    """Where what is new begins and ends, up to a step too early and too late."""
    most = min(len(old), len(new))
    step = max(_STEP, most >> 5)
    low, high = 0, most
    while high - low > step:
        middle = (low + high) // 2
        if old.startswith(new[low:middle], low):
            low = middle
        else:
            high = middle
    start = low
    low, high = 0, most - start
    old_end, new_end = len(old), len(new)
    while high - low > step:
        middle = (low + high) // 2
        if old.startswith(new[new_end - middle : new_end - low], old_end - middle):
            low = middle
        else:
            high = middle
    return start, new_end - low


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
