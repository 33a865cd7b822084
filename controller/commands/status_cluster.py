"""`sealer-controller status --from-cluster`: what the SealedSecrets of a cluster say of themselves. Reads only.

Of Secrets the metadata is looked at, to know which of them stand, where who asks may list them.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from controller import settings
from controller import status as statuses
from sealer import console
from sealer.emit import emit, refuse_format
from sealer.errors import SourceError
from sealer.formats.binding import check_namespace

if TYPE_CHECKING:
    from controller.kube.overview import Standing
    from sealer.kube.client import Client

_FORBIDDEN, _NOT_FOUND = 403, 404
_NO_TYPE = (
    "--context NAME for another cluster; else sealer-controller manifests --image IMAGE | "
    "kubectl apply --server-side -f -"
)
_NOT_LISTED = (
    "you may not list Secrets (kubectl auth can-i list secrets): delivered is what the controller wrote, and of what "
    "failed it isn't known whether an older version stands"
)


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
    if namespace:
        check_namespace(namespace)
    settings.require_kubernetes()
    from controller.kube import overview
    from sealer.kube import kubeconfig as kubeconfigs
    from sealer.kube.client import Client

    access = kubeconfigs.find(kubeconfig=kubeconfig, context=context)
    shown = f"context {access.context}" if access.context else "in the cluster"

    async def look() -> tuple[list[dict[str, Any]], Standing | None]:
        async with Client(lambda: kubeconfigs.find(kubeconfig=kubeconfig, context=context)) as client:
            objects = await _sealed(client, namespace, shown)
            return objects, await _standing(client, namespace) if objects else {}

    objects, standing = asyncio.run(look())
    rows = overview.rows(objects, standing)
    delivered = sum(row.state == statuses.DELIVERED for row in rows)
    status = statuses.Status(
        access.context or access.cluster.server,
        "",
        "",
        (),
        tuple(row for row in rows if not failed or row.state not in statuses.SETTLED),
        (_NOT_LISTED,) if standing is None else (),
        len(rows),
        delivered,
        time.time_ns() // 1_000_000,
        nothing=f"no SealedSecrets in {namespace}" if namespace else "no SealedSecrets",
        heading=f"{shown}, namespace {namespace}" if namespace else f"{shown}, all namespaces",
    )
    emit(statuses.FORMATS[format](status), output)
    return console.OK if status.ok else console.NO


async def _sealed(client: Client, namespace: str, shown: str) -> list[dict[str, Any]]:
    """The SealedSecrets. Raises SourceError where there is no such namespace, or no such type."""
    from controller.kube import names
    from controller.kube.listing import listed
    from sealer.kube.client import ApiError

    try:
        found = await listed(client, names.sealed_secrets(namespace))
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise
        raise SourceError("has no type SealedSecret", where=shown, way_out=_NO_TYPE) from None
    if namespace and not found:
        try:
            await client.get(f"/api/v1/namespaces/{namespace}")
        except ApiError as error:
            if error.status == _NOT_FOUND:
                what = f"has no namespace {namespace}"
                raise SourceError(what, where=shown, way_out="kubectl get namespaces, or leave -n out") from None
            if error.status != _FORBIDDEN:
                raise
    return found


async def _standing(client: Client, namespace: str) -> Standing | None:
    """The Secrets that stand; None if they may not be listed."""
    from controller.kube import names, overview
    from controller.kube.listing import Pages
    from sealer.kube.client import METADATA_LIST, ApiError

    found: Standing = {}
    pages = Pages(client, names.secrets(namespace), {}, METADATA_LIST)
    try:
        async for items in pages:
            if pages.began_anew:
                found, pages.began_anew = {}, False
            found.update(map(overview.stands, items))
    except ApiError as error:
        if error.status != _FORBIDDEN:
            raise
        return None
    return found
