"""What is remembered of objects that are watched: of a SealedSecret what was delivered, of a Secret that it stands.

Nothing here holds a value, and nothing a spec: what waits to be worked on is kept whole up to a limit, and asked for
again beyond it (operators.md 1.5, rule 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sealer.kube import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.kube.standing import Standing

_WAITING = 8 * 1024 * 1024
"""Bytes of what waits to be worked on; what comes beyond is asked for again."""
_OF_AN_OBJECT = 200

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Delivered:
    """The Secret that a SealedSecret was delivered to: its uid and the version that was written or found right."""

    uid: str
    version: str


@dataclass(slots=True)
class Sealed:
    """What is remembered of a SealedSecret. `delivered` is None as long as nothing is known to stand."""

    uid: str
    generation: int
    scope: tuple[str, ...] = ()
    delivered: Delivered | None = None


class Standings:
    """What stands under each name, as the watch of the Secrets' metadata shows it (`reflector.Handler`).

    `changed` is called with the name of whatever is another now, but for what a list shows.
    """

    def __init__(self, changed: Callable[[str], None], of: Callable[[dict[str, Any]], Standing]) -> None:
        self._changed = changed
        self._of = of
        self._found: dict[str, Standing] = {}
        self.completed = 0

    def get(self, key: str) -> Standing | None:
        """What stands under a name; None: nothing does, or nobody looked yet."""
        return self._found.get(key)

    def seen(self, key: str, item: dict[str, Any], *, listed: bool) -> None:
        """A Secret is there, or is another now."""
        self._found[key] = self._of(item)
        if not listed or self.completed:
            self._changed(key)

    def gone(self, key: str, uid: str) -> None:
        """A Secret is there no more."""
        known = self._found.get(key)
        if known is not None and known.uid == uid:
            del self._found[key]
            self._changed(key)

    def complete(self) -> None:
        """All that a list shows was seen."""
        self.completed += 1


class Waiting:
    """SealedSecrets that are to be worked on, up to a limit in bytes: as JSON, which takes half of what objects do.

    They are whole but for their `managedFields`, which nobody here asks for.
    """

    def __init__(self, limit: int = _WAITING) -> None:
        self._limit = limit
        self._size = 0
        self._items: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, key: str, item: dict[str, Any]) -> None:
        """Keep an object until it is taken, if there is room."""
        self.drop(key)
        metadata = {name: each for name, each in item["metadata"].items() if name != "managedFields"}
        try:
            data = _encode({**item, "metadata": metadata})
        except RecursionError:  # it is asked for, and read as far as anybody looks
            return
        if self._size + _OF_AN_OBJECT + len(data) <= self._limit:
            self._items[key] = data
            self._size += _OF_AN_OBJECT + len(data)

    def renew(self, key: str, item: dict[str, Any]) -> None:
        """What waits is another now: whoever takes it must see its present status."""
        if key in self._items:
            self.put(key, item)

    def take(self, key: str) -> dict[str, Any] | None:
        """The object, which is kept no longer; None: it has to be asked for."""
        data = self._pop(key)
        found: dict[str, Any] | None = None if data is None else answer.decode(data)
        return found

    def drop(self, key: str) -> None:
        """It is kept no longer."""
        self._pop(key)

    def _pop(self, key: str) -> bytes | None:
        data = self._items.pop(key, None)
        if data is not None:
            self._size -= _OF_AN_OBJECT + len(data)
        return data
