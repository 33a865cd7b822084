"""What one request may cost: private operations, counted as they are done. Pure, but that another thread may end it.

A v1 envelope doesn't say which key it needs. Without a bound, a body of 10 MiB of them costs an hour of RSA.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from sealer.errors import Refused

if TYPE_CHECKING:
    from sealer.formats.keys import PrivateKey
    from sealer.sealing.unseal import PrivateKeys

LIMIT = 4096
"""Some 20 s of one core with RSA-4096. What one key opened is tried first with the next item, so this is many items."""


class TooMuch(Refused):
    """It would cost more than a request may."""

    def __init__(self) -> None:
        super().__init__("costs more private operations than one request may", way_out="post fewer documents at once")


class Effort:
    """How much of it is left."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._left = limit

    def spend(self) -> None:
        """One operation. Raises TooMuch."""
        if self._left <= 0:
            raise TooMuch
        self._left -= 1

    def end(self) -> None:
        """Nobody waits any more: what goes on in another thread stops before its next operation."""
        self._left = 0

    def bounded(self, keys: PrivateKeys) -> PrivateKeys:
        """These keys, each use of one counted."""
        return _Bounded(keys, self)


class _Bounded:
    def __init__(self, keys: PrivateKeys, effort: Effort) -> None:
        self._keys = keys
        self._effort = effort

    def get(self, key_id: str) -> PrivateKey | None:
        found = self._keys.get(key_id)
        if found is not None:
            self._effort.spend()
        return found

    def rsa(self) -> Sequence[PrivateKey]:
        return _Counted(self._keys.rsa(), self._effort)


class _Counted(Sequence["PrivateKey"]):
    def __init__(self, keys: Sequence[PrivateKey], effort: Effort) -> None:
        self._keys = keys
        self._effort = effort

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> PrivateKey: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PrivateKey]: ...
    def __getitem__(self, index: int | slice) -> PrivateKey | Sequence[PrivateKey]:
        return self._keys[index]

    def __iter__(self) -> Iterator[PrivateKey]:
        for key in self._keys:
            self._effort.spend()
            yield key
