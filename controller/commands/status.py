"""`sealer-controller status`: what is delivered and what is not; takes no lock, opens nothing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller import settings
from controller import status as statuses
from sealer import console
from sealer.configuration import config
from sealer.emit import emit, refuse_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.model import Delivery, Observed, Target
    from controller.settings import Options, Settings
    from controller.state import State
    from controller.status import Status
    from sealer.keyrings.keyring import Keyring


def run(
    options: Options,
    *,
    failed: bool = False,
    format: str = "text",  # noqa: A002  # the option's name
    output: str | None = None,
) -> int:
    """Show every document at every store; 1 unless all is delivered."""
    refuse_format(output)
    found = settings.resolve(options, keyless=True)
    from controller.state import State

    with State.open(found.state, create=False, read_only=True) as state:
        status = _status(found, state, failed=failed)
    emit(statuses.FORMATS[format](status), output)
    return console.OK if status.ok else console.NO


def _status(found: Settings, state: State, *, failed: bool) -> Status:
    deliveries = state.deliveries()
    labels = {each.uid: each.label for each in state.stores()}
    rows = statuses.rows(state.documents(), deliveries, _observed(found.ring, state, deliveries), labels)
    delivered = sum(row.state == statuses.DELIVERED for row in rows)
    total = sum(row.state != statuses.WITHDRAWN for row in rows)
    sources = state.sources()
    shown = {each.id: _shown(each.location) for each in sources}
    key, until, warnings = _keyring(found.ring)
    return statuses.Status(
        found.cluster,
        key,
        until,
        statuses.applied(sources, shown),
        tuple(row for row in rows if not failed or row.state not in statuses.SETTLED),
        warnings,
        total,
        delivered,
        time.time_ns() // 1_000_000,
    )


def _observed(ring: Keyring | None, state: State, deliveries: Iterable[Delivery]) -> Mapping[Target, Observed]:
    """What stands in the store local now; the other stores are not asked."""
    from controller.model import Observed as Seen
    from controller.stores.local import UID, LocalStore

    held = [each.id for each in ring.record.state_keys] if ring else None
    store = LocalStore(state, tuple, lambda: 0, held)
    targets = [each.target for each in deliveries if each.target.store == UID]
    found = asyncio.run(store.observe(targets)) if targets else {}
    return {target: seen for target, seen in found.items() if isinstance(seen, Seen)}


def _keyring(ring: Keyring | None) -> tuple[str, str, tuple[str, ...]]:
    """The newest key that seals, its end, and what there is to warn of."""
    if ring is None:
        return "", "", ()
    from controller import keyadmin
    from sealer.formats import backup
    from sealer.formats.keyid import RSA
    from sealer.formats.strictjson import format_time

    now = datetime.now(UTC)
    warnings = [backup.warning(ring.record)]
    for entry in keyadmin.ending(ring.record, now=now):
        word = "ended" if entry.not_after < now else "ends"
        algorithm = " --algorithm rsa" if entry.algorithm == RSA else ""
        warnings.append(
            f"key {entry.id[:8]} {word} {entry.not_after:%Y-%m-%d}; run: sealer-controller keys generate{algorithm}"
        )
    newest = settings.sealing_key(ring)
    key, until = (newest.id, format_time(newest.not_after)) if newest else ("", "")
    return key, until, tuple(each for each in warnings if each)


def _shown(location: str) -> str:
    return config.shown(location) if location.startswith("/") else location
