"""The files inside of archives, as blobs named `outer.zip!inner/a.env`. Nothing is written to disk, nothing is raised.

Kinds are told by their first bytes, not by their names: zip (jar, wheel, apk, docx, ...), tar, gzip, bzip2, xz, and
zstd where Python has it; inside of each other, too. Names are only shown, so that none of them can lead anywhere. One
member at a time is in memory. What is not read is told: a damaged or encrypted member, one archive too deep, a bomb.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hooks import lazy
from hooks.blobs import Blob
from hooks.decode.packed import Again, Bytes, Reader, Unread, kind, unpacker
from hooks.decode.readable import utf16
from hooks.gitpipe import SNIFF, is_binary

if TYPE_CHECKING:
    from hooks.decode.tar import Member

DEPTH = 3
MAX_MEMBERS = 100_000
MAX_TEXT = 16 * 1024 * 1024
MAX_INNER = 64 * 1024 * 1024
"""An archive inside of another."""
MAX_TOTAL = 512 * 1024 * 1024
"""What all members of one archive may unpack to."""
MAX_STREAMS = 20_000
"""Packed streams, of which a file may hold many in a row: blocks of bgzip, each 64 KiB, are some 8,000 at most."""
RATIO = 100
"""How many times its packed size a text of more than 1 MiB may unpack to: logs come to 30, repetition to 1,000."""
RATIO_OF_ALL = 30
"""How many times the size of the archive all texts in it may come to, once they are more than 32 MiB."""

_SMALL = 1 << 20
_SMALL_OF_ALL = 32 << 20

_STEP = 64 * 1024
_SUFFIX = lazy.compile(r"\.(?:gz|bz2|xz|zst|zstd|tgz|tbz2?|txz|z)$", re.IGNORECASE)
_ODD = lazy.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff!]")
_WAY_OUT = "unpack it and scan the folder, or leave it out with --exclude"


class _Stop(Exception):
    """A bound of the whole archive is reached."""


def members(blob: Blob) -> Iterator[Blob]:
    """Each text inside of an archive, and a blob with a problem for what could not be read. Other blobs have none."""
    walk = _Walk(blob.commit, len(blob.data or b""))
    if not blob.data or not kind(blob.data[:512]):
        return
    try:
        yield from walk.archive(blob.path, blob.data, 1)
    except _Stop as stop:
        walk.unread(blob.path, str(stop))
    yield from walk.problems()


class _Walk:
    """One walk through an archive and those inside of it, with what is counted."""

    def __init__(self, commit: str, size: int) -> None:
        self._commit = commit
        self._size = size
        self._members = 0
        self._streams = 0
        self._total = 0
        self._texts = 0
        self._unread: dict[tuple[str, str], tuple[str, int]] = {}

    def unread(self, path: str, why: str) -> None:
        """Note what was not read. One of each archive and reason is shown: there can be 100,000 of them."""
        first, times = self._unread.get(key := (path.rpartition("!")[0], why), (path, 0))
        self._unread[key] = first, times + 1

    def problems(self) -> Iterator[Blob]:
        for (_, why), (first, times) in self._unread.items():
            more = f" (and {times - 1:,} more)" if times > 1 else ""
            yield Blob(first, None, problem=why + more, way_out=_WAY_OUT, commit=self._commit)

    def archive(self, path: str, data: bytes, depth: int) -> Iterator[Blob]:
        """The members of an archive. Raises _Stop only."""
        what = kind(data[:512])
        try:
            if depth > DEPTH:
                raise Unread(f"is an archive more than {DEPTH} deep in others")
            if what == "zip":
                yield from self._zip(path, data, depth)
            elif what == "tar":
                yield from self._tar(path, self._counted(Bytes(data)), depth)
            else:
                yield from self._packed(path, self._counted(unpacker(what, data, self._stream)), len(data), depth)
        except Unread as why:
            self.unread(path, str(why))

    def _zip(self, path: str, data: bytes, depth: int) -> Iterator[Blob]:
        import io
        import zipfile

        if data.count(b"PK\x01\x02") > MAX_MEMBERS:
            raise Unread(f"has more than {MAX_MEMBERS:,} members")
        names = _Names(path)
        try:
            listed = zipfile.ZipFile(io.BytesIO(data))
        except Exception:  # whatever zipfile stumbles over in hostile bytes
            raise Unread("is a damaged zip file") from None
        for info in listed.infolist():
            self._count()
            name = names.shown(info.filename)
            # Not is_dir(), which fails for an empty name.
            if info.filename.endswith("/") or (info.external_attr >> 16) & 0o170000 not in (0, 0o100000):
                continue
            if info.flag_bits & 0x1:
                self.unread(name, "is encrypted")
                continue
            try:
                with listed.open(info) as stream:
                    yield from self._member(name, self._counted(stream.read), info.compress_size, depth)
            except (_Stop, GeneratorExit):
                raise
            except Unread as why:
                self.unread(name, str(why))
            except NotImplementedError:
                self.unread(name, "is packed in a way that Python can't undo")
            except Exception:  # as above; what follows may be whole
                self.unread(name, "is damaged")

    def _tar(self, path: str, read: Reader, depth: int) -> Iterator[Blob]:
        from hooks.decode import tar

        names = _Names(path)
        try:
            member: Member
            for member in tar.members(read):
                self._count()
                name = names.shown(member.name)
                try:
                    yield from self._member(name, member.read, 0, depth)
                except Unread as why:
                    self.unread(name, str(why))
        except tar.Damaged:
            raise Unread("is a damaged tar file, and its end was not read") from None

    def _packed(self, path: str, read: Reader, size: int, depth: int) -> Iterator[Blob]:
        """One file that is packed; most are tar files."""
        head = read(512)
        again = Again(head, read)
        if kind(head) == "tar":
            yield from self._tar(path, again, depth)
            return
        self._count()
        inner = _SUFFIX.sub("", path.rpartition("!")[2].rpartition("/")[2]) or "data"
        yield from self._member(f"{path}!{inner}", again, size, depth)

    def _member(self, path: str, read: Reader, packed: int, depth: int) -> Iterator[Blob]:
        """A member as a blob, the members of an archive, or nothing for another binary. Raises Unread.

        `packed`: its size in the archive; 0 where only that of all members together is known.
        """
        head = read(SNIFF)
        if kind(head):
            yield from self.archive(path, _rest(head, read, MAX_INNER, "archive"), depth + 1)
        elif not is_binary(head):
            yield Blob(path, self._text(head, read, packed), commit=self._commit)
        elif utf16(head) is not None:
            data = utf16(self._text(head, read, packed))
            yield Blob(path, data, commit=self._commit)

    def _text(self, head: bytes, read: Reader, packed: int) -> bytes:
        """All of a text. What a small file unpacks to is bounded by its size: each MB of it takes seconds to scan."""
        data = _rest(head, read, MAX_TEXT, "text", max(packed * RATIO, _SMALL) if packed else MAX_TEXT)
        self._texts += len(data)
        if self._texts > max(_SMALL_OF_ALL, self._size * RATIO_OF_ALL):
            raise _Stop(f"holds text of more than {RATIO_OF_ALL} times its size, and the rest was not read")
        return data

    def _stream(self) -> None:
        self._streams += 1
        if self._streams > MAX_STREAMS:
            raise _Stop(f"holds more than {MAX_STREAMS:,} packed streams, and the rest was not read")

    def _count(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _Stop(f"has more than {MAX_MEMBERS:,} members, and the others were not read")

    def _counted(self, read: Reader) -> Reader:
        def counted(size: int) -> bytes:
            data = read(size)
            self._total += len(data)
            if self._total > MAX_TOTAL:
                raise _Stop(f"unpacks to more than {MAX_TOTAL >> 20:,} MiB, and the rest was not read")
            return data

        return counted


class _Names:
    """Names of members as they are shown: without `..`, a root, or what a terminal would obey; each only once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: dict[str, int] = {}

    def shown(self, name: str) -> str:
        clean = _ODD.sub("?", posixpath.normpath("/" + name.replace("\\", "/"))).strip("/") or "?"
        times = self._seen[clean] = self._seen.get(clean, 0) + 1
        return f"{self._path}!{clean}" if times == 1 else f"{self._path}!({times})/{clean}"


def _rest(head: bytes, read: Reader, most: int, what: str, likely: int = MAX_INNER) -> bytes:
    """All of a member, in steps, so that a size that is only claimed reserves no memory. Raises Unread.

    `likely`: bytes that what was packed so small may come to.
    """
    parts, size = [head], len(head)
    while part := read(_STEP):
        parts.append(part)
        size += len(part)
        if size > most:
            raise Unread(f"is {what} of more than {most >> 20} MiB, which are not scanned")
        if size > likely:
            raise Unread(f"unpacks to more than {RATIO} times its size, and is not scanned")
    return b"".join(parts)
