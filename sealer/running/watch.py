"""Watching the sealed files of a running command for other values (DESIGN section 11, `run --watch`).

The files are looked at now and then: no notification service tells of network and container mounts alike. A state
counts once two looks have found it, since an editor, `git pull` or `sealer set` takes a moment for all files. What
can't be used then leaves the command its values: nothing here ends it. The files are those named at the start.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sealer import console
from sealer.errors import SealerError, SourceError, UsageError
from sealer.files import reason
from sealer.running.child import RESTART

if TYPE_CHECKING:
    from sealer.running.variables import Chosen

INTERVAL = 1.0
"""Seconds from one look at the files to the next."""

Contents = Sequence[tuple[str, bytes]]
"""Paths in the order in which later ones win, each with its bytes."""

_UNUSABLE = {"KILL": "ends the command before it can read anything", "STOP": "stops the command for good"}


class Source(Protocol):
    """Where values come from."""

    @property
    def paths(self) -> Sequence[str]:
        """The sealed files."""

    def read(self) -> Contents:
        """Their bytes. Raises SealerError."""

    def open(self, contents: Contents) -> Chosen:
        """The values in them. Raises SealerError."""


class Target(Protocol):
    """Where values go."""

    def put(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        """Have the new values where the command reads them, as far as that is outside it. Raises SealerError."""

    def environment(self, values: Mapping[str, bytes]) -> dict[str, str]:
        """The environment that the command starts with."""


def action(word: str, *, as_files: bool) -> int:
    """The signal that `--watch` names, or RESTART. Raises UsageError."""
    if word.lower() == "restart":
        return RESTART
    name = word.upper().removeprefix("SIG")
    if name in _UNUSABLE:
        raise UsageError(f"--watch {name}: {_UNUSABLE[name]}", way_out="--watch restart, or a signal such as HUP")
    if f"SIG{name}" not in signal.Signals.__members__:
        raise UsageError("--watch: no such signal", way_out="--watch restart, or a signal such as HUP")
    if not as_files:
        raise UsageError(
            f"--watch {name}: a running process's environment can't be changed",
            way_out="add --files, or --watch restart",
        )
    return signal.Signals[f"SIG{name}"]


@dataclass(slots=True)
class Files:
    """Whether files have changed, by what stat says of them."""

    paths: Sequence[str]
    _known: list[tuple[int, ...]] = field(init=False)
    _last: list[tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._known = self._last = [_sign(path) for path in self.paths]

    def changed(self) -> bool:
        """Whether they differ from when this was last true, and no longer change."""
        now = [_sign(path) for path in self.paths]
        settled, self._last = now == self._last, now
        if not settled or now == self._known:
            return False
        self._known = now
        return True


def _sign(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _check_regular(paths: Sequence[str]) -> None:
    """Refuse what can't be read again: a pipe has been drained, and opening one would wait for a writer."""
    for path in paths:
        try:
            regular = stat.S_ISREG(os.stat(path).st_mode)
        except OSError as error:
            raise SourceError(f"can't be read: {reason(error)}", where=path) from None
        if not regular:
            raise SourceError("is no regular file: it can't be watched", where=path)


class Watcher:
    """Tells `child.supervise` what to do about the command: `watch`, read and open the files, `begin`, start it."""

    def __init__(self, then: int, name_skipped: Callable[[Sequence[str]], None]) -> None:
        self.interval = INTERVAL
        self._then = then
        self._name_skipped = name_skipped
        self._complaint = ""

    def watch(self, source: Source) -> None:
        """From now on. Raises SourceError for what can't be read twice."""
        _check_regular(source.paths)
        self._source = source
        self._files = Files(source.paths)

    def begin(self, contents: Contents, chosen: Chosen, target: Target) -> None:
        """What the command starts with."""
        self._digests = _digests(contents)
        self._chosen = self._next = chosen
        self._target = target

    def look(self) -> int | None:
        """The signal to send, with all in place for it, or RESTART; None if the command stays as it is."""
        if not self._files.changed():
            return None
        try:
            return self._changed()
        except SealerError as error:
            self._complain(error)
        except Exception as error:  # a defect of ours must not end the command; its text could quote a value
            self._complain(SealerError(f"a defect of this program: {type(error).__name__}"))
        return None

    def environment(self) -> dict[str, str]:
        """What the command is started again with, once it has ended: it never sees files of two states."""
        try:
            self._target.put(self._chosen.values, self._next.values)
            self._chosen = self._next
        except SealerError as error:
            self._complain(error)
        return self._target.environment(self._chosen.values)

    def refused(self, error: SealerError) -> None:
        """The command did not start with its new environment, and gets the one before."""
        self._complain(error)

    def _changed(self) -> int | None:
        _check_regular(self._source.paths)
        contents = self._source.read()
        digests = _digests(contents)
        if digests == self._digests:
            self._complaint = ""
            return None
        chosen = self._source.open(contents)
        same = chosen.values == self._chosen.values
        if not same and self._then != RESTART:
            self._target.put(self._chosen.values, chosen.values)
        self._digests, self._complaint = digests, ""
        if same:
            return None
        self._say(chosen)
        self._next = chosen
        if self._then != RESTART:
            self._chosen = chosen
        return self._then

    def _say(self, chosen: Chosen) -> None:
        old, new = self._chosen.values, chosen.values
        names = ", ".join(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))
        done = "restarting the command" if self._then == RESTART else f"sending {signal.Signals(self._then).name}"
        with contextlib.suppress(OSError):  # nobody reads stderr any more: no reason to end
            console.note(f"changed {names}: {done}")
            self._name_skipped([name for name in chosen.skipped if name not in self._chosen.skipped])

    def _complain(self, error: SealerError) -> None:
        """Once for each trouble: until the files are well again, or something else is wrong with them."""
        text = f"{error}; the command keeps its values"
        if text == self._complaint:
            return
        self._complaint = text
        with contextlib.suppress(OSError):
            console.warn(text, way_out=error.way_out or "put it right: it is read again as soon as it changes")


def _digests(contents: Contents) -> list[bytes]:
    return [hashlib.sha256(data).digest() for _, data in contents]
