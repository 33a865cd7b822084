"""Service accounts of a cluster: their tokens, and how a program has them that runs in a pod."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

RBAC = "rbac.authorization.k8s.io"
_BINDINGS = f"/apis/{RBAC}/v1/clusterrolebindings"
_POD = """
set -e
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"
"""


def user(namespace: str, name: str) -> str:
    """An account's name in an API server's rules and logs."""
    return f"system:serviceaccount:{namespace}:{name}"


def token(cluster: Cluster, namespace: str, name: str, *audiences: str) -> str:
    """A token of an account, which is made if need be."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    status, answer = cluster.call("POST", path, {"metadata": {"name": name}})
    assert status in (201, 409), answer
    spec = {"audiences": list(audiences)} if audiences else {}
    status, answer = cluster.call("POST", f"{path}/{name}/token", {"spec": spec})
    assert status == 201, answer
    return str(answer["status"]["token"])


def allow_all(cluster: Cluster, namespace: str, name: str) -> None:
    """Let an account do whatever it wants, and come back when the API server has learnt of it."""
    binding = {
        "metadata": {"name": f"{namespace}-{name}"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    status, answer = cluster.call("POST", _BINDINGS, binding)
    assert status in (201, 409), answer
    cluster.apiserver.wait_ready(lambda: _may_all(cluster, namespace, name))


def revoke_all(cluster: Cluster, namespace: str, name: str) -> None:
    """Take that away again, and come back when the API server has learnt of it."""
    status, answer = cluster.call("DELETE", f"{_BINDINGS}/{namespace}-{name}")
    assert status == 200, answer
    cluster.apiserver.wait_ready(lambda: not _may_all(cluster, namespace, name))


def _may_all(cluster: Cluster, namespace: str, name: str) -> bool:
    """What the API server says, which learns of bindings by a watch of its own."""
    asked = {"user": user(namespace, name), "resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
    status, answer = cluster.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert status == 201, answer
    return bool(answer["status"]["allowed"])


def kubeconfig(cluster: Cluster, shown: str, path: Path) -> Path:
    """A kubeconfig of who shows this token."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": shown}
    path.write_text(yaml.safe_dump(config))
    return path


def pod(cluster: Cluster, namespace: str, shown: str, files: Path) -> tuple[list[Any], dict[str, str]]:
    """What stands before a command so that it finds what a pod has, and its environment. `files`: a folder for that.

    It runs in a mount namespace of its own, in which /run is empty but for these; nothing of the system is touched.
    """
    for name, text in (("token", shown), ("ca.crt", cluster.ca.read_text()), ("namespace", namespace)):
        (files / name).write_text(text)
    host, _, port = cluster.url.removeprefix("https://").partition(":")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "POD_NAMESPACE": namespace}
    return ["unshare", "-rm", "sh", "-c", _POD, "sh", files], environ
