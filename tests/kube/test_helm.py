"""The Helm chart on a real API server: installed, upgraded, rolled back, and over a release of Bitnami's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube import names
from tests.kube import chart_values
from tests.kube.certificates import Authority
from tests.kube.cluster import Cluster
from tests.kube.tools import CHART, Helm, Kubectl, ours

EXAMPLE = Path(__file__).parents[2] / "examples" / "07-kubernetes" / "values.yaml"
# What the API server refuses beside others, or what hides others, in releases of its own.
TOGETHER: list[set[str]] = [
    {
        "fullnameOverride", "podSecurityContext.enabled", "containerSecurityContext.enabled", "customLivenessProbe",
        "customReadinessProbe", "customStartupProbe", "hostUsers", "serviceAccount.create", "rbac.serviceProxier.bind",
        "ingress.selfSigned", "pdb.minAvailable",
    },
    {
        "nameOverride", "namespace", "livenessProbe.enabled", "readinessProbe.enabled", "hostPorts.http",
        "hostPorts.metrics", "rbac.serviceProxier.create", "metrics.service.loadBalancerClass", "ingress.secrets",
    },
    {"rbac.create", "command", "args"},
    {"createController"},
]  # fmt: skip
APART = set().union(*TOGETHER) | {
    "kubeVersion",  # Helm's own idea of the server
    "ingress.apiVersion",  # no such version is left
    "livenessProbe.successThreshold", "startupProbe.successThreshold",  # 1 alone is valid
    "rbac.clusterRole",  # the other namespaces of the list have to be there
}  # fmt: skip


@pytest.fixture(scope="module")
def own(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster of this module's own: the roles of a release are there once in a cluster."""
    with Cluster(*kube_programs) as running:
        Kubectl(running).done(
            "apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(map(monitoring, MONITORING))
        )
        running.apiserver.wait_ready(
            lambda: all(
                running.call("GET", f"/apis/monitoring.coreos.com/v1/{each.lower()}s")[0] == 200 for each in MONITORING
            )
        )
        yield running


MONITORING = ("ServiceMonitor", "PrometheusRule")


def monitoring(kind: str) -> dict[str, Any]:
    """A type of Prometheus' operator, as far as an API server has to know it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


class Release:
    """A release called sealed-secrets in a namespace of its own, gone after the test."""

    def __init__(self, cluster: Cluster, scratch: Path) -> None:
        self.helm, self.kubectl, self.namespace = Helm(cluster), Kubectl(cluster), cluster.namespace()
        self._values = scratch / "values.yaml"

    def put(self, verb: str, values: dict[str, Any], chart: Path = CHART) -> None:
        """Install or upgrade it with these values."""
        self._values.write_text(json.dumps(values))
        self.helm.done(verb, "sealed-secrets", str(chart), "--namespace", self.namespace, "--values", str(self._values))

    def done(self, verb: str, *more: str) -> str:
        """Anything else that helm does with it."""
        return self.helm.done(verb, "sealed-secrets", *more, "--namespace", self.namespace)

    def container(self) -> dict[str, Any]:
        """The controller's container, as it stands in the cluster."""
        deployment = self.kubectl.get("deployment", "sealed-secrets", "--namespace", self.namespace)
        (found,) = deployment["spec"]["template"]["spec"]["containers"]
        return dict(found)

    def objects(self) -> set[str]:
        """What there is of it."""
        kinds = "deployments,services,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,secrets"
        label = "app.kubernetes.io/instance=sealed-secrets"
        return set(
            self.kubectl.done("get", kinds, "--namespace", self.namespace, "--selector", label, "-o", "name").split()
        )


@pytest.fixture
def release(own: Cluster, tmp_path: Path) -> Iterator[Release]:
    made = Release(own, tmp_path)
    yield made
    made.done("uninstall", "--ignore-not-found")


def test_installed_upgraded_rolled_back_and_gone(own: Cluster, release: Release) -> None:
    release.put("install", {})
    first, objects = release.container(), release.objects()
    release.put("upgrade", {"keyrenewperiod": "1440h", "requireIdentity": True})
    assert "--key-renew-period=1440h" in release.container()["args"]
    assert len(release.objects()) == len(objects) + 3
    release.done("rollback", "1")
    assert (release.container(), release.objects()) == (first, objects)
    release.done("uninstall")
    assert release.objects() == set()
    # The type stays: whoever deletes it deletes every SealedSecret, and the Secrets made of them.
    own.apiserver.wait_ready(lambda: own.call("GET", names.sealed_secrets())[0] == 200)


def test_the_api_server_takes_every_value_at_once(release: Release) -> None:
    chosen = [entry for entry in chart_values.entries() if entry["path"] not in APART]
    every = chart_values.merged(*(chart_values.nested(each["path"], each["changed"]) for each in chosen))
    every["pdb"]["minAvailable"] = ""  # the two exclude each other
    release.put("install", every)
    args = release.container()["args"]
    assert "--kubeclient-burst=100" in args
    assert "--additional-namespaces=default,kube-public" in args


@pytest.mark.parametrize("paths", TOGETHER, ids=[min(paths) for paths in TOGETHER])
def test_it_takes_the_others_in_releases_of_their_own(release: Release, paths: set[str]) -> None:
    chosen = [entry for entry in chart_values.entries() if entry["path"] in paths]
    under = [entry.get("with", {}) for entry in chosen]
    changed = [chart_values.nested(entry["path"], entry["changed"]) for entry in chosen]
    values = chart_values.merged(*under, *changed)
    if "namespace" in paths:
        certificate, key = Authority("ingress").server()
        pair = {"name": "other-tls", "key": key.decode(), "certificate": certificate.decode()}
        # A namespace that there is, and a certificate that is one.
        values = chart_values.merged(values, {"namespace": "default", "ingress": {"secrets": [pair]}})
    release.put("install", values)


def test_the_example_for_who_comes_from_bitnami_works(release: Release) -> None:
    release.put("install", yaml.safe_load(EXAMPLE.read_text()))


def test_a_certificate_made_for_the_ingress_outlives_upgrades(release: Release) -> None:
    values = {"ingress": {"enabled": True, "tls": True, "selfSigned": True}}
    release.put("install", values)
    where = ("secret", "sealed-secrets.local-tls", "--namespace", release.namespace)
    before = release.kubectl.get(*where)["data"]
    release.put("upgrade", {**values, "logLevel": "DEBUG"})
    assert release.kubectl.get(*where)["data"] == before


def beside(cluster: Cluster, scratch: Path) -> Release:
    """A release of the same name in another namespace."""
    (scratch / "beside").mkdir()
    return Release(cluster, scratch / "beside")


def test_two_that_serve_their_own_namespaces_stand_beside_each_other(
    own: Cluster, release: Release, tmp_path: Path
) -> None:
    other = beside(own, tmp_path)
    rbac = {"clusterRole": False, "namespacedRoles": True}
    for each in (release, other):
        served = [own.namespace()]
        each.put("install", {"rbac": rbac, "additionalNamespaces": served, "requireIdentity": True})
    before = release.objects()
    assert f"clusterrole.rbac.authorization.k8s.io/sealed-secrets-identity:{other.namespace}" in before
    other.done("uninstall")
    gone = {each for each in before if each.endswith(f":{other.namespace}")}
    assert len(gone) == 3
    assert release.objects() == before - gone
    release.put("upgrade", {"rbac": rbac, "logLevel": "DEBUG"})


def test_a_second_one_for_all_namespaces_is_refused_unless_the_two_share_them(
    own: Cluster, release: Release, tmp_path: Path
) -> None:
    other = beside(own, tmp_path)
    release.put("install", {"labelSelector": "shard=a"})
    ran = other.helm.run("install", "sealed-secrets", str(CHART), "--namespace", other.namespace)
    assert ran.returncode != 0
    assert 'ClusterRole "secrets-unsealer"' in ran.stderr
    assert release.namespace in ran.stderr
    other.put("install", {"labelSelector": "shard!=a", "rbac": {"clusterRoleName": "secrets-unsealer-b"}})
    other.done("uninstall")


BITNAMI = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: sealed-secrets, namespace: "{{ .Release.Namespace }}"}
spec:
  replicas: 1
  selector: {matchLabels: {app.kubernetes.io/name: sealed-secrets, app.kubernetes.io/instance: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app.kubernetes.io/name: sealed-secrets, app.kubernetes.io/instance: "{{ .Release.Name }}"}}
    spec:
      serviceAccountName: sealed-secrets
      containers:
        - name: controller
          image: docker.io/bitnami/sealed-secrets-controller:0.40.0
          command: [controller]
          args: [--update-status, --key-prefix, sealed-secrets-key]
          livenessProbe: {tcpSocket: {port: 8080}}
          volumeMounts: [{mountPath: /tmp, name: tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
"""


@pytest.mark.parametrize("change", [("--set", "image.registry=registry.example.com"), ("--values", str(EXAMPLE))])
def test_a_release_of_bitnamis_chart_becomes_ours_and_theirs_again(
    release: Release, tmp_path: Path, change: tuple[str, str]
) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "templates").mkdir(parents=True)
    (theirs / "Chart.yaml").write_text("{apiVersion: v2, name: sealed-secrets, version: 2.20.0, appVersion: 0.40.0}")
    (theirs / "templates" / "deployment.yaml").write_text(BITNAMI)
    release.put("install", {"secretName": "own-key"}, theirs)
    before = release.container()
    release.done("upgrade", str(CHART), "--reset-then-reuse-values", *change)
    now = release.container()
    assert now["image"].startswith("registry.example.com/sealer-controller:")
    assert "--key-prefix=own-key" in now["args"]  # what was set stays
    assert now["command"] == ["sealer-controller", "run", "kubernetes"]
    assert "--key-prefix" not in now["args"]  # theirs: two words
    assert "tcpSocket" not in now["livenessProbe"]
    release.done("rollback", "1")
    assert release.container() == before


def test_a_value_that_only_an_old_chart_of_theirs_knew_is_named_and_can_be_left_out(
    release: Release, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "templates").mkdir(parents=True)
    (theirs / "Chart.yaml").write_text("{apiVersion: v2, name: sealed-secrets, version: 1.16.1, appVersion: v0.16.0}")
    (theirs / "templates" / "deployment.yaml").write_text(BITNAMI)
    release.put("install", {"crd": {"create": False}, "secretName": "own-key"}, theirs)
    upgrade = ("upgrade", "sealed-secrets", str(CHART), "--namespace", release.namespace, "--reset-then-reuse-values")
    ran = release.helm.run(*upgrade)
    assert ran.returncode != 0
    assert "additional properties 'crd' not allowed" in ran.stderr
    release.helm.done(*upgrade, "--set", "crd=null")
    assert "--key-prefix=own-key" in release.container()["args"]


def test_over_bitnamis_type_the_new_one_is_put_first(kube_programs: tuple[Path, Path], tmp_path: Path) -> None:
    from tests.kube.conftest import CRD

    with Cluster(*kube_programs) as cluster:
        cluster.define(CRD)
        release = Release(cluster, tmp_path)
        text = ours("manifests", "--crd-only")
        release.kubectl.done("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        release.put("install", {})
        assert release.container()["name"] == "controller"


def test_a_type_that_belongs_to_a_release_of_theirs_outlives_it(
    kube_programs: tuple[Path, Path], tmp_path: Path
) -> None:
    """Charts of before 2021 had it among their templates. Helm deletes what the next chart has not, and with the type
    all SealedSecrets, unless the type that is put over theirs says that it is to be kept."""
    from tests.kube.conftest import CRD

    theirs = tmp_path / "theirs"
    (theirs / "templates").mkdir(parents=True)
    (theirs / "Chart.yaml").write_text("{apiVersion: v2, name: sealed-secrets, version: 1.16.1, appVersion: v0.16.0}")
    (theirs / "templates" / "crd.yaml").write_text(CRD.read_text())
    with Cluster(*kube_programs) as cluster:
        release = Release(cluster, tmp_path)
        release.put("install", {}, theirs)
        text = ours("manifests", "--crd-only")
        release.kubectl.done("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        before = release.kubectl.get("crd", "sealedsecrets.bitnami.com")["metadata"]
        release.put("upgrade", {})
        now = release.kubectl.get("crd", "sealedsecrets.bitnami.com")["metadata"]
        assert (now["uid"], now.get("deletionTimestamp")) == (before["uid"], None)
        assert release.container()["name"] == "controller"
