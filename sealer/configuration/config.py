"""`.sealer.yaml`: the clusters and rules of a repository (DESIGN section 12).

What Git holds is advice: who may read a secret is pinned outside (`sealer.pinning.trust`). Reading a repository's
file never touches a key, a network or Git; every mistake in it is an error with file, line, path and a way out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files
from sealer.configuration import NAME as NAME
from sealer.errors import Refused, SourceError, UsageError
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.configuration.rules import Rule


FOLDER = ".sealer"
MAX_CONFIG = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cluster:
    """Whoever holds one keyring: a controller or a person. `envelope` is v1 or v2 where the file says so."""

    name: str
    url: str | None = None
    envelope: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scanner leaves out: paths, rules, accepted findings; `strict`: warnings fail as well."""

    exclude: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    baseline: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """One `.sealer.yaml`; `root` is the real path of its folder, `file` how to name it in a message.

    One that is for the scanner alone has no cluster.
    """

    root: Path
    file: str
    clusters: Mapping[str, Cluster]
    source: str | None = None
    rules: tuple[Rule, ...] = ()
    run_files: tuple[str, ...] = ()
    scan: Scan = field(default_factory=Scan)

    @property
    def keys(self) -> Path:
        """The folder that holds the pinned keys."""
        return self.root / FOLDER / "keys"

    def relative(self, path: Path | str) -> str:
        """A path from the folder of `.sealer.yaml`, with `/`; folders are followed to where they really are."""
        # The last part may be a symlink or not exist yet: a rule is about the name that is written.
        absolute = Path(os.path.abspath(path))
        try:
            return (Path(os.path.realpath(absolute.parent)) / absolute.name).relative_to(self.root).as_posix()
        except ValueError:
            raise UsageError(
                f"is outside of {self.root}, where {self.file} has its rules",
                where=str(path),
                way_out=f"move it there, or make a {NAME} for it: sealer init",
            ) from None


def find(start: Path) -> Config | None:
    """The nearest `.sealer.yaml` upward from a file or folder (which need not exist); None without one."""
    place = Path(os.path.realpath(start))
    for folder in (place, *place.parents):
        path = folder / NAME
        if path.is_file():
            return load(path)
    return None


def load(path: Path) -> Config:
    """A `.sealer.yaml`, read strictly. Raises DocumentError with file:line for anything wrong in it."""
    from sealer.configuration import config_reader

    data = files.read(path, limit=MAX_CONFIG)
    return config_reader.read(data, Path(os.path.realpath(path)).parent, shown(path))


def require(start: Path) -> Config:
    """As `find`; raises SourceError with a way out where there is none."""
    config = find(start)
    if config is None:
        raise SourceError(f"no {NAME} here or in a folder above", where=str(start), way_out="sealer init")
    return config


def within(root: Path, path: Path) -> Path:
    """`path`, if writing to it stays in a folder: Git checks out symlinks, and a pull request may bring some."""
    files.refuse_special(path)
    real, top = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    what = "leads outside of the repository by a symlink"
    if real.is_relative_to(top):
        if ".git" not in map(str.lower, real.relative_to(top).parts):
            return path
        what = "leads into Git's own files by a symlink"
    raise Refused(what, where=shown(path), way_out=f"rm {quote(shown(path))}")


def shown(path: Path | str) -> str:
    """A path for people: from the current directory where it lies below, else as it is."""
    try:
        return os.path.relpath(path) if Path(os.path.abspath(path)).is_relative_to(Path.cwd()) else str(path)
    except FileNotFoundError:
        return str(path)
