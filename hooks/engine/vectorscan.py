"""The first pass by vectorscan: the extension module of the `hyperscan` wheel, without its package. Hot path.

`import hyperscan` costs 25 ms for `typing` alone; the bare extension costs 2. The database comes from the cache,
where its name says for which library and processor it was made; it checks itself when it is loaded.
"""

from __future__ import annotations

import os
import sys

from hooks.engine.found import MOST, Candidates, note

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from hooks.engine.build import Built, Pattern

_SINGLEMATCH = 8
_PREFILTER = 128
# Vectorscan's time to compile grows with the square of how many literals report one number: 3,500 take 8 s under one,
# 0.2 s in groups. So numbers with many patterns report a group of them each, above the bits of the number itself.
_MANY = 200
_TOGETHER = 16
_GROUPS = 21
_NUMBER = (1 << _GROUPS) - 1


def extension() -> tuple[Any, str] | None:
    """The extension module, and words that tell this build of it from others; None if it isn't installed."""
    from _frozen_importlib_external import PathFinder

    for folder in sys.path:
        package = os.path.join(folder, "hyperscan")
        if os.path.isdir(package):
            spec = PathFinder.find_spec("_hs_ext", [package])
            if spec is not None and spec.origin:
                return (module := _loaded(spec)), _mark(module, spec.origin)
    return None


def _loaded(spec: Any) -> Any:
    from _imp import create_dynamic, exec_dynamic

    module = create_dynamic(spec)
    exec_dynamic(module)
    return module


def _mark(module: Any, path: str) -> str:
    status, system = os.stat(path), os.uname()
    version = str(getattr(module, "__version__", "")).partition(" ")[0].replace("/", "_")
    return f"{system.machine}-{version}-{status.st_size:x}-{status.st_mtime_ns:x}"


class Vectorscan:
    """A database of all rules and triggers. Threads may share it: each scan takes a scratch of its own."""

    __slots__ = ("_database", "_module", "_scratches")

    def __init__(self, module: Any, database: Any) -> None:
        self._module = module
        self._database = database
        self._scratches = [module.Scratch(database)]

    def scan(self, data: bytes) -> Candidates:
        """What is worth a closer look."""
        found: dict[int, list[int]] = {}
        try:
            scratch = self._scratches.pop()
        except IndexError:
            scratch = self._module.Scratch(self._database)
        self._database.scan(data, note, 0, found, scratch)
        self._scratches.append(scratch)
        if found and max(found) > _NUMBER:
            _join(found)
        return Candidates(found)

    def serialized(self) -> bytes:
        """The database as bytes."""
        data: bytes = self._module.dumpb(self._database)
        return data


def load(module: Any, data: bytes | None) -> Vectorscan | None:
    """A database from bytes; None if they are damaged, or made for another library or processor."""
    if not data:
        return None
    try:
        return Vectorscan(module, module.loadb(data, module.HS_MODE_BLOCK))
    except module.error:
        return None


def compiled(module: Any, built: Built) -> Vectorscan:
    """A new database. Raises DocumentError that names the rule which vectorscan refuses."""
    try:
        return Vectorscan(module, _compile(module, built.patterns))
    except module.error:
        hard = {number for number, pattern in enumerate(built.patterns) if not _fits(module, pattern, built)}
        return Vectorscan(module, _compile(module, built.patterns, hard))


def _fits(module: Any, pattern: Pattern, built: Built) -> bool:
    """Whether an expression compiles as it is; False if only as a filter that finds too much, which is good enough."""
    try:
        _compile(module, (pattern,))
    except module.error:
        try:
            _compile(module, (pattern,), {0})
        except module.error:
            from sealer.errors import DocumentError

            number = pattern[1]
            what = f"rule {built.records[number].id}" if number < len(built.records) else f"trigger {number}"
            way_out = "make repetitions shorter, or fewer"
            raise DocumentError(f"{what}: vectorscan can't compile the pattern", way_out=way_out) from None
        return False
    return True


def _compile(module: Any, patterns: Sequence[Pattern], hard: set[int] | frozenset[int] = frozenset()) -> Any:
    database = module.Database(mode=module.HS_MODE_BLOCK)
    flags = [_SINGLEMATCH * once | _PREFILTER * (number in hard) for number, (_, _, once) in enumerate(patterns)]
    expressions, ids = [expression for expression, _, _ in patterns], _reported(patterns)
    _aside(lambda: database.compile(expressions=expressions, ids=ids, elements=len(patterns), flags=flags))
    return database


def _reported(patterns: Sequence[Pattern]) -> list[int]:
    """What each pattern reports: its number, and which group of the patterns of that number it is in."""
    counts: dict[int, int] = {}
    for _, number, _ in patterns:
        counts[number] = counts.get(number, 0) + 1
    seen: dict[int, int] = {}
    ids = []
    for _, number, _ in patterns:
        place = seen[number] = seen.get(number, -1) + 1
        ids.append(number | (place // _TOGETHER << _GROUPS if counts[number] > _MANY else 0))
    return ids


def _join(found: dict[int, list[int]]) -> None:
    """Put the groups of a number together, each end once: as if all had reported the number."""
    joined: dict[int, set[int]] = {}
    for number in [number for number in found if number > _NUMBER]:
        joined.setdefault(number & _NUMBER, set()).update(found.pop(number))
    for number, ends in joined.items():
        found[number] = list(ends.union(found.get(number, ())))[:MOST]


def _aside(work: Callable[[], object]) -> None:
    """Do in a thread what takes seconds in C, where no signal is looked at: Ctrl-C is answered at once."""
    import threading

    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)

    # A daemon, since nobody waits for it when the program ends.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
