"""Which source a SOURCE argument is: its id, its base folder, its rules (DELIVERY section 5).

Paths, rules and prefix count from the folder of the nearest `.sealer.yaml`, else from the top of the repository, else
from SOURCE itself. Where a commit is read, its own `.sealer.yaml` counts, and none on disk.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from controller.sources import address, clone, committed
from controller.sources.repository import Damaged, Repository
from sealer import git
from sealer.configuration import config
from sealer.errors import SourceError, UsageError
from sealer.pinning.repository import normalise, work_tree

if TYPE_CHECKING:
    from controller.sources.address import Address
    from sealer.configuration.config import Config

DIRECTORY = "directory"
GIT = "git"
_NAME_IT = "name it yourself: --source-name ID"

_ID = re.compile(r"[A-Za-z0-9/][-._~/:+A-Za-z0-9]{0,252}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Location:
    """A directory or a commit as a source. `shown` is SOURCE as it was given; `url` the normal form of its origin.

    `named` says that the id is the operator's own word. `lead` is what stands before a path for people; `here` the
    current directory from `base`, if it lies inside. With `commit` that is read, out of `repository` (a work tree, or
    our clone), and `folder` is where in it the base folder is; then `base` need not exist on disk. `within` is the same
    for a directory in a work tree.
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
    within: str | None = None
    kind: str = DIRECTORY
    commit: str = ""
    repository: Path | None = None
    folder: str = ""

    def said(self, path: str) -> str:
        """A path of this source for people: from the current directory where it lies below, else as it is."""
        if self.here:
            inside = path.startswith(self.here)
            return path[len(self.here) :] if inside else f"{self.base}/{path}"
        return f"{self.lead}{path}"

    @property
    def counted(self) -> str | None:
        """The folder of the repository that paths count from; None outside of Git."""
        return self.folder if self.commit else self.within

    @property
    def where(self) -> str:
        """What state remembers of an id: two different URLs are two repositories."""
        path = str(self.base)
        return self.url or (path if path.isprintable() else path.encode("unicode_escape").decode("ascii"))


def locate(source: str, name: str | None = None, *, ref: str | None = None, path: str | None = None) -> Location:
    """The location of a directory or a Git URL, which is fetched: whoever polls locates again.

    Raises UsageError or SourceError for what is none, and what `.sealer.yaml` is refused for.
    """
    below = _below(path)
    found = address.parse(source)
    if found is not None:
        return _remote(source, found, name, ref, below)
    if not Path(source).is_dir():
        what = "is not a directory" if os.path.lexists(source) else "no such directory"
        raise SourceError(what, where=source, way_out="name the folder that holds the sealed files")
    root = Path(os.path.realpath(source))
    top = _top(root)
    if ref is not None:
        return _of_work_tree(source, root, top, name, ref, below)
    if below:
        root = _joined(root, below)
    found_config = config.find(root)
    base = found_config.root if found_config else top or root
    url = _origin(top) if top else None
    id_ = _id(name, found_config, url, base)
    prefix = _posix(root.relative_to(base))
    within = _posix(base.relative_to(top)) if top and base.is_relative_to(top) else None
    return Location(source, root, base, prefix, id_, url, found_config, *_here(base), name is not None, within)


def _of_work_tree(source: str, root: Path, top: Path | None, name: str | None, ref: str, below: str) -> Location:
    """A commit of the repository of a work tree. It has the identity of the work tree, so that one may go back."""
    if top is None:
        raise UsageError("needs a Git repository, and SOURCE is in none", where="--ref")
    repository = Repository.around(top)
    commit = repository.resolve(ref)
    folder = "/".join(each for each in (_posix(root.relative_to(top)), below) if each)
    location = Location(source, root, top, "", "", _origin(top), None)
    try:
        return _of_commit(location, repository, commit, folder, name)
    except Damaged as error:
        raise repository.why(error) from None


def _remote(source: str, found: Address, name: str | None, ref: str | None, below: str) -> Location:
    repository, commit = clone.fetch(found, ref)
    start = found.local or repository.start
    location = Location(source, start, start, "", "", found.identity or None, None, kind=GIT)
    try:
        return _of_commit(location, repository, commit, below, name)
    except Damaged:
        raise clone.damaged(repository.start) from None


def _of_commit(location: Location, repository: Repository, commit: str, folder: str, name: str | None) -> Location:
    base, found = committed.find(repository, commit, folder, location.base)
    place = location.base / base if base else location.base
    return replace(
        location,
        root=location.base / folder if folder else location.base,
        base=place,
        prefix=folder.removeprefix(base).lstrip("/"),
        source=_id(name, found, location.url, place),
        config=found,
        lead=f"{base}/" if base else "",
        named=name is not None,
        commit=commit,
        repository=repository.start,
        folder=base,
    )


def _below(path: str | None) -> str:
    """A subfolder as it is given, in its normal form; "" for all."""
    if path is None:
        return ""
    parts = [each for each in path.split("/") if each not in ("", ".")]
    if path.startswith("/") or ".." in parts or not path.isprintable():
        what = "is a folder inside of SOURCE: no / before it, no .. in it, printable text"
        raise UsageError(what, where="--path", way_out="--path clusters/prod")
    return "/".join(parts)


def _joined(root: Path, below: str) -> Path:
    joined = Path(os.path.realpath(root / below))
    if not joined.is_relative_to(root):
        # Whoever writes the source must not choose another one by a link.
        raise SourceError("leads out of SOURCE by a link", where=f"--path {below}", way_out="name the folder as SOURCE")
    if not joined.is_dir():
        raise SourceError("no such folder in SOURCE", where=f"--path {below}")
    return joined


def _posix(path: Path) -> str:
    text = path.as_posix()
    return "" if text == "." else text


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
    if known is not None and not _ID.fullmatch(known):
        raise UsageError("has a URL that can't be its id", where="SOURCE", way_out=_NAME_IT)
    return known or str(base)


def _top(root: Path) -> Path | None:
    try:
        # From where `.git` is: a folder below it may pose as a bare repository.
        return Path(os.path.realpath(git.root(work_tree(root) or root, git.apart())))
    except SourceError:
        return None


def _origin(top: Path) -> str | None:
    try:
        return normalise(os.fsdecode(git.run(top, "config", "--get", "remote.origin.url", env=git.apart())).strip())
    except SourceError:
        return None
