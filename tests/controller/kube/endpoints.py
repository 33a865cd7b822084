"""Keys in memory, documents that are sealed to them, and the endpoints on a socket of their own."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller import serving
from controller.kube.http import Answered, Endpoints, Site
from controller.kube.keyhints import Opening
from controller.kube.keysecret import Place, SealingKey
from controller.kube.metrics import Metrics
from sealer.errors import NoKey
from sealer.formats import envelope_v1
from sealer.formats.binding import Binding, Scope, scope_annotations
from sealer.formats.keyrecord import Status
from sealer.sealing.seal import V1, V2, Recipients, seal_item
from tests.sealer.rings import NOW

if TYPE_CHECKING:
    from sealer.formats.keys import PrivateKey

NAMESPACE = "shop"
NAME = "db"


@dataclass
class Held:
    """Keys, the newest last; `rotate.Keys` and `http.Keys`."""

    keys: list[PrivateKey]
    compromised: set[str] = field(default_factory=set)
    published: bytes = b"a bundle\n"

    @property
    def status(self) -> Mapping[str, Status]:
        return {key.id: Status.COMPROMISED if key.id in self.compromised else Status.ACTIVE for key in self.keys}

    def opening(self, namespace: str, prefer: Iterable[str] = (), *, compromised: bool = False) -> Opening:
        fit = [key for key in self.keys if compromised or key.id not in self.compromised]
        return Opening({key.id: key for key in reversed(fit)}, prefer)

    def newest(self, algorithm: str) -> SealingKey:
        fit = [key for key in self.keys if key.algorithm == algorithm and key.id not in self.compromised]
        if not fit:
            raise NoKey("there is none")
        place = Place("vault", "key", "uid", "1", NOW)
        return SealingKey(place, fit[-1], Status.ACTIVE, NOW, NOW, NOW)

    @property
    def certificate(self) -> str:
        return self.newest("rsa").key.public.certificate

    def bundle(self, now: datetime) -> bytes:
        if not self.published:
            raise NoKey("none yet")
        return self.published


def sealed(
    items: Mapping[str, bytes],
    *keys: PrivateKey,
    scope: Scope = Scope.STRICT,
    namespace: str = NAMESPACE,
    name: str = NAME,
    **spec: Any,
) -> dict[str, Any]:
    """A SealedSecret of these items, sealed to an RSA key, or to all of several others."""
    recipients = Recipients(V1 if keys[0].algorithm == "rsa" else V2, tuple(key.public for key in keys), ("",))
    binding = Binding(scope, namespace, name)
    data = {item: seal_item(value, binding, item, recipients) for item, value in items.items()}
    metadata = {"name": name, "namespace": namespace}
    if annotations := scope_annotations(scope):
        metadata["annotations"] = annotations  # type: ignore[assignment]
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": metadata,
        "spec": {"encryptedData": data, **spec},
    }


def old(key: PrivateKey, **secret: Any) -> dict[str, Any]:
    """A SealedSecret of the old form: all of a Secret in one envelope."""
    data = {item: base64.b64encode(value).decode() for item, value in secret.pop("data", {}).items()}
    plain = json.dumps({"apiVersion": "v1", "kind": "Secret", "data": data, **secret}).encode()
    text = envelope_v1.seal(plain, Binding(Scope.STRICT, NAMESPACE, NAME).label(), key.public)
    document = sealed({}, key)
    document["spec"] = {"data": text}
    return document


def encoded(*documents: Any) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in documents)


@dataclass
class Client:
    """Who asks."""

    host: str
    port: int

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, body."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            found = connection.getresponse()
            return found.status, {name.lower(): value for name, value in found.getheaders()}, found.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        code, _, body = self.ask("GET", path, **headers)
        return code, body

    def post(self, path: str, *documents: Any, **headers: str) -> tuple[int, bytes]:
        code, _, body = self.ask("POST", path, encoded(*documents), **headers)
        return code, body


@dataclass
class Running(Client):
    """The endpoints, and what they told."""

    keys: Held
    metrics: Metrics
    told: list[Answered]
    ready: bool = False


@contextlib.contextmanager
def running(
    *keys: PrivateKey,
    metrics: Metrics | None = None,
    lasts: float = 60,
    compromised: set[str] | None = None,
    **wanted: Any,
) -> Iterator[Running]:
    """The endpoints with these keys, the newest last."""
    bound = serving.bind("127.0.0.1:0")
    held = Held(list(keys), compromised or set())
    told: list[Answered] = []
    made = Running(*bound.getsockname(), held, metrics or Metrics("1.2.3"), told)
    site = Site(Endpoints(held, lambda: made.ready, made.metrics, said=told.append, **wanted))
    with contextlib.closing(site), serving.in_thread(bound, site.app(), lasts):
        yield made


def raw(client: Client) -> socket.socket:
    """A bare connection."""
    return socket.create_connection((client.host, client.port), timeout=30)


def until_closed(connection: socket.socket) -> bytes:
    """All that comes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)
