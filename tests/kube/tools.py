"""helm, kubectl and our own commands, run as users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from controller.install.manifests import HERE
from tests.conftest import _peer
from tests.servers import tools

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

CHART = HERE / "chart"


def run(program: str | Path, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """One program, whatever comes of it."""
    env = {**os.environ, **environment}
    return subprocess.run([str(program), *arguments], input=stdin, env=env, capture_output=True, text=True, check=False)


def done(program: str | Path, *arguments: str, stdin: str = "", **environment: str) -> str:
    """What a program that has to succeed without a warning prints on stdout."""
    ran = run(program, *arguments, stdin=stdin, **environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Of client-go's own log, not of what was asked for: that a watch which it no longer needs has ended.
    said = [each for each in ran.stderr.splitlines() if '] "Warning: watch ended with error"' not in each]
    assert "Warning" not in "\n".join(said), ran.stderr
    return ran.stdout


def ours(*arguments: str) -> str:
    """What `sealer-controller` prints on stdout."""
    return done(Path(sys.executable).with_name("sealer-controller"), *arguments)


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a YAML stream."""
    return [each for each in yaml.load_all(text, yaml.CSafeLoader) if each]


class Helm:
    """helm; with a cluster it talks to that."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        self.program = _peer(tools.HELM)
        self.environment = {"KUBECONFIG": str(cluster.kubeconfig) if cluster else os.devnull}
        self._rendered: dict[tuple[str, ...], str] = {}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it."""
        return run(self.program, *arguments, **self.environment)

    def done(self, *arguments: str) -> str:
        """It has to succeed."""
        return done(self.program, *arguments, **self.environment)

    def template(self, values: dict[str, Any], scratch: Path, *arguments: str) -> list[dict[str, Any]]:
        """The objects of the chart with these values, in a release called sealed-secrets; rendered once."""
        asked = (json.dumps(values), *arguments)
        if asked not in self._rendered:
            file = scratch / "values.yaml"
            file.write_text(asked[0])
            where = ("--namespace", "kube-system", "--values", str(file))
            self._rendered[asked] = self.done("template", "sealed-secrets", str(CHART), *where, *arguments)
        return objects(self._rendered[asked])


class Kubectl:
    """kubectl, as the client who may do all."""

    def __init__(self, cluster: Cluster) -> None:
        self.program = _peer(tools.KUBECTL)
        self.environment = {"KUBECONFIG": str(cluster.kubeconfig)}

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Whatever comes of it."""
        return run(self.program, *arguments, stdin=stdin, **self.environment)

    def done(self, *arguments: str, stdin: str = "") -> str:
        """It has to succeed, without a warning."""
        return done(self.program, *arguments, stdin=stdin, **self.environment)

    def get(self, *arguments: str) -> Any:
        """An object, or a list of them."""
        return json.loads(self.done("get", *arguments, "--output", "json"))
