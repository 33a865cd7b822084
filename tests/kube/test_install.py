"""What `sealer-controller manifests` prints, on a real API server: applied, over Bitnami's, and as it is granted."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controller.install import manifests
from controller.kube import names
from tests.kube.tools import Kubectl, objects, ours

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

RBAC = yaml.safe_load(Path(__file__).with_name("rbac.yaml").read_text())
ACCOUNT = "system:serviceaccount:kube-system:sealed-secrets-controller"
RESTRICTED = "pod-security.kubernetes.io"


@pytest.fixture(scope="module")
def installed(own: Cluster, kubectl: Kubectl) -> Kubectl:
    """All of it, applied to namespace kube-system."""
    kubectl.done("apply", "--server-side", "-f", "-", stdin=ours("manifests"))
    kubectl.done("wait", "--for=condition=Established", "crd/sealedsecrets.bitnami.com", "--timeout=30s")
    own.apiserver.wait_ready(lambda: own.call("GET", names.sealed_secrets())[0] == 200)
    return kubectl


@pytest.fixture
def restricted(own: Cluster, kubectl: Kubectl) -> str:
    """A namespace in which only pods of the profile `restricted` may run, and objects for others are warned of."""
    namespace = own.namespace()
    labels = [f"{RESTRICTED}/{mode}=restricted" for mode in ("enforce", "warn", "audit")]
    kubectl.done("label", "namespace", namespace, *labels)
    return namespace


def pod(found: list[dict[str, Any]]) -> dict[str, Any]:
    """A pod of the Deployment among objects."""
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": template["spec"],
        "metadata": {"name": "one", **template["metadata"]},
    }


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("options", [(), ("--require-identity", "--replicas=2")])
def test_all_is_accepted_without_a_warning_where_only_restricted_pods_run(
    kubectl: Kubectl, restricted: str, options: tuple[str, ...]
) -> None:
    text = ours("manifests", "--namespace", restricted, "--without-crd", *options)
    said = kubectl.done("apply", "--dry-run=server", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    assert len(said.splitlines()) == len(objects(text))
    one = yaml.safe_dump(pod(objects(text)))
    kubectl.done("create", "--dry-run=server", "--namespace", restricted, "-f", "-", stdin=one)


def test_the_profile_does_refuse_others(kubectl: Kubectl, restricted: str) -> None:
    one = pod(manifests.assemble(manifests.Wanted()))
    del one["spec"]["securityContext"]["seccompProfile"]
    ran = kubectl.run("create", "--dry-run=server", "--namespace", restricted, "-f", "-", stdin=yaml.safe_dump(one))
    assert "violates PodSecurity" in ran.stderr


def test_applied_twice_nothing_changes(installed: Kubectl) -> None:
    before = installed.get("deployment", "-n", "kube-system", "sealed-secrets-controller")
    installed.done("apply", "--server-side", "-f", "-", stdin=ours("manifests"))
    after = installed.get("deployment", "-n", "kube-system", "sealed-secrets-controller")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


@pytest.mark.usefixtures("installed")
def test_kubeseal_and_we_find_it_by_name_and_by_label(kubectl: Kubectl) -> None:
    by_name = kubectl.get("service", "-n", "kube-system", "sealed-secrets-controller")
    assert by_name["spec"]["ports"][0]["name"] == "http"
    for label in ("app.kubernetes.io/name=sealed-secrets", "name=sealed-secrets-controller"):
        found = kubectl.get("services", "--all-namespaces", "--selector", label)["items"]
        assert {each["metadata"]["name"] for each in found} == {
            "sealed-secrets-controller", "sealed-secrets-controller-metrics",
        }  # fmt: skip


def inside(each: dict[str, Any]) -> bool:
    """Whether an object is in a namespace."""
    return "namespace" in each["metadata"]


BITNAMI = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: sealed-secrets-controller
  labels: {name: sealed-secrets-controller}
spec:
  minReadySeconds: 30
  selector: {matchLabels: {name: sealed-secrets-controller}}
  template:
    metadata: {labels: {name: sealed-secrets-controller}}
    spec:
      serviceAccountName: sealed-secrets-controller
      containers:
        - name: sealed-secrets-controller
          image: docker.io/bitnami/sealed-secrets-controller:0.40.0
          command: [controller]
          args: [--update-status, --key-renew-period=720h]
          volumeMounts: [{mountPath: /tmp, name: tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
"""


@pytest.mark.parametrize("way", [(), ("--server-side", "--force-conflicts")], ids=["apply", "server-side"])
def test_applied_over_bitnamis_nothing_of_theirs_is_left(own: Cluster, kubectl: Kubectl, way: tuple[str, ...]) -> None:
    namespace = own.namespace()
    kubectl.done("apply", "--namespace", namespace, "-f", "-", stdin=BITNAMI)
    text = ours("manifests", "--namespace", namespace, "--without-crd")
    # What there is once in a cluster is that of the other tests.
    kubectl.done("apply", *way, "-f", "-", stdin=yaml.safe_dump_all(each for each in objects(text) if inside(each)))
    deployment = kubectl.get("deployment", "--namespace", namespace, "sealed-secrets-controller")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sealer-controller", "run", "kubernetes"]
    assert not container.get("args")
    assert container["image"].startswith("sealer.dev/sealer-controller:")
    assert "minReadySeconds" not in deployment["spec"]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    # And back: what is theirs alone is theirs again.
    kubectl.done("apply", *way, "--namespace", namespace, "-f", "-", stdin=BITNAMI)
    deployment = kubectl.get("deployment", "--namespace", namespace, "sealed-secrets-controller")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert (container["command"], container["args"][0]) == (["controller"], "--update-status")


@pytest.mark.parametrize("identity", [False, True])
def test_kustomize_makes_what_manifests_prints(kubectl: Kubectl, tmp_path: Path, identity: bool) -> None:
    unpacked = tmp_path / "install"
    ours("manifests", "--unpack", str(unpacked))
    overlay = {"resources": ["install/base"], "components": ["install/identity"] if identity else []}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    built = objects(kubectl.done("kustomize", str(tmp_path)))
    printed = objects(ours("manifests", *(["--require-identity"] if identity else [])))
    assert sorted(built, key=_key) == sorted(printed, key=_key)


def _key(each: dict[str, Any]) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def test_a_second_installation_takes_nothing_from_the_first(own: Cluster, installed: Kubectl) -> None:
    namespace = own.namespace()
    text = ours("manifests", "--namespace", namespace, "--without-crd", "--require-identity")
    installed.done("apply", "--server-side", "-f", "-", stdin=text)
    other = f"system:serviceaccount:{namespace}:sealed-secrets-controller"
    # Its authorizer learns of a binding a moment after it is made.
    own.apiserver.wait_ready(lambda: may(installed, "create", "authentication.k8s.io/tokenreviews", account=other))
    own.apiserver.wait_ready(lambda: may(installed, "create", "/secrets", account=other))
    assert may(installed, "create", "/secrets")
    installed.done("delete", "-f", "-", stdin=text)
    own.apiserver.wait_ready(lambda: not may(installed, "create", "/secrets", account=other))
    assert may(installed, "create", "/secrets")


def granted(found: list[dict[str, Any]], kind: str, name: str) -> dict[str, list[str]]:
    """Verbs by resource, of a role."""
    (role,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    verbs: dict[str, list[str]] = {}
    for rule in role["rules"]:
        for group, resource in itertools.product(rule["apiGroups"], rule["resources"]):
            address = f"{group}/{resource}"
            verbs[address] = sorted({*verbs.get(address, []), *rule["verbs"]})
    return verbs


def test_it_is_granted_what_the_suite_saw_it_use_and_no_more() -> None:
    found = manifests.assemble(manifests.Wanted(identity=True))
    assert granted(found, "ClusterRole", "secrets-unsealer") == RBAC["everywhere"]
    assert granted(found, "Role", "sealed-secrets-key-admin") == RBAC["own namespace"]
    assert granted(found, "ClusterRole", "sealed-secrets-identity") == RBAC["with identity, everywhere"]
    without = manifests.assemble(manifests.Wanted())
    assert "sealed-secrets-identity" not in {each["metadata"]["name"] for each in without}


def may(
    kubectl: Kubectl, verb: str, resource: str, namespace: str = "default", name: str = "", account: str = ACCOUNT
) -> bool:
    """Whether the controller's account may do that; `resource` as in `rbac.yaml`."""
    group, _, rest = resource.partition("/")
    plural, _, below = rest.partition("/")
    what = f"{plural}.{group}" if group else plural
    options = [f"--as={account}", f"--namespace={namespace}", *([f"--subresource={below}"] if below else [])]
    return kubectl.run("auth", "can-i", verb, f"{what}/{name}" if name else what, *options).stdout.strip() == "yes"


def test_the_api_server_lets_it_do_that_and_no_more(installed: Kubectl) -> None:
    lease = "sealed-secrets-controller"
    for resource, verbs in RBAC["everywhere"].items():
        assert [verb for verb in verbs if not may(installed, verb, resource)] == []
    for resource, verbs in RBAC["own namespace"].items():
        name = lease if "leases" in resource else ""
        assert [verb for verb in verbs if not may(installed, verb, resource, "kube-system", name)] == []
    for verb, resource in (
        ("update", "/secrets"), ("deletecollection", "/secrets"), ("update", "bitnami.com/sealedsecrets"),
        ("patch", "bitnami.com/sealedsecrets"), ("delete", "bitnami.com/sealedsecrets"), ("get", "/configmaps"),
        ("create", "/pods"), ("list", "/namespaces"), ("create", "authentication.k8s.io/tokenreviews"),
    ):  # fmt: skip
        assert not may(installed, verb, resource), (verb, resource)
    assert not may(installed, "update", "coordination.k8s.io/leases", "kube-system", "another")
    assert not may(installed, "create", "coordination.k8s.io/leases", "default", lease)
