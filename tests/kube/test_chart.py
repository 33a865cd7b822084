"""The Helm chart, rendered by the real helm: Bitnami's values, each with an effect, and the objects of `manifests`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from controller import kube_cli
from controller.install import manifests
from tests.kube import chart_values
from tests.kube.tools import CHART, Helm

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
ENTRIES = chart_values.entries()
FLAGS = {
    "secretName": "--key-prefix=own-key",
    "updateStatus": "--update-status=false",
    "skipRecreate": "--skip-recreate",
    "keyrenewperiod": "--key-renew-period=1440h",
    "keyttl": "--key-ttl=8760h",
    "keycutofftime": "--key-cutoff-time=Mon, 14 Oct 2024 21:45:30 +0200",
    "rateLimit": "--rate-limit=5",
    "rateLimitBurst": "--rate-limit-burst=7",
    "additionalNamespaces": "--additional-namespaces=default,kube-public",
    "privateKeyAnnotations": "--privatekey-annotations=example.com/a=b",
    "privateKeyLabels": "--privatekey-labels=keys=sealing,more=yes",
    "logInfoStdout": "--log-info-stdout",
    "logLevel": "--log-level=ERROR",
    "logFormat": "--log-format=json",
    "maxRetries": "--max-unseal-retries=9",
    "watchForSecrets": "--watch-for-secrets",
    "kubeClientQPS": "--kubeclient-qps=50",
    "kubeClientBurst": "--kubeclient-burst=100",
    "containerPorts.http": "--listen-addr=:9080",
    "containerPorts.metrics": "--listen-metrics-addr=:9081",
    "rbac.clusterRole": "--all-namespaces=false",
}


@pytest.fixture(scope="module")
def helm() -> Helm:
    return Helm()


@pytest.fixture
def plain(helm: Helm, tmp_path: Path) -> list[dict[str, Any]]:
    """What the chart makes without any value."""
    return helm.template({}, tmp_path)


def arguments(objects: list[dict[str, Any]]) -> list[str]:
    """The arguments of the controller."""
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: list[str] = container["args"]
    return found


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def test_it_has_bitnamis_values_and_their_defaults() -> None:
    leaves = {entry["path"] for entry in ENTRIES} | {"updateStrategy"}
    have = chart_values.flat(VALUES, leaves)
    assert set(have) == leaves | chart_values.OURS
    assert {
        entry["path"]: have[entry["path"]] for entry in ENTRIES if entry["path"] not in chart_values.OWN_DEFAULTS
    } == {entry["path"]: entry["default"] for entry in ENTRIES if entry["path"] not in chart_values.OWN_DEFAULTS}


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["path"] for entry in ENTRIES])
def test_each_value_has_an_effect(helm: Helm, tmp_path: Path, entry: dict[str, Any]) -> None:
    under = entry.get("with", {})
    changed = chart_values.merged(under, chart_values.nested(entry["path"], entry["changed"]))
    before, after = helm.template(under, tmp_path), helm.template(changed, tmp_path)
    assert (before != after) == (entry["path"] not in chart_values.WITHOUT_EFFECT)
    if entry["path"] in FLAGS:
        assert set(arguments(after)) - set(arguments(before)) == {FLAGS[entry["path"]]}


def test_lint_finds_nothing(helm: Helm) -> None:
    said = helm.done("lint", "--strict", str(CHART))
    assert "[WARNING]" not in said
    assert "[ERROR]" not in said


def test_the_controller_takes_all_flags(helm: Helm, tmp_path: Path) -> None:
    sets_flags = [entry for entry in ENTRIES if entry["path"] in FLAGS and entry["path"] != "rbac.clusterRole"]
    values = chart_values.merged(*(chart_values.nested(each["path"], each["changed"]) for each in sets_flags))
    more = {
        "requireIdentity": True,
        "tokenAudiences": ["a", "b"],
        "cluster": "prod",
        "workers": 4,
        "labelSelector": "team in (a,b)",
        "auditLog": {"enabled": True},
    }
    for each in ({}, chart_values.merged(values, more), {"rbac": {"clusterRole": False}}):
        flags = arguments(helm.template(each, tmp_path))
        assert accepted(flags), flags


def accepted(flags: list[str]) -> bool:
    """Whether the parser of `run kubernetes` takes these; nothing is run."""
    from controller.kube.flags import as_ours

    command: Any = get_command(kube_cli.app)
    context = command.make_context(kube_cli.NAME, list(as_ours(flags, kube_cli._BOOLEANS)))
    return bool(context.params["key_prefix"])


def test_numbers_may_come_as_texts_and_texts_as_numbers(helm: Helm, tmp_path: Path) -> None:
    texts = {
        "rateLimit": "5",
        "revisionHistoryLimit": "3",
        "keyrenewperiod": "0",
        "pdb": {"create": True, "minAvailable": "1"},
    }
    numbers = {
        "rateLimit": 5,
        "revisionHistoryLimit": 3,
        "keyrenewperiod": 0,
        "pdb": {"create": True, "minAvailable": 1},
    }
    assert arguments(helm.template(texts, tmp_path)) == arguments(helm.template(numbers, tmp_path))
    assert "--key-renew-period=0" in arguments(helm.template(numbers, tmp_path))
    assert "--kubeclient-qps=0" in arguments(helm.template({"kubeClientQPS": 0}, tmp_path))


def test_values_are_texts_whatever_yaml_would_make_of_them(helm: Helm, tmp_path: Path) -> None:
    odd = {"requireIdentity": True, "tokenAudiences": ["a: b", "c #d"], "secretName": "e: f"}
    assert {"--token-audiences=a: b,c #d", "--key-prefix=e: f"} <= set(arguments(helm.template(odd, tmp_path)))


def audited(objects: list[dict[str, Any]]) -> tuple[str, str, str]:
    """Where the audit log is written, on which volume, of which claim; nothing else of the container is writable."""
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    # Kubernetes would else give the log to the group at each start, and the controller refuse it.
    assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    (flag,) = (each for each in arguments(objects) if each.startswith("--audit-log="))
    (mount,) = (each["mountPath"] for each in container["volumeMounts"] if each["name"] == "audit")
    (volume,) = (each for each in pod["volumes"] if each["name"] == "audit")
    return flag.removeprefix("--audit-log="), mount, volume["persistentVolumeClaim"]["claimName"]


def test_the_audit_log_is_on_a_volume_that_outlives_the_release(
    helm: Helm, tmp_path: Path, plain: list[dict[str, Any]]
) -> None:
    assert "PersistentVolumeClaim" not in {each["kind"] for each in plain}
    found = helm.template({"auditLog": {"enabled": True, "size": "5Gi", "storageClass": "fast"}}, tmp_path)
    log, mount, name = audited(found)
    assert (log, mount) == ("/var/lib/sealer/log", "/var/lib/sealer")
    claim = named(found, "PersistentVolumeClaim", name)
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "5Gi"}},
    }
    none = helm.template({"auditLog": {"enabled": True, "storageClass": "-"}}, tmp_path)
    assert named(none, "PersistentVolumeClaim", name)["spec"]["storageClassName"] == ""


def test_a_claim_that_is_there_is_taken(helm: Helm, tmp_path: Path) -> None:
    found = helm.template({"auditLog": {"enabled": True, "existingClaim": "logs"}}, tmp_path)
    assert audited(found)[2] == "logs"
    assert "PersistentVolumeClaim" not in {each["kind"] for each in found}


def test_of_several_replicas_each_has_an_audit_log_of_its_own(helm: Helm, tmp_path: Path) -> None:
    several = {"replicaCount": 2, "auditLog": {"enabled": True, "accessModes": ["ReadWriteMany"]}}
    found = helm.template(several, tmp_path)
    assert audited(found)[0] == "/var/lib/sealer/$(POD_NAME)"
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "POD_NAME" in {each["name"] for each in container["env"]}
    ran = helm.run(
        "template", "sealed-secrets", str(CHART), "--set", "replicaCount=2", "--set", "auditLog.enabled=true"
    )
    assert ran.returncode != 0
    assert "auditLog.accessModes={ReadWriteMany}" in ran.stderr


def test_the_cluster_is_named_where_a_name_is_given(helm: Helm, tmp_path: Path, plain: list[dict[str, Any]]) -> None:
    assert not [each for each in arguments(plain) if each.startswith("--cluster")]
    named_so = arguments(helm.template({"cluster": "prod"}, tmp_path))
    assert set(named_so) - set(arguments(plain)) == {"--cluster=prod"}


def test_names_are_those_of_bitnamis_chart(plain: list[dict[str, Any]]) -> None:
    deployment = named(plain, "Deployment", "sealed-secrets")
    selector = {"app.kubernetes.io/name": "sealed-secrets", "app.kubernetes.io/instance": "sealed-secrets"}
    assert deployment["spec"]["selector"]["matchLabels"] == selector
    services = {each["metadata"]["name"]: each["spec"]["ports"] for each in plain if each["kind"] == "Service"}
    assert services == {
        "sealed-secrets": [{"name": "http", "port": 8080, "targetPort": "http"}],
        "sealed-secrets-metrics": [{"name": "metrics", "port": 8081, "targetPort": "metrics"}],
    }
    assert {each["metadata"]["name"] for each in plain if each["kind"] in ("Role", "ClusterRole")} == {
        "secrets-unsealer", "sealed-secrets-key-admin", "sealed-secrets-service-proxier",
    }  # fmt: skip


def test_every_object_says_what_it_belongs_to(helm: Helm, tmp_path: Path) -> None:
    everything = {
        "ingress": {
            "enabled": True,
            "tls": True,
            "selfSigned": True,
            "secrets": [{"name": "a", "key": "", "certificate": ""}],
        },
        "networkPolicy": {"enabled": True},
        "pdb": {"create": True},
        "requireIdentity": True,
        "rbac": {"namespacedRoles": True},
        "metrics": {
            "prometheusRule": {"enabled": True},
            "serviceMonitor": {"enabled": True},
            "dashboards": {"create": True},
        },
    }
    for each in helm.template(everything, tmp_path):
        labels = each["metadata"]["labels"]
        assert labels["name"] == "sealed-secrets-controller"
        assert labels["app.kubernetes.io/name"] == "sealed-secrets"
        assert labels["app.kubernetes.io/instance"] == "sealed-secrets"


@pytest.mark.parametrize("identity", [False, True])
def test_it_is_what_manifests_prints(helm: Helm, tmp_path: Path, identity: bool) -> None:
    values = {"fullnameOverride": "sealed-secrets-controller", "requireIdentity": identity}
    values |= {"pdb": {"create": True, "minAvailable": "", "maxUnavailable": 1}}
    values |= {"networkPolicy": {"enabled": True, "egress": {"enabled": True}}}
    printed = manifests.assemble(manifests.Wanted(identity=identity, crd=False))
    assert comparable(helm.template(values, tmp_path)) == comparable(printed)


def comparable(objects: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """Rules, ports, subjects and the pod's security by kind and name, without what each side names in its own way."""
    found: dict[tuple[str, str], Any] = {}
    for each in objects:
        name = each["metadata"]["name"].removeprefix("sealed-secrets-controller-").removeprefix("sealed-secrets-")
        if each["kind"].endswith("Binding"):
            # Bitnami's two installations name their bindings differently.
            found[each["kind"], each["roleRef"]["name"].split("sealed-secrets-")[-1].removeprefix("controller-")] = (
                each["subjects"]
            )
        elif each["kind"] == "Deployment":
            pod = each["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            kept = ("image", "command", "env", "ports", "volumeMounts")
            found["Deployment", name] = [
                each["spec"]["strategy"], each["spec"]["replicas"], pod["volumes"], *(container[key] for key in kept),
            ]  # fmt: skip
        else:
            spec = dict(each.get("spec", {}))
            found[each["kind"], name] = [
                {key: spec[key] for key in spec if key not in ("selector", "podSelector")},
                [{**rule, "resourceNames": sorted(rule.get("resourceNames", []))} for rule in each.get("rules", [])],
            ]
    return found


def test_the_type_is_the_one_that_manifests_prints() -> None:
    assert (CHART / "crds" / "sealedsecrets.yaml").read_bytes() == (manifests.HERE / manifests.CRD).read_bytes()


def test_without_a_cluster_role_it_serves_what_it_may(helm: Helm, tmp_path: Path) -> None:
    values = {"rbac": {"clusterRole": False, "namespacedRoles": True}, "additionalNamespaces": ["shop"]}
    rendered = helm.template(values, tmp_path)
    assert not [each for each in rendered if each["kind"] == "ClusterRole"]
    assert "--additional-namespaces=shop" in arguments(rendered)
    roles = [each["metadata"]["namespace"] for each in rendered if each["metadata"]["name"] == "secrets-unsealer"]
    assert sorted(roles) == ["kube-system", "shop"]


def test_values_for_bitnamis_arguments_are_taken_as_they_are(helm: Helm, tmp_path: Path) -> None:
    rendered = helm.template({"args": ["--key-prefix=own", "--update-status"]}, tmp_path)
    (container,) = named(rendered, "Deployment", "sealed-secrets")["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sealer-controller", "run", "kubernetes"]
    assert container["args"] == ["--key-prefix=own", "--update-status"]
