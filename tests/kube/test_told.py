"""What the log and the status tell an operator: which right is missing, who else leads, what was put back by whom."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.kube import accounts
from tests.kube.controllers import Objects, Running, ours, sealed, synced
from tests.kube.tools import Kubectl

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

_ALL = ["*"]
_READ = ["get", "list", "watch"]


def _grant(cluster: Cluster, namespace: str, user: str, rules: dict[str, Sequence[str]]) -> None:
    """Let a user do this in a namespace; by resource, of whatever group."""
    path = f"/apis/{accounts.RBAC}/v1/namespaces/{namespace}"
    body: dict[str, Any] = {
        "metadata": {"name": "some"},
        "rules": [{"apiGroups": _ALL, "resources": [each], "verbs": list(verbs)} for each, verbs in rules.items()],
    }
    assert cluster.call("POST", f"{path}/roles", body)[0] == 201
    body = {
        "metadata": {"name": "some"},
        "roleRef": {"apiGroup": accounts.RBAC, "kind": "Role", "name": "some"},
        "subjects": [{"kind": "User", "name": user}],
    }
    assert cluster.call("POST", f"{path}/rolebindings", body)[0] == 201


def _told(cluster: Cluster, running: Running, event: str, **fields: object) -> dict[str, Any]:
    """The first record of this event with these fields, as soon as there is one."""

    def found() -> list[dict[str, Any]]:
        return [each for each in list(running.log) if each["event"] == event and fields.items() <= each.items()]

    cluster.apiserver.wait_ready(lambda: bool(found()))
    return found()[0]


def test_a_right_that_is_missing_is_named_with_the_command_that_asks_for_it(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    cluster, own = own_cluster, own_cluster.namespace()
    unwritten, untold = Objects(cluster, cluster.namespace()), Objects(cluster, cluster.namespace())
    token = accounts.token(cluster, own, "some")
    user = accounts.user(own, "some")
    _grant(cluster, own, user, {"secrets": _ALL, "leases": _ALL, "events": _ALL, "sealedsecrets": _READ})
    _grant(
        cluster, unwritten.namespace, user,
        {"secrets": _READ, "events": _ALL, "sealedsecrets": _READ, "sealedsecrets/status": _ALL},
    )  # fmt: skip
    _grant(cluster, untold.namespace, user, {"secrets": _ALL, "events": _ALL, "sealedsecrets": _READ})
    kubeconfig = accounts.kubeconfig(cluster, token, tmp_path / "config")
    others = f"{unwritten.namespace},{untold.namespace}"
    with ours(cluster, own, f"--kubeconfig={kubeconfig}", f"--additional-namespaces={others}") as controller:
        for each in (unwritten, untold):
            each.create("sealedsecrets", sealed(controller, each.namespace, "db", {"a": secrets.token_bytes(9)}))
        asks = f"kubectl auth can-i create secrets -n {unwritten.namespace}"
        assert f"({asks} --as ACCOUNT)" in synced(unwritten.settled("db", "False"))["message"]
        retry = _told(cluster, controller, "retry", name=f"{untold.namespace}/db")
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{untold.namespace}/sealedsecrets/db/status"
    assert retry["request"] == f"PUT {path}"
    told = f"kubectl auth can-i update sealedsecrets.bitnami.com/db --subresource=status -n {untold.namespace}"
    assert retry["try"] == told
    kubectl = Kubectl(cluster)
    for command in (asks, told):  # it is one that kubectl takes, and answers for that account
        ran = kubectl.run(*command.split()[1:], "--as", user)
        assert (ran.stdout.strip(), ran.stderr) == ("no", "")
        assert kubectl.done(*command.split()[1:]).strip() == "yes"


def test_who_waits_says_for_whom(own_cluster: Cluster) -> None:
    namespace = own_cluster.namespace()
    with (
        ours(own_cluster, namespace, pod="first") as leader,
        ours(own_cluster, namespace, pod="second", ready="waits") as standby,
    ):
        (waits,) = [each for each in standby.log if each["event"] == "waits"]
        assert waits["holder"] == _told(own_cluster, leader, "leads")["identity"]
        assert waits["identity"].startswith("second_")
        assert not [each for each in leader.log if each["event"] == "waits"]


def test_what_is_put_back_is_logged_with_what_had_become_of_it(controller: Running, objects: Objects) -> None:
    value = secrets.token_bytes(9)
    objects.create("sealedsecrets", sealed(controller, objects.namespace, "db", {"a": value}))
    objects.holds("db", {"a": value})
    objects.settled("db")
    name = f"{objects.namespace}/db"
    objects.patch("secrets", "db", {"data": {"b": "eA=="}})
    _told(objects.cluster, controller, "repaired", name=name, found="changed")
    objects.delete("secrets", "db")
    _told(objects.cluster, controller, "repaired", name=name, found="deleted")
    objects.holds("db", {"a": value})
