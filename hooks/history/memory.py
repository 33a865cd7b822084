"""What was scanned is remembered in the repository, so that the next run reads only what is new: `sealer/scanned`.

The file, below the folder that linked worktrees share, holds no value, and is ignored where anything in it is odd, or
where another user made it or may write it, who could have what they like passed over:

    sealer scanned 2 LF
    {"key", "hash", "shallow", "tips": [COMMIT...], "found": [[OBJECT, PATH, COMMIT or "", REPEATS]...]} LF
    records: an object id (20 or 32 bytes) and the CRC-32 of its path (4 bytes, big-endian), sorted; one for each
        path that the object stood at (version 1 had only the first one)
    SHA-256 of all that stands above (32 bytes)

`key` stands for the rules and the engine: with others nothing is known. `tips` are the commits all of whose history
was scanned, if it was; `shallow` is a digest of where history ends. `found` are the blobs that hold something, old
ones first; those that only repeat the values of older versions of their file need no other look, as long as all tips
are still in the history. The file is replaced as a whole, so that of two runs at
once one wins, and no run claims what was not scanned.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib

from hooks.engine.cache import ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooks.changed import Entry

_MAGIC = b"sealer scanned 2\n"
_CRC = 4


class Memory:
    """What is known of a repository. `found` are the commits of the objects that hold something, by path and id.

    `doubted` is the path of what is not trusted, if it is not.
    """

    def __init__(self, folder: str, key: str, width: int, shallow: str) -> None:
        # A link would lead out of the repository: nothing is read or written there.
        key = "" if os.path.islink(os.path.join(folder, "sealer")) else key
        self._path = os.path.join(folder, "sealer", "scanned") if key else ""
        self._head = {"key": key, "hash": width, "shallow": shallow}
        self._size = width + _CRC
        self._records: set[bytes] = set()
        self.doubted = ""
        self._digests: dict[str, bytes] = {}
        self.tips: set[str] = set()
        self.found: dict[tuple[str, str], str] = {}
        self.repeats: set[tuple[str, str]] = set()
        if key:
            # Whatever the file holds, at worst everything is scanned.
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self._load()

    def __len__(self) -> int:
        return len(self._records)

    def knows(self, path: str, oid: str) -> bool:
        """Whether an object was scanned under this path."""
        return bool(self._records) and self._record(path, oid) in self._records

    def add(
        self, scanned: Iterable[Entry], found: Iterable[Entry], repeating: Iterable[Entry], tips: Iterable[str]
    ) -> None:
        """Note what was scanned, what of it has findings or repeats those of older versions, and from where all was."""
        self._records.update(self._record(path, oid) for path, oid, _ in scanned)
        self.found.update({(path, oid): commit for path, oid, commit in found})
        repeats = [(path, oid) for path, oid, _ in repeating]
        self.found.update(dict.fromkeys(repeats, ""))
        self.repeats.update(repeats)
        self.tips = set(tips)

    def forget(self, listed: Iterable[Entry]) -> None:
        """Leave out what is not in the history any more; of the rest only is known that it was scanned."""
        if not self._records:
            return
        kept = {(path, oid) for path, oid, _ in listed}
        self._records.intersection_update(self._record(path, oid) for path, oid in kept)
        # Their commits may have been made anew.
        self.found = dict.fromkeys((each for each in self.found if each in kept), "")
        self.repeats = set()
        self.tips = set()

    def save(self) -> None:
        """Replace the file. Where that can't be done, nothing is remembered."""
        if not self._path:
            return
        found = [(oid, path, commit, (path, oid) in self.repeats) for (path, oid), commit in self.found.items()]
        # Paths that are no UTF-8 hold surrogates, which JSON escapes.
        head = json.dumps(self._head | {"tips": sorted(self.tips), "found": found}, sort_keys=True)
        body = b"".join((_MAGIC, head.encode("ascii"), b"\n", *sorted(self._records)))
        part = f"{self._path}.{os.getpid()}"
        try:
            self._make_folder(os.path.dirname(part))
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as stream:
                stream.write(body)
                stream.write(hashlib.sha256(body).digest())
            os.replace(part, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)

    def _make_folder(self, path: str) -> None:
        """A folder that only we may write, as it once was not. Raises OSError if it is another user's."""
        os.makedirs(path, mode=0o700, exist_ok=True)
        if not ours(os.stat(path)):
            os.chmod(path, 0o700)
            if not ours(os.stat(path)):
                raise PermissionError

    def _record(self, path: str, oid: str) -> bytes:
        digest = self._digests.get(path)
        if digest is None:
            digest = self._digests[path] = zlib.crc32(os.fsencode(path)).to_bytes(_CRC, "big")
        return bytes.fromhex(oid) + digest

    def _load(self) -> None:
        folder = os.path.dirname(self._path)
        if not ours(os.stat(folder)):
            self.doubted = folder
            return
        # A pipe would keep us waiting.
        with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            if not ours(os.fstat(stream.fileno())):
                self.doubted = self._path
                return
            data = stream.read()
        body = memoryview(data)[:-32]
        if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != data[-32:]:
            return
        line = data.index(b"\n", len(_MAGIC))
        head = json.loads(data[len(_MAGIC) : line])
        start, end = line + 1, len(body)
        if (end - start) % self._size or any(
            head[name] != value for name, value in self._head.items() if name != "shallow"
        ):
            return
        found = {(str(path), str(oid)): str(commit) for oid, path, commit, _ in head["found"]}
        tips = {str(tip) for tip in head["tips"]}
        self._records = {data[at : at + self._size] for at in range(start, end, self._size)}
        self.found = found
        self.repeats = {(str(path), str(oid)) for oid, path, _, repeats in head["found"] if repeats is True}
        # Where history was deepened since, older commits came to those that were scanned.
        self.tips = tips if head["shallow"] == self._head["shallow"] else set()
