"""What `examples/07-kubernetes/` holds is what we ship, and what the tools that read it take."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from controller.install.manifests import HERE
from tests.conftest import _peer
from tests.kube.tools import done, objects, ours
from tests.servers import tools

EXAMPLES = Path(__file__).parents[2] / "examples" / "07-kubernetes"


def read(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


def test_argo_cd_is_told_the_check_that_is_tested() -> None:
    data = read("argocd-cm.yaml")["data"]
    assert data == {
        "resource.customizations.health.bitnami.com_SealedSecret": (HERE / "gitops" / "argocd-health.lua").read_text()
    }


def test_flux_is_told_the_expressions_that_are_tested() -> None:
    shipped = yaml.safe_load((HERE / "gitops" / "flux-health.yaml").read_text())
    spec = read("flux-kustomization.yaml")["spec"]
    assert spec["healthCheckExprs"] == shipped["healthCheckExprs"]
    assert spec["wait"] is True  # without it the expressions are not asked


def test_the_overlay_builds(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "kustomization.yaml", tmp_path)
    ours("manifests", "--unpack", str(tmp_path / "install"))
    built = objects(done(_peer(tools.KUBECTL), "kustomize", str(tmp_path)))
    kinds = {each["kind"] for each in built}
    assert {"CustomResourceDefinition", "PrometheusRule", "ServiceMonitor", "ConfigMap"} <= kinds
    (deployment,) = (each for each in built if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/sealer-controller:0.1.0"
    assert container["args"] == ["--require-identity", "--cluster=prod"]
    assert deployment["spec"]["replicas"] == 2
    assert {each["metadata"].get("namespace", "kube-system") for each in built} == {"kube-system"}


def test_secrets_come_first() -> None:
    assert read("sealed-secret.yaml")["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == "-1"
    assert read("argocd-application.yaml")["spec"]["destination"]["namespace"] == "shop"
