"""`sealer-controller keys rotate-state`: another key for the state, the former one gone (FORMATS section 7)."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller import rotation, settings, state_files
from controller.audit.log import Head, Log
from controller.audit.operation import now, operation
from sealer.console import NO, OK, note, out, warn
from sealer.errors import SourceError
from sealer.formats import backup
from sealer.keyrings import keyring
from sealer.report import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controller.commands.keys import Where
    from controller.rotation import Rotation
    from controller.state import State

GIVE_UP = "sealer-controller keys rotate-state --give-up"


def run(where: Where, *, lock_timeout: float, give_up: bool) -> int:
    """Rotate the state key; 1 if something can't be decrypted, and keeps the former one."""
    directory = where.find()
    cluster = keyring.read_record(directory).cluster
    place = settings.state_directory(where.state, cluster)
    named = where.state is not None or settings.STATE_VARIABLE in os.environ
    with _opened(place, lock_timeout, named=named) as state, operation(place, "rotate-state") as told:
        done = rotation.rotate(directory, state, now=datetime.now(UTC), ask=where.ask, give_up=give_up)
        told.reason = _told(done)
        if not done.encrypted.complete:
            told.outcome = "failed"
    if state is None:
        note(f"no state in {place}: nothing to encrypt again")
    return _show(done)


@contextlib.contextmanager
def _opened(directory: Path, lock_timeout: float, *, named: bool) -> Iterator[State | None]:
    """The state, locked; None where there is none. One that was named is there: a typo would lose what it holds."""
    if not (directory / state_files.DATABASE).is_file():
        if named:
            way_out = "name the right one; or name none (--state, SEALER_STATE), if nothing was ever applied here"
            raise SourceError("there is no state here", where=str(directory), way_out=way_out)
        yield None
        return
    settings.require_extra()
    from controller.state import State

    with State.open(directory, create=False, lock_timeout=lock_timeout) as state:
        known = state.meta().get("audit_head")
        Log.open(directory, now=now).check(Head.load(known) if known else None)
        yield state


def _told(done: Rotation) -> str:
    """What the audit log is told: ids and counts."""
    rows = done.encrypted
    dropped = " ".join(each.id for each in done.dropped) or "none"
    unread = f", {len(rows.unreadable)} {'given up' if rows.given_up else 'unreadable'}" if rows.unreadable else ""
    return f"active {done.active.id}, dropped {dropped}, {count(rows.versions, 'version')}{unread}"


def _show(done: Rotation) -> int:
    rows = done.encrypted
    if done.made:
        out(f"made         {done.active.id[:8]}  state key")
    else:
        out(f"unfinished   {done.active.id[:8]}  state key, made before")
    if rows.versions:
        out(f"{count(rows.versions, 'version')} of {count(rows.secrets, 'secret')} encrypted again")
    word = "given up" if rows.given_up else "unreadable"
    for each in rows.unreadable:
        out(f"{word:<11}  {each.ref}  version {each.version}: {each.what}")
    for entry in done.dropped:
        out(f"dropped      {entry.id[:8]}  state key")
    if not rows.complete:
        kept = ", ".join(entry.id[:8] for entry in done.record.state_keys if entry is not done.active)
        what = count(len(rows.unreadable), "version")
        way_out = f"restore keyring or state from a backup and run this again; or destroy them: {GIVE_UP}"
        warn(f"{what} can't be decrypted; until that is settled state key {kept} is kept", way_out=way_out)
        return NO
    if rows.unreadable:
        note("next: sealer-controller apply SOURCE  delivers again what is still there")
    if not done.made:
        note("this ended what an earlier run began; for another new key run it once more")
    note("older backups of the keyring hold the dropped key: make a new one, destroy those")
    if text := backup.warning(done.record):
        warn(text)
    return OK
