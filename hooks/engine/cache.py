"""Where compiled rules are kept: below the user's cache directory, in files that nobody else may write. Hot path.

A file of somebody else, or one that others may write, is not read: compiled rules are code, in a way. What can't be
written is compiled each time; a cache is never a reason to fail.
"""

from __future__ import annotations

import os

KEPT = 12
"""So many files of a kind are kept; older ones go when a new one is written."""


def folder() -> str:
    """$SEALER_SCAN_CACHE, else `sealer/scanner/` in the XDG cache directory."""
    if (own := os.environ.get("SEALER_SCAN_CACHE", "")).startswith("/"):
        return own
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "sealer", "scanner")


def read(name: str) -> bytes | None:
    """The bytes of a file of the cache; None if there is none that can be trusted."""
    path = folder()
    try:
        if not ours(os.stat(path)):
            return None
        descriptor = os.open(os.path.join(path, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            return _all(descriptor, status.st_size) if ours(status) else None
        finally:
            os.close(descriptor)
    except OSError:
        return None


def write(name: str, data: bytes) -> None:
    """Put a file into the cache, whole or not at all; older ones of a kind make room."""
    path = folder()
    temporary = os.path.join(path, f".{name}.{os.getpid()}.tmp")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.makedirs(path, mode=0o700, exist_ok=True)
        if not ours(os.stat(path)):
            return
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
            os.replace(temporary, os.path.join(path, name))
        except BaseException:
            os.unlink(temporary)
            raise
        _trim(path)
    except OSError:
        return


def ours(status: os.stat_result) -> bool:
    """Whether a file or folder is of the user who asks, and nobody else may write it."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _all(descriptor: int, size: int) -> bytes:
    """A file's bytes. os.read alone copies less than an open() that buffers."""
    data = os.read(descriptor, size)
    while len(data) < size:
        more = os.read(descriptor, size - len(data))
        if not more:
            break
        data += more
    return data


def _trim(path: str) -> None:
    """Remove all but the newest files; what a run that was killed left behind grows old, too."""
    aged = sorted(os.scandir(path), key=lambda entry: entry.stat(follow_symlinks=False).st_mtime, reverse=True)
    kept: dict[str, int] = {}
    for entry in aged:
        kind = _kind(entry.name)
        kept[kind] = kept.get(kind, 0) + 1
        if kept[kind] > KEPT:
            os.unlink(entry.path)


def _kind(name: str) -> str:
    """The ending of a file's name, or of the name that it is to have."""
    return os.path.splitext(name.rsplit(".", 2)[0] if name.endswith(".tmp") else name)[1]
