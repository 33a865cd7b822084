"""Whether a directory may have changed, without reading a file: names, sizes, inodes and times. For polls."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from typing import TYPE_CHECKING

from controller.sources.names import fits, passed_over
from sealer.configuration.config import NAME

if TYPE_CHECKING:
    from controller.sources.location import Location

_GRANULARITY = 2_000_000_000
# The coarsest clock of a filesystem, in nanoseconds.


def of(location: Location) -> str:
    """A digest of what `read` would look at, `.sealer.yaml` included.

    A file that was changed just now may change again within one tick of the filesystem's clock and look the same, as
    Git knows of its index. Then the answer is one that never comes back, so that the next poll reads again. Only the
    time of change counts for that: nobody can set it, as one can set the time of modification, to the year 2099.
    """
    began = time.time_ns()
    walk = _Walk()
    if location.config is not None:
        walk.add(os.path.join(location.config.root, NAME))
    walk.below(os.path.join(location.base, location.prefix))
    digest = walk.digest.hexdigest()
    return digest if walk.newest < began - _GRANULARITY else f"{digest}-{secrets.token_hex(8)}"


class _Walk:
    """One walk; `newest` is the last time that anything changed."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.newest = 0

    def below(self, start: str) -> None:
        """All files that count below a folder."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            lines, folders = [folder], []
            try:
                with os.scandir(folder) as listed:
                    for each in listed:
                        name = each.name
                        if passed_over(name):
                            continue
                        if each.is_dir(follow_symlinks=False):
                            folders.append(each.path)
                        elif fits(name):
                            lines.append(self._line(each))
            except OSError as error:
                lines.append(f"\0{error.errno}")
            lines.sort()
            waiting += sorted(folders)
            self._put("\0\n".join(lines))

    def add(self, path: str) -> None:
        """One file by its path."""
        try:
            self._put(f"{path}\0{self._stat(os.stat(path))}")
        except OSError as error:
            self._put(f"{path}\0{error.errno}")

    def _line(self, each: os.DirEntry[str]) -> str:
        try:
            line = f"{each.name}\0{self._stat(each.stat(follow_symlinks=False))}"
            # A link counts with what it leads to: a mounted volume swaps folders below its links.
            return f"{line}\0{self._stat(each.stat())}" if each.is_symlink() else line
        except OSError as error:
            return f"{each.name}\0{error.errno}"

    def _stat(self, found: os.stat_result) -> str:
        if found.st_ctime_ns > self.newest:
            self.newest = found.st_ctime_ns
        return f"{found.st_size} {found.st_ino} {found.st_dev} {found.st_mode} {found.st_mtime_ns} {found.st_ctime_ns}"

    def _put(self, text: str) -> None:
        self.digest.update(os.fsencode(text) + b"\0\0")
