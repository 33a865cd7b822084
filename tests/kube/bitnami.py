"""Bitnami's real controller beside a cluster. It takes only a pod's credentials, at the path where a pod has them.

So it runs in a mount namespace of its own, in which /run is empty but for these; nothing of the system is touched.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

_INSIDE = """\
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"
"""
_ACCOUNT = "bitnami"


@asynccontextmanager
async def controller(
    cluster: Cluster, namespace: str, program: Path, directory: Path, *flags: str
) -> AsyncIterator[str]:
    """Run it for a namespace until the end of the block; the address of its endpoints."""
    await asyncio.to_thread(_account, cluster, namespace, directory)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        address, metrics = (f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other))
    host, _, port = cluster.url.removeprefix("https://").partition(":")
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--map-root-user", "--mount", "sh", "-ec", _INSIDE, "sh", str(directory), str(program)),
        "--all-namespaces=false",
        f"--listen-addr={address}",
        f"--listen-metrics-addr={metrics}",
        *flags,
        env={
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "POD_NAMESPACE": namespace,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _account(cluster: Cluster, namespace: str, directory: Path) -> None:
    """A service account that may do all, and the files that its pods would have."""

    def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = cluster.call("POST", path, body)
        assert status in (200, 201), answer
        return dict(answer)

    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    made(path, {"metadata": {"name": _ACCOUNT}})
    made(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": f"{namespace}-{_ACCOUNT}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": namespace}],
        },
    )
    token = made(f"{path}/{_ACCOUNT}/token", {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    (directory / "token").write_text(token)
    (directory / "namespace").write_text(namespace)
    (directory / "ca.crt").write_text(cluster.ca.read_text())
