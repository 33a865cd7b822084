"""Reads files that the user names (a baseline, rules), but no named pipe: nobody may ever write into one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sealer import files
from sealer.errors import SourceError

_OPEN_ALREADY = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Pipes that a shell has opened, as in `--baseline <(command)`. These are read, since the command writes into them."""


def read(path: Path | str, *, limit: int = files.MAX_DOCUMENT) -> bytes:
    """The bytes of a file, at most `limit`. Raises SourceError that names the file."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG  # `files.read` fails in the same way, and says why
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or str(path).startswith(_OPEN_ALREADY)):
        raise SourceError("is no regular file", where=str(path), way_out="name a file, or take it away")
    return files.read(path, limit=limit)
