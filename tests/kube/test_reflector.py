"""The reflector beside a real API server: what the fake one does in tests/controller/kube is what the real one does."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from controller.kube.listing import PAGE
from controller.kube.reflector import Reflector
from sealer.kube import kubeconfig
from sealer.kube.client import Client
from tests.controller.kube.test_reflector import Mirror

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster


@asynccontextmanager
async def _following(cluster: Cluster, path: str, *, metadata_only: bool = False) -> AsyncIterator[Mirror]:
    async with Client(lambda: kubeconfig.find(kubeconfig=str(cluster.kubeconfig))) as client:
        mirror = Mirror()
        waits: list[float] = []

        async def short(seconds: float) -> None:
            waits.append(seconds)
            await asyncio.sleep(min(seconds, 0.2))

        reflector = Reflector(client, path, mirror, metadata_only=metadata_only, sleep=short)
        task = asyncio.create_task(reflector.run())
        try:
            await mirror.until(lambda: mirror.completed > 0)
            yield mirror
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _put(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    body = {"metadata": {"name": name}, "data": {"token": base64.b64encode(secrets.token_bytes(12)).decode()}}
    status, made = cluster.call("POST", f"/api/v1/namespaces/{namespace}/secrets", body)
    assert status == 201, made
    return dict(made)


def _delete(cluster: Cluster, namespace: str, name: str) -> None:
    assert cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/secrets/{name}")[0] == 200


async def _off(call: Callable[..., Any], *arguments: Any) -> Any:
    """A call that blocks, beside the loop: the reflector goes on meanwhile."""
    return await asyncio.to_thread(call, *arguments)


def test_a_new_a_changed_and_a_deleted_object_are_told(cluster: Cluster, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"

    async def main() -> None:
        async with _following(cluster, path) as mirror:
            made = await _off(_put, cluster, namespace, "db")
            await mirror.until(lambda: f"{namespace}/db" in mirror.items)
            patch = {"metadata": {"labels": {"a": "b"}}}
            await _off(cluster.call, "PATCH", f"{path}/db", patch, "application/merge-patch+json")
            await mirror.until(lambda: "labels" in mirror.items[f"{namespace}/db"]["metadata"])
            assert mirror.items[f"{namespace}/db"]["data"] == made["data"]
            await _off(_delete, cluster, namespace, "db")
            await mirror.until(lambda: not mirror.items)

    asyncio.run(main())


def test_of_metadata_only_no_value_comes_here(cluster: Cluster, namespace: str) -> None:
    _put(cluster, namespace, "listed")

    async def main() -> None:
        async with _following(cluster, f"/api/v1/namespaces/{namespace}/secrets", metadata_only=True) as mirror:
            await _off(_put, cluster, namespace, "watched")
            await mirror.until(lambda: len(mirror.items) == 2)
            assert all(set(item) <= {"kind", "apiVersion", "metadata"} for item in mirror.items.values())
            assert ("listed", f"{namespace}/listed") in mirror.told

    asyncio.run(main())


def test_more_objects_than_a_page_are_all_listed(cluster: Cluster, namespace: str) -> None:
    names = {f"s-{number}" for number in range(PAGE + 3)}
    for name in names:
        _put(cluster, namespace, name)

    async def main() -> None:
        async with _following(cluster, f"/api/v1/namespaces/{namespace}/secrets", metadata_only=True) as mirror:
            assert set(mirror.items) == {f"{namespace}/{name}" for name in names}

    asyncio.run(main())


def test_a_server_that_is_killed_and_comes_back_loses_nothing(cluster: Cluster, namespace: str) -> None:
    _put(cluster, namespace, "before")

    async def main() -> None:
        async with _following(cluster, f"/api/v1/namespaces/{namespace}/secrets") as mirror:
            await _off(lambda: cluster.restart(kill=True))
            await _off(_put, cluster, namespace, "after")
            await _off(_delete, cluster, namespace, "before")
            await mirror.until(lambda: set(mirror.items) == {f"{namespace}/after"})

    asyncio.run(main())


def test_storage_that_is_gone_for_a_while_loses_nothing(cluster: Cluster, namespace: str) -> None:
    async def main() -> None:
        async with _following(cluster, f"/api/v1/namespaces/{namespace}/secrets") as mirror:
            await _off(lambda: cluster.stop_etcd(kill=True))
            await _off(cluster.start_etcd)
            await _off(_put, cluster, namespace, "after")
            await mirror.until(lambda: f"{namespace}/after" in mirror.items)

    asyncio.run(main())
