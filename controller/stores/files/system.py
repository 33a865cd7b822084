"""The system calls of the store `files` that write, each one effect; all relative to an open directory.

Nothing here follows a link that it did not make.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.effects import Effects

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def directory(name: str, *, at: int | None = None) -> Iterator[int]:
    """The descriptor of a directory, which is none behind a link."""
    descriptor = os.open(name, _READ | os.O_DIRECTORY, dir_fd=at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(name: str, *, at: int) -> tuple[bytes, os.stat_result]:
    """A regular file and its status. A link or any other thing is an OSError."""
    descriptor = os.open(name, _READ | os.O_NONBLOCK, dir_fd=at)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("is no regular file")
        parts = [os.read(descriptor, status.st_size + 1)]
        while parts[-1]:
            parts.append(os.read(descriptor, 1 << 20))
        return b"".join(parts), status
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class System:
    """Writing through the port of effects."""

    effects: Effects

    def make(self, name: str, *, at: int | None = None) -> None:
        """A new directory, ours alone."""
        with self.effects.around("files.write", name):
            os.mkdir(name, 0o700, dir_fd=at)

    def write(self, name: str, data: bytes, *, at: int) -> None:
        """A new file, ours alone, on the disk when this returns."""
        with self.effects.around("files.write", name):
            descriptor = os.open(name, _WRITE, 0o600, dir_fd=at)
            try:
                _write_all(descriptor, data)
                os.fchmod(descriptor, 0o600)
            except BaseException:
                os.close(descriptor)
                raise
        try:
            with self.effects.around("files.sync", name):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync(self, descriptor: int, name: str) -> None:
        """Put the names in an open directory on the disk."""
        with self.effects.around("files.sync", name):
            os.fsync(descriptor)

    def symlink(self, text: str, name: str, *, at: int) -> None:
        """A new symbolic link."""
        with self.effects.around("files.link", name):
            os.symlink(text, name, dir_fd=at)

    def carry(self, text: str, name: str, *, source: int, at: int) -> None:
        """A symbolic link once more in another directory: the same inode where the file system has that."""
        with self.effects.around("files.link", name):
            try:
                os.link(name, name, src_dir_fd=source, dst_dir_fd=at, follow_symlinks=False)
            except (OSError, NotImplementedError) as error:
                if isinstance(error, FileExistsError):
                    raise
                os.symlink(text, name, dir_fd=at)

    def rename(self, name: str, new: str, *, at: int) -> None:
        """One name takes the place of another."""
        with self.effects.around("files.rename", new):
            os.rename(name, new, src_dir_fd=at, dst_dir_fd=at)

    def remove(self, name: str, *, at: int) -> None:
        """A file, a link or a whole directory, gone; nothing if it isn't there."""
        try:
            is_directory = stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return
        if is_directory:
            with directory(name, at=at) as inside:
                for each in os.listdir(inside):
                    self.remove(each, at=inside)
        with self.effects.around("files.remove", name):
            if is_directory:
                os.rmdir(name, dir_fd=at)
            else:
                os.unlink(name, dir_fd=at)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
