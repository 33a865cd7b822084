"""`sealer-controller status --from-cluster` beside our controller and a real API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.kube import accounts
from tests.kube.controllers import Objects, Running, foreign, sealed
from tests.kube.tools import run

Ran = subprocess.CompletedProcess[str]


def _status(kubeconfig: Path, *arguments: str) -> Ran:
    command = [sys.executable, "-m", "controller", "status", "--from-cluster", *arguments]
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in ran.stderr
    return ran


def _rows(ran: Ran) -> dict[str, tuple[str, str]]:
    """State and reason by name."""
    return {each["name"]: (each["state"], each["reason"]) for each in json.loads(ran.stdout)["deliveries"]}


def _spoil(objects: Objects, name: str) -> None:
    """Deliver one, then make it fail while its Secret stands."""
    item = objects.get("sealedsecrets", name)
    assert item is not None
    objects.patch("sealedsecrets", name, {"spec": {"encryptedData": {"a": item["spec"]["encryptedData"]["a"][:-8]}}})
    objects.settled(name, "False")


def _put(objects: Objects, controller: Running, name: str, **template: Any) -> None:
    objects.create("sealedsecrets", sealed(controller, objects.namespace, name, {"a": b"1"}, **template))


def test_each_says_what_stands_and_why(controller: Running, objects: Objects) -> None:
    foreign(objects, "there", {"a": b"0"})
    for name in ("fine", "old", "new", "there"):
        _put(objects, controller, name)
    _put(objects, controller, "bad", data={"dsn": "postgres {{ nofunc .a }}"})
    for name in ("fine", "old", "new"):
        objects.settled(name)
    for name in ("there", "bad"):
        objects.settled(name, "False")
    for name in ("old", "new"):
        _spoil(objects, name)
    objects.delete("secrets", "new")
    kubeconfig = objects.cluster.kubeconfig
    ran = _status(kubeconfig, "-n", objects.namespace, "--format", "json")
    found = _rows(ran)
    assert ran.returncode == 1
    assert {name: state for name, (state, _) in found.items()} == {
        "fine": "delivered", "old": "stale", "new": "failed", "there": "refused", "bad": "failed",
    }  # fmt: skip
    assert found["bad"][1].startswith("template of item dsn, line 1, column ")
    assert found["there"][1].startswith('Resource "there" already exists and is not managed by SealedSecret; ')
    text = _status(kubeconfig, "-n", objects.namespace, "--failed").stdout
    assert "function nofunc is not defined" in text


def test_the_heading_names_what_was_asked(objects: Objects, tmp_path: Path) -> None:
    """The context that counts, whether it was named or is the current one, and the namespace; a pod has no context."""
    config, namespace = yaml.safe_load(objects.cluster.kubeconfig.read_text()), objects.namespace
    config["contexts"].append({"name": "another", "context": config["contexts"][0]["context"]})
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))

    def heading(*arguments: str) -> str:
        return _status(kubeconfig, *arguments).stdout.splitlines()[0]

    assert heading("-n", namespace) == f"context test, namespace {namespace}"
    assert heading() == "context test, all namespaces"
    assert heading("--context", "another") == "context another, all namespaces"
    assert json.loads(_status(kubeconfig, "-n", namespace, "--format", "json").stdout)["cluster"] == "test"
    assert _status(kubeconfig, "--format", "markdown").stdout.startswith("**context test, all namespaces**\n")
    cluster, account = objects.cluster, tmp_path / "account"
    account.mkdir()
    accounts.allow_all(cluster, namespace, "pod")
    before, environ = accounts.pod(cluster, namespace, accounts.token(cluster, namespace, "pod"), account)
    command = [*map(str, before), sys.executable, "-m", "controller"]
    ran = run(*command, "status", "--from-cluster", "-n", namespace, KUBECONFIG="", **environ)
    assert ran.stdout.splitlines() == [f"in the cluster, namespace {namespace}", f"no SealedSecrets in {namespace}"]


def test_who_may_not_list_secrets_is_told_so(controller: Running, objects: Objects, tmp_path: Path) -> None:
    _put(objects, controller, "old")
    objects.settled("old")
    _spoil(objects, "old")
    viewer = _viewer(objects, tmp_path)
    ran = _status(viewer, "-n", objects.namespace, "--format", "json")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert _rows(ran)["old"][0] == "failed"
    assert "you may not list Secrets" in json.loads(ran.stdout)["warnings"][0]
    objects.delete("sealedsecrets", "old")
    ran = _status(viewer, "-n", objects.namespace)  # who may not ask whether the namespace is there either
    assert (ran.returncode, ran.stdout.splitlines()[1:]) == (0, [f"no SealedSecrets in {objects.namespace}"])
    assert _status(viewer).returncode == 2


def _viewer(objects: Objects, directory: Path) -> Path:
    """The kubeconfig of an account that may see the SealedSecrets of this namespace, and nothing else."""
    name, namespace = "viewer", objects.namespace
    rbac, group = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}", "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["get", "list"]}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    role = {"apiGroup": group, "kind": "Role", "name": name}
    for path, body in (
        (f"{rbac}/roles", {"rules": [rule]}),
        (f"{rbac}/rolebindings", {"roleRef": role, "subjects": [subject]}),
    ):
        code, made = objects.cluster.call("POST", path, {"metadata": {"name": name}, **body})
        assert code == 201, made
    return accounts.kubeconfig(objects.cluster, accounts.token(objects.cluster, namespace, name), directory / "viewer")


def test_an_empty_namespace_and_none(objects: Objects) -> None:
    kubeconfig = objects.cluster.kubeconfig
    ran = _status(kubeconfig, "-n", objects.namespace)
    assert (ran.returncode, ran.stdout.splitlines()) == (
        0,
        [f"context test, namespace {objects.namespace}", f"no SealedSecrets in {objects.namespace}"],
    )
    ran = _status(kubeconfig, "-n", "nosuchns")
    assert (ran.returncode, ran.stdout, ran.stderr.splitlines()) == (
        2,
        "",
        [
            "error: context test: has no namespace nosuchns",
            "  way out: kubectl get namespaces, or leave -n out",
        ],
    )
    ran = _status(kubeconfig, "-n", "../x")
    assert (ran.returncode, "is not a DNS-1123 label" in ran.stderr) == (2, True)
