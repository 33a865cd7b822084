"""Starting the command of `sealer run`, and waiting for it where something has to be cleaned up after it.

`replace` becomes the command, so that its signals and exit code are its own. `supervise` stays as its parent: signals
go on to it, its stops and its end are ours. Exit codes are those of a shell: 128 + n for a signal, 126 for what can't
be executed, 127 for what isn't there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from sealer.errors import SourceError
from sealer.files import reason

CANNOT_EXECUTE = 126
NOT_FOUND = 127

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
_FROM_KERNEL = 0x80  # si_code SI_KERNEL: sent by the terminal, to the whole process group and so to the command too


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


def supervise(command: Sequence[str], environment: Mapping[str, str], mask: set[signal.Signals]) -> int:
    """Run the command as a child, forward signals, and return its exit code. Raises NotStarted.

    To be called within `signals_held`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        child = os.posix_spawnp(command[0], list(command), environment, setsigmask=mask, setsigdef=_PYTHON_IGNORES)
    except OSError as error:
        raise NotStarted(command[0], error) from None
    while True:
        number, from_terminal = _next_signal()
        if number == signal.SIGCHLD:
            code = _ended(child)
            if code is not None:
                return code
        elif not from_terminal:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)


def _next_signal() -> tuple[int, bool]:
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        return signal.sigwait(_WATCHED), False
    received = signal.sigwaitinfo(_WATCHED)
    return received.si_signo, received.si_code == _FROM_KERNEL


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
