"""The schema of the chart's values, as the real helm reads it: typos are named, Kubernetes' own names pass."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube import chart_values
from tests.kube.tools import CHART, Helm, objects

ROOT = Path(__file__).parents[2]
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
OPEN = {"podSecurityContext", "containerSecurityContext", "updateStrategy.rollingUpdate"}
"""What Kubernetes defines, beside the maps that are empty unless somebody fills them."""
UNSET = {"global", "common", "enabled", "resources.claims"} | {
    f"{probe}.terminationGracePeriodSeconds" for probe in ("livenessProbe", "readinessProbe", "startupProbe")
}
"""What may be set and has no default."""


@pytest.fixture(scope="module")
def helm() -> Helm:
    return Helm()


def maps(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All maps of the values, by path; none within what is Kubernetes'."""
    yield path, values
    for name, value in values.items():
        if isinstance(value, dict) and path not in OPEN:
            yield from maps(value, f"{path}.{name}".lstrip("."))


def is_open(path: str, found: dict[str, Any]) -> bool:
    return path in OPEN or not found


def lint(helm: Helm, scratch: Path, *values: dict[str, Any]) -> tuple[int, str]:
    """How `helm lint` ends with these values, and what it says."""
    file = scratch / "values.yaml"
    file.write_text(json.dumps(chart_values.merged(*values)))
    ran = helm.run("lint", str(CHART), "--values", str(file))
    return ran.returncode, ran.stdout + ran.stderr


def below(path: str, name: str, value: Any) -> dict[str, Any]:
    return chart_values.nested(f"{path}.{name}".lstrip("."), value)


def test_it_knows_the_values_and_no_others() -> None:
    def resolved(schema: dict[str, Any]) -> dict[str, Any]:
        reference = schema.get("$ref", "").removeprefix("#/definitions/")
        found: dict[str, Any] = SCHEMA["definitions"][reference] if reference else schema
        return found

    def names(schema: dict[str, Any], path: str = "") -> Iterator[str]:
        for name, each in resolved(schema).get("properties", {}).items():
            here = f"{path}.{name}".lstrip(".")
            yield here
            yield from names(each, here)

    ours = {f"{path}.{name}".lstrip(".") for path, found in maps(VALUES) if not is_open(path, found) for name in found}
    assert set(names(SCHEMA)) == ours | UNSET | {"podSecurityContext.enabled", "containerSecurityContext.enabled"}


def test_a_typo_is_named_wherever_it_stands(helm: Helm, tmp_path: Path) -> None:
    strict = [path for path, found in maps(VALUES) if not is_open(path, found)]
    code, said = lint(helm, tmp_path, *(below(path, "tpyo", "x") for path in strict))
    assert code == 1
    for path in strict:
        where = "".join(f"/{name}" for name in path.split(".") if name)
        assert f"at '{where}': additional properties 'tpyo' not allowed" in said
    assert set(strict) >= {"", "image", "metrics.serviceMonitor", "rbac.serviceProxier", "networkPolicy.egress"}


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"keyRenewPeriod": "720h"}, "keyRenewPeriod"),  # keyrenewperiod
        ({"image": {"pullSecrets": [{"nmae": "pull"}]}}, "nmae"),
        ({"ingress": {"extraHosts": [{"name": "a.example.com", "pth": "/"}]}}, "pth"),
        ({"ingress": {"secrets": [{"name": "a", "key": ""}]}}, "certificate"),
        ({"updateStatus": "false"}, "/updateStatus"),  # a text that would count as true
        ({"image": {"tag": 1.1}}, "/image/tag"),  # 1.10
        ({"keyrenewperiod": 720}, "/keyrenewperiod"),
        ({"keyrenewperiod": "30d"}, "/keyrenewperiod"),
        ({"rateLimit": "2/s"}, "/rateLimit"),
        ({"workers": -1}, "/workers"),
        ({"replicaCount": ""}, "/replicaCount"),
        ({"additionalNamespaces": "shop,pay"}, "/additionalNamespaces"),
        ({"nodeSelector": ["linux"]}, "/nodeSelector"),
        ({"podSecurityContext": {"enabled": "no"}}, "/podSecurityContext/enabled"),
        ({"logFormat": "yaml"}, "/logFormat"),
        ({"pdb": {"create": True, "minAvailable": "half"}}, "/pdb/minAvailable"),
    ],
)
def test_what_would_do_something_else_is_refused(
    helm: Helm, tmp_path: Path, values: dict[str, Any], where: str
) -> None:
    code, said = lint(helm, tmp_path, values)
    assert code == 1
    assert "the specifications of the schema" in said
    assert f"'{where}'" in said


def test_kubernetes_own_names_pass(helm: Helm, tmp_path: Path) -> None:
    free = [path for path, found in maps(VALUES) if is_open(path, found)]
    code, said = lint(helm, tmp_path, *(below(path, "whatever", "x") for path in free))
    assert (code, "ERROR" in said) == (0, False), said
    assert set(free) >= {"affinity", "nodeSelector", "podAnnotations", "resources.limits", "containerSecurityContext"}
    more: dict[str, Any] = {
        "tolerations": [{"whatever": "x"}],
        "extraDeploy": [{"apiVersion": "v1", "kind": "ConfigMap"}],
    }
    more |= dict.fromkeys(("affinity", "nodeSelector", "resources"))  # named without a value, as in a file of theirs
    assert lint(helm, tmp_path, more)[0] == 0


def test_what_is_documented_passes(helm: Helm, tmp_path: Path) -> None:
    example = yaml.safe_load((ROOT / "examples" / "07-kubernetes" / "values.yaml").read_text())
    for each in ({}, example):
        code, said = lint(helm, tmp_path, each)
        assert (code, "ERROR" in said) == (0, False), said
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if "install/chart" in line]
    told = [re.findall(r"--set (\S+=[^\s`]+)", line) for line in lines]
    assert len([each for each in told if each]) >= 2
    for pairs in told:
        helm.done("template", "sealed-secrets", str(CHART), *(part for pair in pairs for part in ("--set", pair)))


def test_a_chart_that_this_one_is_a_part_of_may_pass_what_such_charts_pass(helm: Helm, tmp_path: Path) -> None:
    whole = tmp_path / "platform"
    shutil.copytree(CHART, whole / "charts" / "sealed-secrets")
    needs = [{"name": "sealed-secrets", "version": "0.1.0", "condition": "sealed-secrets.enabled"}]
    about = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": needs}
    (whole / "Chart.yaml").write_text(json.dumps(about))
    values: dict[str, Any] = {
        "global": {"imageRegistry": "registry.example.com"},
        "sealed-secrets": {"enabled": True, "common": {"team": "a"}, "cluster": "prod"},
    }
    (whole / "values.yaml").write_text(json.dumps(values))
    made = objects(helm.done("template", "platform", str(whole)))
    (deployment,) = (each for each in made if each["kind"] == "Deployment")
    assert "--cluster=prod" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    values["sealed-secrets"]["clutser"] = "prod"
    (whole / "values.yaml").write_text(json.dumps(values))
    ran = helm.run("template", "platform", str(whole))
    assert ran.returncode != 0
    assert "'clutser' not allowed" in ran.stderr
