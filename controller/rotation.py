"""`keys rotate-state`: another key for the state at rest, and the former one gone (FORMATS section 7).

    1  a new state key joins the keyring, the former one is retired
    2  each row is encrypted again, and the fingerprints of what it holds with it
    3  a query says that nothing is left under another key
    4  the database is written anew and its log emptied
    5  the former key's file is removed, and `keyring.json` names it no more

Killed anywhere, the next run goes on where that one was: each row names its key, and a retired key says that something
was begun. What can't be decrypted is named, and keeps the former key until it is restored or given up. Whoever calls
holds the state's lock; the keyring's is taken here. Fingerprints of other stores stay, and are unknown from now on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealer import console
from sealer.errors import Refused, SourceError
from sealer.keyrings import keyring, statekeys

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from controller.reencrypt import Unreadable
    from controller.state import State
    from sealer.formats.keyrecord import Record, StateEntry
    from sealer.keyrings.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What became of the rows: versions of so many secrets are under the new key; some can't be read."""

    versions: int = 0
    secrets: int = 0
    unreadable: tuple[Unreadable, ...] = ()
    given_up: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing needs a former key."""
        return self.given_up or not self.unreadable


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one run did. Without `made` it ended what an earlier one began; without `dropped` it could not end it."""

    record: Record
    made: bool
    dropped: tuple[StateEntry, ...]
    encrypted: Encrypted

    @property
    def active(self) -> StateEntry:
        """The state key from now on."""
        return self.record.state_key


def rotate(
    directory: Path,
    state: State | None,
    *,
    now: datetime,
    ask: Callable[[], str] | None = None,
    give_up: bool = False,
) -> Rotation:
    """Rotate the state key of a keyring. `state` is None where there is none, as on a laptop.

    With `give_up` versions that can't be decrypted are destroyed.
    """
    with keyring.changing(directory, passphrase=ask) as ring:
        if state is not None:
            _check_owner(state, ring)
        ring.state_keys()  # a wrong passphrase changes nothing
        made = not statekeys.begun(ring.record)
        if made:
            statekeys.make(ring, now=now)
        encrypted = Encrypted() if state is None else _encrypt(state, ring, now, give_up=give_up)
        dropped = statekeys.drop(ring) if encrypted.complete else ()
        return Rotation(ring.record, made, dropped, encrypted)


def _check_owner(state: State, ring: Keyring) -> None:
    owner = state.meta().get("owner", ring.cluster)
    if owner != ring.cluster:
        raise Refused(
            f"this state belongs to cluster {owner}, not to {ring.cluster}",
            where=str(state.directory),
            way_out="name another directory: --state DIR",
        )


def _encrypt(state: State, ring: Keyring, now: datetime, *, give_up: bool) -> Encrypted:
    """Bring all of a state under the active key; raises SourceError if something of a former one may be left."""
    from controller.reencrypt import Rows, batches

    rows = Rows(state, ring.state_keys())
    left = rows.left()
    done = []
    bad = []
    counted = console.progress(left, total=len(left), doing="encrypting again")
    for part in batches(iter(counted)):
        refs, unreadable = rows.encrypt(part)
        done += refs
        bad += unreadable
    if bad and give_up:
        rows.give_up(bad, int(now.timestamp() * 1000))
    encrypted = Encrypted(len(done), len(set(done)), tuple(bad), give_up)
    if encrypted.complete:
        if rows.left():
            raise SourceError("another process wrote to the state", where=str(state.path), way_out="run it again")
        rows.forget()
        if not state.compact():
            what = "is being read by another program, so that what was replaced is still in its log"
            raise SourceError(
                what, where=str(state.path), way_out=f"run it again when it has ended: fuser {state.path}"
            )
    return encrypted
