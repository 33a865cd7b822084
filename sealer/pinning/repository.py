"""Which repository a folder belongs to, without starting Git (FORMATS section 6) and the normal form of its URL.

Pins are kept for a repository by the real path of its common directory: every work tree shares it, and a pull request
can't change it, since Git refuses to track anything called `.git`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sealer import files
from sealer.errors import SourceError

_SCP = re.compile(r"(?:[^/@\s]+@)?([A-Za-z0-9][-.A-Za-z0-9]*):(?!//)(.+)", re.ASCII)
_URL = re.compile(r"(?:https?|ssh|git|git\+ssh)://(?:[^/@\s]*@)?([A-Za-z0-9][-.A-Za-z0-9]*)(?::(\d+))?/(.+)", re.ASCII)
_DEFAULT_PORTS = ("22", "80", "443", "9418")
_POINTER_BYTES = 64 * 1024


def common_directory(start: Path) -> Path | None:
    """The real path of the Git directory that all work trees of a repository share; None outside of Git."""
    top = work_tree(start)
    directory = _git_directory(top / ".git") if top else None
    if directory is None:
        return None
    shared = _pointer(directory / "commondir")
    return Path(os.path.realpath(directory / shared)) if shared else directory


def work_tree(start: Path) -> Path | None:
    """The top of the work tree that a folder lies in; None outside of Git."""
    place = Path(os.path.realpath(start))
    return next((folder for folder in (place, *place.parents) if _git_directory(folder / ".git")), None)


def identify(root: Path) -> str:
    """The name under which `trust.json` keeps a repository: its common directory, else the folder itself."""
    return str(common_directory(root) or os.path.realpath(root))


def normalise(url: str) -> str | None:
    """`host/path` of a remote's URL, without user, password, default port and `.git`; None for a local path.

    https, ssh and scp-like URLs of one repository have one normal form. Letters are kept as they are but the host's.
    """
    url = url.strip()
    found = _URL.fullmatch(url)
    if found:
        host, port, path = found.groups()
    elif "://" in url or not (found := _SCP.fullmatch(url)):
        return None
    else:
        (host, path), port = found.groups(), None
    path = re.sub(r"/{2,}", "/", re.sub(r"[?#].*", "", path)).strip("/").removesuffix(".git").rstrip("/")
    if not path or not re.fullmatch(r"[-._~/+A-Za-z0-9]+", path, re.ASCII):
        return None
    return f"{host.lower()}{f':{port}' if port and port not in _DEFAULT_PORTS else ''}/{path}"


def _git_directory(entry: Path) -> Path | None:
    pointer = _pointer(entry)
    if pointer and not pointer.startswith("gitdir:"):
        return None
    directory = Path(os.path.realpath(entry.parent / pointer.removeprefix("gitdir:").strip() if pointer else entry))
    # An empty folder of that name is no repository to Git either.
    return directory if (directory / "HEAD").exists() else None


def _pointer(path: Path) -> str:
    """The one line of a `.git` or `commondir` file; "" without one."""
    if not path.is_file():
        return ""
    try:
        return os.fsdecode(files.read(path, limit=_POINTER_BYTES)).rstrip("\r\n")
    except SourceError:
        return ""
