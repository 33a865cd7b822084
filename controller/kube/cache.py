"""What is remembered of objects that are watched: of a SealedSecret what was delivered, of a Secret that it stands.

Nothing here holds a value, and nothing a spec: what waits to be worked on is kept whole up to a limit, and asked for
again beyond it (operators.md 1.5, rule 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.kube.standing import Standing

_WAITING = 32 * 1024 * 1024
"""Bytes of text of what waits to be worked on, about; what comes beyond is asked for again."""
_OF_AN_OBJECT = 2048


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
    """SealedSecrets that are to be worked on, whole, up to a limit in bytes."""

    def __init__(self, limit: int = _WAITING) -> None:
        self._limit = limit
        self._size = 0
        self._items: dict[str, tuple[int, dict[str, Any]]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, key: str, item: dict[str, Any]) -> None:
        """Keep an object until it is taken, if there is room."""
        self.drop(key)
        size = _OF_AN_OBJECT + _text(item)
        if self._size + size <= self._limit:
            self._items[key] = (size, item)
            self._size += size

    def renew(self, key: str, item: dict[str, Any]) -> None:
        """What waits is another now: whoever takes it must see its present status."""
        if key in self._items:
            self.put(key, item)

    def take(self, key: str) -> dict[str, Any] | None:
        """The object, which is kept no longer; None: it has to be asked for."""
        found = self._items.pop(key, None)
        if found is None:
            return None
        self._size -= found[0]
        return found[1]

    def drop(self, key: str) -> None:
        """It is kept no longer."""
        self.take(key)


def _text(item: dict[str, Any]) -> int:
    """Length of all texts in an object, names too: an annotation or a template may be as large as what is sealed."""
    size, left = 0, list[Any]([item])
    while left:  # no recursion: the CRD lets through what is nested however deep
        each = left.pop()
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, dict):
            left += each
            left += each.values()
        elif isinstance(each, list):
            left += each
    return size
