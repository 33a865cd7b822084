"""Bitnami's own controller beside a real API server, in a mount namespace of its own: it only knows pods."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kube.controllers import PATIENCE, Running
from tests.kube.servers import free_ports

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

_IN_A_POD = """
set -e
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
cp "$POD_FILES/token" "$POD_FILES/ca.crt" "$POD_FILES/namespace" /run/secrets/kubernetes.io/serviceaccount/
exec "$@"
"""


@contextlib.contextmanager
def theirs(
    cluster: Cluster, program: Path, namespace: str, files: Path, *flags: str, address: str = "127.0.0.1"
) -> Iterator[Running]:
    """Their controller, whose own namespace this is, until the end of the block. `files` is a folder of its own."""
    token = _account(cluster, namespace)
    for name, text in (("token", token), ("ca.crt", cluster.ca.read_text()), ("namespace", namespace)):
        (files / name).write_text(text)
    host, _, port = cluster.url.removeprefix("https://").partition(":")
    environ = {
        **os.environ, "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "POD_NAMESPACE": namespace,
        "POD_FILES": str(files),
    }  # fmt: skip
    listen, metrics = free_ports(2)
    command = [
        "unshare", "-rm", "sh", "-c", _IN_A_POD, "sh", str(program), f"--listen-addr={address}:{listen}",
        f"--listen-metrics-addr=127.0.0.1:{metrics}", "--key-size=2048", "--kubeclient-qps=10000",
        "--kubeclient-burst=10000", "--rate-limit=10000", "--rate-limit-burst=10000", *flags,
    ]  # fmt: skip
    log = files / "log"
    with open(log, "w") as stream:
        process = subprocess.Popen(command, env=environ, stdout=stream, stderr=subprocess.STDOUT, text=True)
    running = Running(process, f"{address}:{listen}", f"127.0.0.1:{metrics}", namespace, [])
    try:
        cluster.apiserver.wait_ready(lambda: _answers(running, log))
        yield running
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(running: Running, log: Path) -> bool:
    if running.process.poll() is not None:
        raise AssertionError(f"their controller ended: {log.read_text()[-2000:]}")
    try:
        return running.get("/v1/cert.pem").startswith(b"-----BEGIN CERTIFICATE")
    except (OSError, urllib.error.HTTPError):
        return False


def _account(cluster: Cluster, namespace: str) -> str:
    """The token of a new service account that may do all, as their installation's own may in what it needs."""
    name = "theirs"
    body = {"metadata": {"name": name}}
    status, answer = cluster.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", body)
    assert status in (201, 409), answer
    binding = {
        "metadata": {"name": f"{namespace}-theirs"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    status, answer = cluster.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    assert status in (201, 409), answer
    request = {"spec": {"expirationSeconds": 3600}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    status, answer = cluster.call("POST", path, request)
    assert status == 201, answer
    return str(answer["status"]["token"])
