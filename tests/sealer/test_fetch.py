"""Obtaining keys: against a real https server with an authority of its own, and servers that mean ill."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sealer.errors import FormatError, SealerError, SourceError, UsageError
from sealer.formats import bundle
from sealer.pinning import fetch, pins
from tests.sealer import https
from tests.sealer.controllers import Controller, rsa_key

BODY = b'{"some": "bundle"}\n'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> https.Authority:
    return https.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _trusted(authority: https.Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is trusted as a user trusts one; no proxy of the machine that runs the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _refused(url: str, said: str, *, limit: int = 1000, seconds: float = 5) -> SealerError:
    with pytest.raises(SealerError, match=said) as refused:
        fetch.load(url, limit=limit, seconds=seconds)
    assert refused.value.where
    return refused.value


def test_a_bundle_comes_over_https(authority: https.Authority) -> None:
    with https.serve(https.answer(BODY), authority.context("localhost")) as port:
        assert fetch.load(f"https://localhost:{port}/v1/keys") == BODY
        assert fetch.load(f"HTTPS://localhost:{port}/v1/keys?x=1") == BODY


def test_an_authority_that_is_not_trusted_is_refused(
    authority: https.Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(https.Authority(tmp_path).file))
    with https.serve(https.answer(BODY), authority.context("localhost")) as port:
        error = _refused(f"https://localhost:{port}/", "certificate is refused")
    assert "SSL_CERT_FILE" in error.way_out


def test_a_certificate_for_another_host_is_refused(authority: https.Authority) -> None:
    with https.serve(https.answer(BODY), authority.context("localhost")) as port:
        _refused(f"https://127.0.0.1:{port}/", "certificate is refused")


@pytest.mark.parametrize("url", ["http://localhost/keys", "HTTP://127.0.0.1:1/", "http://example.com/"])
def test_plain_http_is_refused_also_on_localhost(url: str) -> None:
    with pytest.raises(UsageError, match="plain http") as refused:
        fetch.load(url)
    assert "https://" in refused.value.way_out


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "https://", "https:// x/", "https://h:x/"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        fetch.load(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="password") as refused:
        fetch.load("https://me:hunter22@localhost:1/keys?token=hunter33")
    assert "hunter" not in f"{refused.value} {refused.value.way_out}"


def test_a_redirect_to_https_is_followed(authority: https.Authority) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        answer = https.answer(BODY) if request.path == "/to" else https.answer(b"", 302, Location="/to")
        answer(request)

    with https.serve(handle, authority.context("localhost")) as port:
        assert fetch.load(f"https://localhost:{port}/from") == BODY


@pytest.mark.parametrize("location", ["http://localhost/", "ftp://localhost/", "file:///etc/passwd", "data:,x"])
def test_a_redirect_to_anything_else_is_refused(authority: https.Authority, location: str) -> None:
    with https.serve(https.answer(b"", 301, Location=location), authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", "not https")


def test_an_http_server_behind_a_redirect_is_never_asked(authority: https.Authority) -> None:
    asked: list[str] = []

    def plain(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        https.answer(BODY)(request)

    with https.serve(plain, None) as http_port:
        away = https.answer(b"", 307, Location=f"http://127.0.0.1:{http_port}/")
        with https.serve(away, authority.context("localhost")) as port:
            _refused(f"https://localhost:{port}/", "not https")
    assert asked == []


def test_a_redirect_with_a_password_is_refused(authority: https.Authority) -> None:
    away = https.answer(b"", 302, Location="https://me:hunter22@localhost/")
    with https.serve(away, authority.context("localhost")) as port:
        assert "hunter22" not in str(_refused(f"https://localhost:{port}/", "password"))


def test_redirects_for_ever_end(authority: https.Authority) -> None:
    asked: list[str] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        https.answer(b"", 302, Location=f"/{len(asked)}")(request)

    with https.serve(handle, authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", "redirects more than")
    assert len(asked) == fetch.REDIRECTS + 1


def test_a_redirect_with_a_body_without_end_is_not_read(authority: https.Authority) -> None:
    away = https.answer(b"x", 302, Location="http://localhost/", Content_Length=str(10**12))
    with https.serve(away, authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", "not https")


@pytest.mark.parametrize("status", [204, 302, 304, 401, 404, 500])
def test_another_status_is_named(authority: https.Authority, status: int) -> None:
    with https.serve(https.answer(b"", status), authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", f"answers {status}")


def test_a_body_that_is_too_large_is_refused(authority: https.Authority) -> None:
    with https.serve(https.answer(b"x" * 1025), authority.context("localhost")) as port:
        assert len(fetch.load(f"https://localhost:{port}/", limit=1025)) == 1025
        _refused(f"https://localhost:{port}/", "larger than 1 KiB", limit=1024)


def _endless(request: BaseHTTPRequestHandler, part: bytes, pause: float) -> None:
    stop = threading.Event()
    try:
        while not stop.wait(pause):
            request.wfile.write(part)
            request.wfile.flush()
    except OSError:
        return


def test_a_body_without_end_is_refused(authority: https.Authority) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        _endless(request, b"x" * 65536, 0)

    with https.serve(handle, authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", "larger than")


@pytest.mark.parametrize("where", ["body", "headers"])
def test_a_server_that_drips_is_left_in_time(authority: https.Authority, where: str) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if where == "body" else b"X-Slow: "))
        _endless(request, b"x", 0.02)

    with https.serve(handle, authority.context("localhost")) as port:
        # Without a limit of all its time together this would take hours.
        _refused(f"https://localhost:{port}/", "within 0.3 seconds", seconds=0.3, limit=10**6)


def test_a_server_that_never_speaks_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _refused(f"https://127.0.0.1:{listener.getsockname()[1]}/", "within 0.2 seconds", seconds=0.2)


def test_a_body_that_is_cut_off_is_refused(authority: https.Authority) -> None:
    with https.serve(https.answer(BODY, Content_Length="5000"), authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", "before the end", limit=10**6)


def test_an_answer_that_is_not_http_is_refused(authority: https.Authority) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    with https.serve(handle, authority.context("localhost")) as port:
        _refused(f"https://localhost:{port}/", "not HTTP")


def test_a_server_without_tls_is_refused() -> None:
    with https.serve(https.answer(BODY), None) as port:
        _refused(f"https://127.0.0.1:{port}/", "TLS failed")


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    _refused(f"https://127.0.0.1:{port}/", "can't be reached: connection refused")


def test_the_proxy_of_the_environment_is_asked(authority: https.Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with (
        https.serve(https.answer(BODY), authority.context("sealer.example.test")) as port,
        https.proxy(port, asked) as proxy_port,
    ):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy_port}")
        assert fetch.load("https://sealer.example.test/v1/keys") == BODY
    assert asked == ["sealer.example.test:443"]


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        https.answer(b"", 403)(request)

    with https.serve(handle, None) as port:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        _refused("https://sealer.example.test/", "proxy")


# -- other sources -----------------------------------------------------------------------------------------------------


def test_a_file_and_stdin_are_read_within_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prod.bundle"
    path.write_bytes(BODY)
    assert fetch.load(str(path)) == BODY
    with pytest.raises(SourceError, match="larger"):
        fetch.load(str(path), limit=3)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BODY)))
    assert fetch.load("-") == BODY
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BODY)))
    with pytest.raises(SourceError, match="stdin"):
        fetch.load("-", limit=3)
    with pytest.raises(SourceError):
        fetch.load(str(tmp_path / "missing"))


def test_a_keyring_directory_gives_its_bundle(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from controller import keyadmin

    keyadmin.init(tmp_path / "prod", "prod", now=datetime.now(UTC))
    parsed = bundle.parse(fetch.load(str(tmp_path / "prod")))
    assert (parsed.cluster, len(parsed.keys)) == ("prod", 1)
    with pytest.raises(SourceError, match="no keyring"):
        fetch.load(str(tmp_path))


def test_only_the_certificate_of_a_key_secret_goes_on() -> None:
    def secret(number: int) -> dict[str, object]:
        key = rsa_key(number)
        parts = {"tls.crt": key.public.certificate, "tls.key": key.pem}
        data = {name: base64.b64encode(text.encode()).decode() for name, text in parts.items()}
        name = {"name": f"sealed-secrets-key{number}", "namespace": "kube-system"}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": name, "type": "kubernetes.io/tls", "data": data}

    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret(0)]}).encode()
    found = fetch.public(listed)
    assert found.decode() == rsa_key(0).public.certificate
    assert pins.parse(found, "prod").pin == rsa_key(0).id


def test_what_is_no_manifest_goes_on_as_it_is() -> None:
    for data in (Controller().bundle(), rsa_key().public.certificate.encode(), b""):
        assert fetch.public(data) == data


def test_a_manifest_without_keys_is_refused() -> None:
    with pytest.raises(FormatError, match="no key bundle"):
        fetch.public(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
