"""Regular expressions that are compiled when they are first used: a run needs few of them, and each costs 0.2 ms.

What they were compiled to comes from the cache, where a run that needed all of them has put it.
"""

from __future__ import annotations

import marshal
import re
import sys
from binascii import crc32

from hooks.engine import cache

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from typing import Any, AnyStr

    Key = tuple[str | bytes, int]
    Code = tuple[int, bytes, int, dict[str, int], tuple[str | None, ...]]
    """What re's compiler makes: all flags, words of 32 bits, how many groups, their numbers by name, and names."""

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
_MOST = 1000
"""So many expressions are kept of all versions of this program; of more, only its own."""
_sre: Any = sys.modules.get("_sre")
_waiting: list[_Lazy] = []
_made: list[Key] = []
_kept: dict[Key, Code] | None = None


class _Lazy:
    """Has no method at first. Asked for one, it takes those of what is compiled, so that it is asked no more."""

    __slots__ = ("_flags", "pattern", *_METHODS)

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self._flags = int(flags)

    def __getattr__(self, name: str) -> object:
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = _compiled(self.pattern, self._flags)
        for each in _METHODS:
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)


def compile(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:  # noqa: A001 - as in re
    """As `re.compile`, but what is wrong with it is raised when it is used."""
    made = _Lazy(pattern, flags)
    _waiting.append(made)
    return made  # type: ignore[return-value]


def compile_all() -> None:
    """Compile what there is by now, for processes that will share it, and keep it. Raises re.error."""
    known = _cached()
    while _waiting:
        _ = _waiting.pop().search
    if _sre and any(key not in known for key in _made):
        _keep(known)


def _compiled(pattern: Any, flags: int) -> re.Pattern[Any]:
    found: re.Pattern[Any]
    try:
        every, words, groups, numbers, names = _cached()[pattern, flags]
        found = _sre.compile(pattern, every, list(memoryview(words).cast("I")), groups, numbers, names)
    except (LookupError, RuntimeError, TypeError, ValueError):
        found = re.compile(pattern, flags)
    _made.append((pattern, flags))
    return found


def _cached() -> dict[Key, Code]:
    global _kept
    if _kept is None:
        _kept = {}
        data = cache.read(_file()) if _sre else None
        if data and len(data) > 4 and crc32(data[4:]).to_bytes(4, "big") == data[:4]:
            _kept = marshal.loads(data[4:])  # noqa: S302 - only a file that is ours
    return _kept


def _file() -> str:
    """Words of code mean something to one build of Python only; a key is all of an expression, so nothing is stale."""
    return f"{sys.implementation.cache_tag}-{sys.hexversion:x}-{_sre.MAGIC}.expressions"


def _keep(known: dict[Key, Code]) -> None:
    """Write what is known by now; not where re's compiler isn't the one that we know."""
    try:
        known.update((key, _code(*key)) for key in _made if key not in known)
    except (ImportError, AttributeError, TypeError):
        return
    body = marshal.dumps(known if len(known) <= _MOST else {key: known[key] for key in _made})
    cache.write(_file(), crc32(body).to_bytes(4, "big") + body)


def _code(pattern: Any, flags: int) -> Code:
    """What `re.compile` does but for its last step."""
    from array import array

    compiler: Any = getattr(re, "_compiler")  # noqa: B009 - the stubs hide both
    parsed = getattr(re, "_parser").parse(pattern, flags)  # noqa: B009
    words = array("I", compiler._code(parsed, flags))
    numbers: dict[str, int] = dict(parsed.state.groupdict)
    names: list[str | None] = [None] * parsed.state.groups
    for name, number in numbers.items():
        names[number] = name
    return int(flags | parsed.state.flags), words.tobytes(), parsed.state.groups - 1, numbers, tuple(names)
