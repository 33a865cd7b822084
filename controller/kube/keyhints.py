"""In which order the RSA keys are tried: a v1 envelope doesn't say which it needs, and a wrong one costs as much.

What opened something of a namespace last comes first there, and within one document what opened the item before. So
values of old keys cost one operation each, but for the first of a namespace. Nothing else depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from controller.kube import keyset

if TYPE_CHECKING:
    from sealer.formats.keys import PrivateKey

_MOST = 8
"""Ids that are remembered of a namespace."""


class Hints:
    """Which keys opened something of a namespace, the last one first. Called from any thread."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, ...]] = {}

    def of(self, namespace: str) -> tuple[str, ...]:
        """The ids for a namespace."""
        return self._last.get(namespace, ())

    def opened(self, namespace: str, ids: Iterable[str]) -> None:
        """Remember what opened a document of it."""
        self._last[namespace] = tuple(dict.fromkeys((*ids, *self.of(namespace))))[:_MOST]


class Opening:
    """The keys for one document: `sealer.sealing.unseal.PrivateKeys`. Used by one thread.

    `keys` by id, the newest first; `first` are ids to be tried before those.
    """

    def __init__(self, keys: Mapping[str, PrivateKey], first: Iterable[str]) -> None:
        self._keys = keys
        self._first = tuple(first)
        self._tried: _Tried | None = None

    def get(self, key_id: str) -> PrivateKey | None:
        """The key with this id."""
        return self._keys.get(key_id)

    def rsa(self) -> Sequence[PrivateKey]:
        """All RSA keys, the likeliest first."""
        fitted = self._tried.fitted if self._tried else None
        ids = dict.fromkeys((*((fitted.id,) if fitted else ()), *self._first, *self._keys))
        self._tried = _Tried(keyset.rsa({each: self._keys[each] for each in ids if each in self._keys}))
        return self._tried


class _Tried(Sequence["PrivateKey"]):
    """Keys, and at which of them whoever went through them stopped: that one fitted."""

    def __init__(self, keys: tuple[PrivateKey, ...]) -> None:
        self._keys = keys
        self.fitted: PrivateKey | None = None

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
            self.fitted = key
            yield key
        self.fitted = None
