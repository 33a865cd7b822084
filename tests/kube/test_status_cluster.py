"""`sealer-controller status --from-cluster` beside our controller and a real API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.kube.controllers import Objects, Running, foreign, sealed

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
    assert found["there"][1] == 'Resource "there" already exists and is not managed by SealedSecret'
    text = _status(kubeconfig, "-n", objects.namespace, "--failed").stdout
    assert text.splitlines()[0] == objects.cluster.url
    assert "function nofunc is not defined" in text
    context = yaml.safe_load(kubeconfig.read_text())["contexts"][0]["name"]
    text = _status(kubeconfig, "-n", objects.namespace, "--context", context).stdout
    assert text.splitlines()[0] == context


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
        (objects.path("serviceaccounts"), {}),
        (f"{rbac}/roles", {"rules": [rule]}),
        (f"{rbac}/rolebindings", {"roleRef": role, "subjects": [subject]}),
    ):
        code, made = objects.cluster.call("POST", path, {"metadata": {"name": name}, **body})
        assert code == 201, made
    path = f"{objects.path('serviceaccounts', name)}/token"
    code, made = objects.cluster.call("POST", path, {"spec": {"expirationSeconds": 3600}})
    assert code == 201, made
    config = yaml.safe_load(objects.cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": made["status"]["token"]}
    (directory / "viewer").write_text(yaml.safe_dump(config))
    return directory / "viewer"


def test_an_empty_namespace_and_none(objects: Objects) -> None:
    kubeconfig = objects.cluster.kubeconfig
    ran = _status(kubeconfig, "-n", objects.namespace)
    assert (ran.returncode, ran.stdout.splitlines()) == (
        0,
        [objects.cluster.url, f"no SealedSecrets in {objects.namespace}"],
    )
    ran = _status(kubeconfig, "-n", "nosuchns")
    assert (ran.returncode, ran.stdout, ran.stderr.splitlines()) == (
        2,
        "",
        [
            f"error: {objects.cluster.url}: has no namespace nosuchns",
            "  way out: kubectl get namespaces, or leave -n out",
        ],
    )
    ran = _status(kubeconfig, "-n", "../x")
    assert (ran.returncode, "is not a DNS-1123 label" in ran.stderr) == (2, True)
