"""A log as it stands on disk, for `verify` and `query`: a state directory, or a copy of its `audit` folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from controller.audit import folder
from controller.audit.folder import FOLDER
from controller.audit.log import LOCK
from controller.audit.verify import File, split
from sealer import files
from sealer.errors import SourceError


def place(directory: Path) -> Path:
    """The folder with the files of a log: `directory`, or `audit` in it. SourceError if there is no log."""
    inner = directory / FOLDER
    found = inner if inner.is_dir() else directory
    if not directory.is_dir():
        raise SourceError("there is no such directory", where=str(directory))
    if not folder.names(found):
        raise SourceError("there is no audit log here", where=str(directory), way_out="--state DIR names a state")
    return found


def content(log: Path) -> Iterator[File]:
    """The files, oldest first, each read when its turn comes, as far as they were written when this began."""
    with _shared(log.parent / LOCK):
        sizes = [(name, (log / name).stat().st_size) for name in folder.names(log)]
    for name, size in sizes:
        try:
            with open(log / name, "rb") as stream:
                data = stream.read(size)
        except OSError as error:
            raise SourceError(f"can't be read: {files.reason(error)}", where=str(log / name)) from None
        yield File(name, split(data))


@contextlib.contextmanager
def _shared(path: Path) -> Iterator[None]:
    """Hold the log's lock for reading, where there is one: no line is then being written."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield  # a copy has none
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
