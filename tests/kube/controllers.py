"""Controllers of SealedSecrets run beside a real API server, ours and Bitnami's, and what tests ask of them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealer.formats import bundle, envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

PATIENCE = 60.0
KIND = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"}
SCOPES = {
    Scope.NAMESPACE_WIDE: {"sealedsecrets.bitnami.com/namespace-wide": "true"},
    Scope.CLUSTER_WIDE: {"sealedsecrets.bitnami.com/cluster-wide": "true"},
    Scope.STRICT: {},
}


@dataclass(frozen=True)
class Newest:
    """What is sealed to: the newest certificate of a controller, and its newest key of v2."""

    certificate: str
    kem: keys.PublicKey


@dataclass
class Running:
    """A controller that runs: its process, the address of its endpoints, and what it logged."""

    process: subprocess.Popen[str]
    address: str
    metrics: str
    namespace: str
    log: list[dict[str, Any]]

    def get(self, page: str) -> bytes:
        """One of the pages."""
        with urllib.request.urlopen(f"http://{self.address}{page}", timeout=PATIENCE) as response:
            return bytes(response.read())

    def certificate(self) -> str:
        """The newest certificate."""
        return self.get("/v1/cert.pem").decode()

    def newest(self) -> Newest:
        """What is sealed to just now, for many that are sealed one after the other."""
        return Newest(self.certificate(), self._kem())

    def _kem(self) -> keys.PublicKey:
        found = bundle.parse(self.get("/v1/keys"))
        return next(key.public for key in found.keys if key.public.algorithm != "rsa")

    def counted(self, name: str) -> float:
        """The sum of all series of a metric."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=PATIENCE) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition("{")[0].split(" ")[0] == name)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def ours(
    cluster: Cluster,
    namespace: str,
    *flags: str,
    pod: str = "",
    ready: str = "leads ready",
    before: Sequence[str] = (),
    **environment: str,
) -> Iterator[Running]:
    """Our controller, whose own namespace this is; running when it has said `ready`, and stopped at the end.

    `before`: a program that starts it, with its options.
    """
    command = [
        *before, sys.executable, "-m", "controller", "run", "kubernetes", "--kubeconfig", str(cluster.kubeconfig),
        "--listen-addr=127.0.0.1:0", "--listen-metrics-addr=127.0.0.1:0", "--key-size=2048", "--log-format=json",
        "--rate-limit=0", *flags,
    ]  # fmt: skip
    environ = {**os.environ, "POD_NAMESPACE": namespace, **({"POD_NAME": pod} if pod else {}), **environment}
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    log: list[dict[str, Any]] = []
    found = _Lines(process, log)
    try:
        listen = found.until("listen")
        running = Running(process, listen["address"], listen["metrics"], namespace, log)
        for event in ready.split():
            found.until(event)
        found.until("keys", lambda record: len(record.get("newest", {})) == 2 and record.get("published"))
        yield running
    finally:
        process.kill()
        process.wait()
        found.close()


def until_leading(cluster: Cluster, controller: Running, leads: bool) -> None:
    """Come back when it leads, or leads no more, by its own word."""
    cluster.apiserver.wait_ready(lambda: controller.counted("sealer_leader") == leads)


class _Lines:
    """What a process logs, read by a thread."""

    def __init__(self, process: subprocess.Popen[str], log: list[dict[str, Any]]) -> None:
        self._log = log
        self._process = process
        self._raw: list[str] = []
        self._moved = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._moved:
                self._raw.append(line)
                with contextlib.suppress(ValueError):
                    self._log.append(json.loads(line))
                self._moved.notify_all()
        with self._moved:
            self._ended = True
            self._moved.notify_all()

    def until(self, event: str, fits: Callable[[dict[str, Any]], object] = bool) -> dict[str, Any]:
        """The first record of this event that fits."""
        with self._moved:
            done = self._moved.wait_for(lambda: self._ended or self._find(event, fits) is not None, PATIENCE)
            found = self._find(event, fits)
            if not done or found is None:
                raise AssertionError(f"no {event}: " + "".join(self._raw[-20:]))
            return found

    def _find(self, event: str, fits: Callable[[dict[str, Any]], object]) -> dict[str, Any] | None:
        return next((each for each in self._log if each.get("event") == event and fits(each)), None)

    def close(self) -> None:
        """The thread has ended."""
        self._thread.join(PATIENCE)
        assert self._process.stderr is not None
        self._process.stderr.close()


def sealed(
    controller: Running | Newest | str,
    namespace: str,
    name: str,
    items: Mapping[str, bytes],
    *,
    scope: Scope = Scope.STRICT,
    v2: bool = False,
    sealed_for: tuple[str, str] | None = None,
    **template: Any,
) -> dict[str, Any]:
    """A SealedSecret for the newest key of a controller, or a certificate; `sealed_for`: another namespace and name."""
    place = Binding(scope, *(sealed_for or (namespace, name)))
    if v2:
        assert not isinstance(controller, str)
        kem = controller.kem if isinstance(controller, Newest) else controller._kem()
        text = {key: envelope_v2.seal(value, place.context(key), [kem]) for key, value in items.items()}
    else:
        certificate = controller.certificate if isinstance(controller, Newest) else controller
        pem = certificate.certificate() if isinstance(certificate, Running) else certificate
        public = keys.load_certificate(pem)
        text = {key: envelope_v1.seal(value, place.label(), public) for key, value in items.items()}
    spec: dict[str, Any] = {"encryptedData": text}
    if template:
        spec["template"] = template
    return {**KIND, "metadata": {"namespace": namespace, "name": name, "annotations": SCOPES[scope]}, "spec": spec}


class Objects:
    """Objects of one namespace of a cluster: put, changed, deleted, and waited for with watches."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def path(self, plural: str, name: str = "") -> str:
        """The address of a collection or an object."""
        group = "/apis/bitnami.com/v1alpha1" if plural == "sealedsecrets" else "/api/v1"
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def create(self, plural: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new object."""
        status, made = self.cluster.call("POST", self.path(plural), body)
        assert status == 201, made
        return dict(made)

    def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """An object; None if there is none."""
        status, found = self.cluster.call("GET", self.path(plural, name))
        assert status in (200, 404), found
        return dict(found) if status == 200 else None

    def patch(self, plural: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """An object changed by a merge patch."""
        status, found = self.cluster.call("PATCH", self.path(plural, name), body, "application/merge-patch+json")
        assert status == 200, found
        return dict(found)

    def delete(self, plural: str, name: str) -> None:
        """An object deleted."""
        status, answer = self.cluster.call("DELETE", self.path(plural, name))
        assert status == 200, answer

    def clear(self, plural: str) -> None:
        """All of them deleted. The answer has them all, which may be nested deeper than Python reads."""
        with contextlib.closing(self.cluster.connect()) as connection:
            connection.request("DELETE", self.path(plural))
            response = connection.getresponse()
            answer = response.read()
        assert response.status == 200, answer[:500]

    def until(self, plural: str, name: str, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The object as soon as it is as wanted; a watch is waited for, and never too long."""
        select = f"fieldSelector=metadata.name%3D{name}"
        status, listed = self.cluster.call("GET", f"{self.path(plural)}?{select}")
        assert status == 200, listed
        last = listed["items"][0] if listed["items"] else None
        if last is not None and wanted(last):
            return dict(last)
        version = listed["metadata"]["resourceVersion"]
        connection = self.cluster.connect(timeout=PATIENCE)
        try:
            connection.request("GET", f"{self.path(plural)}?{select}&watch=1&resourceVersion={version}")
            for line in connection.getresponse():
                event = json.loads(line)
                last = event["object"]
                if event["type"] in ("ADDED", "MODIFIED") and wanted(last):
                    return dict(last)
        except TimeoutError:
            pass
        finally:
            connection.close()
        raise AssertionError(f"{plural}/{name} never became as wanted; last: {shown(last)}")

    def settled(self, name: str, status: str = "True", generation: int | None = None) -> dict[str, Any]:
        """A SealedSecret whose Synced says so of its present generation."""

        def wanted(item: dict[str, Any]) -> bool:
            found = item.get("status") or {}
            now = found.get("observedGeneration") == (generation or item["metadata"]["generation"])
            return now and synced(item).get("status") == status

        return self.until("sealedsecrets", name, wanted)

    def holds(self, name: str, items: Mapping[str, bytes]) -> dict[str, Any]:
        """The Secret as soon as it holds these items and no others."""
        return self.until("secrets", name, lambda item: data(item) == dict(items))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events about an object so far."""
        _, found = self.cluster.call("GET", self.path("events"))
        return [each for each in found["items"] if each["involvedObject"]["name"] == name]

    def event(self, name: str, reason: str) -> dict[str, Any]:
        """The event about an object with a reason, as soon as there is one."""
        _, found = self.cluster.call("GET", self.path("events"))
        fit = [e for e in found["items"] if (e["involvedObject"]["name"], e["reason"]) == (name, reason)]
        if fit:
            return dict(fit[0])
        connection = self.cluster.connect(timeout=PATIENCE)
        try:
            version = found["metadata"]["resourceVersion"]
            connection.request("GET", f"{self.path('events')}?watch=1&resourceVersion={version}")
            for line in connection.getresponse():
                each = json.loads(line)["object"]
                if (each["involvedObject"]["name"], each["reason"]) == (name, reason):
                    return dict(each)
        finally:
            connection.close()
        raise AssertionError(f"no event {reason} of {name}")


def foreign(objects: Objects, name: str, items: dict[str, bytes], **metadata: Any) -> dict[str, Any]:
    """A Secret that no controller made."""
    encoded = {key: base64.b64encode(value).decode() for key, value in items.items()}
    return objects.create("secrets", {"metadata": {"name": name, **metadata}, "data": encoded})


def synced(item: Mapping[str, Any]) -> dict[str, Any]:
    """The condition Synced."""
    found = (item.get("status") or {}).get("conditions") or []
    return next((dict(each) for each in found if each["type"] == "Synced"), {})


def data(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """The items of a Secret."""
    return {name: base64.b64decode(text) for name, text in (secret.get("data") or {}).items()}


def owners(secret: Mapping[str, Any]) -> list[str]:
    """The uids of what owns a Secret."""
    return [each["uid"] for each in secret["metadata"].get("ownerReferences") or []]


def shown(item: object) -> str:
    """An object for a message, without what is sealed or in clear."""
    if not isinstance(item, dict):
        return "nothing"
    return json.dumps({name: item[name] for name in ("metadata", "status") if name in item})[:2000]


CRD = Path(__file__).parents[2] / "controller/install/base/crd.yaml"
