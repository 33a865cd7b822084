"""What the work on SealedSecrets is done with: the values and objects that are the same for every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealer.kube.client import ApiError

if TYPE_CHECKING:
    from controller.kube.audit import Audit
    from controller.kube.metrics import Metrics
    from controller.kube.opening import Opener
    from controller.kube.queue import Queue
    from controller.kube.recorder import Recorder
    from controller.kube.registry import KeyRegistry
    from controller.kube.rest import Rest
    from controller.kube.sealed import SealedSecrets
    from sealer.kube.client import Client

_NOT_FOUND = 404


class Away(Exception):
    """This replica leads no more: whoever does now will do it. Nothing is wrong, so it is no error."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reconciler works with. `log(level, event, fields)`; `clock` in UTC.

    `absent`: whether the watch of Secrets shows for sure that nothing stands under a key.
    """

    client: Client
    queue: Queue
    sealed: SealedSecrets
    registry: KeyRegistry
    opener: Opener
    audit: Audit
    metrics: Metrics
    recorder: Recorder
    rest: Rest
    leads: Callable[[], bool]
    log: Callable[..., None]
    own_namespace: str
    absent: Callable[[str], bool]
    accept_data: bool = True
    update_status: bool = True
    delete_ourselves: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def may(self) -> None:
        """Raise Away unless this replica leads; before each write."""
        if not self.leads():
            raise Away("this replica leads no more")


async def found_at(client: Client, path: str) -> dict[str, Any] | None:
    """An object; None if there is none."""
    try:
        found: dict[str, Any] = await client.get(path)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    return found
