"""Private files in a private directory: how a keyring touches the disk (FORMATS section 5).

Every file is written beside its place, synced and renamed; a new directory is made whole or not at all. What the files
mean is `sealer.keyrings.keyring`'s business.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sealer import files
from sealer.errors import Refused, SourceError

LOCK = "lock"
_MAX_FILE = 1024 * 1024


def read(path: Path) -> bytes:
    """The bytes of a file that is ours alone. Raises SourceError."""
    try:
        files.check_private(path)
    except OSError as error:
        raise SourceError(f"can't be read: {files.reason(error)}", where=str(path)) from None
    return files.read(path, limit=_MAX_FILE)


def write(path: Path, data: bytes) -> None:
    """Write a file that is ours alone, durably, in one step."""
    files.write_atomic(path, data, mode=0o600, sync=True)


def remove(paths: Iterable[Path]) -> None:
    """Remove files that are there, durably. What a disk keeps of them is beyond us."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
            files.sync_directory(path.parent)
        except OSError as error:
            raise SourceError(f"can't be removed: {files.reason(error)}", where=str(path)) from None


def check_absent(directory: Path) -> None:
    """Refuse to go on where something stands already."""
    if os.path.lexists(directory):
        raise Refused(
            "is there already; a keyring is never overwritten",
            where=str(directory),
            way_out="choose another --cluster or --keyring",
        )


def create(directory: Path, content: Mapping[str, bytes]) -> None:
    """Make a whole directory in one step, or nothing: files into a directory beside it, then rename."""
    check_absent(directory)
    temporary = directory.parent / f".{directory.name}.{secrets.token_hex(6)}.tmp"
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.mkdir(mode=0o700)
        try:
            for name, data in content.items():
                write(temporary / name, data)
            os.rename(temporary, directory)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        files.sync_directory(directory.parent)
    except OSError as error:
        raise SourceError(f"can't be written: {files.reason(error)}", where=str(directory)) from None


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory; waits for whoever has it. The kernel frees it if we are killed."""
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
