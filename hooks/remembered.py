"""What a remembered scan depends on: the rules in force, the code that applies them, and what that runs on."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib import metadata
from pathlib import Path

_LIBRARIES = ("google-re2", "hyperscan", "pyyaml")


def key() -> str:
    """A digest that is another one whenever the same blobs might give other findings."""
    from hooks import engine, scanner
    from sealer import documents

    state = hashlib.blake2b(engine.current().digest.encode(), digest_size=16)
    state.update(scanner.extra.digest.encode() if scanner.extra else b"")
    state.update(f"{sys.implementation.cache_tag} {sys.version}\n".encode())
    for library in _LIBRARIES:
        state.update(f"{library} {_version(library)}\n".encode())
    for folder in (Path(__file__).parent, Path(documents.__file__).parent):
        _add(state, folder)
    return state.hexdigest()


def _add(state: hashlib.blake2b, folder: Path) -> None:
    """The files of a folder by what they hold: installing the same again changes only their times."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".txt"):
            data = path.read_bytes()
            state.update(b"%s %d " % (os.fsencode(path.relative_to(folder)), len(data)))
            state.update(data)


def _version(library: str) -> str:
    """The version that is installed; "" where it isn't."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""
