"""A Service in front of something that runs here, so that it is reached through the API server's proxy."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

NAME = "sealed-secrets-controller"


def reachable_address() -> str:
    """An address of this machine that the endpoints of a Service may have: a loopback one is refused there."""
    lines = Path("/proc/net/fib_trie").read_text().splitlines()
    local = [lines[at - 1].split()[-1] for at, line in enumerate(lines) if "/32 host LOCAL" in line]
    found = [each for each in map(IPv4Address, local) if not each.is_loopback and not each.is_link_local]
    assert found, "this machine has no IPv4 address but loopback ones: give it one (ip address add 192.0.2.2/32 dev lo)"
    return str(found[0])


def listen() -> socket.socket:
    """A socket at that address."""
    return socket.create_server((reachable_address(), 0))


def publish(cluster: Cluster, namespace: str, port: int, port_name: str = "http", name: str = NAME) -> None:
    """The Service of a controller whose endpoints listen at a port of this machine; unnamed as in plain manifests."""
    named = {"name": port_name} if port_name else {}
    body = {"metadata": {"name": name}, "spec": {"ports": [{**named, "port": 8080}]}}
    _create(cluster, f"/api/v1/namespaces/{namespace}/services", body)
    stand_behind(cluster, namespace, port, port_name, name)


def stand_behind(cluster: Cluster, namespace: str, port: int, port_name: str = "http", name: str = NAME) -> None:
    """Let a port of this machine be what a Service leads to, as the controller manager would with a pod.

    The API server passes requests on only to what a Pod has as its address: so there is one, which nobody runs.
    """
    named = {"name": port_name} if port_name else {}
    address = reachable_address()
    path = f"/api/v1/namespaces/{namespace}"
    container = {"name": "controller", "image": "none.invalid/none"}
    _create(cluster, f"{path}/pods", {"metadata": {"name": name}, "spec": {"containers": [container]}})
    status = {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}
    code, made = cluster.call("PATCH", f"{path}/pods/{name}/status", status, "application/merge-patch+json")
    assert code == 200, made
    pod = {"kind": "Pod", "name": name, "namespace": namespace}
    subset = {"addresses": [{"ip": address, "targetRef": pod}], "ports": [{**named, "port": port}]}
    _create(cluster, f"{path}/endpoints", {"metadata": {"name": name}, "subsets": [subset]})
    _create(
        cluster,
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "targetRef": pod, "conditions": {"ready": True}}],
            "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
        },
    )


def proxied(namespace: str, path: str, port_name: str = "http") -> str:
    """The address of a page of it at the API server."""
    return f"/api/v1/namespaces/{namespace}/services/http:{NAME}:{port_name}/proxy{path}"


def _create(cluster: Cluster, path: str, body: dict[str, Any]) -> None:
    status, made = cluster.call("POST", path, body)
    assert status == 201, made
