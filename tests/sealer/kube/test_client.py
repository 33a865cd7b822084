"""Requests over real HTTP and TLS: what is sent, what errors tell, and tokens and authorities that are rotated."""

from __future__ import annotations

import asyncio
import datetime
import gc
import ipaddress
import json
import secrets
import socket
import ssl
import stat
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sealer.errors import SourceError
from sealer.kube import credentials
from sealer.kube.client import ApiError, Client, Unreachable
from sealer.kube.kubeconfig import Access, Cluster, Exec, User
from tests.controller.kube.fakeapi import status

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Any handler behind any path, over HTTP or TLS. An async context manager."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None) -> None:
        self._handler, self._context = handler, context
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __aenter__(self) -> Self:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.requests.append((request.method, request.path_qs, dict(request.headers), await request.read()))
            return await self._handler(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"{'https' if self._context else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def echo(request: web.Request) -> web.Response:
    return web.json_response({"said": request.headers.get("Authorization", "")})


def client(url: str, user: User, *, only: Callable[[], bool] | None = None, **cluster: Any) -> Client:
    access = Access(Cluster(url, **cluster), user, "shop")
    return Client(lambda: access, only=only)


def run(test: Awaitable[None]) -> None:
    asyncio.run(test)  # type: ignore[arg-type]


def test_what_is_sent() -> None:
    async def test() -> None:
        async with Server(echo) as server, client(server.url, User(token="abc")) as c:
            await c.get("/api/v1/secrets", limit="5")
            await c.create("/x", {"a": 1})
            await c.replace("/x/a", {"a": 2})
            await c.patch("/x/a", {"a": 3}, "apply", fieldManager="us", force="true")
            await c.delete("/x/a", uid="u", version="7")
            await c.delete("/x/a")
            sent = [
                (method, path, headers.get("Content-Type", ""), json.loads(body) if body else None)
                for method, path, headers, body in server.requests
            ]
            assert sent == [
                ("GET", "/api/v1/secrets?limit=5", "", None),
                ("POST", "/x", "application/json", {"a": 1}),
                ("PUT", "/x/a", "application/json", {"a": 2}),
                ("PATCH", "/x/a?fieldManager=us&force=true", "application/apply-patch+yaml", {"a": 3}),
                ("DELETE", "/x/a", "application/json", {"preconditions": {"uid": "u", "resourceVersion": "7"}}),
                ("DELETE", "/x/a", "", None),
            ]
            assert {headers["Authorization"] for _, _, headers, _ in server.requests} == {"Bearer abc"}

    run(test())


def test_an_error_tells_reason_and_fields_and_nothing_that_was_sent() -> None:
    value = secrets.token_hex(8)

    async def refuse(_: web.Request) -> web.Response:
        causes = [{"field": "data[password]", "message": f"Invalid value: {value!r}"}]
        body = status(422, "Invalid", message=f"Secret is invalid: {value}", details={"causes": causes})
        return web.json_response(body, status=422, headers={"Retry-After": "3"})

    async def test() -> None:
        async with Server(refuse) as server, client(server.url, User()) as c:
            with pytest.raises(ApiError) as caught:
                await c.create("/api/v1/namespaces/shop/secrets", {"data": {"password": value}})
            error = caught.value
            assert (error.status, error.reason, error.retry_after) == (422, "Invalid", 3.0)
            assert str(error) == (
                "POST /api/v1/namespaces/shop/secrets: the API server answered 422 Invalid (data[password])"
            )
            assert value not in repr(error) + str(error.__dict__) + str(error.__cause__)

    run(test())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"details": 5, "reason": 7, "code": "x"}'])
def test_an_answer_that_is_no_status_is_an_error_as_well(body: bytes) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(body=body, status=502)

    async def test() -> None:
        async with Server(refuse) as server, client(server.url, User()) as c:
            with pytest.raises(ApiError, match="answered 502"):
                await c.get("/x")

    run(test())


def test_nobody_answers() -> None:
    async def test() -> None:
        async with Server(echo) as server:
            url = server.url
        async with client(url, User()) as c:
            with pytest.raises(Unreachable, match="gave no answer"):
                await c.get("/x")

    run(test())


def test_a_token_that_is_rotated_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old\n")
    valid = "Bearer old"

    async def guard(request: web.Request) -> web.Response:
        right = request.headers["Authorization"] == valid
        return web.json_response({} if right else status(401, "Unauthorized"), status=200 if right else 401)

    async def test() -> None:
        nonlocal valid
        async with Server(guard) as server, client(server.url, User(token_file=path)) as c:
            await c.get("/x")
            path.write_text("new")
            valid = "Bearer new"
            await c.get("/x")
            valid = "Bearer another"
            with pytest.raises(ApiError, match="401 Unauthorized"):
                await c.get("/x")
            assert len(server.requests) == 5, "once more, and no oftener"

    run(test())


def test_a_token_with_a_line_break_is_told_and_not_shown() -> None:
    async def test() -> None:
        async with client("http://127.0.0.1:9", User(token="hidden\nX-Header: a")) as c:
            with pytest.raises(SourceError) as caught:
                await c.get("/x")
            assert "hidden" not in str(caught.value)

    run(test())


def program(tmp_path: Path, script: str) -> Exec:
    path = tmp_path / "plugin"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Exec(str(path), ("one",), (("MODE", "x"),), "client.authentication.k8s.io/v1", "install it", False)


def test_a_program_is_asked_once_until_its_answer_is_refused(tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"""
n = os.path.getsize({str(count)!r}) if os.path.exists({str(count)!r}) else 0
open({str(count)!r}, "a").write("x")
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert sys.argv[1:] == ["one"] and os.environ["MODE"] == "x" and info["spec"]["interactive"] is False
print(json.dumps({{"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": {{"token": f"t{{n}}"}}}}))
"""

    async def guard(request: web.Request) -> web.Response:
        right = request.headers["Authorization"] == valid
        return web.json_response({} if right else status(401, "Unauthorized"), status=200 if right else 401)

    async def test() -> None:
        nonlocal valid
        async with Server(guard) as server, client(server.url, User(exec=program(tmp_path, script))) as c:
            await asyncio.gather(*(c.get("/x") for _ in range(5)))
            assert count.read_text() == "x"
            valid = "Bearer t1"
            await c.get("/x")
            assert count.read_text() == "xx"

    valid = "Bearer t0"
    run(test())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("print('no JSON')", "printed no ExecCredential"),
        ("print('[]')", "printed no ExecCredential"),
        ("print(json.dumps({'kind': 'X', 'apiVersion': 'v1', 'status': {}}))", "printed no ExecCredential of"),
        (
            (
                "version = json.loads(os.environ['KUBERNETES_EXEC_INFO'])['apiVersion']\n"
                "print(json.dumps({'kind': 'ExecCredential', 'apiVersion': version, 'status': {}}))"
            ),
            "printed neither a token nor a certificate",
        ),
    ],
)
def test_a_program_that_fails_is_named(tmp_path: Path, script: str, said: str) -> None:
    async def test() -> None:
        async with client("http://127.0.0.1:9", User(exec=program(tmp_path, script))) as c:
            with pytest.raises(SourceError, match=said) as caught:
                await c.get("/x")
            assert "plugin" in str(caught.value)

    run(test())


class Authority:
    """A certificate authority with a server's and a client's certificate, as files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._signed(self._name, self._key.public_key(), ca=True).public_bytes(serialization.Encoding.PEM)
        self.server = self._pair(folder / f"{name}-server", "127.0.0.1")
        self.client = self._pair(folder / f"{name}-client", "client")

    def context(self) -> ssl.SSLContext:
        """How a server of it speaks TLS: only with clients that have a certificate of it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=self.pem.decode())
        context.load_cert_chain(*self.server)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _pair(self, path: Path, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key.public_key(), ca=False)
        paths = path.with_suffix(".crt"), path.with_suffix(".key")
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        paths[1].write_bytes(key.private_bytes(*encoding))
        return paths

    def _signed(self, subject: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            issuer_name=self._name, subject_name=subject, public_key=public, serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(hours=1), not_valid_after=now + datetime.timedelta(days=1),
        )  # fmt: skip
        own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        return (
            builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(own, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def user(self) -> User:
        """Who comes with its certificate."""
        return User(certificate=self.client[0].read_bytes(), key=self.client[1].read_bytes())


def test_tls_both_ways(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "one"), Authority(tmp_path, "two")

    async def test() -> None:
        async with Server(echo, authority.context()) as server:
            async with client(server.url, authority.user(), ca=authority.pem) as c:
                assert await c.get("/x") == {"said": ""}
            async with client(server.url, authority.user(), ca=other.pem) as c:
                with pytest.raises(Unreachable, match="certificate is not trusted") as caught:
                    await c.get("/x")
                assert caught.value.way_out.endswith(f"has to be the authority of {server.url}")
            async with client(server.url, authority.user(), insecure=True) as c:
                await c.get("/x")
            async with client(server.url, other.user(), ca=authority.pem) as c:
                with pytest.raises(Unreachable):
                    await c.get("/x")
            async with client(server.url, User(certificate=b"x", key=b"y"), ca=authority.pem) as c:
                with pytest.raises(SourceError, match="no PEM"):
                    await c.get("/x")

    run(test())


@pytest.mark.parametrize("answers", [True, False])
def test_what_is_given_up_leaves_no_connection_to_a_server_that_stands_still(tmp_path: Path, answers: bool) -> None:
    authority = Authority(tmp_path, "one")
    asked, over = threading.Event(), threading.Event()

    def stand_still(listening: socket.socket) -> None:
        with authority.context().wrap_socket(listening.accept()[0], server_side=True) as one:
            one.recv(1 << 16)
            if answers:
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n")
            asked.set()
            over.wait(60)

    async def test(url: str) -> None:
        async with client(url, authority.user(), ca=authority.pem) as c:
            watch = c.watch("/x", 30)
            if answers:
                assert await anext(watch) == b"{}"
            else:
                first = asyncio.ensure_future(anext(watch))
                await asyncio.to_thread(asked.wait, 60)
                first.cancel()
                await asyncio.wait([first])
            await watch.aclose()

    with socket.create_server(("127.0.0.1", 0)) as listening, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        thread = threading.Thread(target=stand_still, args=(listening,))
        thread.start()
        run(test(f"https://127.0.0.1:{listening.getsockname()[1]}"))
        gc.collect()
        over.set()
        thread.join()
    assert [str(each.message) for each in told if "unclosed" in str(each.message)] == []


def test_an_authority_that_is_rotated_is_asked_for_again(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")

    async def test() -> None:
        async with Server(echo, new.context()) as server:
            found = [Access(Cluster(server.url, ca=each.pem), new.user(), "shop") for each in (old, new)]
            async with Client(lambda: found.pop(0)) as c:
                assert await c.get("/x") == {"said": ""}

    run(test())


def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("own", [False, True], ids=["environment", "kubeconfig"])
def test_requests_go_through_the_proxy(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is asked for names the API server, which nothing here could reach."""
    _no_proxies(monkeypatch)

    async def test() -> None:
        async with Server(echo) as proxy:
            if not own:
                monkeypatch.setenv("http_proxy", proxy.url)
            through = {"proxy": proxy.url} if own else {}
            async with client("http://api.invalid:6443", User(token="x"), **through) as one:
                assert await one.get("/a") == {"said": "Bearer x"}
            assert [(path, headers["Host"]) for _, path, headers, _ in proxy.requests] == [("/a", "api.invalid:6443")]

    run(test())


@pytest.mark.parametrize(
    ("environ", "own", "found"),
    [
        ({}, "", None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128", "NO_PROXY": "example.com"}, "", None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "other.com,api.example.com:6443"}, "", None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "", None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, "http://mine:1", "http://mine:1"),
    ],
)
def test_the_proxy_is_that_of_the_kubeconfig_or_else_of_the_environment(
    environ: dict[str, str], own: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_proxies(monkeypatch)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert credentials.proxy(Cluster("https://api.example.com:6443", proxy=own)) == found
