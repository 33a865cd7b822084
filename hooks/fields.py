"""What small values have in common: fields by name, equality by them. Light: `dataclasses` costs a hook 10 ms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self


class Fields:
    """Values in slots, in the order of the constructor's parameters; they are not changed once they are there.

    Fields in `_silent` are in no repr, and count for no comparison.
    """

    __slots__: tuple[str, ...] = ()
    _silent: tuple[str, ...] = ()

    def but(self, **changes: object) -> Self:
        """One of these with other values in some fields."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return type(self)(**(fields | changes))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__ if name not in self._silent)
        return f"{type(self).__name__}({shown})"

    def _key(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__ if name not in self._silent)
