"""`sealer keys fetch --from-cluster`: keys come from a controller behind the API server's proxy, wherever it is."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from sealer.errors import SourceError, UsageError
from sealer.formats import bundle
from sealer.kube.where import Where, parse, told
from sealer.pinning import fetch
from tests.kube import controllers, services
from tests.kube.bitnami import theirs

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

CONFIG = "version: 1\nclusters:\n  prod: {}\nrules:\n  - path: '**'\n    clusters: [prod]\n"


@pytest.fixture
def controller(cluster: Cluster, namespace: str) -> Iterator[controllers.Running]:
    """Ours, behind a Service that has no label."""
    address = services.reachable_address()
    with controllers.ours(cluster, namespace, f"--listen-addr={address}:0", "--cluster=prod") as running:
        services.publish(cluster, namespace, int(running.address.rpartition(":")[2]))
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    (work / ".sealer.yaml").write_text(CONFIG)
    return work


def _load(cluster: Cluster, **where: str) -> bytes:
    return fetch.load(Where(kubeconfig=str(cluster.kubeconfig), **where).src())


def _same(one: bytes, other: bytes) -> bool:
    """Whether two bundles say the same: each is issued anew, at another second."""
    left, right = bundle.parse(one), bundle.parse(other)
    return (left.identity, left.sequence, left.keys) == (right.identity, right.sequence, right.keys)


def _sealer(work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(work.parent), "XDG_STATE_HOME": str(work.parent / "state")}
    done = subprocess.run(
        ["sealer", *arguments], cwd=work, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr
    return done


def test_the_bundle_is_pinned(cluster: Cluster, controller: controllers.Running, repository: Path) -> None:
    asked = ("--from-cluster", "--kubeconfig", str(cluster.kubeconfig), "--controller-namespace", controller.namespace)
    done = _sealer(repository, "keys", "fetch", "--cluster", "prod", *asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pinned  prod")
    pinned = next(each for each in repository.glob(".sealer/**/*") if each.is_file())
    assert _same(pinned.read_bytes(), controller.get("/v1/keys"))
    again = _sealer(repository, "keys", "fetch", "--cluster", "prod", "--check", *asked)
    assert (again.returncode, again.stdout[:16]) == (0, "prod  up to date")


def test_a_controller_of_another_cluster_is_refused_with_a_way_out(
    cluster: Cluster, controller: controllers.Running, repository: Path
) -> None:
    (repository / ".sealer.yaml").write_text(CONFIG.replace("prod", "live"))
    asked = ("--from-cluster", "--kubeconfig", str(cluster.kubeconfig), "--controller-namespace", controller.namespace)
    for check in ((), ("--check",)):
        done = _sealer(repository, "keys", "fetch", "--cluster", "live", *asked, *check)
        assert (done.returncode, done.stderr.splitlines()) == (
            2,
            [
                f"error: the controller {controller.namespace}: calls its cluster prod, not live",
                "  way out: start the controller with --cluster live, or fetch with --cluster prod",
            ],
        )
    done = _sealer(repository, "keys", "fetch", *asked)  # of whichever cluster it says: prod, which isn't known
    assert (done.returncode, "unknown cluster prod; known: live" in done.stderr) == (2, True)


def test_a_controller_is_found_by_its_usual_name(cluster: Cluster, controller: controllers.Running) -> None:
    assert _same(_load(cluster, namespace=controller.namespace), controller.get("/v1/keys"))


def test_bitnamis_gives_its_certificate(
    cluster: Cluster, namespace: str, bitnami_controller: Path, tmp_path: Path
) -> None:
    address = services.reachable_address()
    with theirs(cluster, bitnami_controller, namespace, tmp_path, address=address) as running:
        services.publish(cluster, namespace, int(running.address.rpartition(":")[2]))
        assert _load(cluster, namespace=namespace).decode() == running.certificate()


def test_one_is_found_by_label_in_whatever_namespace(cluster: Cluster, controller: controllers.Running) -> None:
    name = f"keys-{controller.namespace}"
    port = int(controller.address.rpartition(":")[2])
    services.publish(cluster, controller.namespace, port, name=name)
    with pytest.raises(SourceError, match="no Service of a sealed-secrets controller"):
        _load(cluster, name=name)
    label = {"metadata": {"labels": {"app.kubernetes.io/name": "sealed-secrets"}}}
    path = f"/api/v1/namespaces/{controller.namespace}/services/{name}"
    assert cluster.call("PATCH", path, label, "application/merge-patch+json")[0] == 200
    assert _same(_load(cluster, name=name), controller.get("/v1/keys"))


def test_between_two_nothing_is_guessed(cluster: Cluster, namespace: str) -> None:
    other, name = cluster.namespace(), f"keys-{namespace}"
    metadata = {"name": name, "labels": {"name": "sealed-secrets-controller"}}
    for each in (namespace, other):
        body = {"metadata": metadata, "spec": {"ports": [{"port": 8080}]}}
        assert cluster.call("POST", f"/api/v1/namespaces/{each}/services", body)[0] == 201
    with pytest.raises(SourceError, match="several controllers") as refused:
        _load(cluster, name=name)
    assert all(f"{each}/{name}" in str(refused.value) for each in (namespace, other))
    assert "--controller-namespace" in refused.value.way_out


def test_one_that_does_not_run_is_said(cluster: Cluster, namespace: str) -> None:
    body = {"metadata": {"name": services.NAME}, "spec": {"ports": [{"port": 8080}]}}
    assert cluster.call("POST", f"/api/v1/namespaces/{namespace}/services", body)[0] == 201
    with pytest.raises(SourceError, match="no pod"):
        _load(cluster, namespace=namespace)


def test_a_source_and_a_cluster_are_two(repository: Path) -> None:
    done = _sealer(repository, "keys", "fetch", "bundle.json", "--from-cluster")
    assert (done.returncode, "two sources" in done.stderr) == (2, True)
    done = _sealer(repository, "keys", "fetch", "--context", "prod")
    assert (done.returncode, "--from-cluster" in done.stderr) == (2, True)


def test_without_a_kubeconfig_the_way_out_is_named(repository: Path) -> None:
    done = _sealer(repository, "keys", "fetch", "--from-cluster", "--kubeconfig", "none")
    assert done.returncode == 2
    assert done.stderr.startswith("error: none: ")


def test_a_cluster_that_is_not_up_is_named(repository: Path) -> None:
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {"token": "t"}}],
    }
    (repository / "config").write_text(json.dumps(config))
    done = _sealer(repository, "keys", "fetch", "--from-cluster", "--kubeconfig", "config")
    assert done.returncode == 2
    assert done.stderr.splitlines()[1] == "  way out: look whether https://127.0.0.1:1 is up"


def test_who_is_not_let_in_is_told_how_to_look(cluster: Cluster, repository: Path) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "none"}
    (repository / "config").write_text(yaml.safe_dump(config))
    done = _sealer(repository, "keys", "fetch", "--from-cluster", "--kubeconfig", "config")
    assert (done.returncode, "401 Unauthorized" in done.stderr) == (2, True)
    assert done.stderr.splitlines()[1] == "  way out: kubectl auth whoami"


@pytest.mark.parametrize(
    "where",
    [Where(), Where("a/b@c:6443"), Where("", "ns", ""), Where("x", "ns", "name"), Where("ä b", kubeconfig="/a ?&/b")],
)
def test_a_place_is_a_source_and_back(where: Where) -> None:
    assert parse(where.src()) == where


def test_a_message_names_a_place_in_words() -> None:
    assert told(Where().src()) == "the controller"
    assert told(Where("admin@prod", "kube-system", "keys", "/k").src()) == (
        "the controller kube-system/keys of context admin@prod"
    )
    assert told("bundle.json") == "bundle.json"


@pytest.mark.parametrize(
    "src", ["kubernetes://a/b/c/d", "kubernetes://a/b/c?x=1", "kubernetes://a/../c", "kubernetes://a/B"]
)
def test_what_names_no_place_is_refused(src: str) -> None:
    with pytest.raises(UsageError):
        parse(src)
