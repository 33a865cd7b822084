"""Starting the command of `sealer run`, and waiting for it where something has to be cleaned up after it.

`replace` becomes the command, so that its signals and exit code are its own. `supervise` stays as its parent: signals
go on to it, its stops and its end are ours; a watcher may have it started again. Exit codes are those of a shell:
128 + n for a signal, 126 for what can't be executed, 127 for what isn't there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, Protocol

from sealer.errors import SourceError
from sealer.files import reason

CANNOT_EXECUTE = 126
NOT_FOUND = 127
RESTART = 0
"""What a watcher answers in place of a signal's number."""
PATIENCE = 10.0
"""Seconds that a command has for its end before it is started again."""

# Python ignores these two for itself, and what is ignored stays so through exec: `cmd | head` would never end.
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)
_FORWARDED = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGCONT,
}
_WATCHED = _FORWARDED | {signal.SIGCHLD}
_END = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}  # whoever sends these wants the command to end
_END_IN_RESTART = _END | {signal.SIGHUP}  # otherwise HUP may ask a command to read its configuration
_FROM_KERNEL = 0x80  # si_code SI_KERNEL: sent by the terminal, to the whole process group and so to the command too


class Watcher(Protocol):
    """Says what is to be done with a running command."""

    interval: float  # seconds from one look to the next

    def look(self) -> int | None:
        """The signal to send, or RESTART, or None."""

    def environment(self) -> Mapping[str, str]:
        """What the command is started again with; asked when it has ended."""

    def refused(self, error: NotStarted) -> None:
        """It did not start with that; it is started with what it had."""


class NotStarted(SourceError):
    """The command did not start; `code` is what a shell would exit with."""

    def __init__(self, name: str, error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError)
        too_big = "the environment or the arguments are too large"
        what = "command not found" if missing else f"can't be executed: {reason(error)}"
        super().__init__(what if error.errno != errno.E2BIG else too_big, where=name)
        self.way_out = "--files, or --only with the items that you need" if error.errno == errno.E2BIG else ""
        self.code = NOT_FOUND if missing else CANNOT_EXECUTE


def replace(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the command. Raises NotStarted."""
    sys.stdout.flush()
    sys.stderr.flush()
    for number in _PYTHON_IGNORES:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606  # no shell is the point
    except OSError as error:
        raise NotStarted(command[0], error) from None


@contextlib.contextmanager
def signals_held() -> Iterator[set[signal.Signals]]:
    """Within, no signal ends this process before it has cleaned up; yields the mask that the command shall have."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        yield {signal.Signals(number) for number in before}
    finally:
        # What came after the command's end was meant for it: it must not change the exit code.
        while signal.sigpending() & _WATCHED:
            signal.sigwait(_WATCHED)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def supervise(
    command: Sequence[str], environment: Mapping[str, str], mask: set[signal.Signals], watcher: Watcher | None = None
) -> int:
    """Run the command as a child, forward signals, and return its exit code. Raises NotStarted.

    To be called within `signals_held`. Whoever wants the command to end, ends the watching too.
    """
    child = _start(command, environment, mask)
    next_look = time.monotonic() + watcher.interval if watcher else None
    while True:
        number, from_terminal = _next_signal(next_look)
        if number == signal.SIGCHLD:
            code = _ended(child)
            if code is not None:
                return code
        elif number is not None:
            if number in _END:
                next_look = None
            if not from_terminal:
                _send(child, number)
        elif watcher is not None:
            wanted = watcher.look()
            code = _ended(child)  # by itself, while we looked
            if code is not None:
                return code
            if wanted == RESTART:
                code, again = _stop(child)
                if not again:
                    return code
                child, environment = _start_again(command, environment, mask, watcher)
            elif wanted is not None:
                _send(child, wanted)
            next_look = time.monotonic() + watcher.interval


def _start(command: Sequence[str], environment: Mapping[str, str], mask: set[signal.Signals]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return os.posix_spawnp(command[0], list(command), environment, setsigmask=mask, setsigdef=_PYTHON_IGNORES)
    except OSError as error:
        raise NotStarted(command[0], error) from None


def _start_again(
    command: Sequence[str], before: Mapping[str, str], mask: set[signal.Signals], watcher: Watcher
) -> tuple[int, Mapping[str, str]]:
    """The new child, and its environment: the one before, if the new one is too large."""
    environment = watcher.environment()
    try:
        return _start(command, environment, mask), environment
    except NotStarted as error:
        if environment == before:
            raise
        watcher.refused(error)
    return _start(command, before, mask), before


def _stop(child: int) -> tuple[int, bool]:
    """End the child. Its exit code, and whether nobody has asked for the end meanwhile."""
    _send(child, signal.SIGTERM)
    deadline: float | None = time.monotonic() + PATIENCE
    again = True
    while True:
        number, from_terminal = _next_signal(deadline)
        if number is None:
            _send(child, signal.SIGKILL)
            deadline = None
        elif number == signal.SIGCHLD:
            code = _ended(child)
            if code is not None:
                return code, again and not signal.sigpending() & _END_IN_RESTART
        else:
            if number in _END_IN_RESTART:
                again, deadline = False, None  # now it may take its time, as without us
            if not from_terminal:
                _send(child, number)


def _send(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _next_signal(until: float | None = None) -> tuple[int | None, bool]:
    """The next signal, and whether the terminal sent it; None once that moment of the monotonic clock is there."""
    if not hasattr(signal, "sigtimedwait"):  # macOS
        while until is not None and not signal.sigpending() & _WATCHED:
            left = until - time.monotonic()
            if left <= 0:
                return None, False
            time.sleep(min(left, 0.05))
        return signal.sigwait(_WATCHED), False
    while True:
        received = _wait(until)
        if received is None:
            return None, False
        from_terminal = received.si_code == _FROM_KERNEL
        if received.si_signo != signal.SIGALRM or not from_terminal:  # those are the timer's
            return received.si_signo, from_terminal


def _wait(until: float | None) -> signal.struct_siginfo | None:
    """The next signal, SIGALRM from the kernel at that moment; None if that has passed and no signal is there.

    Not sigtimedwait alone: if we are stopped beyond its end, CPython 3.11 returns uninitialized memory as a signal.
    """
    if until is None:
        return signal.sigwaitinfo(_WATCHED)
    left = until - time.monotonic()
    if left <= 0:
        return signal.sigtimedwait(_WATCHED, 0)
    signal.setitimer(signal.ITIMER_REAL, max(left, 0.001))
    try:
        return signal.sigwaitinfo(_WATCHED)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ended(child: int) -> int | None:
    """The child's exit code, if it has ended. If it was stopped, so are we, until someone continues us."""
    while True:
        try:
            found, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)  # -1: as PID 1 of a container, reap orphans too
        except ChildProcessError:
            return None
        if found == 0:
            return None
        if found != child:
            continue
        if os.WIFSTOPPED(status):
            os.kill(os.getpid(), signal.SIGSTOP)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)
            continue
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code
