"""Another key for the state at rest: made, and the former ones dropped (FORMATS section 7). Hold `keyring.changing`.

Between the two the former keys stand as `retired`, and by that anybody sees a rotation that was begun and not ended.
Dropping removes the files before `keyring.json` stops naming them: killed in between, the next run knows what is left
to do, and no file of a dropped key stays behind unnoticed.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sealer.formats import keyrecord
from sealer.formats.keyrecord import StateEntry, Status
from sealer.formats.wire import pem_encode
from sealer.keyrings import keyfiles
from sealer.keyrings.keyring import PEM_STATE

if TYPE_CHECKING:
    from datetime import datetime

    from sealer.formats.keyrecord import Record
    from sealer.keyrings.keyring import Keyring

# With what a killed write leaves beside its place.
_FILE = re.compile(r"\.?state-([0-9a-f]{16})\.pem(?:\.[0-9a-f]{12}\.tmp)?", re.ASCII)


def begun(record: Record) -> bool:
    """Whether a rotation was begun and not ended."""
    return len(record.state_keys) > 1


def make(ring: Keyring, *, now: datetime) -> StateEntry:
    """A new state key, which is the active one from now on; those before it are retired."""
    key = os.urandom(32)
    record = ring.record
    entry = StateEntry(keyrecord.state_key_id(key), Status.ACTIVE, now.replace(microsecond=0), record.sequence + 1)
    former = tuple(replace(each, status=Status.RETIRED) for each in record.state_keys)
    files = {keyrecord.state_file(entry.id): pem_encode(PEM_STATE, key)}
    ring.save(replace(record, state_keys=(*former, entry)), files, {})
    return entry


def drop(ring: Keyring) -> tuple[StateEntry, ...]:
    """Remove every state key but the active one, for good. The caller knows that nothing is under them."""
    record = ring.record
    kept = record.state_key
    gone = tuple(each for each in record.state_keys if each is not kept)
    here = [(path, _FILE.fullmatch(path.name)) for path in sorted(ring.directory.iterdir())]
    keyfiles.remove(path for path, found in here if found and path.name != keyrecord.state_file(kept.id))
    if gone:
        ring.save(replace(record, state_keys=(kept,)), {}, {})
    return gone
