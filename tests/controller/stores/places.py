"""Directories for tests of the store `files`: in memory, and of a size where we may mount."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from controller.effects import Call, Effects
from controller.state_files import filesystem
from controller.stores.base import uid_of
from controller.stores.files import FilesStore, Place
from tests.controller.samples import Port

MEMORY = Path("/dev/shm")


class World:
    """A root, stores over it, and a clock that a test sets forward."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ahead = 0
        self.port = Port()

    def store(self, effects: Effects | None = None, **options: bool) -> FilesStore:
        """A store as a new process has it."""
        place = Place(str(self.root), uid_of("files", address=str(self.root)), allow_disk=options.pop("disk", True))
        wait = 60.0 if options.pop("wait", False) else 0.0
        return FilesStore(place, self.clock, effects=effects or self.port, wait=wait, **options)

    def clock(self) -> int:
        """Milliseconds UTC; generations have their times from the file system."""
        return time.time_ns() // 1_000_000 + self.ahead

    def generations(self) -> list[str]:
        """The numbers of all that are there, ascending."""
        return sorted(os.listdir(self.root / ".gen"), key=int)

    def files(self) -> dict[str, bytes]:
        """What a reader finds below `current`."""
        base = self.root / "current"
        found: dict[str, bytes] = {}
        for namespace in sorted(base.iterdir()) if base.exists() else ():
            for secret in sorted(namespace.iterdir()):
                found |= {f"{namespace.name}/{secret.name}/{each.name}": each.read_bytes() for each in secret.iterdir()}
        return found

    def leftovers(self) -> set[str]:
        """What the standing generation doesn't reach, but for what always stands in a root."""
        if not (self.root / "current").exists():
            return {str(each.relative_to(self.root)) for each in self.root.glob(".data/*")} | self._odd()
        data = {os.readlink(each).rpartition("/")[2] for each in (self.root / "current").glob("*/*")}
        wanted = data | {f"{each}.json" for each in data}
        lost = set(os.listdir(self.root / ".data")) ^ wanted
        number = os.readlink(self.root / "current").rpartition("/")[2]
        return lost | self._odd() | (set(os.listdir(self.root / ".gen")) - {number})

    def unborn(self) -> set[str]:
        """What was prepared of a generation that does not stand."""
        current = self.root / "current"
        standing = int(os.readlink(current).rpartition("/")[2]) if current.is_symlink() else 0
        found = {*self.root.glob(".gen/*"), *self.root.glob(".data/*"), *self.root.glob(".next")}
        numbers = {each: each.name.removesuffix(".json").rpartition(".")[2] for each in found}
        return {each.name for each, number in numbers.items() if not number.isdigit() or int(number) > standing}

    def _odd(self) -> set[str]:
        return set(os.listdir(self.root)) - {".sealer", ".lock", ".data", ".gen", "current"}


@contextlib.contextmanager
def in_memory(spare: Path) -> Iterator[Path]:
    """A directory on a tmpfs; where there is none (other than Linux), `spare`."""
    if filesystem(MEMORY) != "tmpfs":
        yield spare
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


class Disk:
    """A small file system: a tmpfs that is mounted for real, or where that is not allowed a port that answers so."""

    def __init__(self, root: Path, size: int) -> None:
        root.mkdir(mode=0o700)
        self.root = root
        options = f"size={size},nr_inodes=200,mode=700"
        self.mounted = _mount("-t", "tmpfs", "-o", options, "tmpfs", str(root))
        self.port = Refusing()

    def full(self, *, on: bool) -> None:
        """From now on nothing more fits, or everything does again."""
        if not self.mounted:
            self.port.errno = errno.ENOSPC if on else 0
        elif on:
            with contextlib.suppress(OSError), open(self.root / "filler", "wb", buffering=0) as stream:
                while stream.write(bytes(4096)):
                    pass
        else:
            (self.root / "filler").unlink()

    def read_only(self, *, on: bool) -> None:
        """From now on nothing can be written, or everything can again."""
        if self.mounted:
            assert _mount("-o", f"remount,{'ro' if on else 'rw'}", str(self.root))
        self.port.errno = errno.EROFS if on and not self.mounted else 0

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", self.root], check=True)


def _mount(*words: str) -> bool:
    return os.geteuid() == 0 and subprocess.run(["mount", *words], capture_output=True).returncode == 0


class Refusing(Effects):
    """A port that answers for a file system: nothing can be added, though things can be removed while it is full."""

    def __init__(self) -> None:
        self.errno = 0

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        if self.errno and (self.errno != errno.ENOSPC or call != "files.remove"):
            raise OSError(self.errno, os.strerror(self.errno))
        yield


class Ending(Effects):
    """Ends the process before or after call `number`, as a kill would."""

    CODE = 77

    def __init__(self, number: int, when: str) -> None:
        self.number = number
        self.when = when
        self.made = 0

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        self.made += 1
        if (self.made, self.when) == (self.number, "before"):
            os._exit(self.CODE)
        yield
        if (self.made, self.when) == (self.number, "after"):
            os._exit(self.CODE)


def in_child(work: Callable[[], object]) -> int:
    """Run something in a process of its own; how it ended. Nothing of the test's own ending happens there."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
