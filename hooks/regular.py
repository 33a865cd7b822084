"""Files that the scanner is told of: read like any other, but for a named pipe, which would be waited on for ever."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sealer import files
from sealer.errors import SourceError

_OPEN_ALREADY = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""What a shell has opened: `--baseline <(command)`; somebody writes into that."""


def read(path: Path | str, *, limit: int = files.MAX_DOCUMENT) -> bytes:
    """The bytes of a file. Raises SourceError that names it."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG  # the reader says why
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or str(path).startswith(_OPEN_ALREADY)):
        raise SourceError("is no regular file", where=str(path), way_out="name a file, or take it away")
    return files.read(path, limit=limit)
