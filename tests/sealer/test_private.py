"""Where private keys come from: every kind of source, their order, and what is never read."""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
from pathlib import Path

import pytest

from sealer import paths
from sealer.documents import render
from sealer.errors import KeyFormatError, SealerError, SourceError, UsageError
from sealer.formats import keys, passphrase
from sealer.keyrings import keyring, private
from sealer.secret import Secret
from tests.sealer import rings
from tests.sealer.controllers import rsa_key


def key_secret(key: keys.PrivateKey, name: str = "sealed-secrets-keyabcde") -> dict[str, object]:
    """A key Secret as Bitnami's controller keeps it."""
    items = {"tls.key": key.pem.encode(), "tls.crt": key.public.certificate.encode()}
    labels = {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}
    return render.secret_body(Secret(name, "kube-system", items, "kubernetes.io/tls", labels))


def write(path: Path, data: bytes | str) -> str:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def ring(cluster: str, *held: keys.PrivateKey, secret: str | None = None) -> Path:
    directory = paths.keyrings() / cluster
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rings.make(directory, *held, cluster=cluster, secret=secret)
    return directory


@pytest.mark.parametrize("kind", ["kem", "rsa"])
def test_pem_file(tmp_path: Path, kind: str) -> None:
    key = keys.generate_kem() if kind == "kem" else rsa_key()
    found = private.load([write(tmp_path / "k.pem", key.pem)])
    same = found.get(key.id)
    assert same is not None
    assert same.pem == key.pem
    assert [each.id for each in found.rsa()] == ([key.id] if kind == "rsa" else [])
    assert found.get("0" * 16) is None


def test_rsa_keys_come_newest_first(tmp_path: Path) -> None:
    old, new = rings.rsa_key(0), rings.rsa_key(1)
    text = old.pem + old.public.certificate + new.pem + new.public.certificate
    assert [key.id for key in private.load([write(tmp_path / "k", text)]).rsa()] == [new.id, old.id]
    bare = write(tmp_path / "bare", rings.rsa_key(2).pem)
    both = private.load([bare, write(tmp_path / "k", text)]).rsa()
    assert [key.id for key in both] == [new.id, old.id, rings.rsa_key(2).id]


@pytest.mark.parametrize("shape", ["yaml", "json", "list", "stream"])
def test_key_secrets(tmp_path: Path, shape: str) -> None:
    bodies = [key_secret(rsa_key(0)), key_secret(rsa_key(1), "sealed-secrets-keyfghij")]
    data = {
        "yaml": render.to_yaml(bodies[0]),
        "json": render.to_json(bodies[0]),
        "list": json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}).encode(),
        "stream": render.stream(bodies, "yaml"),
    }[shape]
    found = {key.id for key in private.load([write(tmp_path / "keys", data)]).rsa()}
    assert found == ({rsa_key(0).id, rsa_key(1).id} if shape in ("list", "stream") else {rsa_key(0).id})


def test_keyring_directory_and_local_keyrings(tmp_path: Path) -> None:
    mine, other = keys.generate_kem(), keys.generate_kem()
    directory = ring("dev-alice", mine, rsa_key())
    ring("prod", other)
    named = private.load([str(directory)])
    assert named.get(mine.id) == mine
    assert named.get(other.id) is None
    local = private.load()
    assert local.get(mine.id) == mine
    assert local.get(other.id) == other
    assert [key.id for key in local.rsa()] == [rsa_key().id]


def test_order_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag, file, variable, local = (keys.generate_kem() for _ in range(4))
    ring("prod", local)
    everyone = (flag, file, variable, local)

    def held(*sources: str) -> list[keys.PrivateKey]:
        found = private.load(sources)
        return [key for key in everyone if found.get(key.id)]

    assert held() == [local]
    monkeypatch.setenv(private.PEM_VARIABLE, variable.pem)
    assert held() == [variable]
    monkeypatch.setenv(private.FILE_VARIABLE, write(tmp_path / "file", file.pem))
    assert held() == [file]
    assert held(write(tmp_path / "flag", flag.pem)) == [flag]


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_asked_for_only_if_its_key_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phrase = secrets.token_hex(8)
    asked: list[str] = []

    def ask(prompt: str, **_: object) -> str:
        asked.append(prompt)
        return phrase

    monkeypatch.setattr(passphrase, "ask", ask)
    locked, free = keys.generate_kem(), keys.generate_kem()
    ring("dev", locked, secret=phrase)
    ring("other", free)
    found = private.load()
    assert found.get(free.id) == free
    assert found.get("0" * 16) is None
    assert not asked
    assert found.get(locked.id) == locked
    assert len(asked) == 1
    encrypted = write(tmp_path / "k.pem", passphrase.encrypt(free.pem.encode(), phrase))
    assert private.load([encrypted]).get(free.id) == free
    assert len(asked) == 2


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.generate_kem()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(key.pem.encode())))
    assert private.load(["-"]).get(key.id) == key


@pytest.mark.parametrize("url", ["https://example.invalid/key", "http://example.invalid/key"])
def test_never_over_the_network(url: str) -> None:
    with pytest.raises(UsageError, match="never fetched over the network"):
        private.load([url])


@pytest.mark.parametrize(
    "content", ["", "hello {v}\n", "-----BEGIN PRIVATE KEY-----\n{v}\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused_without_a_quote(tmp_path: Path, content: str) -> None:
    planted = secrets.token_hex(16)
    with pytest.raises(SealerError) as caught:
        private.load([write(tmp_path / "k.pem", content.replace("{v}", planted))])
    assert str(tmp_path / "k.pem") in caught.value.where
    assert planted not in str(caught.value) + caught.value.way_out


def test_a_secret_without_a_key(tmp_path: Path) -> None:
    body = render.secret_body(Secret("x", "y", {"a": b"b"}))
    with pytest.raises(KeyFormatError, match="holds no private key"):
        private.load([write(tmp_path / "s.yaml", render.to_yaml(body))])


def test_directories_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a keyring"):
        private.load([str(tmp_path)])
    with pytest.raises(SourceError, match="no such file"):
        private.load([str(tmp_path / "none")])


def test_nothing_private_shows(tmp_path: Path) -> None:
    key = keys.generate_kem()
    ring("prod", key)
    body = key.pem.splitlines()[1]
    held, local = private.load([write(tmp_path / "k", key.pem)]), private.load()
    local.get(key.id)
    assert body not in repr(held) + repr(local)


def test_clusters_are_named(tmp_path: Path) -> None:
    ring("dev-alice", keys.generate_kem())
    local = private.load()
    assert isinstance(local, private.Local)
    assert local.clusters == ("dev-alice",)
    assert keyring.all() == [paths.keyrings() / "dev-alice"]
    assert os.path.isdir(keyring.all()[0])
