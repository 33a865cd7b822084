"""Regular expressions that are compiled when they are first used: a run needs few of them, and each costs 0.2 ms."""

from __future__ import annotations

import re

_METHODS = (
    "findall",
    "finditer",
    "flags",
    "fullmatch",
    "groupindex",
    "groups",
    "match",
    "search",
    "split",
    "sub",
    "subn",
)
_waiting: list[_Lazy] = []


class _Lazy:
    """Has no method at first. Asked for one, it takes those of what is compiled, so that it is asked no more."""

    __slots__ = ("_flags", "pattern", *_METHODS)

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        for each in _METHODS:
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)


def compile(pattern: str, flags: int = 0) -> re.Pattern[str]:  # noqa: A001 - as in re
    """As `re.compile`, but what is wrong with it is raised when it is used."""
    made = _Lazy(pattern, flags)
    _waiting.append(made)
    return made  # type: ignore[return-value]


def compile_all() -> None:
    """Compile what there is by now, for processes that will share it. Raises re.error."""
    while _waiting:
        _ = _waiting.pop().search
