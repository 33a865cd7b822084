"""The cluster of our tests is a real one, and can be stopped, frozen and restarted."""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube.cluster import Cluster
from tests.kube.servers import free_ports
from tests.servers import peers

_SEALED = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"}


def _put_secret(cluster: Cluster, namespace: str) -> bytes:
    value = secrets.token_bytes(16)
    body = {"metadata": {"name": "db"}, "data": {"token": base64.b64encode(value).decode()}}
    status, answer = cluster.call("POST", f"/api/v1/namespaces/{namespace}/secrets", body)
    assert status == 201, answer
    return value


def _read_secret(cluster: Cluster, namespace: str) -> bytes:
    status, answer = cluster.call("GET", f"/api/v1/namespaces/{namespace}/secrets/db")
    assert status == 200, answer
    return base64.b64decode(answer["data"]["token"])


@contextmanager
def _watch(cluster: Cluster, path: str) -> Iterator[Iterator[dict[str, Any]]]:
    connection = cluster.connect()
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        yield (json.loads(line) for line in response)
    finally:
        connection.close()


def test_version_is_the_one_asked_for(cluster: Cluster, kube_programs: tuple[Path, Path]) -> None:
    said = subprocess.run([kube_programs[1], "--version"], capture_output=True, text=True, check=True).stdout
    status, version = cluster.call("GET", "/version")
    assert status == 200
    assert said.strip() == f"Kubernetes {version['gitVersion']}"
    # Of $KUBEBUILDER_ASSETS it may be another; what we build ourselves is this one.
    if "KUBEBUILDER_ASSETS" not in os.environ:
        assert version["gitVersion"] == f"v{peers.KUBERNETES}" == "v1.36.3"
        assert (version["major"], version["minor"]) == ("1", "36")


def test_secret_is_created_and_read_back(cluster: Cluster, namespace: str) -> None:
    assert _put_secret(cluster, namespace) == _read_secret(cluster, namespace)


def test_watch_shows_a_new_secret(cluster: Cluster, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    start = cluster.call("GET", path)[1]["metadata"]["resourceVersion"]
    with _watch(cluster, f"{path}?watch=1&resourceVersion={start}") as events:
        _put_secret(cluster, namespace)
        event = next(events)
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "db")


def test_watch_from_a_revision_that_is_gone_is_expired(cluster: Cluster, namespace: str) -> None:
    # Of built-in types the server remembers all since revision 1 until it is restarted; this one was defined later.
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets"
    with _watch(cluster, f"{path}?watch=1&resourceVersion=1") as events:
        event = next(events)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


def test_a_request_comes_over_a_new_connection_if_the_last_was_closed(cluster: Cluster) -> None:
    """A connection is kept between requests, by the thread that started the cluster, and given up when it ends."""
    path = "/api/v1/namespaces/default"
    assert cluster.call("GET", path)[0] == 200
    kept = cluster._kept
    assert cluster.call("GET", path)[0] == 200
    assert cluster._kept is kept is not None
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(cluster.call, "GET", path).result()[0] == 200
    assert cluster._kept is kept
    kept.sock.shutdown(socket.SHUT_RDWR)
    assert cluster.call("GET", path)[0] == 200
    assert cluster._kept is not kept


def test_sealed_secrets_have_a_status_of_their_own(cluster: Cluster, namespace: str) -> None:
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets"
    body = {**_SEALED, "metadata": {"name": "db"}, "spec": {"encryptedData": {"token": "AgA="}}}
    status, made = cluster.call("POST", path, body)
    assert status == 201, made
    condition = {"type": "Synced", "status": "True"}
    made["status"] = {"observedGeneration": made["metadata"]["generation"], "conditions": [condition]}
    made["spec"]["encryptedData"] = {}
    status, answer = cluster.call("PUT", f"{path}/db/status", made)
    assert status == 200, answer
    _, now = cluster.call("GET", f"{path}/db")
    assert now["status"]["conditions"] == [condition]
    assert now["spec"] == body["spec"], "a write of the status leaves the spec alone"


def test_sealed_secret_without_encrypted_data_is_refused(cluster: Cluster, namespace: str) -> None:
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets"
    status, answer = cluster.call("POST", path, {**_SEALED, "metadata": {"name": "db"}, "spec": {}})
    assert (status, answer["reason"]) == (422, "Invalid")
    assert "spec.encryptedData" in answer["message"]


def test_defining_a_type_twice_is_no_error(cluster: Cluster) -> None:
    cluster.define(Path(__file__).with_name("crd.yaml"))


@pytest.mark.parametrize("kill", [False, True], ids=["politely", "killed"])
def test_restart_keeps_address_and_data(cluster: Cluster, namespace: str, kill: bool) -> None:
    value = _put_secret(cluster, namespace)
    before = cluster.apiserver.pid, cluster.url
    cluster.restart(kill=kill)
    assert cluster.apiserver.pid != before[0]
    assert cluster.url == before[1]
    assert _read_secret(cluster, namespace) == value


def test_paused_server_answers_when_it_goes_on(cluster: Cluster, namespace: str) -> None:
    connection = cluster.connect()
    connection.connect()
    cluster.pause()
    try:
        os.waitid(os.P_PID, cluster.apiserver.pid, os.WSTOPPED | os.WNOWAIT)
        connection.request("GET", f"/api/v1/namespaces/{namespace}")
    finally:
        cluster.resume()
    assert json.loads(connection.getresponse().read())["metadata"]["name"] == namespace
    connection.close()


def test_without_etcd_nothing_is_written_until_it_is_back(cluster: Cluster, namespace: str) -> None:
    value = _put_secret(cluster, namespace)
    cluster.stop_etcd(kill=True)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    try:
        status, answer = cluster.call("POST", f"{path}?timeout=1s", _config_map("a"))
        assert status >= 500, answer
    except http.client.RemoteDisconnected:
        pass  # its time was up before the API server had begun an answer
    finally:
        cluster.start_etcd()
    assert _read_secret(cluster, namespace) == value
    assert cluster.call("GET", f"{path}/a")[0] == 404


def _config_map(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def test_lists_expire_where_compaction_is_frequent(kube_programs: tuple[Path, Path]) -> None:
    with Cluster(*kube_programs, compaction="1s") as cluster:
        path = f"/api/v1/namespaces/{cluster.namespace()}/configmaps"
        for name in ("a", "b"):
            cluster.call("POST", path, _config_map(name))
        token = cluster.call("GET", f"{path}?limit=1")[1]["metadata"]["continue"]

        def expired() -> bool:
            # Compaction drops what came before the revision that was the newest a second ago.
            cluster.call("PUT", f"{path}/a", {**_config_map("a"), "data": {"n": secrets.token_hex(4)}})
            status, answer = cluster.call("GET", f"{path}?limit=1&continue={token}")
            return (status, answer.get("reason")) == (410, "Expired")

        cluster.apiserver.wait_ready(expired)


def test_ports_that_another_program_took_are_given_up(
    kube_programs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        tried: set[int] = set()

        def first_taken(count: int) -> list[int]:
            ports = free_ports(count)
            if count in tried:
                return ports
            tried.add(count)
            return [taken, *ports[1:]]

        monkeypatch.setattr("tests.kube.cluster.free_ports", first_taken)
        with Cluster(*kube_programs) as cluster:
            assert cluster.call("GET", "/version")[0] == 200
            assert cluster.url != f"https://127.0.0.1:{taken}"
    assert tried == {1, 2}, "etcd asks for two, the API server for one"


def test_kubeconfig_names_what_the_cluster_has(cluster: Cluster) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    assert config["clusters"][0]["cluster"] == {"server": cluster.url, "certificate-authority": str(cluster.ca)}
    assert config["users"][0]["user"] == {
        "client-certificate": str(cluster.certificate),
        "client-key": str(cluster.key),
    }
    assert cluster.key.stat().st_mode & 0o077 == 0
