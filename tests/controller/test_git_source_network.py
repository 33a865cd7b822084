"""Git over https and ssh: real servers and transports, the user's credentials, and what failures say."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from controller.sources import open_source, remote
from controller.sources.address import Address, parse
from controller.sources.base import unknown
from controller.sources.location import locate
from sealer.errors import SourceError, UsageError
from tests.controller.repos import Repo
from tests.sealer import https

PASSWORD = "opensesame"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.make(tmp_path / "served/shop.git")


def _config(*words: str) -> None:
    subprocess.run(["git", "config", "--global", *words], check=True)


class _Backend:
    """Git's own http-backend behind a handler; it wants a password where there is one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.password = ""

    def __call__(self, request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = "Basic " + base64.b64encode(f"me:{self.password}".encode()).decode()
        if self.password and request.headers.get("Authorization") != wanted:
            https.answer(b"", 401, WWW_Authenticate='Basic realm="x"')(request)
            return
        path, _, query = request.path.partition("?")
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env=os.environ
            | {"GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": request.command}
            | {
                "PATH_INFO": unquote(path),
                "QUERY_STRING": query,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            }
            | {"CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", "")}
            | {"GIT_PROTOCOL": request.headers.get("Git-Protocol", "")},
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        request.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in {**fields, "Content-Length": str(len(rest))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(rest)


@pytest.fixture
def backend(repo: Repo, tmp_path: Path) -> Iterator[tuple[_Backend, str]]:
    authority = https.Authority(tmp_path)
    _config("http.sslCAInfo", str(authority.file))
    backend = _Backend(tmp_path / "served")
    with https.serve(backend, authority.context("127.0.0.1")) as port:
        yield backend, f"https://127.0.0.1:{port}/shop.git"


def test_https(repo: Repo, backend: tuple[_Backend, str]) -> None:
    _, url = backend
    first = locate(url)
    repo.seal("b.yaml")
    second = repo.commit()
    source = open_source(locate(url))
    assert [each.path for each in source.read(unknown).found] == ["a.yaml", "b.yaml"]
    assert source.signature() == second
    assert source.descends(first.commit) is True
    assert (first.kind, first.url) == ("git", url.removeprefix("https://").removesuffix(".git"))
    assert first.source == first.where == first.url
    assert locate(url.removesuffix(".git") + ".git/").source == first.source


def test_credential_helpers_of_the_user_serve(backend: tuple[_Backend, str]) -> None:
    served, url = backend
    served.password = PASSWORD
    with pytest.raises(SourceError, match="the credentials were refused, or there are none") as caught:
        locate(url)
    assert "git help credentials" in caught.value.way_out
    _config("credential.helper", f"!f() {{ echo username=me; echo password={PASSWORD}; }}; f")
    location = locate(url)
    assert location.commit
    assert PASSWORD not in repr(location)
    assert PASSWORD not in "".join(
        each.read_text(errors="replace")
        for each in location.repository.rglob("*")
        if each.is_file()  # type: ignore[union-attr]
    )


def test_a_certificate_of_nobody_is_refused(backend: tuple[_Backend, str]) -> None:
    _, url = backend
    _config("--unset", "http.sslCAInfo")
    with pytest.raises(SourceError, match="certificate is not trusted"):
        locate(url)


def test_a_password_of_a_rewritten_url_is_in_no_message(backend: tuple[_Backend, str]) -> None:
    served, url = backend
    _config(f"url.https://me:{PASSWORD}@127.0.0.1:1/.insteadOf", "https://git.example.invalid/")
    with pytest.raises(SourceError) as caught:
        locate("https://git.example.invalid/shop")
    assert PASSWORD not in f"{caught.value} {caught.value.way_out}"
    served.password = PASSWORD
    _config(
        f"url.https://me:{PASSWORD}@{url.removeprefix('https://').partition('/')[0]}/.insteadOf",
        "https://other.invalid/",
    )
    assert locate("https://other.invalid/shop.git").url == "other.invalid/shop"


def test_a_redirect_to_another_transport_is_not_followed(tmp_path: Path) -> None:
    authority = https.Authority(tmp_path)
    _config("http.sslCAInfo", str(authority.file))
    asked: list[str] = []

    def plain(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        https.answer(b"", 404)(request)

    with https.serve(plain, None) as port:
        turn = https.answer(b"", 302, Location=f"http://127.0.0.1:{port}/shop.git/info/refs?service=git-upload-pack")
        with https.serve(turn, authority.context("127.0.0.1")) as secure, pytest.raises(SourceError):
            locate(f"https://127.0.0.1:{secure}/shop.git")
    assert asked == []


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that runs the command here, and writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ssh"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "asked"


def test_ssh_asks_nobody(repo: Repo, ssh: Path) -> None:
    for url in (f"ssh://git@git.example.invalid{repo.root}", f"git@git.example.invalid:{repo.root}"):
        location = locate(url)
        assert [each.path for each in open_source(location).read(unknown).found] == ["a.yaml"]
        assert location.url == f"git.example.invalid{str(repo.root).removesuffix('.git')}"
    assert all("BatchMode=yes" in line and "git@git.example.invalid" in line for line in ssh.read_text().splitlines())


@pytest.mark.parametrize("how", ["config", "environment"])
def test_an_ssh_that_the_user_configured_is_used_as_it_is(
    repo: Repo, ssh: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "config":
        _config("core.sshCommand", "ssh -F /dev/null")
    else:
        monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -F /dev/null")
    assert locate(f"git@git.example.invalid:{repo.root}").commit
    assert "-F /dev/null" in ssh.read_text()
    assert "BatchMode" not in ssh.read_text()


@pytest.mark.parametrize(
    ("said", "what", "way_out"),
    [
        (
            "Host key verification failed.\nfatal: Could not read from remote repository.\n\nPlease make sure you\n",
            "the host's key is not known (Host key verification failed.)",
            "check the key, then: ssh -T git.example.invalid",
        ),
        (
            "git@git.example.invalid: Permission denied (publickey).\nfatal: Could not read from remote repository.\n",
            "the credentials were refused, or there are none (git@git.example.invalid: Permission denied (publickey).)",
            "give Git the credentials: git help credentials; to see what it says: git ls-remote ssh://git.example.invalid/x",
        ),
        (
            "error: object 0123: zeroPaddedFilemode: contains zero-padded\nfatal: fsck error in packed object\n",
            "holds an object that Git finds malformed: zeroPaddedFilemode",
            "mend the repository; to accept it: git config --global fetch.fsck.zeroPaddedFilemode warn",
        ),
        (
            "remote: \x1b[31mred\nfatal: unable to access 'https://u:p@h/x?token=t': \x1b]0;x\x07bad\n",
            r"can't be fetched: unable to access 'https://h/x': \x1b]0;x\x07bad",
            "git ls-remote ssh://git.example.invalid/x",
        ),
        ("", "can't be fetched: no message", "git ls-remote ssh://git.example.invalid/x"),
    ],
)
def test_what_git_says_in_our_words(said: str, what: str, way_out: str) -> None:
    error = remote.explain(said, Address("ssh://git.example.invalid/x", host="git.example.invalid"))
    assert (error.what, error.way_out, error.where) == (what, way_out, "ssh://git.example.invalid/x")


# What SOURCE may be


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        ("https://git.example.invalid/team/shop.git", "git.example.invalid/team/shop"),
        ("HTTPS://me@git.example.invalid:8443/team/shop", "git.example.invalid:8443/team/shop"),
        ("ssh://git@git.example.invalid:2222/~me/shop.git/", "git.example.invalid:2222/~me/shop"),
        ("git@git.example.invalid:team/shop.git", "git.example.invalid/team/shop"),
        ("git.example.invalid:team/shop", "git.example.invalid/team/shop"),
        ("https://[::1]:8443/shop", "https://[::1]:8443/shop"),
    ],
)
def test_addresses(source: str, identity: str) -> None:
    found = parse(source)
    assert found is not None
    assert found.identity == identity


@pytest.mark.parametrize(
    ("source", "what", "way_out"),
    [
        ("http://git.example.invalid/shop", "is not encrypted", "use https://"),
        ("git://git.example.invalid/shop", "is neither encrypted", "use https:// or ssh://"),
        ("ftp://git.example.invalid/shop", "has a transport that is not read: ftp", "use https://"),
        ("ext::sh -c touch% x", "is a transport that runs a program", ""),
        ("fd::17", "is a transport that runs a program", ""),
        (f"https://me:{PASSWORD}@git.example.invalid/shop", "holds a password", "credential helpers serve"),
        (f"ssh://me:{PASSWORD}@git.example.invalid/shop", "holds a password", "credential helpers serve"),
        (f"https://{PASSWORD}{PASSWORD}@git.example.invalid/shop", "may be one", "credential helpers serve"),
        (f"https://me:{PASSWORD}/x@git.example.invalid/shop", "has no port", ""),
        (f"https://git.example.invalid/shop?token={PASSWORD}", "has a ?", "credential helpers serve"),
        (f"me:{PASSWORD}@git.example.invalid:shop", "holds a password", ""),
        ("https://git.example.invalid", "names no repository", ""),
        ("https:///shop", "has no host", ""),
        ("ssh://-oProxyCommand=touch/shop", "has no host", ""),
        ("-oProxyCommand=touch:shop", "has no host", ""),
        ("-x@git.example.invalid:shop", "has a user name", ""),
        ("git@git.example.invalid:-x", "has a path", ""),
        ("ssh://git.example.invalid/a\nb", "has a path", ""),
        ("file://other.example.invalid/shop", "names another host", ""),
    ],
)  # fmt: skip
def test_addresses_that_are_refused(source: str, what: str, way_out: str) -> None:
    with pytest.raises(UsageError) as caught:
        locate(source)
    assert what in caught.value.what
    assert way_out in caught.value.way_out
    assert PASSWORD not in f"{caught.value} {caught.value.way_out}"


def test_a_url_without_a_normal_form_asks_for_an_id(backend: tuple[_Backend, str]) -> None:
    _, url = backend
    odd = url.replace("/shop", "/%73hop")
    with pytest.raises(UsageError, match="can't be its id") as caught:
        locate(odd)
    assert caught.value.way_out == "name it yourself: --source-name ID"
    location = locate(odd, "shop")
    assert (location.source, location.where) == ("shop", odd)
