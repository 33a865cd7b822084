"""The state directory: ours alone, on a local disk, written by one process (DELIVERY section 4).

Knows files and the lock, nothing of the database in it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from controller import flock
from sealer import files
from sealer.errors import Refused, SourceError

DATABASE = "state.db"
LOCK = "lock"

# SQLite's log needs shared memory and locks that these don't give, or that end at one machine.
_NETWORK = frozenset(
    (
        *(
            "9p",
            "afs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "davfs",
            "gfs2",
            "glusterfs",
            "lustre",
            "ncpfs",
            "nfs",
            "nfs4",
        ),
        *("ocfs2", "smb3", "smbfs", "fuse.cephfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs"),
        "fuse.sshfs",
    )
)
_MOUNTS = Path("/proc/self/mountinfo")


def make(directory: Path) -> None:
    """The directory of a state, 0700, made if it isn't there; refused if others could look into it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"can't be made: {files.reason(error)}", where=str(directory)) from None
    check(directory)


def check(directory: Path) -> None:
    """Refuse a directory that isn't ours alone, or that stands on a network filesystem."""
    files.check_private(directory)
    kind = filesystem(directory)
    if kind in _NETWORK:
        raise Refused(
            f"is on a network filesystem ({kind}), where the database would be damaged",
            where=str(directory),
            way_out="--state DIR on a local disk",
        )


def database(directory: Path, *, create: bool) -> Path:
    """The file of the database, ours alone. Made 0600 from its first moment: SQLite's own take that over."""
    path = directory / DATABASE
    try:
        if create:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            files.sync_directory(directory)
    except FileExistsError:
        pass
    except OSError as error:
        raise SourceError(f"can't be made: {files.reason(error)}", where=str(path)) from None
    files.check_private(path)
    return path


@contextlib.contextmanager
def locked(directory: Path, *, timeout: float) -> Iterator[None]:
    """Hold the lock of a state directory. SourceError that names the holder after `timeout` seconds.

    The kernel frees it if we are killed, so that the number in it may be stale; it is only ever shown.
    """
    path = directory / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SourceError(
            f"can't be opened: {files.reason(error)}",
            where=str(path),
            way_out="make it writable for the user who runs this, or name another state: --state DIR",
        ) from None
    try:
        if not flock.taken(descriptor, within=timeout):
            raise SourceError(
                f"the state is in use{_holder(descriptor)}",
                where=str(path),
                way_out="wait until it has ended, or pass a longer --lock-timeout SECONDS",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


def filesystem(directory: Path) -> str:
    """The type of the filesystem that a directory is on; empty where the system doesn't say (other than Linux)."""
    try:
        table = _MOUNTS.read_bytes()
    except OSError:
        return ""
    return mounted(table, os.fsencode(os.path.realpath(directory)))


def mounted(table: bytes, path: bytes) -> str:
    """The filesystem type of a path, by a table as in /proc/self/mountinfo: the longest mount point, the last of it."""
    found, length = b"", -1
    for line in table.splitlines():
        before, _, after = line.partition(b" - ")
        fields, kind = before.split(b" "), after.split(b" ")[0]
        if len(fields) < 5:
            continue
        point = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), fields[4])
        inside = path == point or path.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= length:
            found, length = kind, len(point)
    return found.decode("ascii", "replace")


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 32, 0).strip()
    return f" by process {text.decode('ascii')}" if text.isdigit() else ""
