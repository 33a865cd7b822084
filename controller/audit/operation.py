"""What is done to a keyring, in the audit log: an intent before anything is done, an outcome after it.

Also for the one record of `get`. Nothing here needs an extra.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from controller.audit.log import Log
from controller.audit.record import Entry
from sealer.errors import Refused, SealerError

if TYPE_CHECKING:
    from controller.audit.record import KeyVerb, Outcome


@dataclass(slots=True)
class Told:
    """What an operation says of itself: ids of keys, never anything that a person typed."""

    reason: str = ""
    outcome: Outcome = "done"


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@contextlib.contextmanager
def operation(state: Path, verb: KeyVerb | Literal["rotate-state"], about: str = "") -> Iterator[Told]:
    """Do the block between intent and outcome. SourceError, and nothing done, if the log can't be written.

    Print after the block: an outcome that can't be written is an error too. `rotate-state` holds the state's lock
    around it: what is left open of one that was killed is closed by the next run.
    """
    log = Log.open(state, now=now)
    [sequence] = log.append([Entry("intent", verb, reason=about)])
    told = Told()
    try:
        yield told
    except SealerError as error:
        told.outcome, told.reason = failure(error), error.what
        raise
    except BaseException as error:
        told.outcome, told.reason = "unknown", type(error).__name__
        raise
    finally:
        log.append([Entry("outcome", verb, outcome=told.outcome, reason=told.reason, intent=sequence)])


def failure(error: SealerError) -> Outcome:
    """`refused` where a rule of ours said no, `failed` for the rest."""
    return "refused" if isinstance(error, Refused) else "failed"
