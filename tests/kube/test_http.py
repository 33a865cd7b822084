"""Real kubeseal against our endpoints, through a Service of the real API server; and Bitnami's answers beside ours."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controller import serving
from controller.kube.bodies import LIMIT
from controller.kube.http import Endpoints, Site
from controller.kube.limits import Limiter
from controller.kube.metrics import Metrics
from sealer.formats import keys
from sealer.formats.keys import PrivateKey, generate_kem
from tests.controller.kube.endpoints import Client, Held, encoded, sealed
from tests.controller.running.test_notify import Clock
from tests.kube import services
from tests.kube.bitnami import theirs
from tests.sealer.rings import rsa_key

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

WORD = secrets.token_hex(8)
KEM = generate_kem()
PORTS = pytest.mark.parametrize("port", ["http", ""], ids=["named", "unnamed"])


@dataclass
class Behind:
    """Our endpoints behind a Service, and kubeseal in front."""

    cluster: Cluster
    namespace: str
    kubeseal: Path
    held: Held
    at: Client

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        where = ("--kubeconfig", str(self.cluster.kubeconfig), "--controller-namespace", self.namespace)
        return subprocess.run([str(self.kubeseal), *where, *arguments], input=stdin, capture_output=True, check=False)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return self.cluster.call(method, services.proxied(self.namespace, path), body)

    def document(self, *private: PrivateKey, **more: Any) -> dict[str, Any]:
        items = {"user": b"app", "password": WORD.encode()}
        return sealed(items, *(private or (rsa_key(0),)), namespace=self.namespace, **more)


@contextlib.contextmanager
def behind(cluster: Cluster, namespace: str, kubeseal: Path, port: str = "http", **wanted: Any) -> Iterator[Behind]:
    bound = services.listen()
    at = Client(*bound.getsockname())
    services.publish(cluster, namespace, at.port, port)
    held = Held([rsa_key(0), KEM])
    site = Site(Endpoints(held, lambda: True, Metrics("1"), **wanted))
    with contextlib.closing(site), serving.in_thread(bound, site.app(), 60):
        yield Behind(cluster, namespace, kubeseal, held, at)


@pytest.fixture
def site(cluster: Cluster, namespace: str, kubeseal: Path) -> Iterator[Behind]:
    with behind(cluster, namespace, kubeseal) as found:
        yield found


@PORTS
def test_fetch_cert(cluster: Cluster, namespace: str, kubeseal: Path, port: str) -> None:
    """B59: the newest certificate, also after it became another (E22)."""
    with behind(cluster, namespace, kubeseal, port) as site:
        for key in (rsa_key(0), rsa_key(1)):
            site.held.keys.append(key)
            found = site.run("--fetch-cert")
            assert (found.returncode, found.stdout.decode()) == (0, key.public.certificate), found.stderr


@PORTS
def test_validate(cluster: Cluster, namespace: str, kubeseal: Path, port: str) -> None:
    """B60, B61."""
    with behind(cluster, namespace, kubeseal, port) as site:
        good = site.document()
        found = site.run("--validate", stdin=encoded(good))
        assert (found.returncode, found.stdout) == (0, b""), found.stderr
        bad = good | {"metadata": {"name": "other", "namespace": namespace}}
        found = site.run("--validate", stdin=encoded(bad))
        assert found.returncode != 0
        assert b"unable to decrypt sealed secret: other" in found.stderr


def test_validate_several_documents_and_ours(site: Behind) -> None:
    """kubeseal posts one after the other; v2 is not a matter of its."""
    good = yaml.safe_dump_all([site.document(), site.document(KEM)]).encode()
    assert site.run("--validate", stdin=good).returncode == 0
    bad = yaml.safe_dump_all([site.document(), site.document(generate_kem())]).encode()
    assert site.run("--validate", stdin=bad).returncode != 0


@PORTS
def test_re_encrypt(cluster: Cluster, namespace: str, kubeseal: Path, port: str) -> None:
    with behind(cluster, namespace, kubeseal, port) as site:
        site.held.keys.append(rsa_key(1))
        template = {"metadata": {"labels": {"a": "b"}}, "data": {"url": '{{ index . "user" }}'}, "type": "my/type"}
        found = site.run("--re-encrypt", stdin=encoded(site.document(template=template)))
        assert found.returncode == 0, found.stderr
        after = json.loads(found.stdout)
        assert (after["kind"], after["spec"]["template"]["type"]) == ("SealedSecret", "my/type")
        assert after["spec"]["template"]["metadata"]["labels"] == {"a": "b"}
        assert after["spec"]["template"]["data"] == template["data"]
        assert recovered(site, found.stdout, rsa_key(1)) == {"user": "YXBw", "password": encoded_word(), "url": "YXBw"}
        again = site.run("--re-encrypt", "-o", "yaml", stdin=found.stdout)
        assert (again.returncode, again.stdout[:3]) == (0, b"---"), again.stderr
        assert site.run("--validate", stdin=again.stdout).returncode == 0


def encoded_word() -> str:
    return base64.b64encode(WORD.encode()).decode()


def recovered(site: Behind, document: bytes, key: PrivateKey) -> dict[str, str]:
    """The data that real kubeseal opens with this key alone."""
    path = Path.home() / "key.pem"
    path.write_text(key.pem)
    found = site.run("--recovery-unseal", "--recovery-private-key", str(path), stdin=document)
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout)["data"])


def test_cve_2026_22728_re_encrypt_does_not_widen(site: Behind) -> None:
    """E19, GHSA-465p-v42x-3fmj, with real kubeseal on both sides of it."""
    wide = {"metadata": {"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}}}
    found = site.run("--re-encrypt", stdin=encoded(site.document(template=wide)))
    assert found.returncode == 0, found.stderr
    after = json.loads(found.stdout)
    assert site.run("--validate", stdin=encoded(after)).returncode == 0
    for annotation in ("cluster-wide", "namespace-wide"):
        moved = after | {"metadata": {"name": "other", "namespace": site.namespace}}
        moved["metadata"]["annotations"] = {f"sealedsecrets.bitnami.com/{annotation}": "true"}
        assert site.run("--validate", stdin=encoded(moved)).returncode != 0


def test_a_failure_of_re_encrypt(site: Behind) -> None:
    bad = site.document() | {"metadata": {"name": "other", "namespace": site.namespace}}
    found = site.run("--re-encrypt", stdin=encoded(bad))
    assert (found.returncode, found.stdout) == (1, b"")
    assert found.stderr.startswith(b"error: cannot re-encrypt secret: ")
    assert WORD.encode() not in found.stderr


def test_kubeseal_seals_for_us(site: Behind) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": site.namespace}}
    found = site.run(stdin=encoded(secret | {"stringData": {"a": WORD}}))
    assert found.returncode == 0, found.stderr
    assert site.run("--validate", stdin=found.stdout).returncode == 0


class Ticks:
    """A clock that goes on by a quarter of a second each time that it is looked at, once `on`."""

    def __init__(self) -> None:
        self.now, self.on = 0.0, False

    def __call__(self) -> float:
        self.now += 0.25 * self.on
        return self.now


def test_a_limit_through_the_proxy(cluster: Cluster, namespace: str, kubeseal: Path) -> None:
    """E31: all come from the API server's address. kubeseal comes again after as long as it was told."""
    clock = Ticks()
    with behind(cluster, namespace, kubeseal, limiter=Limiter(2, 2, clock)) as site:
        assert [site.call("POST", "/v1/verify", site.document())[0] for _ in range(4)] == [200, 200, 200, 429]
        assert site.run("--fetch-cert").returncode == 0
        clock.on = True
        assert site.run("--validate", stdin=encoded(site.document())).returncode == 0
        assert clock.now == 0.5


def test_too_large_a_body_through_the_proxy(site: Behind) -> None:
    """E23, as kubeseal sees it: over HTTP/2 the answer comes although not all was sent."""
    body = site.document()
    body["spec"]["encryptedData"]["user"] = "A" * LIMIT
    found = site.run("--validate", stdin=encoded(body))
    assert found.returncode == 1
    assert b"request body too large" in found.stderr or b"413" in found.stderr, found.stderr


def test_pages_through_the_proxy(site: Behind) -> None:
    assert site.call("GET", "/healthz") == (200, "ok\n")
    assert site.call("GET", "/v1/keys") == (200, "a bundle\n")
    assert site.call("GET", "/v1/nothing")[0] == 404
    assert site.call("DELETE", "/v1/cert.pem")[0] == 405


# Beside Bitnami's own.

Case = Callable[[dict[str, Any]], bytes]


def _with(**spec: Any) -> Case:
    return lambda good: encoded(good | {"spec": good["spec"] | spec})


CASES: dict[str, Case] = {
    "good": encoded,
    "yaml": lambda good: yaml.safe_dump(good).encode(),
    "renamed": lambda good: encoded(good | {"metadata": {**good["metadata"], "name": "other"}}),
    "nothing": lambda _: b"",
    "a Secret": lambda _: encoded({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
    "no base64": _with(encryptedData={"a": "NOTVALIDBASE64"}),
    "no items": _with(encryptedData={}),
    "both fields": _with(data="AAAA"),
    "a template that fails": _with(template={"data": {"a": '{{ fail "x" }}'}}),
    "a template that widens": _with(
        template={"metadata": {"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}}}
    ),
    "unknown fields": _with(unknown=1),
    "a label of no text": _with(template={"metadata": {"labels": {"a": True}}}),
}
DIFFERENT = {
    "two documents": lambda good: encoded(good) + b"\n---\n" + encoded(good),
    "a List": lambda good: encoded({"apiVersion": "v1", "kind": "List", "items": [good]}),
}


def test_answers_are_bitnamis(cluster: Cluster, namespace: str, bitnami_controller: Path, tmp_path: Path) -> None:
    """The same requests to both, sealed to the same key: the same status, and the same headers of the limit."""
    flags = ("--all-namespaces=false", "--rate-limit=1000", "--rate-limit-burst=1000")
    with theirs(cluster, bitnami_controller, namespace, tmp_path, *flags) as running:
        host, _, port = running.address.partition(":")
        _compare(cluster, namespace, Client(host, int(port)))


def _compare(cluster: Cluster, namespace: str, bitnamis: Client) -> None:
    _, found = cluster.call("GET", f"/api/v1/namespaces/{namespace}/secrets")
    pems = found["items"][0]["data"]
    certificate = base64.b64decode(pems["tls.crt"]).decode()
    key = keys.load_private(base64.b64decode(pems["tls.key"]).decode(), certificate)
    bound = serving.bind("127.0.0.1:0")
    ours = Client(*bound.getsockname())
    limiter = Limiter(1000, 1000, Clock())
    site = Site(Endpoints(Held([key]), lambda: True, Metrics("1"), limiter=limiter))
    good = sealed({"a": b"b"}, key, namespace=namespace)
    with contextlib.closing(site), serving.in_thread(bound, site.app(), 60):
        for path in ("/v1/cert.pem", "/healthz", "/readyz", "/nothing", "/healthz/"):
            mine, other = ours.ask("GET", path), bitnamis.ask("GET", path)
            assert (mine[0], mine[2]) == (other[0], other[2]), path
            assert mine[1]["content-type"] == other[1]["content-type"], path
        for path in ("/v1/verify", "/v1/rotate"):
            for name, case in CASES.items():
                mine, other = ours.ask("POST", path, case(good)), bitnamis.ask("POST", path, case(good))
                assert mine[0] == other[0], (path, name)
                assert limits(mine[1]) == limits(other[1]), (path, name)
                if mine[0] in (200, 409) and path == "/v1/verify":
                    assert mine[2] == other[2] == b"", name
            for name, case in DIFFERENT.items():
                assert bitnamis.ask("POST", path, case(good))[0] == 500, name
                assert ours.ask("POST", path, case(good))[0] == 200, name
        # Each takes what the other sealed again.
        for one, another in ((ours, bitnamis), (bitnamis, ours)):
            code, _, again = one.ask("POST", "/v1/rotate", encoded(good))
            document = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"} | json.loads(again)
            assert (code, another.post("/v1/verify", document)) == (200, (200, b""))


def limits(headers: dict[str, str]) -> set[str]:
    return {name for name in headers if name.startswith("x-ratelimit") or name == "retry-after"}
