"""kubeconfig is read as kubectl reads it; what is wrong in it is told by file and field, and no secret is shown."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealer.errors import SealerError
from sealer.kube import kubeconfig
from sealer.kube.kubeconfig import Access, Cluster, User

Write = Any


def config(**more: Any) -> dict[str, Any]:
    """A kubeconfig with one of each."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example:6443/"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        **more,
    }


def found(tmp_path: Path, value: Any, **named: Any) -> Access:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(value))
    return kubeconfig.find(kubeconfig=str(path), environ={}, **named)


def test_a_minimal_one(tmp_path: Path) -> None:
    assert found(tmp_path, config()) == Access(Cluster("https://api.example:6443"), User(), "shop", "here")


def test_data_counts_more_than_files_and_paths_are_relative(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"from the file")
    (tmp_path / "cert.pem").write_bytes(b"certificate")
    cluster = {"server": "api.example", "certificate-authority": "ca.pem"}
    user = {
        "client-certificate": "cert.pem",
        "client-key-data": base64.b64encode(b"key").decode(),
        "client-key": "not there",
    }
    access = found(tmp_path, config(clusters=[{"name": "c", "cluster": cluster}], users=[{"name": "u", "user": user}]))
    assert access.cluster == Cluster("https://api.example", ca=b"from the file")
    assert (access.user.certificate, access.user.key) == (b"certificate", b"key")


def test_several_files_are_one_and_the_first_counts(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(yaml.safe_dump({"users": [{"name": "u", "user": {"token": "first"}}]}))
    two.write_text(yaml.safe_dump(config(users=[{"name": "u", "user": {"token": "second"}}])))
    environ = {"KUBECONFIG": f"{one}:{tmp_path / 'absent'}:{two}"}
    access = kubeconfig.find(environ=environ)
    assert access.user.token == "first"
    assert access.namespace == "shop"


def test_another_context(tmp_path: Path) -> None:
    contexts = [*config()["contexts"], {"name": "there", "context": {"cluster": "c", "user": "u"}}]
    access = found(tmp_path, config(contexts=contexts), context="there")
    assert (access.namespace, access.context) == ("default", "there")
    with pytest.raises(SealerError) as caught:
        found(tmp_path, config(contexts=contexts), context="nowhere")
    assert "here, there" in caught.value.way_out


def test_a_pod(tmp_path: Path) -> None:
    for name, text in (("token", "t"), ("ca.crt", "CA"), ("namespace", "vault\n")):
        (tmp_path / name).write_text(text)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    access = kubeconfig.in_cluster(environ, tmp_path)
    assert access == Access(Cluster("https://[fd00::1]:6443", ca=b"CA"), User(token_file=tmp_path / "token"), "vault")


WRONG: list[tuple[Any, str]] = [
    ([], "is no kubeconfig"),
    (config(clusters=[{"name": "c", "cluster": {}}]), "cluster c.server is missing"),
    (config(clusters=[{"cluster": {}}]), "an entry of clusters has no name"),
    (config(clusters={}), ".clusters is not a list"),
    (config(users=[{"name": "u", "user": {"token": 5}}]), "user u.token is not text"),
    (config(users=[{"name": "u", "user": {"client-key-data": "a2V5"}}]), "user u.client-certificate is missing"),
    (config(users=[{"name": "u", "user": {"client-key-data": "%"}}]), "user u.client-key-data is not base64"),
    (config(users=[{"name": "u", "user": {"client-key": "absent"}}]), "no such file"),
    (config(users=[{"name": "u", "user": {"auth-provider": {"name": "gcp"}}}]), "auth-provider"),
    (config(users=[{"name": "u", "user": {"exec": {"apiVersion": "v1"}}}]), "user u.exec.command is missing"),
    (config(users=[{"name": "u", "user": {"exec": {"command": "x", "apiVersion": "v1"}}}]), "exec.apiVersion is not"),
    (config(users=[]), "has no user 'u'"),
    (config(**{"current-context": ""}), "names no current-context"),
    (
        config(clusters=[{"name": "c", "cluster": {"server": "x", "insecure-skip-tls-verify": "yes"}}]),
        "insecure-skip-tls-verify is not true or false",
    ),
]


@pytest.mark.parametrize(("value", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_named(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(SealerError) as caught:
        found(tmp_path, value)
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_each_file_that_is_not_there_has_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(SealerError) as caught:
        kubeconfig.find(kubeconfig=str(tmp_path / "absent"), environ={})
    assert caught.value.way_out == "--kubeconfig FILE, or set KUBECONFIG"
    with pytest.raises(SealerError) as caught:
        found(tmp_path, config(clusters=[{"name": "c", "cluster": {"server": "x", "certificate-authority": "absent"}}]))
    assert caught.value.where == str(tmp_path / "absent")
    assert caught.value.way_out == f"cluster c.certificate-authority in {tmp_path / 'config'} names it"


def test_without_a_current_context_those_that_there_are_are_named(tmp_path: Path) -> None:
    with pytest.raises(SealerError) as caught:
        found(tmp_path, config(**{"current-context": ""}))
    assert caught.value.way_out == "--context NAME; there are: here"
    with pytest.raises(SealerError, match="has no contexts") as caught:
        found(tmp_path, {"apiVersion": "v1", "kind": "Config"})
    assert "--kubeconfig" in caught.value.way_out


def test_nothing_of_it_is_shown(tmp_path: Path) -> None:
    token, password = secrets.token_hex(8), secrets.token_hex(8)
    user = {"token": token, "password": password, "client-certificate-data": "YQ==", "client-key-data": "Yg=="}
    access = found(tmp_path, config(users=[{"name": "u", "user": user}]))
    assert access.user.token == token
    assert token not in repr(access)
    assert password not in repr(access)


def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SealerError) as caught:
        kubeconfig.find(environ={})
    assert "no kubeconfig is there" in str(caught.value)
    assert "--kubeconfig" in caught.value.way_out
