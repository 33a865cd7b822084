"""Reading and writing files: bounded, atomic, never half-written."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from sealer.errors import SourceError
from sealer.shell import quote

MAX_DOCUMENT = 16 * 1024 * 1024
"""Largest file that is read as a document, in bytes; a Kubernetes object ends at 1.5 MiB."""


def read(path: Path | str, *, limit: int = MAX_DOCUMENT) -> bytes:
    """The bytes of a regular file (or of a pipe). Raises SourceError that names the file."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise SourceError(f"can't be read: {reason(error)}", where=str(path)) from None
    if len(data) > limit:
        raise SourceError(f"is larger than {limit // 1024:,} KiB", where=str(path))
    return data


def write_atomic(path: Path | str, data: bytes, *, mode: int | None = None, sync: bool = False) -> None:
    """Replace a file's content in one step: temporary file beside it, then rename.

    An existing file keeps its mode; of a symlink the target is replaced; `mode` sets the mode of a new file (default
    0666 less the umask), and an existing one keeps no more than that. With `sync` the file and its directory are
    fsynced (state and keyring; not a work tree).
    Raises SourceError; then the old content is there unchanged.
    """
    refuse_special(path)
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".{target.name[:100]}.{secrets.token_hex(6)}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as stream:
                os.fchmod(descriptor, _mode(target, mode))
                stream.write(data)
                stream.flush()
                if sync:
                    os.fsync(descriptor)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if sync:
            sync_directory(target.parent)
    except OSError as error:
        raise SourceError(f"can't be written: {reason(error)}", where=str(path)) from None


def refuse_special(path: Path | str) -> None:
    """Refuse to write to a device or a pipe: for root a rename would put a file in the place of /dev/null."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    of_ours = os.path.abspath(path).startswith(("/dev/std", "/dev/fd/"))
    if of_ours or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        way_out = "name another file; without a name it goes to stdout"
        raise SourceError("is a device or a pipe, and no file to write", where=str(path), way_out=way_out)


def sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_private(path: Path) -> None:
    """Refuse a private file or directory that others could have read or replaced (FORMATS section 5)."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        raise SourceError("is a symlink; private files are read only where they really are", where=str(path))
    if status.st_uid != os.geteuid():
        raise SourceError(f"belongs to user id {status.st_uid}, not to you", where=str(path))
    allowed = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
    if stat.S_IMODE(status.st_mode) & ~allowed:
        raise SourceError("can be read by others", where=str(path), way_out=f"chmod {allowed:o} {quote(str(path))}")


def reason(error: OSError) -> str:
    """The operating system's words for an error, without the path (the caller names it)."""
    return (error.strerror or type(error).__name__).lower()


def _mode(target: Path, mode: int | None) -> int:
    try:
        existing = stat.S_IMODE(target.stat().st_mode)
        return existing if mode is None else existing & mode
    except FileNotFoundError:
        if mode is not None:
            return mode
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
