"""Which source a SOURCE argument is: its id, its base folder, its rules (DELIVERY section 5).

Paths, rules and prefix count from the folder of the nearest `.sealer.yaml`, else from the top of the Git work tree,
else from SOURCE itself.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import git
from sealer.configuration import config
from sealer.errors import SourceError, UsageError
from sealer.pinning.repository import normalise, work_tree

if TYPE_CHECKING:
    from sealer.configuration.config import Config

DIRECTORY = "directory"
GIT = "git"
_NAME_IT = "name it yourself: --source-name ID"

_ID = re.compile(r"[A-Za-z0-9/][-._~/:+A-Za-z0-9]{0,252}", re.ASCII)
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:|[a-z]+::", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Location:
    """A directory as a source. `shown` is SOURCE as it was given; `url` the normalised `origin`, if there is one.

    `named` says that the id is the operator's own word. `lead` is what stands before a path for people; `here` the
    current directory from `base`, if it lies inside.
    """

    shown: str
    root: Path
    base: Path
    prefix: str
    source: str
    url: str | None
    config: Config | None
    lead: str = ""
    here: str = ""
    named: bool = False
    kind: str = DIRECTORY

    def said(self, path: str) -> str:
        """A path of this source for people: from the current directory where it lies below, else as it is."""
        if self.here:
            inside = path.startswith(self.here)
            return path[len(self.here) :] if inside else f"{self.base}/{path}"
        return f"{self.lead}{path}"

    @property
    def where(self) -> str:
        """What state remembers of an id: two different URLs are two repositories."""
        path = str(self.base)
        return self.url or (path if path.isprintable() else path.encode("unicode_escape").decode("ascii"))


def locate(source: str, name: str | None = None, *, ref: str | None = None, path: str | None = None) -> Location:
    """The location of a directory. Raises UsageError or SourceError for what is none, and what `config.find` raises."""
    if _REMOTE.match(source):
        raise UsageError(
            "a Git URL can't be read yet", where="SOURCE", way_out="clone it, then: sealer-controller apply DIRECTORY"
        )
    if not Path(source).is_dir():
        what = "is not a directory" if os.path.lexists(source) else "no such directory"
        raise SourceError(what, where=source, way_out="name the folder that holds the sealed files")
    root = Path(os.path.realpath(source))
    found = config.find(root)
    top = _top(root)
    base = found.root if found else top or root
    url = _origin(top) if top else None
    prefix = root.relative_to(base).as_posix()
    prefix = "" if prefix == "." else prefix
    return Location(source, root, base, prefix, _id(name, found, url, base), url, found, *_here(base), name is not None)


def _here(base: Path) -> tuple[str, str]:
    """(lead, here) of a base folder: looked up once, since every line of a report needs them."""
    try:
        inside = Path(os.path.realpath(Path.cwd())).relative_to(base).as_posix()
    except (ValueError, FileNotFoundError):
        return f"{config.shown(base)}/", ""
    return "", "" if inside == "." else f"{inside}/"


def _id(name: str | None, found: Config | None, url: str | None, base: Path) -> str:
    if name is not None:
        if not _ID.fullmatch(name):
            raise UsageError("is no source id (letters, digits, - . _ ~ / : +; at most 253)", where="--source-name")
        return name
    known = (found.source if found else None) or url
    if known is None and not str(base).isprintable():
        raise UsageError("has a path that can't be its id: it is not printable text", where="SOURCE", way_out=_NAME_IT)
    return known or str(base)


def _top(root: Path) -> Path | None:
    try:
        # From where `.git` is: a folder below it may pose as a bare repository.
        return Path(os.path.realpath(git.root(work_tree(root) or root)))
    except SourceError:
        return None


def _origin(top: Path) -> str | None:
    try:
        return normalise(os.fsdecode(git.run(top, "config", "--get", "remote.origin.url")).strip())
    except SourceError:
        return None
