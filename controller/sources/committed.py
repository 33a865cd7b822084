"""`.sealer.yaml` and its neighbours out of a commit: what stands on disk has no say in what a commit is read by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controller.sources.repository import FILES, FOLDER, LINK, Damaged, Object, Repository
from sealer import files
from sealer.configuration.config import FOLDER as OURS
from sealer.configuration.config import MAX_CONFIG, NAME
from sealer.errors import SourceError

if TYPE_CHECKING:
    from controller.sources.location import Location
    from sealer.configuration.config import Config

_SHORT = 7
_MAX_BUNDLE = 1024 * 1024


def find(repository: Repository, commit: str, folder: str, top: Path) -> tuple[str, Config | None]:
    """Base folder and configuration for a folder of a commit; "" and None without a `.sealer.yaml`.

    `top` is where the top of the commit is, or would be. Raises SourceError if there is no such folder.
    """
    where = f"{folder} in commit {commit[:_SHORT]}"
    if folder:
        found = _entries(repository, commit, [folder]).get(folder)
        if found is None or found.mode != FOLDER:
            what = "no such folder" if found is None else "is a link" if found.mode == LINK else "is not a folder"
            raise SourceError(what, where=where, way_out="name a folder of that commit: --path DIR")
    parts = folder.split("/") if folder else []
    folders = ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
    names = {(f"{each}/{NAME}" if each else NAME): each for each in folders}
    entries = _entries(repository, commit, list(names))
    for path, base in names.items():
        entry = entries.get(path)
        if entry is not None and entry.mode == LINK:
            raise SourceError("is a link, and is not followed", where=f"{path} in commit {commit[:_SHORT]}")
        if entry is not None and entry.mode in FILES:
            data = _read(repository, entry.oid, f"{commit[:_SHORT]}:{path}", MAX_CONFIG)
            return base, _config(data, top / base if base else top, f"{commit[:_SHORT]}:{path}")
    return "", None


def bundle(location: Location, cluster: str) -> bytes | None:
    """The pinned keys of a cluster that lie beside `.sealer.yaml`, of a directory or a commit; None without them."""
    if location.config is None:
        return None
    if not location.commit or location.repository is None:
        path = location.config.keys / f"{cluster}.bundle"
        return files.read(path, limit=_MAX_BUNDLE) if path.is_file() else None
    path_in = "/".join(each for each in (location.folder, OURS, "keys", f"{cluster}.bundle") if each)
    repository = opened(location)
    entry = _entries(repository, location.commit, [path_in]).get(path_in)
    return _read(repository, entry.oid, path_in, _MAX_BUNDLE) if entry is not None and entry.mode in FILES else None


def opened(location: Location) -> Repository:
    """The repository that the commit of a location is in."""
    if location.repository is None:
        raise SourceError("is no commit", where=location.shown)
    bare = location.kind == "git"
    return Repository.bare(location.repository) if bare else Repository.around(location.repository)


def _config(data: bytes, root: Path, shown: str) -> Config:
    from sealer.configuration import config_reader

    return config_reader.read(data, root, shown)


def _entries(repository: Repository, commit: str, paths: list[str]) -> dict[str, Object]:
    try:
        return repository.entries(commit, paths)
    except SourceError as error:
        raise Damaged(error.what, where=error.where, way_out="git fsck") from None


def _read(repository: Repository, oid: str, shown: str, limit: int) -> bytes:
    try:
        with repository.blobs() as blobs:
            blobs.ask((oid,))
            head = blobs.head()
            data = b"".join(blobs.take(head[1])) if head is not None and head[1] <= limit else None
    except SourceError as error:
        raise Damaged(error.what, where=shown, way_out="git fsck") from None
    if head is None:
        raise Damaged("can't be read: its object is missing", where=shown, way_out="git fsck")
    if data is None:
        raise SourceError(f"is larger than {limit // 1024:,} KiB", where=shown)
    return data
