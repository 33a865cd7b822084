"""`sealer-controller status --from-cluster`: what the SealedSecrets of a cluster say of themselves. Reads only."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from controller import settings
from controller import status as statuses
from sealer import console
from sealer.emit import emit, refuse_format


def run(
    *,
    failed: bool = False,
    kubeconfig: str = "",
    context: str = "",
    namespace: str = "",
    format: str = "text",  # noqa: A002  # the option's name
    output: str | None = None,
) -> int:
    """Show every SealedSecret of a cluster or a namespace; 1 unless all is delivered."""
    refuse_format(output)
    settings.require_kubernetes()
    from controller.kube import names, overview
    from controller.kube.listing import listed
    from sealer.kube import kubeconfig as kubeconfigs
    from sealer.kube.client import Client

    async def objects() -> list[dict[str, Any]]:
        async with Client(lambda: kubeconfigs.find(kubeconfig=kubeconfig, context=context)) as client:
            return await listed(client, names.sealed_secrets(namespace))

    rows = overview.rows(asyncio.run(objects()))
    delivered = sum(row.state == statuses.DELIVERED for row in rows)
    status = statuses.Status(
        context or "cluster",
        "",
        "",
        (),
        tuple(row for row in rows if not failed or row.state not in statuses.SETTLED),
        (),
        len(rows),
        delivered,
        time.time_ns() // 1_000_000,
    )
    emit(statuses.FORMATS[format](status), output)
    return console.OK if status.ok else console.NO
