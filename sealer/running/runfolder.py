"""The private folder of `sealer run --files`: on a tmpfs where there is one, gone when the command has ended.

A folder is locked for as long as its run lives. A run that was killed can't remove its own; the next one removes every
folder that nobody locks. Nothing here knows what the files mean.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sealer.errors import SourceError
from sealer.files import reason

VARIABLE = "SEALER_FILES"
_PREFIX = "sealer-run-"


def home() -> tuple[Path, bool]:
    """Where such folders are made, and whether that is memory: XDG_RUNTIME_DIR, /dev/shm, else the temporary folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for place in (runtime, "/dev/shm"):  # noqa: S108  # a folder of our own is made in it, 0700
        if place.startswith("/") and os.access(place, os.W_OK | os.X_OK) and _in_memory(place):
            return Path(place), True
    return Path(tempfile.gettempdir()), False


@contextlib.contextmanager
def folder(files: Mapping[str, bytes], place: Path) -> Iterator[Path]:
    """A folder (0700) with these files (0400) for as long as the context lasts. Raises SourceError."""
    _sweep(place)
    made, lock = _make(place)
    try:
        for name, value in files.items():
            _write(made / name, value)
        yield made
    finally:
        _remove(made)
        os.close(lock)


def renew(made: Path, files: Mapping[str, bytes], gone: Iterable[str]) -> None:
    """Replace these files of a folder, each in one step, and remove those that are `gone`. Raises SourceError."""
    with folder(files, made.parent) as written:
        try:
            for name in files:
                os.replace(written / name, made / name)
            for name in gone:
                (made / name).unlink(missing_ok=True)
        except OSError as error:
            raise SourceError(f"can't be renewed: {reason(error)}", where=str(made)) from None


def _make(place: Path) -> tuple[Path, int]:
    """A new locked folder. Another run may sweep between making and locking: then it is made again."""
    try:
        while True:
            made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
            lock = _lock(made)
            if lock is not None and made.exists():
                return made, lock
            if lock is not None:
                os.close(lock)
    except OSError as error:
        raise SourceError(f"no folder for the files can be made: {reason(error)}", where=str(place)) from None


def _lock(directory: Path) -> int | None:
    """A descriptor that holds the folder's lock (no child inherits it); None if it is gone or another run's."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _write(path: Path, value: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        with open(descriptor, "wb") as stream:
            stream.write(value)
    except OSError as error:
        raise SourceError(f"can't be written: {reason(error)}", where=str(path)) from None


def _sweep(place: Path) -> None:
    for left in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = left.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            lock = _lock(left)
            if lock is not None:
                _remove(left)
                os.close(lock)


def _remove(directory: Path) -> None:
    # The command may have changed modes; what it moved out of the folder is its own affair.
    with contextlib.suppress(OSError):
        directory.chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)


def _in_memory(place: str) -> bool:
    """Whether a path lies on a tmpfs or ramfs (Linux; elsewhere the answer is no)."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            rows = [line.split(" ")[1:3] for line in mounts]
    except OSError:
        return False
    real = os.path.realpath(place)
    covering = [row for row in rows if real == row[0] or real.startswith(row[0].rstrip("/") + "/")]
    return bool(covering) and max(reversed(covering), key=lambda row: len(row[0]))[1] in ("tmpfs", "ramfs")
