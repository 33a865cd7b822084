"""Whether a daemon lives and has delivered: written by its loop, read by the thread that answers HTTP.

Every answer is one short line without a name out of the source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sealer.errors import FormatError, Refused, SealerError, SourceError, UsageError

if TYPE_CHECKING:
    from controller.running.result import Result

_LEAST = 300.0
_INTERVALS = 3
_KINDS = (
    (Refused, "a rule says no"),
    (SourceError, "the source, the keyring or the state can't be read or written"),
    (FormatError, "a file of the keyring, the state or the configuration is malformed"),
    (UsageError, "the configuration contradicts itself"),
)


class Health:
    """What is known of the loop. `clock` is monotonic, in seconds."""

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._limit = max(_LEAST, _INTERVALS * interval)
        self._beat = clock()
        self._trouble = ""
        self._last: Result | None = None
        self._worked = False

    def beat(self) -> None:
        """The loop has come a step further."""
        self._beat = self._clock()

    def ended(self, result: Result, trouble: str = "") -> None:
        """A run has ended."""
        self._last, self._trouble = result, trouble
        self._worked = self._worked or result in ("changed", "unchanged", "incomplete")

    def alive(self) -> tuple[bool, str]:
        """Whether the loop goes on, and how its last run went."""
        age = self._clock() - self._beat
        if age > self._limit:
            return False, f"no progress for {age:.0f} s"
        if self._last is None:
            return True, "ok: the first run goes on"
        return True, f"ok: last run {self._last}" + (f": {self._trouble}" if self._trouble else "")

    def ready(self) -> tuple[bool, str]:
        """Whether a run has worked yet."""
        if self._worked:
            return True, "ready"
        return False, f"no run has worked yet: {self._trouble or 'the first one goes on'}"


def trouble(error: Exception) -> str:
    """Why a run failed, in words of ours; the log has the error itself."""
    if not isinstance(error, SealerError):
        return "a defect of this program"
    return next((said for kind, said in _KINDS if isinstance(error, kind)), "the run failed")
