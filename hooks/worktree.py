"""Files as they lie on disk: which ones, and their bytes with as few calls as can be."""

from __future__ import annotations

import errno
import os
import stat

from hooks import gitpipe, reading
from hooks.blobs import Source
from hooks.reading import Blob
from sealer.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_SMALL = 64 * 1024
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NO_FILE = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR)
"""A symlink (two words for it), a socket, a submodule: they hold nothing of this folder."""
_LISTED = ("ls-files", "-z", "-t", "--cached", "--others", "--deleted", "--exclude-standard", "--", ".")


def source(paths: Sequence[str]) -> Source:
    """The files of the repository around us, or of folders and files by name. Raises SourceError."""
    found: dict[str, None] = {}
    named = set()
    for path in paths or [_top()]:
        if not os.path.lexists(path):
            raise SourceError("no such file or directory", where=path)
        if os.path.isdir(path):
            found.update(dict.fromkeys(_files(path)))
        else:
            named.add(path)
            found[path] = None
    return _Files("paths" if paths else "work tree", list(found), named)


class _Files(Source):
    """Files by their paths. What is named itself is read through a symlink; in folders symlinks are left out."""

    apart = True

    def __init__(self, kind: str, paths: Sequence[str], named: set[str]) -> None:
        super().__init__(kind, [(path, "", "") for path in paths])
        self._named = named

    def blobs(self, which: Iterable[int] | None = None) -> Iterator[Blob]:
        for number in range(len(self.entries)) if which is None else which:
            path = self.entries[number][0]
            named = path in self._named
            try:
                descriptor = os.open(path, _FLAGS if named else _FLAGS | os.O_NOFOLLOW)
                try:
                    for blob in _file(path, descriptor, named=named):
                        blob.entry = number
                        yield blob
                finally:
                    os.close(descriptor)
            except OSError as error:
                if not named and error.errno in _NO_FILE and not _is_file(path):
                    self.absent += 1
                    continue
                blob = Blob(path, None, problem=f"can't be read: {(error.strerror or 'unknown reason').lower()}")
                blob.entry = number
                yield blob


def _file(path: str, descriptor: int, *, named: bool) -> Iterator[Blob]:
    """The bytes of an open file. Most are small: one read tells all of them, and the size is not asked for."""
    data = os.read(descriptor, _SMALL)
    if len(data) < _SMALL and not named:
        if data.find(b"\0", 0, gitpipe.SNIFF) < 0 and data[:2] not in reading.PACKED:
            yield Blob(path, data)
        else:
            yield from reading.blobs(path, len(data), _first(data, descriptor))
        return
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        yield from reading.blobs(path, max(status.st_size, len(data)), _first(data, descriptor))
    elif named:
        way_out = "sealer-scan --stdin"
        yield Blob(path, None, problem="is no regular file, so it was not scanned", way_out=way_out)


def _first(data: bytes, descriptor: int) -> Callable[[int], bytes]:
    """What gives the bytes that were read already, then the following ones."""

    def take(size: int) -> bytes:
        nonlocal data
        head, data = data[:size], data[size:]
        while len(head) < size and (more := os.read(descriptor, size - len(head))):
            head = head + more if head else more
        return head

    return take


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _top() -> str:
    """The top of the work tree, as seen from here; here, where there is no repository, or a bare one."""
    try:
        return os.fsdecode(gitpipe.output("rev-parse", "--show-cdup").removesuffix(b"\n")) or "."
    except gitpipe.NoRepository:
        return "."


def _files(folder: str) -> Iterator[str]:
    """Files below a folder: those that Git would not ignore; all of them where there is no repository."""
    try:
        listed = gitpipe.output(*_LISTED, folder=folder)
    except gitpipe.NoRepository:
        listed = b""
    if not listed:
        # No repository, or a folder that Git ignores: whoever names it wants it scanned.
        yield from _walk(folder)
        return
    start = "" if folder == "." else os.path.join(os.path.normpath(folder), "")
    names = set(listed.split(b"\0"))
    for name in sorted({name[2:] for name in names}):
        # What is deleted in the work tree is still in the index, and so is what a sparse checkout leaves out. A
        # repository inside of this one is listed as one name, with a slash.
        if not name or name.endswith(b"/") or b"R " + name in names:
            continue
        path = start + os.fsdecode(name)
        if b"S " + name not in names or os.path.lexists(path):
            yield path


def _walk(folder: str) -> Iterator[str]:
    start = "" if folder == "." else os.path.join(os.path.normpath(folder), "")
    pending = [start]
    while pending:
        here = pending.pop()
        try:
            with os.scandir(here or ".") as listed:
                entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listed)
        except OSError as error:
            reason = (error.strerror or "can't be read").lower()
            raise SourceError(f"can't be read: {reason}", where=here or ".") from None
        pending += [f"{here}{name}/" for name, folder in reversed(entries) if folder and name != ".git"]
        for name, is_folder in entries:
            if not is_folder:
                yield here + name
