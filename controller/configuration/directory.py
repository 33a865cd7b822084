"""The directory of `--config`: which files count, and that nobody else could have written them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from controller.configuration.model import Configuration
from sealer import files
from sealer.errors import Refused, SourceError
from sealer.shell import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE = 1024 * 1024
_ENDING = ".yaml"


def load(directory: Path | None) -> Configuration:
    """The configuration of a directory; without one the built-in. Raises SealerError with file and line."""
    if directory is None:
        return Configuration()
    from controller.configuration.reader import read

    return read(list(_read(directory)), str(directory))


def _read(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, in the order of their names."""
    root = Path(os.path.realpath(directory))
    try:
        _check(root, directory)
        names = sorted(os.listdir(root))
    except OSError as error:
        what = f"can't be read: {files.reason(error)}"
        raise SourceError(what, where=str(directory), way_out="name the directory of stores: --config DIR") from None
    found = [name for name in names if name.endswith(_ENDING) and not name.startswith(".")]
    for name in names:
        if name.endswith((".yml", ".json")) and not name.startswith("."):
            moved = directory / f"{name.rpartition('.')[0]}{_ENDING}"
            way_out = f"mv {quote(str(directory / name))} {quote(str(moved))}"
            raise SourceError(f"is not read: only *{_ENDING} is", where=str(directory / name), way_out=way_out)
    if not found:
        raise SourceError(
            f"holds no *{_ENDING} file: no store is configured",
            where=str(directory),
            way_out="add one with a Store or a Controller, or leave --config out for the built-in store local",
        )
    for name in found:
        yield str(directory / name), _file(root, name, directory / name)


def _file(root: Path, name: str, shown: Path) -> bytes:
    """The bytes of one file, which may be a symlink to another place of the directory."""
    real = Path(os.path.realpath(root / name))
    if not real.is_relative_to(root):
        raise Refused("is a symlink to outside of its directory", where=str(shown), way_out=f"cp it into {root}")
    try:
        for each in (*(parent for parent in real.parents if parent.is_relative_to(root)), real):
            _check(each, shown)
        return files.read(real, limit=MAX_FILE)
    except OSError as error:
        raise SourceError(f"can't be read: {files.reason(error)}", where=str(shown)) from None


def _check(path: Path, shown: Path) -> None:
    """Refuse what another user owns or could write: whoever can change a store's place reads every secret."""
    status = os.lstat(path)
    if status.st_uid not in (0, os.geteuid()):
        what = f"belongs to user id {status.st_uid}, who could send every secret elsewhere"
        raise Refused(what, where=str(shown), way_out=f"chown {os.geteuid()} {quote(str(path))}")
    if stat.S_IMODE(status.st_mode) & 0o022:
        what = "can be written by others, who could send every secret elsewhere"
        raise Refused(what, where=str(shown), way_out=f"chmod go-w {quote(str(path))}")
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise Refused("is neither a file nor a directory", where=str(shown), way_out="take it out")
