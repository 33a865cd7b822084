"""Token rules: one pass over the bytes finds candidates, which are then confirmed (DESIGN section 7). Hot path.

The first pass is vectorscan's, or RE2's where its wheel is missing (`SEALER_SCAN_ENGINE=re2` asks for that). Both give
the same findings. What is compiled comes from the cache, which is keyed by all that it is made of.
"""

from __future__ import annotations

import os
import stat  # `os` has imported it already
import sys
import time

from hooks.engine import cache

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from hooks.engine.build import Built
    from hooks.engine.confirm import Confirm
    from hooks.engine.found import Candidates
    from hooks.engine.spec import Spec
    from hooks.finding import Hit
    from hooks.text import Text

    class Pass(Protocol):
        """The first pass over a text."""

        def scan(self, data: bytes) -> Candidates:
            """What is worth a closer look."""


_HERE = os.path.dirname(os.path.abspath(__file__))
RULES = os.path.join(os.path.dirname(_HERE), "rules")
_TRIGGERS = (("structure", "trigger.py"), ("decode", "trigger.py"), ("credential_trigger.py",), ("keyname.py",))
_DIGITS = 32
_SETTLED = 2_000_000_000
"""So many nanoseconds after a change the next one has another time for sure."""


class Engine:
    """The rules of this run, compiled."""

    __slots__ = ("_built", "_confirm", "_extra", "_files", "_first", "digest")

    def __init__(self, files: Sequence[str], extra: Sequence[Spec] = (), *, name: str = "") -> None:
        self._files = files
        self._extra = extra
        self._built: Built | None = None
        self._confirm: Confirm | None = None
        self.digest = _digest(files, extra) if extra else _known_digest(files)
        self._first = self._load(name or os.environ.get("SEALER_SCAN_ENGINE", ""))

    def candidates(self, data: bytes) -> Candidates:
        """Which rules and which detectors are worth a closer look."""
        return self._first.scan(data)

    def hits(self, text: Text, candidates: Candidates) -> list[Hit]:
        """What the rules find in a text, one hit for each value."""
        if self._confirm is None:
            from hooks.engine.confirm import Confirm

            self._confirm = Confirm(self.built().records)
        return self._confirm.hits(text, candidates)

    def built(self) -> Built:
        """Records and expressions: from the cache, else from the rule files. Raises DocumentError or SourceError."""
        if self._built is None:
            from hooks.engine import build

            self._built = build.load(cache.read(self._rules_file()))
        if self._built is None:
            from hooks.engine import build, examples, pack

            specs = pack.load(self._files, checked=rule_files(RULES))
            examples.check(own(specs))
            self._built = build.build([*specs, *self._extra])
            cache.write(self._rules_file(), build.dump(self._built))
        return self._built

    def _rules_file(self) -> str:
        return f"{self.digest}-{sys.implementation.cache_tag}.rules"

    def _load(self, name: str) -> Pass:
        from hooks.engine import vectorscan

        found = vectorscan.extension() if name != "re2" else None
        if found is None:
            from hooks.engine.re2engine import Re2

            return Re2(self.built())
        module, mark = found
        file = f"{self.digest}-{mark}.db"
        first = vectorscan.load(module, cache.read(file))
        if first is None:
            from hooks.progress import Compiling

            with Compiling(cache.folder()):
                first = vectorscan.compiled(module, self.built())
            cache.write(file, first.serialized())
        return first


_current: Engine | None = None


def current() -> Engine:
    """The engine of this run: the rules that come with the scanner, and those of the repository around here."""
    global _current
    if _current is None:
        _current = use()
    return _current


def use(extra: Sequence[Spec] = (), *, name: str = "") -> Engine:
    """Load the rules again, with more of them; for another folder, or for rules from another tool's file."""
    global _current
    _current = Engine([*rule_files(RULES), *rule_files(custom())], extra, name=name)
    return _current


def candidates(text: Text) -> Candidates:
    """Which rules and which detectors are worth a closer look."""
    return (_current or current()).candidates(text.data)


def hits(text: Text, found: Candidates) -> list[Hit]:
    """What the rules find in a text, one hit for each value."""
    return current().hits(text, found)


def rule_files(folder: str) -> list[str]:
    """The rule files of a folder, in order; none where there is no such folder."""
    try:
        names = os.listdir(folder) if folder else []
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        from sealer.errors import SourceError

        raise SourceError(f"can't be read: {(error.strerror or 'unknown reason').lower()}", where=folder) from None
    return [os.path.join(folder, name) for name in sorted(names) if name.endswith((".yaml", ".yml"))]


def own(specs: Sequence[Spec]) -> list[Spec]:
    """Those of rules that didn't come with the scanner."""
    return [spec for spec in specs if not os.path.abspath(spec.file).startswith(RULES + os.sep)]


def custom(start: str = ".") -> str:
    """The folder of this repository's own rules: `.sealer/rules` here or above, up to the top; "" if there is none."""
    folder = os.path.abspath(start)
    while True:
        found = os.path.join(folder, ".sealer", "rules")
        if os.path.isdir(found):
            return found
        above = os.path.dirname(folder)
        if above == folder or os.path.lexists(os.path.join(folder, ".git")):
            return ""
        folder = above


def _made_by() -> list[str]:
    """All that says how rules are compiled: a cache that was made by other code is another cache."""
    modules = [os.path.join(_HERE, name) for name in sorted(os.listdir(_HERE)) if name.endswith(".py")]
    return modules + [os.path.join(os.path.dirname(_HERE), *path) for path in _TRIGGERS]


def _known_digest(files: Sequence[str]) -> str:
    """The digest, as it was computed when the files were what `stat` says that they are still."""
    state, newest = [], 0
    for path in (*_made_by(), *files):
        try:
            status = os.stat(path)
        except OSError:
            return _digest(files, ())
        newest = max(newest, status.st_mtime_ns, status.st_ctime_ns)
        state.append(f"{path}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}")
    stamp = "\0".join(state).encode("utf-8", "surrogateescape")
    name = (files[-1] if files else RULES).replace("/", "%")[-200:] + ".stamp"
    known = cache.read(name)
    if known is not None and known[_DIGITS:] == stamp:
        return known[:_DIGITS].decode("ascii", "replace")
    digest = _digest(files, ())
    if newest < time.time_ns() - _SETTLED:
        cache.write(name, digest.encode() + stamp)
    return digest


def _digest(files: Sequence[str], extra: Sequence[Spec]) -> str:
    from _blake2 import blake2b

    state = blake2b(digest_size=16)
    for path in (*_made_by(), *files):
        data = _read(path)
        state.update(b"%s %d " % (os.fsencode(os.path.basename(path)), len(data)))
        state.update(data)
    for rule in extra:
        state.update(repr(rule).encode())
    return state.hexdigest()


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a named pipe is never waited on
        try:
            status = os.fstat(descriptor)
            if stat.S_ISFIFO(status.st_mode):
                from sealer.errors import SourceError

                raise SourceError("is no regular file", where=path, way_out="take it away")
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        from sealer.errors import SourceError

        raise SourceError(f"can't be read: {(error.strerror or 'unknown reason').lower()}", where=path) from None
