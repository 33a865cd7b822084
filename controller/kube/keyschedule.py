"""When the next key is due, why, and how its Secret is called. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sealer.formats.wire import canonical_json

if TYPE_CHECKING:
    from controller.kube.keysecret import Kind
    from controller.kube.keyset import KeySet

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Those that the server's own names end with."""
_SUFFIX = 5


def due(newest: datetime | None, *, period: timedelta, cutoff: datetime | None, now: datetime) -> datetime | None:
    """When the next key is to be made, perhaps long ago; None: never.

    Now if there is none; a period after the newest (0: never); at the cutoff if the newest is older than that.
    """
    if newest is None:
        return now
    times = [newest + period] if period else []
    if cutoff is not None and newest < cutoff:
        times.append(cutoff)
    return min(times, default=None)


def suffix(kind: Kind, view: KeySet, attempt: int, place: str = "") -> str:
    """The end of the name of a new key: the same for all who see the same key Secrets of this kind at this place.

    Elsewhere it is another: who brings the keys of one cluster to another one must overwrite none.
    """
    seen = canonical_json([kind, sorted(view.uids.get(kind, ())), attempt, place])
    number = int.from_bytes(hashlib.sha256(seen).digest(), "big")
    letters = []
    for _ in range(_SUFFIX):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)


def reason(newest: datetime | None, *, asked: bool, cutoff: datetime | None, now: datetime) -> str:
    """Why a key is made, for the audit log; `asked`: by a signal."""
    if asked:
        return "asked for by a signal"
    if newest is None:
        return "there is none that is in use"
    return "the newest is older than the cutoff" if cutoff and newest < cutoff <= now else "the newest had its time"
