"""bitnami-sealed-secrets.md 5.2, B54 to B63: kubeseal and a cluster, first with Bitnami's own controller, then ours.

And `sealer` where it does the same.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sealer.formats import bundle, keys
from tests.kube import services
from tests.kube.bitnami import theirs
from tests.kube.controllers import Objects, Running, ours
from tests.kube.tools import run

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

KEY_LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"
CONFIG = "version: 1\nclusters:\n  prod: {}\nrules:\n  - path: '**'\n    clusters: [prod]\n"
BOGUS = "not a kubeconfig"
Ran = subprocess.CompletedProcess[str]


@dataclass
class Site:
    """A controller behind a Service, and who talks to it."""

    running: Running
    cluster: Cluster
    program: Path
    is_ours: bool

    def kubeseal(self, *arguments: str, stdin: str = "", kubeconfig: Path | None = None, **environ: str) -> Ran:
        """kubeseal, told by the environment alone where the cluster and its controller are."""
        where = {
            "KUBECONFIG": str(kubeconfig or self.cluster.kubeconfig),
            "SEALED_SECRETS_CONTROLLER_NAMESPACE": self.running.namespace,
        }
        return run(self.program, *arguments, stdin=stdin, **where, **environ)

    def newest(self) -> dict[str, Any]:
        """The Secret of the newest key in Bitnami's form."""
        found: list[dict[str, Any]] = self.key_secrets()["items"]
        return max(found, key=lambda each: keys.validity(_certificate(each))[0])

    def key_secrets(self) -> dict[str, Any]:
        """What `kubectl get secrets -o json` says of keys in Bitnami's form: a v1.List."""
        path = f"/api/v1/namespaces/{self.running.namespace}/secrets?labelSelector={KEY_LABEL}"
        status, found = self.cluster.call("GET", path)
        assert status == 200, found
        items = [{"apiVersion": "v1", "kind": "Secret", **each} for each in found["items"]]
        return {"apiVersion": "v1", "kind": "List", "items": items}


@pytest.fixture(scope="module", params=["theirs", "ours"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kubeseal: Path) -> Iterator[Site]:
    """Bitnami's own controller first, which proves the test, then ours; one for all tests of this file."""
    address = services.reachable_address()
    if request.param == "ours":
        cluster = request.getfixturevalue("own_cluster")
        with ours(cluster, cluster.namespace(), f"--listen-addr={address}:0", "--cluster=prod") as running:
            yield _published(Site(running, cluster, kubeseal, is_ours=True))
        return
    cluster, program = request.getfixturevalue("cluster"), request.getfixturevalue("bitnami_controller")
    files = tmp_path_factory.mktemp("theirs")
    with theirs(cluster, program, cluster.namespace(), files, address=address) as running:
        yield _published(Site(running, cluster, kubeseal, is_ours=False))


def _published(site: Site) -> Site:
    services.publish(site.cluster, site.running.namespace, int(site.running.address.rpartition(":")[2]))
    return site


@pytest.fixture
def objects(site: Site) -> Iterator[Objects]:
    """A namespace of one's own."""
    made = Objects(site.cluster, site.cluster.namespace())
    yield made
    made.clear("sealedsecrets")


@pytest.fixture
def value() -> str:
    """What is secret."""
    return secrets.token_hex(8)


def _certificate(secret: dict[str, Any]) -> str:
    return base64.b64decode(secret["data"]["tls.crt"]).decode()


def _secret(value: str, namespace: str = "", name: str = "db") -> str:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"foo": value}})


def _delivered(objects: Objects, ran: Ran, value: str) -> dict[str, Any]:
    """What was printed is put into the namespace that it names, and its Secret holds the value."""
    assert ran.returncode == 0, ran.stderr
    document = dict(yaml.safe_load(ran.stdout))
    assert (document["kind"], document["metadata"]["namespace"]) == ("SealedSecret", objects.namespace)
    assert value not in ran.stdout
    objects.create("sealedsecrets", document)
    secret = objects.holds(document["metadata"]["name"], {"foo": value.encode()})
    assert secret["metadata"]["namespace"] == objects.namespace
    return document


# kubeseal.


def test_b54_without_arguments_it_seals_for_the_cluster(site: Site, objects: Objects, value: str) -> None:
    document = _delivered(objects, site.kubeseal(stdin=_secret(value, objects.namespace, "mysecret")), value)
    assert document["metadata"]["name"] == "mysecret"


def test_b55_the_namespace_is_the_contexts(site: Site, objects: Objects, value: str, tmp_path: Path) -> None:
    _delivered(objects, site.kubeseal(stdin=_secret(value), kubeconfig=_context(site, objects, tmp_path)), value)


def _context(site: Site, objects: Objects, directory: Path) -> Path:
    """A kubeconfig whose current context names a namespace."""
    config = yaml.safe_load(site.cluster.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = objects.namespace
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def test_b56_the_namespace_is_told(site: Site, objects: Objects, value: str) -> None:
    _delivered(objects, site.kubeseal("-n", objects.namespace, stdin=_secret(value)), value)


def test_b57_with_a_certificate_no_cluster_is_needed(site: Site, objects: Objects, value: str, tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text(site.running.certificate())
    unreachable = _unreachable(site, tmp_path)
    stdin = _secret(value, objects.namespace)
    assert site.kubeseal(stdin=stdin, kubeconfig=unreachable).returncode == 1
    _delivered(objects, site.kubeseal("--cert", str(certificate), stdin=stdin, kubeconfig=unreachable), value)


def _unreachable(site: Site, directory: Path) -> Path:
    """A kubeconfig of a server where nobody listens."""
    config = yaml.safe_load(site.cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.parametrize("stdin", ["", "no manifest", "- a\n- b\n"])
def test_b58_what_is_no_secret_is_refused(site: Site, stdin: str) -> None:
    """JSON that breaks off is not asked of kubeseal: it reads on for ever."""
    ran = site.kubeseal(stdin=stdin)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: ")


def test_b59_the_certificate_is_the_newest_keys(site: Site) -> None:
    ran = site.kubeseal("--fetch-cert")
    assert (ran.returncode, ran.stdout) == (0, _certificate(site.newest())), ran.stderr


def test_b60_b61_what_opens_is_valid_and_renamed_it_is_not(site: Site, objects: Objects, value: str) -> None:
    document = json.loads(site.kubeseal(stdin=_secret(value, objects.namespace)).stdout)
    ran = site.kubeseal("--validate", stdin=json.dumps(document))
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    document["metadata"]["name"] = "other"
    ran = site.kubeseal("--validate", stdin=json.dumps(document))
    assert (ran.returncode, ran.stderr) == (1, "error: unable to decrypt sealed secret: other\n")


def test_b62_recovery_without_a_key_opens_nothing(site: Site, objects: Objects, value: str, tmp_path: Path) -> None:
    document = site.kubeseal(stdin=_secret(value, objects.namespace)).stdout
    ran = site.kubeseal("--recovery-unseal", stdin=document, kubeconfig=_bogus(tmp_path))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "error: no key could decrypt secret (foo)\n"


def test_b63_recovery_with_all_key_secrets(site: Site, objects: Objects, value: str, tmp_path: Path) -> None:
    document = site.kubeseal(stdin=_secret(value, objects.namespace)).stdout
    listed = _listed(site, tmp_path)
    ran = site.kubeseal(
        "--recovery-unseal", "--recovery-private-key", str(listed), stdin=document, kubeconfig=_bogus(tmp_path)
    )
    assert ran.returncode == 0, ran.stderr
    assert _text(ran.stdout) == value


def _bogus(directory: Path) -> Path:
    path = directory / "kubeconfig"
    path.write_text(BOGUS)
    return path


def _listed(site: Site, directory: Path) -> Path:
    """A file of all key Secrets, as a backup has them."""
    path = directory / "keys.json"
    path.touch(0o600)
    path.write_text(json.dumps(site.key_secrets()))
    return path


def _text(secret: str) -> str:
    return base64.b64decode(yaml.safe_load(secret)["data"]["foo"]).decode()


# sealer.


@pytest.fixture
def repository(site: Site, home: Path, tmp_path: Path) -> Path:
    """A repository that has pinned the keys of this controller."""
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    (work / ".sealer.yaml").write_text(CONFIG)
    where = ("--kubeconfig", str(site.cluster.kubeconfig), "--controller-namespace", site.running.namespace)
    ran = _sealer(work, "keys", "fetch", "--cluster", "prod", "--from-cluster", *where)
    assert ran.returncode == 0, ran.stderr
    return work


def _sealer(work: Path, *arguments: str, stdin: str = "") -> Ran:
    """Beside a kubeconfig that is none: a cluster is never needed."""
    environ = {**os.environ, "KUBECONFIG": str(_bogus(work.parent))}
    ran = subprocess.run(
        ["sealer", *arguments], cwd=work, env=environ, input=stdin, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ran.stderr
    return ran


def test_b54_sealer_seals_to_the_clusters_keys(site: Site, objects: Objects, repository: Path, value: str) -> None:
    """v2 for ours, and what Bitnami's opens for Bitnami's."""
    ran = _sealer(repository, "seal", stdin=_secret(value, objects.namespace, "mysecret"))
    document = _delivered(objects, ran, value)
    assert document["spec"]["encryptedData"]["foo"].startswith("v2") is site.is_ours


def test_b56_sealer_is_told_the_namespace(objects: Objects, repository: Path, value: str) -> None:
    _delivered(objects, _sealer(repository, "seal", "-n", objects.namespace, stdin=_secret(value)), value)


def test_b57_sealer_needs_but_a_certificate(site: Site, objects: Objects, value: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "cert.pem").write_text(site.running.certificate())
    ran = _sealer(tmp_path / "work", "seal", "--cert", "../cert.pem", stdin=_secret(value, objects.namespace))
    _delivered(objects, ran, value)


@pytest.mark.parametrize("stdin", ["", "no manifest", "- a\n- b\n", "{", '{"kind": "Secret"'])
def test_b58_sealer_refuses_what_is_no_secret(repository: Path, stdin: str) -> None:
    ran = _sealer(repository, "seal", stdin=stdin)
    assert (ran.returncode != 0, ran.stdout) == (True, "")
    assert ran.stderr.startswith("error: ")


def test_b59_sealer_pins_the_newest_keys(site: Site, repository: Path) -> None:
    """Of Bitnami's controller its certificate, of ours the whole bundle."""
    (pinned,) = (each for each in repository.glob(".sealer/**/*") if each.is_file())
    if site.is_ours:
        found, now = bundle.parse(pinned.read_bytes()), bundle.parse(site.running.get("/v1/keys"))
        assert (found.identity, found.sequence, found.keys) == (now.identity, now.sequence, now.keys)
        assert _certificate(site.newest()) in [key.public.certificate for key in found.keys]
    else:
        assert pinned.read_text() == _certificate(site.newest())


def test_b60_b61_sealer_check_finds_what_was_renamed(
    site: Site, objects: Objects, repository: Path, value: str
) -> None:
    """v2 tells without a key where it belongs. v1 does not: that only a key, or the controller, can say."""
    ran = _sealer(repository, "seal", "-o", "db.yaml", stdin=_secret(value, objects.namespace))
    assert ran.returncode == 0, ran.stderr
    assert _sealer(repository, "check", "db.yaml").returncode == 0
    file = repository / "db.yaml"
    file.write_text(file.read_text().replace("name: db", "name: other"))
    assert _sealer(repository, "check", "db.yaml").returncode == int(site.is_ours)
    assert site.kubeseal("--validate", stdin=file.read_text()).returncode == 1


def test_b62_b63_sealer_unseals_with_all_key_secrets(
    site: Site, objects: Objects, repository: Path, value: str
) -> None:
    """What kubeseal sealed, and without a key nothing; as kubeseal, without a cluster."""
    (repository / "db.json").write_text(site.kubeseal(stdin=_secret(value, objects.namespace)).stdout)
    ran = _sealer(repository, "unseal", "db.json")
    assert (ran.returncode != 0, ran.stdout) == (True, "")
    ran = _sealer(repository, "unseal", "db.json", "--private-key", str(_listed(site, repository.parent)))
    assert ran.returncode == 0, ran.stderr
    assert _text(ran.stdout) == value
