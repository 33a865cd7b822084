"""The README's part on Kubernetes, run as it stands there, on a real API server and beside a real controller.

There is no kubelet: a `kubectl` that stands before the real one runs what is meant for a pod where the controller is.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from controller.kube import keysecret, names, newkey
from sealer.formats.keyrecord import Status
from sealer.formats.keys import generate_kem
from tests import readme
from tests.conftest import _peer
from tests.kube import services
from tests.kube.controllers import Objects, ours
from tests.kube.tools import Kubectl
from tests.kube.tools import ours as sealer_controller
from tests.sealer.rings import rsa_key
from tests.servers import tools

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

NAME, NAMESPACE = "sealed-secrets-controller", "kube-system"
INSTALL, KEYS, SWITCH, KUBESEAL = (
    "## In Kubernetes", "### Its keys", "### From Bitnami's controller, and back", "## From kubeseal, and back",
)  # fmt: skip
_KUBECTL = """\
#!/bin/sh
if [ "$1" = exec ]; then
  echo "$4" >> "$EXECS"
  while [ "$1" != -- ]; do shift; done
  shift
  exec nsenter --target "$(cat "$PROCESS")" --user --pid --preserve-credentials "$@"
fi
exec "$KUBECTL" "$@"
"""


@dataclass
class Shell:
    """Who reads the README: an empty home, a repository, and the programs."""

    folder: Path
    kubectl: Kubectl
    namespace: str = NAMESPACE
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "kubectl").write_text(_KUBECTL)
        (programs / "kubectl").chmod(0o700)
        (programs / "helm").symlink_to(_peer(tools.HELM))
        self.begin("ours")
        self.environment = {
            **os.environ, **self.kubectl.environment, "KUBECTL": str(self.kubectl.program),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "EXECS": str(self.folder / "execs"),
            "PROCESS": str(self.folder / "process"),
        }  # fmt: skip

    def begin(self, name: str) -> None:
        """A repository of this name, to work in from now on."""
        self.repository = self.folder / name
        subprocess.run(["git", "init", "-q", "-b", "main", self.repository], check=True)

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """A script, which has to succeed."""
        ran = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script.replace("kube-system", self.namespace)],
            cwd=self.repository, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "Warning" not in ran.stderr, ran.stderr
        return ran


@pytest.fixture
def shell(kubectl: Kubectl, tmp_path: Path) -> Shell:
    return Shell(tmp_path, kubectl)


def container(kubectl: Kubectl) -> dict[str, Any]:
    """The controller's, as it stands in the cluster."""
    deployment = kubectl.get("deployment", "-n", NAMESPACE, NAME)
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_installed_used_and_its_keys_renewed(own: Cluster, kubectl: Kubectl, shell: Shell, kubeseal: Path) -> None:
    shell.run(readme.script(INSTALL, "manifests --image"))
    kubectl.done("wait", "--for=condition=Established", "crd/sealedsecrets.bitnami.com", "--timeout=30s")
    own.apiserver.wait_ready(lambda: own.call("GET", names.sealed_secrets())[0] == 200)
    renewal = readme.script(KEYS, "kill -USR1")
    shell.run(renewal.splitlines()[1])  # before it starts, since nobody here starts it anew
    environment = {each["name"]: each["value"] for each in container(kubectl)["env"] if "value" in each}
    assert environment == {"SEALED_SECRETS_KEY_RENEW_PERIOD": "2160h"}
    past = datetime.now(UTC) - timedelta(days=45)  # too old for the default of 30 days
    old = newkey.sealing(generate_kem(), past, past + timedelta(3650), past)
    kubectl.done("create", "-n", NAMESPACE, "-f", "-", stdin=yaml.safe_dump(newkey.made(old, "sealer-", "one")))
    listen = f"--listen-addr={services.reachable_address()}:0"
    alone = ("unshare", "-rpf", "--mount-proc", "--kill-child")  # process 1, as in a pod
    arguments = container(kubectl)["args"]
    with ours(own, NAMESPACE, listen, *arguments, pod="one-of-two", before=alone, **environment) as controller:
        services.stand_behind(own, NAMESPACE, int(controller.address.rpartition(":")[2]), "http", NAME)
        (child,) = Path(f"/proc/{controller.process.pid}/task/{controller.process.pid}/children").read_text().split()
        (shell.folder / "process").write_text(child)
        _use(own, kubectl, shell)
        assert keys(kubectl) == {"sealing": 1, "rsa": 1}
        shell.run(renewal)
        assert (shell.folder / "execs").read_text() == "one-of-two\n"
        own.apiserver.wait_ready(lambda: keys(kubectl) == {"sealing": 2, "rsa": 2})
        _keep_theirs(shell, kubeseal)
    shell.run(f"sealer-controller manifests --without-crd | {shell.kubectl.program} delete -f -")
    _helm(kubectl, shell)


def _use(own: Cluster, kubectl: Kubectl, shell: Shell) -> None:
    """A developer names the cluster, pins its keys and seals; the controller delivers."""
    kubectl.done("create", "namespace", "shop")
    ran = shell.run(readme.script(INSTALL, "--from-cluster --cluster prod"))
    assert "Traceback" not in ran.stderr
    secret = Objects(own, "shop").until("secrets", "db", lambda item: item.get("data"))
    assert set(secret["data"]) == {"password"}
    Objects(own, "shop").settled("db")
    said = shell.run(readme.script(INSTALL, "status --from-cluster")).stdout
    assert said.splitlines()[0] == "context test, all namespaces"
    assert "delivered" in said
    shell.run(readme.script(INSTALL, "kubectl annotate"))
    Objects(own, "shop").until("sealedsecrets", "db", lambda item: item["status"].get("lastHandledReconcileAt"))


def _keep_theirs(shell: Shell, kubeseal: Path) -> None:
    """Who keeps Bitnami's controller: here ours stands in its place, which answers as it does."""
    (shell.folder / "bin" / "kubeseal").symlink_to(kubeseal)
    shell.begin("theirs")
    shell.run(readme.script(KUBESEAL, "--fetch-cert"))
    said = shell.run(readme.script(KUBESEAL, "keys import"))
    assert said.stdout.count("rsa") >= 2
    assert "Traceback" not in said.stderr


def _helm(kubectl: Kubectl, shell: Shell) -> None:
    """Installed as a chart, and upgraded by the command for who comes from Bitnami's."""
    shell.run(readme.script(INSTALL, "helm install"))
    assert container(kubectl)["image"].startswith("registry.example.com/sealer-controller:")
    shell.run(readme.inline(SWITCH, "helm upgrade"))
    assert "--cluster=prod" in container(kubectl)["args"]
    shell.run(readme.inline(SWITCH, "--replicas 0"))
    assert kubectl.get("deployment", "-n", NAMESPACE, NAME)["spec"]["replicas"] == 0
    shell.run(f"helm uninstall sealed-secrets -n {NAMESPACE}")


def keys(kubectl: Kubectl) -> dict[str, int]:
    """How many of each kind that values are sealed to."""
    found = kubectl.get("secrets", "-n", NAMESPACE)["items"]
    kinds = [each["metadata"]["labels"].get(names.OUR_KEY) for each in found]
    bitnamis = [each for each in found if names.KEY_LABEL in each["metadata"]["labels"]]
    return {"sealing": kinds.count("sealing"), "rsa": len(bitnamis)}


def test_put_over_theirs_and_looked_at_before_the_way_back(own: Cluster, kubectl: Kubectl, shell: Shell) -> None:
    shell.run(readme.inline(SWITCH, "--crd-only"))
    kubectl.done("wait", "--for=condition=Established", "crd/sealedsecrets.bitnami.com", "--timeout=30s")
    own.apiserver.wait_ready(lambda: own.call("GET", names.sealed_secrets())[0] == 200)
    shell.run(readme.inline(SWITCH, "manifests --without-crd"))
    assert container(kubectl)["image"] == "registry.example.com/sealer-controller:0.1.0"
    assert container(kubectl)["args"] == ["--cluster=prod"]
    counting = readme.script(SWITCH, "grep -c").removeprefix("set -eu\n")
    before = int(shell.run(f"{counting.strip()} || true").stdout)
    items = {"a": "v2:AA==", "b": "v2:BB==", "c": "AgAA"}
    document = {
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": own.namespace()}, "spec": {"encryptedData": items},
    }  # fmt: skip
    # Its annotation of what was applied last holds all of it once more.
    kubectl.done("apply", "-f", "-", stdin=yaml.safe_dump(document))
    assert int(shell.run(counting).stdout) == before + 2


def test_keys_are_backed_up_restored_and_marked(own: Cluster, kubectl: Kubectl, shell: Shell) -> None:
    namespace, now = own.namespace(), datetime(2026, 1, 1, tzinfo=UTC)
    shell.namespace = namespace

    def put(*suffixes: str) -> None:
        for suffix in suffixes:
            made = [
                newkey.made(newkey.bitnami(rsa_key(0)), "sealed-secrets-key", suffix),
                newkey.made(newkey.sealing(generate_kem(), now, now + timedelta(1), now), "sealer-", suffix),
                newkey.made(newkey.identity(Ed25519PrivateKey.generate(), now), "sealer-identity-", suffix),
                newkey.made(newkey.state(os.urandom(32), now), "sealer-state-", suffix),
            ]
            kubectl.done("create", "--namespace", namespace, "-f", "-", stdin=yaml.safe_dump_all(made))

    def held() -> dict[str, tuple[Any, Any]]:
        found = kubectl.get("secrets", "--namespace", namespace)["items"]
        return {each["metadata"]["name"]: (each["metadata"]["labels"], each["data"]) for each in found}

    text = sealer_controller("manifests", "--namespace", namespace, "--without-crd")
    kubectl.done("apply", "--server-side", "-f", "-", stdin=text)
    put("one")
    before = held()
    assert len(before) == 4
    assert shell.run(readme.script(KEYS, "> keys.yaml")).stderr == ""
    assert (shell.repository / "keys.yaml").stat().st_mode & 0o077 == 0
    kubectl.done("delete", "secret", "--all", "--namespace", namespace)
    put("two")  # by a controller that found none
    assert shell.run(readme.script(KEYS, "kubectl apply -f keys.yaml")).stderr == ""
    assert held() == before
    deployment = kubectl.get("deployment", NAME, "--namespace", namespace)
    assert deployment["spec"]["replicas"] == 1
    first, second = readme.script(KEYS, "compromised").splitlines()[1:]
    shell.run(first.replace("NAME", "sealed-secrets-keyone"))
    shell.run(second.replace("NAME", "sealer-one"))
    found = [keysecret.read(each, "x") for each in kubectl.get("secrets", "--namespace", namespace)["items"]]
    sealing = [each for each in found if isinstance(each, keysecret.SealingKey)]
    assert [each.status for each in sealing] == [Status.COMPROMISED] * 2


def test_each_block_is_run_here() -> None:
    """All but the one that builds the image, for which tests have no program."""
    counted = {heading: len(readme.blocks("console", heading)) for heading in (INSTALL, KEYS, SWITCH, KUBESEAL)}
    assert counted == {INSTALL: 6, KEYS: 4, SWITCH: 1, KUBESEAL: 2}, "what is new or gone is for the tests of this file"
    recipe = readme.script(INSTALL, "podman build").partition(" -f ")[2].split()[0]
    assert (readme.PAGE.parent / recipe).is_file()
