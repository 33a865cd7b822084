"""`sealer-controller manifests`: which objects, under which names, and the data that they are made of."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from controller import kube_cli
from controller.install import manifests
from controller.install.manifests import HERE, Wanted, assemble, render, unpack
from controller.kube import flags, names
from sealer.errors import UsageError

PROGRAM = Path(sys.executable).with_name("sealer-controller")
ALL = [
    ("CustomResourceDefinition", "sealedsecrets.bitnami.com"),
    ("ServiceAccount", "sealed-secrets-controller"),
    ("ClusterRole", "secrets-unsealer"),
    ("ClusterRoleBinding", "sealed-secrets-controller"),
    ("Role", "sealed-secrets-key-admin"),
    ("RoleBinding", "sealed-secrets-controller"),
    ("Role", "sealed-secrets-service-proxier"),
    ("RoleBinding", "sealed-secrets-service-proxier"),
    ("Service", "sealed-secrets-controller"),
    ("Service", "sealed-secrets-controller-metrics"),
    ("NetworkPolicy", "sealed-secrets-controller"),
    ("PodDisruptionBudget", "sealed-secrets-controller"),
    ("Deployment", "sealed-secrets-controller"),
]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, "manifests", *arguments], capture_output=True, text=True, check=False)


def named(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["kind"], each["metadata"]["name"]) for each in found]


def pod(found: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def test_it_prints_all_of_it_under_bitnamis_names() -> None:
    done = ran()
    assert done.returncode == 0, done.stderr
    assert named(list(yaml.safe_load_all(done.stdout))) == ALL
    assert done.stdout == ran().stdout == render(assemble(Wanted()))


def test_the_type_alone_and_all_but_it_are_together_all() -> None:
    crd, rest = ran("--crd-only").stdout, ran("--without-crd").stdout
    assert named(list(yaml.safe_load_all(crd))) == ALL[:1]
    assert crd + rest == ran().stdout
    both = ran("--crd-only", "--without-crd")
    assert (both.returncode, both.stdout) == (2, "")


def test_every_object_says_what_it_belongs_to_and_where_it_is() -> None:
    for each in assemble(Wanted(namespace="secrets", identity=True)):
        labels = each["metadata"]["labels"]
        assert labels["name"] == "sealed-secrets-controller"
        assert labels["app.kubernetes.io/name"] == "sealed-secrets"
        assert labels["app.kubernetes.io/part-of"] == "sealed-secrets"
        once_a_cluster = each["kind"] in ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding")
        assert each["metadata"].get("namespace") == (None if once_a_cluster else "secrets")


def test_another_name_and_namespace_stand_everywhere() -> None:
    text = render(assemble(Wanted("secrets", "sealing", identity=True, crd=False)))
    assert "kube-system" not in text
    assert "sealed-secrets-controller" not in text
    found = list(yaml.safe_load_all(text))
    subjects = [
        subject for each in found for subject in each.get("subjects", []) if subject["kind"] == "ServiceAccount"
    ]
    assert {(subject["name"], subject["namespace"]) for subject in subjects} == {("sealing", "secrets")}
    services = [each for each in found if each["kind"] == "Service"]
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    assert all(each["spec"]["selector"].items() <= labels for each in services)
    # Two controllers of a namespace must not share a Lease.
    assert pod(found)["containers"][0]["args"] == ["--lease-name=sealing", "--require-identity"]
    allowed = [rule for each in found for rule in each.get("rules", []) if "leases" in rule["resources"]]
    assert [rule.get("resourceNames") for rule in allowed] == [None, ["sealing"]]


PLACES = [
    (manifests.NAMESPACE, manifests.NAME), ("secrets", manifests.NAME), (manifests.NAMESPACE, "sealing"),
    ("secrets", "sealing"), (manifests.NAMESPACE, "secrets"), ("a", "b-c"), ("a-b", "c"),
]  # fmt: skip


def test_no_installation_takes_the_rights_from_another() -> None:
    seen: set[tuple[str, str, str]] = set()
    for namespace, name in PLACES:
        found = assemble(Wanted(namespace, name, identity=True, crd=False))
        where = [
            (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
            for each in found
            if each["apiVersion"].startswith("rbac.")
        ]
        assert len(where) == len(set(where))
        assert not seen.intersection(where)
        seen.update(where)
        # Each binding gives a role that is there, to nobody but this one's account.
        roles = {(kind, at, role) for kind, at, role in where if not kind.endswith("Binding")}
        for each in found:
            if each["kind"].endswith("Binding"):
                at = each["metadata"].get("namespace", "")
                assert (each["roleRef"]["kind"], at, each["roleRef"]["name"]) in roles
                accounts = [subject for subject in each["subjects"] if subject["kind"] == "ServiceAccount"]
                assert all((one["name"], one["namespace"]) == (name, namespace) for one in accounts)


def test_the_cluster_has_the_name_that_was_given_and_else_the_usual_one() -> None:
    assert "args" not in pod(assemble(Wanted()))["containers"][0]
    assert pod(assemble(Wanted(cluster="prod")))["containers"][0]["args"] == ["--cluster=prod"]
    (container,) = pod(list(yaml.safe_load_all(ran("--cluster", "prod", "--image", "a/b:1").stdout)))["containers"]
    assert container["args"] == ["--cluster=prod"]


def test_without_an_image_of_your_own_you_are_warned() -> None:
    done = ran()
    assert "there is no public image" in done.stderr
    assert "--image REGISTRY/" in done.stderr
    for options in (("--image", "registry.example.com/sealer-controller:0.1.0"), ("--crd-only",)):
        done = ran(*options)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "options",
    [
        ("--namespace=secrets",), ("--name=sealing",), ("--image=a/b:1",), ("--cluster=prod",), ("--replicas=2",),
        ("--require-identity",), ("--crd-only",), ("--without-crd",), ("--output=all.yaml",),
    ],
)  # fmt: skip
def test_what_unpack_would_not_heed_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = ran("--unpack", str(tmp_path / "install"), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--unpack writes" in done.stderr
    assert "way out: pass" in done.stderr
    assert not list(tmp_path.iterdir())


def test_help_fits_a_terminal() -> None:
    lines = ran("--help").stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_the_type_has_the_name_of_no_installation() -> None:
    assert render(assemble(Wanted("a", "b", objects=False))) == render(assemble(Wanted(objects=False)))


def test_image_and_replicas() -> None:
    found = assemble(Wanted(image="registry.example.com:5000/x/y:1@sha256:" + "a" * 64, replicas=2))
    assert pod(found)["containers"][0]["image"].startswith("registry.example.com:5000/x/y:1@sha256:")
    assert found[-1]["spec"]["replicas"] == 2


def test_the_usual_image_is_of_this_version() -> None:
    version = metadata.version("sealer")
    assert pod(assemble(Wanted()))["containers"][0]["image"] == f"sealer.dev/sealer-controller:{version}"
    chart = yaml.safe_load((HERE / "chart" / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)


@pytest.mark.parametrize(
    ("wanted", "option"),
    [
        (Wanted(namespace="Kube"), "--namespace"),
        (Wanted(namespace="a" * 64), "--namespace"),
        (Wanted(namespace=""), "--namespace"),
        (Wanted(name="a.b"), "--name"),
        (Wanted(name="7a"), "--name"),
        (Wanted(name="a" * 56), "--name"),
        (Wanted(cluster=""), "--cluster"),
        (Wanted(cluster="Prod"), "--cluster"),
        (Wanted(cluster="a b"), "--cluster"),
        (Wanted(cluster="a" * 64), "--cluster"),
        (Wanted(image=""), "--image"),
        (Wanted(image="a b"), "--image"),
        (Wanted(image="a\n- b"), "--image"),
    ],
)
def test_what_is_no_name_is_refused(wanted: Wanted, option: str) -> None:
    with pytest.raises(UsageError) as refused:
        assemble(wanted)
    assert str(refused.value).startswith(f"{option}: ")
    assert refused.value.way_out


def test_into_a_file_and_no_format_for_a_file(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    assert ran("-o", str(file)).returncode == 0
    assert file.read_text() == ran().stdout
    refused = ran("-o", "yaml")
    assert refused.returncode == 2
    assert "looks like a format" in refused.stderr


def test_all_of_it_into_a_directory_that_is_new(tmp_path: Path) -> None:
    target = tmp_path / "install"
    assert ran("--unpack", str(target)).returncode == 0
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert {
        "base/kustomization.yaml", "chart/Chart.yaml", "chart/templates/_names.tpl", "gitops/argocd-health.lua",
        "identity/kustomization.yaml", "image/Containerfile", "monitoring/dashboard.json",
    } <= files  # fmt: skip
    assert not [name for name in files if name.endswith((".py", ".pyc"))]
    again = ran("--unpack", str(target))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    with pytest.raises(UsageError):
        unpack(target)


def test_the_base_lists_each_of_its_files() -> None:
    listed = yaml.safe_load((HERE / "base" / "kustomization.yaml").read_text())["resources"]
    assert {*listed, "kustomization.yaml"} == {path.name for path in (HERE / "base").iterdir()}


def test_the_pod_can_write_nothing_and_be_nobody_else() -> None:
    spec = pod(assemble(Wanted()))
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True, "runAsUser": 1001,
        "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert [volume["emptyDir"]["medium"] for volume in spec["volumes"]] == ["Memory"]
    assert "hostNetwork" not in spec


def test_what_the_pod_starts_is_a_command_that_we_have() -> None:
    (container,) = pod(assemble(Wanted(name="x", identity=True)))["containers"]
    assert container["command"] == ["sealer-controller", "run", "kubernetes"]
    command: Any = get_command(kube_cli.app)
    context = command.make_context(kube_cli.NAME, list(flags.as_ours(container["args"], kube_cli._BOOLEANS)))
    assert (context.params["lease_name"], context.params["require_identity"]) == ("x", True)
    ports = {port["name"]: f":{port['containerPort']}" for port in container["ports"]}
    assert ports == {"http": context.params["listen_addr"], "metrics": context.params["listen_metrics_addr"]}


def test_the_usual_lease_is_the_one_that_the_role_is_for() -> None:
    (rule,) = (
        rule
        for each in assemble(Wanted())
        for rule in each.get("rules", [])
        if "leases" in rule["resources"] and "resourceNames" in rule
    )
    assert rule["resourceNames"] == [flags.Flags().lease]


def test_a_verb_for_all_or_a_resource_for_all_is_given_to_nobody() -> None:
    for each in assemble(Wanted(identity=True)):
        for rule in each.get("rules", []):
            assert "*" not in itertools.chain(rule["verbs"], rule["resources"], rule["apiGroups"])


def test_the_type_is_the_one_that_the_client_talks_of() -> None:
    (crd,) = assemble(Wanted(objects=False))
    spec = crd["spec"]
    assert (spec["group"], spec["names"]["kind"], spec["names"]["plural"]) == (names.GROUP, names.KIND, names.PLURAL)
    assert [version["name"] for version in spec["versions"]] == [names.VERSION]


def test_nothing_under_spec_has_a_default() -> None:
    (crd,) = assemble(Wanted(objects=False))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    assert "default" not in repr(schema["spec"])
    assert schema["status"]["default"] == {"observedGeneration": -1}


CONTAINERFILE = (HERE / "image" / "Containerfile").read_text()


def test_the_image_runs_as_nobody_in_particular_and_ends_as_our_command() -> None:
    last = CONTAINERFILE.rsplit("\nFROM ", 1)[1].replace("\\\n", " ").splitlines()
    steps = [line.split(" ", 1) for line in last[1:] if re.match(r"[A-Z]+ ", line)]
    assert ["USER", "1001"] in steps
    assert "RUN" not in [step for step, _ in steps]
    assert steps[-1] == ["ENTRYPOINT", '["sealer-controller", "run", "kubernetes"]']
    assert "--require-hashes" in CONTAINERFILE
    root = HERE.parents[1]
    for source in re.findall(r"^COPY (?:--chmod=\d+ )?((?:requirements|controller)/\S+)", CONTAINERFILE, re.MULTILINE):
        assert (root / source).is_file()


def test_the_image_can_be_started_as_bitnamis_is() -> None:
    script = HERE / "image" / "controller"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--key-prefix" in done.stdout
    assert "sealer-controller run kubernetes" in done.stdout


def test_names_are_the_clients() -> None:
    assert manifests.NAME == names.MANAGER
