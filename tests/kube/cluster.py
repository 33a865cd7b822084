"""etcd and kube-apiserver, with envtest's flags and certificates (shared/reference/operators.md, section 2).

There is no controller manager: namespaces are never finished deleting, owners' children are not collected, and
namespaces have no default service account.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from types import TracebackType
from typing import Any, Self

import yaml

from tests.kube.certificates import Authority
from tests.kube.servers import Ended, Server, Servers, free_ports

_TRIES = 5


class Cluster:
    """An API server of one's own, for the length of a `with` block.

    url          https://127.0.0.1:PORT, the same after a restart
    ca           path of the certificate that its certificate is signed with, in PEM
    certificate  path of the certificate of a client who may do all (group system:masters), in PEM
    key          path of that client's key, in PEM
    kubeconfig   path of a kubeconfig of that client
    apiserver, etcd  the running programs

    `compaction`, as `4s`, is how often old revisions are dropped; tokens of lists that go on expire then. The API
    server's own default is five minutes. Starting raises `NotReady` with what the program wrote last.
    """

    def __init__(self, etcd: Path, apiserver: Path, compaction: str | None = None) -> None:
        self._etcd_program = etcd
        self._apiserver_program = apiserver
        self._compaction = compaction
        self._owner = threading.get_ident()
        self._kept: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._servers = stack.enter_context(Servers())
            self.directory = self._servers.directory
            self._certify()
            self.etcd, self._etcd_ports = self._at_free_ports(2, self._launch_etcd)
            self.apiserver, ports = self._at_free_ports(1, self._launch_apiserver)
            # Before any etcd, also one that was started later: without it the API server takes a minute to end.
            stack.callback(lambda: self.apiserver.stop())
            self._port = ports[0]
            self.url = f"https://127.0.0.1:{self._port}"
            self.kubeconfig = self._write("kubeconfig", self._kubeconfig())
            self._client = self._context(self.certificate, self.key)
            stack.callback(self._forget)
            self._await_objects()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # What can happen to a cluster.

    def restart(self, *, kill: bool = False) -> None:
        """End the API server, with SIGKILL or politely, and start it again at the same address."""
        self._forget()
        _end(self.apiserver, kill)
        self.apiserver = self._launch_apiserver([self._port])
        self._await_objects()

    def pause(self) -> None:
        """The API server stands still: connections are accepted by the system, and nothing answers."""
        self.apiserver.signal(SIGSTOP)

    def resume(self) -> None:
        """It goes on where it stood still."""
        self.apiserver.signal(SIGCONT)

    def stop_etcd(self, *, kill: bool = False) -> None:
        """The API server has no storage: it answers 500 and 504, its own caches aside. Politely takes some 7 s."""
        _end(self.etcd, kill)

    def start_etcd(self) -> None:
        """Storage is back, with what was in it, and the API server has found it."""
        self.etcd = self._launch_etcd(self._etcd_ports)
        self._await_objects()

    # What tests put into it.

    def namespace(self) -> str:
        """The name of a new namespace."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "t-"}}
        status, made = self.call("POST", "/api/v1/namespaces", body)
        assert status == 201, made
        return str(made["metadata"]["name"])

    def define(self, crd: Path) -> None:
        """Create the CustomResourceDefinition of this file unless it exists, and wait until it can be used."""
        body = yaml.safe_load(crd.read_text())
        status, answer = self.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
        assert status in (201, 409), answer
        spec = body["spec"]
        paths = [f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}" for version in spec["versions"]]
        self.apiserver.wait_ready(lambda: all(self.call("GET", path)[0] == 200 for path in paths))

    def call(self, method: str, path: str, body: object = None, content: str = "application/json") -> tuple[int, Any]:
        """One request as the client who may do all: the status, and the answer, read if it is JSON."""
        data = None if body is None else json.dumps(body)
        with self._connected() as connection:
            connection.request(method, path, data, {"Content-Type": content})
            response = connection.getresponse()
            answer = response.read()
        # An address that there is not (yet) is answered in plain text.
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(answer) if is_json else answer.decode()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[http.client.HTTPSConnection]:
        """A connection for one request: half of what a request takes is TLS, so that it is kept for the next.

        Not for threads, whose connections nobody would close, and not if it was closed meanwhile: a request that is
        sent twice would not be the one that a test means.
        """
        keeps = threading.get_ident() == self._owner
        kept = self._kept if keeps else None
        if kept and (kept.sock is None or select.select([kept.sock], [], [], 0)[0]):
            self._forget()
            kept = None
        connection = kept or self.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if keeps:
            self._kept = connection
        else:
            connection.close()

    def _forget(self) -> None:
        """The next request comes over a connection of its own; a thread leaves it to its owner, who may be using it."""
        if self._kept and threading.get_ident() == self._owner:
            self._kept.close()
            self._kept = None

    def connect(self, timeout: float = 30) -> http.client.HTTPSConnection:
        """A connection for requests as that client, for a watch, say; `timeout` in seconds, of each read."""
        return http.client.HTTPSConnection("127.0.0.1", self._port, context=self._client, timeout=timeout)

    # How it starts.

    def _at_free_ports(self, count: int, launch: Callable[[list[int]], Server]) -> tuple[Server, list[int]]:
        """Launch at free ports; at others if it ends, since another program may have taken one in between."""
        for _ in range(_TRIES - 1):
            ports = free_ports(count)
            try:
                return launch(ports), ports
            except Ended:
                continue
        ports = free_ports(count)
        return launch(ports), ports

    def _certify(self) -> None:
        """Three authorities as in envtest: of the server, of service accounts, and of clients."""
        serving, signer, clients = Authority("serving"), Authority("service-accounts"), Authority("clients")
        self.ca = self._write("serving-ca.crt", serving.certificate)
        self._clients_ca = self._write("client-cert-auth-ca.crt", clients.certificate)
        for name, (certificate, key) in (
            ("apiserver", serving.server()),
            ("sa-signer", signer.client("service-accounts")),
            ("admin", clients.client("admin", "system:masters")),
        ):
            self._write(f"{name}.crt", certificate)
            self._write(f"{name}.key", key)
        self.certificate, self.key = self.directory / "admin.crt", self.directory / "admin.key"

    def _launch_etcd(self, ports: list[int]) -> Server:
        clients, peers = (f"http://127.0.0.1:{port}" for port in ports)
        server = self._servers.start(
            self._etcd_program,
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            "--unsafe-no-fsync=true",
        )
        server.wait_ready(lambda: _answers(http.client.HTTPConnection("127.0.0.1", ports[0], timeout=2), "/health"))
        return server

    def _launch_apiserver(self, ports: list[int]) -> Server:
        (port,) = ports
        signer = self.directory / "sa-signer"
        server = self._servers.start(
            self._apiserver_program,
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged=true",
            # There is no controller manager that would make the accounts.
            "--disable-admission-plugins=ServiceAccount",
            f"--cert-dir={self.directory}",
            "--authorization-mode=RBAC",
            f"--secure-port={port}",
            "--bind-address=127.0.0.1",
            # Beyond envtest: without it a machine that has no default route can't start it. Nobody goes there; of the
            # addresses for documentation, as the endpoints of a service may not be loopback ones.
            "--advertise-address=192.0.2.1",
            f"--service-account-issuer=https://127.0.0.1:{port}/",
            f"--service-account-key-file={signer}.crt",
            f"--service-account-signing-key-file={signer}.key",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_ports[0]}",
            f"--client-ca-file={self._clients_ca}",
            *([f"--etcd-compaction-interval={self._compaction}"] if self._compaction else []),
        )
        context = self._context()
        server.wait_ready(
            lambda: _answers(http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=2), "/healthz")
        )
        return server

    def _await_objects(self) -> None:
        """Wait for what the API server itself makes when it starts."""
        self.apiserver.wait_ready(lambda: self.call("GET", "/api/v1/namespaces/default")[0] == 200)

    def _context(self, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca)
        if certificate:
            context.load_cert_chain(certificate, key)
        return context

    def _kubeconfig(self) -> bytes:
        files = {"client-certificate": str(self.certificate), "client-key": str(self.key)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}],
            "users": [{"name": "admin", "user": files}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        return yaml.safe_dump(config).encode()

    def _write(self, name: str, data: bytes) -> Path:
        path = self.directory / name
        path.touch(0o600)
        path.write_bytes(data)
        return path


def _end(server: Server, kill: bool) -> None:
    if kill:
        server.kill()
    else:
        server.stop()


def _answers(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
