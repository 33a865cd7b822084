"""Files as they lie on disk: which ones, and their bytes with as few calls as can be."""

from __future__ import annotations

import errno
import os
import stat

from hooks import gitpipe, reading
from hooks.blobs import Source
from hooks.changed import BARE_WAY_OUT
from hooks.reading import Blob
from sealer.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_SMALL = 64 * 1024
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NO_FILE = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR)
"""A symlink (two words for it), a socket, a submodule: they hold nothing of this folder."""
_UNOPENED = b"warning: could not open directory '"
_MOST_NAMED = 5
_LISTED = ("ls-files", "-z", "-t", "--cached", "--others", "--deleted", "--exclude-standard", "--", ".")


def source(paths: Sequence[str], *, submodules: bool = False) -> Source:
    """The files of the repository around us, or of folders and files by name, with those of submodules if asked for.

    What isn't there or can't be listed is among them, as a problem. Raises SourceError.
    """
    from hooks import place

    found: dict[str, None] = {}
    named = set()
    place.asked(map(_above, paths))
    listing = _Listing(submodules=submodules)
    for path in paths or [_top()]:
        if not os.path.lexists(path):
            listing.problems[path] = "no such file or directory"
            found[path] = None
        elif os.path.isdir(path):
            found.update(dict.fromkeys(listing.files(path)))
        else:
            named.add(path)
            found[path] = None
    found.update(dict.fromkeys(listing.problems))
    return _Files("paths" if paths else "work tree", list(found), named, listing)


class _Files(Source):
    """Files by their paths. What is named itself is read through a symlink; in folders symlinks are left out."""

    apart = True

    def __init__(self, kind: str, paths: Sequence[str], named: set[str], listing: _Listing) -> None:
        super().__init__(kind, [(path, "", "") for path in paths])
        self._named = named
        self._problems = listing.problems
        self.absent = len(listing.problems)
        self._listed = listing.inner

    def told(self) -> tuple[str, str]:
        inner = sorted({*self._listed, *(self.entries[number][0] for number in self.inner)})
        if not inner:
            return "", ""
        from sealer.shell import quote

        what = "a repository inside of this one was" if len(inner) == 1 else f"{len(inner):,} repositories inside were"
        more = " ..." if len(inner) > _MOST_NAMED else ""
        way_out = f"sealer-scan {' '.join(map(quote, inner[:_MOST_NAMED]))}{more}; submodules: --recurse-submodules"
        return f"{what} left out", way_out

    def blobs(self, which: Iterable[int] | None = None) -> Iterator[Blob]:
        for number in range(len(self.entries)) if which is None else which:
            path = self.entries[number][0]
            named = path in self._named
            if path in self._problems:
                blob = Blob(path, None, problem=self._problems[path])
                blob.entry = number
                yield blob
                continue
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
                    if error.errno == errno.EISDIR and os.path.lexists(os.path.join(path, ".git")):
                        self.inner.append(number)
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
    """The top of the work tree, as seen from here; here, where there is no repository. Raises UsageError in Git's."""
    try:
        inside, _, up = gitpipe.output("rev-parse", "--is-inside-git-dir", "--show-cdup").partition(b"\n")
    except gitpipe.NoRepository:
        return "."
    if inside == b"true":
        raise UsageError("has no work tree, only Git's own files", where=".", way_out=BARE_WAY_OUT)
    return os.fsdecode(up.removesuffix(b"\n")) or "."


class _Listing:
    """What lies below folders; on the way, what can't be listed, and repositories inside that are left out."""

    def __init__(self, *, submodules: bool) -> None:
        self._submodules = submodules
        self.problems: dict[str, str] = {}
        self.inner: list[str] = []

    def files(self, folder: str) -> Iterator[str]:
        """Files that Git would not ignore; all of them where there is no repository."""
        try:
            listed, said = gitpipe.output_and_warnings(*_LISTED, folder=folder)
        except gitpipe.NoRepository:
            listed = said = b""
        if said:
            self._note(folder, said)
        if not listed:
            # No repository, or a folder that Git ignores: whoever names it wants it scanned.
            yield from self._walk(folder)
            return
        start = _start(folder)
        names = set(listed.split(b"\0"))
        inner = set(_links(folder)) if self._submodules else ()
        for name in sorted({name[2:] for name in names}):
            path = start + os.fsdecode(name)
            if not name or name in inner:
                if name and os.path.isdir(path):
                    yield from self.files(path)
                continue
            if name.endswith(b"/"):  # a repository inside of this one, as one name
                self.inner.append(path.rstrip("/"))
                continue
            # What is deleted in the work tree is still in the index, and so is what a sparse checkout leaves out.
            if (b"R " + name in names or b"S " + name in names) and _is_gone(path):
                continue
            yield path

    def _note(self, folder: str, said: bytes) -> None:
        """Keep the folders that Git says it can't open; it names them from the top."""
        for line in said.split(b"\n"):
            name, quoted, reason = line.removeprefix(_UNOPENED).rpartition(b"': ")
            if quoted and line.startswith(_UNOPENED):
                top = os.fsdecode(gitpipe.output("rev-parse", "--show-cdup", folder=folder).removesuffix(b"\n"))
                path = os.path.normpath(os.path.join(folder, top, os.fsdecode(name)))
                self.problems[path] = f"can't be read: {reason.decode('utf-8', 'replace').lower()}"

    def _walk(self, folder: str) -> Iterator[str]:
        pending = [_start(folder)]
        while pending:
            here = pending.pop()
            try:
                with os.scandir(here or ".") as listed:
                    entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listed)
            except OSError as error:
                reason = (error.strerror or "unknown reason").lower()
                self.problems[os.path.normpath(here or ".")] = f"can't be read: {reason}"
                continue
            pending += [f"{here}{name}/" for name, folder in reversed(entries) if folder and name != ".git"]
            for name, is_folder in entries:
                if not is_folder:
                    yield here + name


def _above(path: str) -> str:
    """What of the paths below a named one isn't the project's own: up to the top of its repository, else all of it."""
    path = os.path.normpath(path)
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    named = folder
    while folder not in ("", "/", "."):
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
        folder = os.path.dirname(folder)
    return "" if not os.path.isabs(path) and _is_inside() else named


def _is_inside() -> bool:
    """Whether a repository is around us."""
    here = os.getcwd()
    while not os.path.lexists(os.path.join(here, ".git")):
        if here == os.path.dirname(here):
            return False
        here = os.path.dirname(here)
    return True


def _start(folder: str) -> str:
    return "" if folder == "." else os.path.join(os.path.normpath(folder), "")


def _links(folder: str) -> Iterator[bytes]:
    """The names of the submodules below a folder."""
    for line in gitpipe.output("ls-files", "-z", "--stage", "--", ".", folder=folder).split(b"\0"):
        if line.startswith(b"160000 "):
            yield line.partition(b"\t")[2]


def _is_gone(path: str) -> bool:
    """Whether a file isn't there; what is in a folder that can't be read may be."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
