"""A cluster goes from Bitnami's controller to ours and back: no Secret changes on the way, and each opens the other's.

Both real: theirs is 0.40.0, the API server Kubernetes' own.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube.bitnami import theirs
from tests.kube.cluster import Cluster
from tests.kube.controllers import Objects, Running, data, ours, sealed, synced

COUNT = 200


@pytest.fixture(scope="module")
def switched(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster of one's own, with the type as we install it: every namespace is served by who runs."""
    with Cluster(*kube_programs) as running:
        running.define(Path(__file__).parents[2] / "controller/install/base/crd.yaml")
        yield running


def _secrets(objects: Objects, names: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    _, found = objects.cluster.call("GET", objects.path("secrets"))
    return {each["metadata"]["name"]: each for each in found["items"] if each["metadata"]["name"] in names}


def _all_delivered(objects: Objects, names: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    for name in names:
        objects.settled(name)
    found = _secrets(objects, names)
    assert {name: data(found[name])["token"] for name in found} == names
    return found


def test_two_hundred_go_from_theirs_to_ours_and_back(
    switched: Cluster, bitnami_controller: Path, tmp_path: Path
) -> None:
    own, objects = switched.namespace(), Objects(switched, switched.namespace())
    names = {f"s-{number}": secrets.token_hex(8).encode() for number in range(COUNT)}
    (tmp_path / "a").mkdir()
    with theirs(switched, bitnami_controller, own, tmp_path / "a") as controller:
        pem = controller.certificate()
        for name, value in names.items():
            objects.create("sealedsecrets", sealed(pem, objects.namespace, name, {"token": value}))
        before = _all_delivered(objects, names)
    with ours(switched, own) as controller:
        for name in names:  # ours has written its own status, and so has looked at each
            objects.until("sealedsecrets", name, lambda item: (item.get("status") or {}).get("secretRef"))
        assert controller.certificate() == pem
        assert _all_delivered(objects, names) == before
        more = secrets.token_hex(8).encode()
        objects.create("sealedsecrets", sealed(controller, objects.namespace, "more", {"token": more}))
        made = _all_delivered(objects, {"more": more})
        assert controller.end() == 0
    (tmp_path / "b").mkdir()
    with theirs(switched, bitnami_controller, own, tmp_path / "b") as controller:
        assert controller.certificate() == pem
        last = secrets.token_hex(8).encode()
        objects.create("sealedsecrets", sealed(pem, objects.namespace, "last", {"token": last}))
        _all_delivered(objects, {"last": last})
        assert _all_delivered(objects, names) == before
        assert data(_secrets(objects, {"more": more})["more"]) == data(made["more"])


def test_real_kubeseal_seals_for_ours_and_our_sealer_for_theirs(
    switched: Cluster, bitnami_controller: Path, kubeseal: Path, tmp_path: Path
) -> None:
    own, objects = switched.namespace(), Objects(switched, switched.namespace())
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": objects.namespace},
        "stringData": {"token": secrets.token_hex(8)},
    }
    wanted = {"token": manifest["stringData"]["token"].encode()}  # type: ignore[index]
    with ours(switched, own) as controller:
        _seal([str(kubeseal), "--cert"], controller, manifest, objects, tmp_path)
        objects.holds("db", wanted)
        objects.settled("db")
        objects.delete("sealedsecrets", "db")
        objects.delete("secrets", "db")
    with theirs(switched, bitnami_controller, own, tmp_path) as other:
        _seal(["sealer", "seal", "--format", "json", "--cert"], other, manifest, objects, tmp_path)
        objects.holds("db", wanted)
        assert synced(objects.settled("db"))["status"] == "True"


def _seal(command: list[str], controller: Running, manifest: dict[str, Any], objects: Objects, scratch: Path) -> None:
    """Seal a manifest with a program and a controller's certificate, and create what comes out."""
    pem = scratch / "cert.pem"
    pem.write_text(controller.certificate())
    text = yaml.safe_dump(manifest)
    done = subprocess.run([*command, str(pem)], input=text, capture_output=True, text=True, check=True, cwd=scratch)
    objects.create("sealedsecrets", yaml.safe_load(done.stdout))
