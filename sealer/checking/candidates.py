"""Which files `check` looks at: what is named, else all that Git tracks, else all below the current directory.

Only names and bytes: nothing is parsed here. Symlinks are passed over (their target is looked at where it is), and so
is what Git tracks but the work tree no longer has.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sealer import git
from sealer.errors import SourceError
from sealer.files import MAX_DOCUMENT, reason

_SECRET = re.compile(rb"\bSecret\b")
SUFFIXES = (".yaml", ".yml", ".json")


def find(paths: Sequence[str]) -> list[str]:
    """The files to read, each once, in a stable order. Raises SourceError for a path that isn't there."""
    if not paths:
        return _below(".", everything=True)
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            found += _below(path, everything=False)
        elif os.path.lexists(path):
            found.append(path)
        else:
            raise SourceError("no such file or directory", where=path)
    return list(dict.fromkeys(found))


def read(path: str) -> bytes | None:
    """The bytes of a regular file; None if it is gone, no file, or too large to be a document of ours.

    Raises SourceError for a file that can't be read, and for a large one that speaks of SealedSecret.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or os.path.islink(path):
            return None
        raise SourceError(f"can't be read: {reason(error)}", where=path) from None
    with open(descriptor, "rb", buffering=0) as stream:
        try:
            size = os.fstat(descriptor).st_size
            if size <= MAX_DOCUMENT:
                return stream.readall()
            with contextlib.suppress(ValueError), mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as whole:
                if whole.find(b"SealedSecret") >= 0:
                    raise SourceError(f"is larger than {MAX_DOCUMENT // 1024:,} KiB", where=path)
        except IsADirectoryError:
            return None
        except OSError as error:
            raise SourceError(f"can't be read: {reason(error)}", where=path) from None
    return None


def may_concern(data: bytes) -> bool:
    """Whether bytes can hold a Secret or SealedSecret at all: cheap, before anything is parsed."""
    return b"Secret" in data and (b"SealedSecret" in data or _SECRET.search(data) is not None)


def _below(directory: str, *, everything: bool) -> list[str]:
    start = Path(directory)
    try:
        names: Iterable[str] = git.tracked(start, SUFFIXES)
        if not everything:
            # A folder that is named: also what is new in it, but nothing outside of it.
            new = git.untracked(start)
            names = (name for name in (*names, *new) if not name.startswith("../") and name.lower().endswith(SUFFIXES))
    except git.NoRepository:
        names = _walk(directory)
    return sorted(name if directory == "." else os.path.normpath(os.path.join(directory, name)) for name in names)


def _walk(directory: str) -> Iterator[str]:
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES):
                yield os.path.relpath(os.path.join(folder, name), directory)
