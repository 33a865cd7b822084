"""A cluster whose API server shows another certificate, or has a second one beside it, while tests run."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kube.certificates import Authority
from tests.kube.cluster import Cluster

if TYPE_CHECKING:
    from tests.kube.servers import Server


@dataclass
class Second:
    """An API server beside the one of the cluster."""

    server: Server
    port: int
    launch: Callable[[], Server]

    def restart(self, *, kill: bool) -> None:
        """As the cluster's own."""
        if kill:
            self.server.kill()
        else:
            self.server.stop()
        self.server = self.launch()


class Rotating(Cluster):
    """One whose certificate changes, and the authority of it; what tests ask themselves goes on in the meantime."""

    def renew(self) -> None:
        """Another certificate of the same authority; the running server takes it when it sees the files."""
        self._install()
        self.await_shown()

    def await_shown(self) -> None:
        """Come back when the server shows the certificate that it was given last."""
        wanted = self._certificate.decode().strip()
        self.apiserver.wait_ready(lambda: ssl.get_server_certificate(("127.0.0.1", self._port)).strip() == wanted)

    def distrust(self) -> None:
        """Another authority, which `ca` has alone; the server changes to it soon, or when it starts again."""
        self._authority = Authority("serving-next")
        self.ca.write_bytes(self._authority.certificate)
        self._client = self._context(self.certificate, self.key)
        self._install()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @contextlib.contextmanager
    def second(self) -> Iterator[Second]:
        """Another API server of the same storage."""
        server, (port,) = self._at_free_ports(1, self._launch_apiserver)
        made = Second(server, port, lambda: self._launch_apiserver([port]))
        try:
            yield made
        finally:
            made.server.stop()

    def _certify(self) -> None:
        super()._certify()
        self._authority = Authority("serving")
        self.ca.write_bytes(self._authority.certificate)
        self._install()

    def _install(self) -> None:
        self._forget()
        self._certificate, key = self._authority.server()
        self._write("apiserver.key", key)
        self._write("apiserver.crt", self._certificate)
