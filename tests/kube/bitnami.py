"""Bitnami's own controller beside a real API server. It takes a pod's credentials alone, so it runs as in a pod."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kube import accounts
from tests.kube.controllers import PATIENCE, Running
from tests.kube.servers import free_ports

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

_ACCOUNT = "theirs"


@contextlib.contextmanager
def theirs(
    cluster: Cluster, program: Path, namespace: str, files: Path, *flags: str, address: str = "127.0.0.1"
) -> Iterator[Running]:
    """Their controller, whose own namespace this is, from its first answer until the end of the block.

    It serves all namespaces and limits no requests, unless `flags`, which count more, say else. It needs a folder.
    """
    accounts.allow_all(cluster, namespace, _ACCOUNT)
    listen, metrics = free_ports(2)
    mounted = files / "account"
    mounted.mkdir()
    command, environ = accounts.pod(cluster, namespace, accounts.token(cluster, namespace, _ACCOUNT), mounted)
    command += [
        program, f"--listen-addr={address}:{listen}", f"--listen-metrics-addr=127.0.0.1:{metrics}", "--key-size=2048",
        "--kubeclient-qps=10000", "--kubeclient-burst=10000", "--rate-limit=10000", "--rate-limit-burst=10000", *flags,
    ]  # fmt: skip
    log = files / "log"
    with open(log, "w") as stream:
        process = subprocess.Popen(
            command, env={**os.environ, **environ}, stdout=stream, stderr=subprocess.STDOUT, text=True
        )
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
