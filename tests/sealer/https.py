"""A real https server on loopback, with an authority that is made at run time; and a proxy in front of it."""

from __future__ import annotations

import contextlib
import http.server
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Handle = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class Authority:
    """A CA. `file` holds its certificate: what SSL_CERT_FILE names."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("test authority")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        built = _certificate(self.name, self.name, self.key.public_key()).add_extension(constraints, True)
        built = built.add_extension(usage, True).add_extension(_subject_key(self.key.public_key()), False)
        self.certificate = built.sign(self.key, SHA256())
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def context(self, host: str) -> ssl.SSLContext:
        """A server's context with a certificate for a host name or address."""
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        built = _certificate(_name(host), self.name, key.public_key())
        built = built.add_extension(x509.SubjectAlternativeName([named]), False).add_extension(authority, False)
        path = self.folder / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + built.sign(self.key, SHA256()).public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _subject_key(key: ec.EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


@contextlib.contextmanager
def serve(handle: Handle, context: ssl.SSLContext | None) -> Iterator[int]:
    """Serve with `handle` on 127.0.0.1; yields the port. Without a context plain http."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def setup(self) -> None:
            if context is not None:
                # Here, in the thread of the connection: a client that never speaks must not stop the others.
                self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def do_GET(self) -> None:
            handle(self)

        def do_POST(self) -> None:
            handle(self)

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            self.request.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def answer(body: bytes, status: int = 200, **headers: str) -> Handle:
    """A handler that answers every request so."""

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return handle


@contextlib.contextmanager
def proxy(target: int, asked: list[str]) -> Iterator[int]:
    """A proxy that takes CONNECT for any host and connects to one port of ours; `asked` collects the hosts."""
    listener = socket.create_server(("127.0.0.1", 0))

    def forward() -> None:
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", target)) as server:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            asked.append(head.split(b" ")[1].decode())
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)

    thread = threading.Thread(target=forward)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
    thread.join()
