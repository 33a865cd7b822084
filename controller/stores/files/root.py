"""The directory of a store `files`: ours alone, of the right kind, and locked by whoever writes."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controller import flock
from controller.state_files import filesystem
from controller.stores.base import Unavailable
from controller.stores.files import layout
from controller.stores.files.layout import Sign
from controller.stores.files.system import System, directory, read
from sealer import files
from sealer.errors import FormatError
from sealer.shell import quote

_IN_MEMORY = ("tmpfs", "ramfs")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store writes, as it is configured."""

    path: str
    uid: str
    allow_disk: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """An open root that is ours; `descriptor` is of the directory itself, whatever becomes of its path."""

    descriptor: int
    instance: str


def unavailable(error: OSError, path: str) -> Unavailable:
    """What a system error comes to for each item of a batch: nothing has changed."""
    where = quote(path)
    if error.errno in _FULL:
        return Unavailable(
            "is full: nothing was changed", where=path, way_out=f"make room: df -h {where}; df -i {where}"
        )
    if error.errno == errno.EROFS:
        way_out = f"mount -o remount,rw {where}"
        return Unavailable("is read-only: nothing was changed", where=path, way_out=way_out)
    return Unavailable(f"can't be used: {files.reason(error)}: nothing was changed", where=path)


@contextlib.contextmanager
def opened(place: Place, system: System, *, create: bool) -> Iterator[Root | None]:
    """The root, checked; None if there is none and none is to be made. Raises Unavailable for one that is not ours."""
    with contextlib.ExitStack() as stack:
        try:
            descriptor = stack.enter_context(directory(place.path))
        except FileNotFoundError:
            if not create:
                yield None
                return
            _make(place, system)
            descriptor = stack.enter_context(directory(place.path))
        except OSError as error:
            raise _unfit(place, error) from None
        _check(place, descriptor)
        sign = _sign(place, descriptor)
        if sign is None and create:
            with locked(place, system, descriptor):
                sign = _sign(place, descriptor) or _found(place, system, descriptor)
        yield Root(descriptor, sign.instance) if sign else None


@contextlib.contextmanager
def locked(place: Place, system: System, descriptor: int, *, wait: float = 2.0) -> Iterator[None]:
    """Hold the lock of an open root. Raises Unavailable after `wait` seconds."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.open(layout.LOCK, flags, dir_fd=descriptor)
    except FileNotFoundError:
        with system.effects.around("files.write", layout.LOCK):
            lock = os.open(layout.LOCK, flags | os.O_CREAT, 0o600, dir_fd=descriptor)
    try:
        if not flock.taken(lock, within=wait):
            what = "is being written by another process: nothing was changed"
            raise Unavailable(what, retry_after=wait, where=place.path, way_out="wait until it has ended")
        yield
    finally:
        os.close(lock)


def _make(place: Place, system: System) -> None:
    try:
        system.make(place.path)
    except FileExistsError:
        return  # another process was faster
    except FileNotFoundError:
        parent = os.path.dirname(place.path)
        raise Unavailable(
            "its parent directory is missing", where=place.path, way_out=f"mkdir -p {quote(parent)}"
        ) from None


def _check(place: Place, descriptor: int) -> None:
    where = quote(place.path)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid():
        raise Unavailable(
            f"belongs to user id {status.st_uid}, not to us", where=place.path, way_out=f"chown {os.geteuid()} {where}"
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Unavailable("is open to other users", where=place.path, way_out=f"chmod 700 {where}")
    kind = filesystem(Path(place.path))
    if kind not in _IN_MEMORY and not place.allow_disk:
        raise Unavailable(
            f"is on a disk ({kind or 'unknown'}), where plaintext stays when the power is off",
            where=place.path,
            way_out=f"mount -t tmpfs -o mode=700 tmpfs {where}, or set allowDisk: true in the Store",
        )


def _sign(place: Place, descriptor: int) -> Sign | None:
    """Whose the root is; None if it is empty."""
    try:
        data, _ = read(layout.MARKER, at=descriptor)
        sign = Sign.load(data)
    except FileNotFoundError:
        # A marker that was begun is all that a process which died at its first start leaves behind.
        if set(os.listdir(descriptor)) <= {layout.LOCK, layout.MARKER + layout.NEW}:
            return None
        way_out = "name an empty directory as root, or move its files away"
        raise Unavailable("holds files that are not ours", where=place.path, way_out=way_out) from None
    except (OSError, FormatError):
        where = f"{place.path}/{layout.MARKER}"
        raise Unavailable("can't be read: whose files these are isn't known", where=where) from None
    if sign.store != place.uid:
        raise Unavailable(
            f"belongs to store {sign.store}, and this is {place.uid}",
            where=place.path,
            way_out="configure it under the path that it was made as, or name an empty directory",
        )
    return sign


def _found(place: Place, system: System, descriptor: int) -> Sign:
    """Make an empty root ours."""
    sign = Sign(place.uid, secrets.token_hex(4))
    system.remove(layout.MARKER + layout.NEW, at=descriptor)
    system.write(layout.MARKER + layout.NEW, sign.dump(), at=descriptor)
    system.rename(layout.MARKER + layout.NEW, layout.MARKER, at=descriptor)
    system.sync(descriptor, place.path)
    return sign


def _unfit(place: Place, error: OSError) -> Unavailable:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        # O_DIRECTORY and O_NOFOLLOW together: Linux says ENOTDIR of a link too.
        what = "is a symlink" if os.path.islink(place.path) else "is not a directory"
        return Unavailable(what, where=place.path, way_out="name the directory itself as root")
    return Unavailable(f"can't be opened: {files.reason(error)}", where=place.path)
