"""What a request is let in with: a token that may change under us, a program that prints one, a certificate.

Tokens of pods are rotated by the kubelet, hence read again; a program's answer is kept until it expires. After a 401
whatever was kept is asked for anew, once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import ssl
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sealer import files
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealer.kube.kubeconfig import Access, Cluster, Exec, User

READ_AGAIN = 60.0
"""Seconds that a token from a file is believed; the kubelet renews one long before it expires."""
_EARLY = 30.0
_TIMEOUT = 60.0
_KIND = "ExecCredential"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown to the server: the value of `Authorization`, and a certificate with its key (PEM), or neither."""

    authorization: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)


class Credentials:
    """The credentials of one access; asked before each request."""

    def __init__(self, access: Access, clock: Any = time.monotonic) -> None:
        self._access = access
        self._clock = clock
        self._kept: Shown | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def shown(self) -> Shown:
        """What to show now. Raises SourceError."""
        if self._kept is None or self._clock() >= self._until:
            async with self._lock:  # one program at a time, whoever else waits for its answer
                if self._kept is None or self._clock() >= self._until:
                    self._kept, lasts = await self._fresh()
                    self._until = self._clock() + lasts
        return self._kept

    def forget(self, refused: Shown) -> bool:
        """After a 401: whether asking anew may give something else than what was refused."""
        user = self._access.user
        if user.token or (not user.token_file and not user.exec):
            return False
        if self._kept is refused:
            self._kept = None
        return True

    async def _fresh(self) -> tuple[Shown, float]:
        user = self._access.user
        if user.token:
            return _bearer(user, user.token), float("inf")
        if user.token_file:
            token = files.read(user.token_file).decode("utf-8", "replace").strip()
            if not token:
                raise SourceError("is empty, where a token should be", where=str(user.token_file))
            return _bearer(user, token), READ_AGAIN
        if user.exec:
            return await _from_program(user.exec, self._access.cluster)
        if user.name:
            pair = base64.b64encode(f"{user.name}:{user.password}".encode()).decode("ascii")
            return Shown(f"Basic {pair}", user.certificate, user.key), float("inf")
        return Shown("", user.certificate, user.key), float("inf")


def _bearer(user: User, token: str) -> Shown:
    if not token.isascii() or not token.isprintable():
        raise SourceError("a token holds what no header can", way_out="look for a line break, or a wrong file")
    return Shown(f"Bearer {token}", user.certificate, user.key)


async def _from_program(program: Exec, cluster: Cluster) -> tuple[Shown, float]:
    """Run it. What it prints is in no message; its stderr goes where ours goes, as kubectl's does."""
    spec: dict[str, Any] = {"interactive": False}
    if program.with_cluster:
        spec["cluster"] = {"server": cluster.server, "insecure-skip-tls-verify": cluster.insecure}
        if cluster.ca:
            spec["cluster"]["certificate-authority-data"] = base64.b64encode(cluster.ca).decode("ascii")
    info = json.dumps({"apiVersion": program.version, "kind": _KIND, "spec": spec})
    environment = {**os.environ, **dict(program.env), "KUBERNETES_EXEC_INFO": info}
    try:
        process = await asyncio.create_subprocess_exec(
            program.command, *program.args, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        way_out = program.hint or "install it, or correct `command` in the kubeconfig"
        raise SourceError(f"can't be started: {files.reason(error)}", where=program.command, way_out=way_out) from None
    try:
        async with asyncio.timeout(_TIMEOUT):
            said, _ = await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise SourceError(f"gave no credential within {_TIMEOUT:.0f} s", where=program.command) from None
    if process.returncode:
        raise SourceError(f"ended with exit code {process.returncode}", where=program.command, way_out=program.hint)
    return _answer(said, program)


def _answer(said: bytes, program: Exec) -> tuple[Shown, float]:
    try:
        value = json.loads(said)
        status = value["status"]
        if value["kind"] != _KIND or value["apiVersion"] != program.version:
            raise SourceError(f"printed no {_KIND} of {program.version}", where=program.command)
        token, certificate, key = (
            str(status.get(name) or "") for name in ("token", "clientCertificateData", "clientKeyData")
        )
        expires = status.get("expirationTimestamp")
        lasts = datetime.fromisoformat(expires).timestamp() - time.time() - _EARLY if expires else float("inf")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"printed no {_KIND}", where=program.command) from None
    if not token and not (certificate and key):
        raise SourceError("printed neither a token nor a certificate with its key", where=program.command)
    return Shown(f"Bearer {token}" if token else "", certificate.encode(), key.encode()), lasts


def tls(cluster: Cluster, shown: Shown) -> ssl.SSLContext | bool:
    """How to speak TLS with a cluster, with a certificate of ours if there is one. Raises SourceError."""
    if cluster.server.startswith("http://"):
        return False
    try:
        context = ssl.create_default_context(cadata=cluster.ca.decode("ascii") if cluster.ca else None)
    except (ssl.SSLError, ValueError):
        raise SourceError("the certificate authority of the cluster is no PEM", where=cluster.server) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cluster.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if shown.certificate:
        try:
            with _file(shown.certificate + b"\n" + shown.key) as path:
                context.load_cert_chain(path)
        except (ssl.SSLError, ValueError):
            raise SourceError("the client certificate or its key is no PEM, or they don't belong together") from None
    return context


@contextlib.contextmanager
def _file(data: bytes) -> Iterator[str]:
    """A file for as long as OpenSSL reads it, in memory where that can be."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as stream:  # 0600
        stream.write(data)
        stream.flush()
        yield stream.name


def proxy(cluster: Cluster) -> str | None:
    """The proxy of the kubeconfig, else of the environment (HTTPS_PROXY, NO_PROXY), as client-go has it.

    Looked up when connections are made anew: aiohttp's own `trust_env` asks two threads at
    each request, netrc included.
    """
    if cluster.proxy:
        return cluster.proxy
    address = urlsplit(cluster.server)
    found = urllib.request.getproxies_environment()
    where = address.netloc.rpartition("@")[2]
    if urllib.request.proxy_bypass_environment(where, found):  # type: ignore[attr-defined]
        return None
    return found.get(address.scheme) or None
