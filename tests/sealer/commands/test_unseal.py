"""`sealer unseal`: whole manifests or bare bytes, from every source of keys, with the right exit codes."""

from __future__ import annotations

import base64
import json
import secrets
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealer import paths
from sealer.formats import keys
from tests.sealer import rings
from tests.sealer.shop import Shop, manifest, said, sealer, values_of
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture
DB = "clusters/prod/payments/db.yaml"


@pytest.fixture
def value() -> bytes:
    return secrets.token_hex(16).encode()


@pytest.fixture
def pem(shop: Shop, value: bytes) -> str:
    """A sealed file with two items, and the path of the key that opens it."""
    sealer("set", DB, "password", stdin=value)
    sealer("set", DB, "blob", "--raw", stdin=b"\0\xff" + value + b"\n")
    return str(shop.write("key.pem", shop["prod"].keys[0].pem))


def test_manifest(shop: Shop, pem: str, value: bytes) -> None:
    done = sealer("unseal", DB, "--private-key", pem)
    assert (done.code, done.err) == (0, "")
    assert done.text.startswith("apiVersion: v1\n")
    assert values_of(done.out) == {"password": value, "blob": b"\0\xff" + value + b"\n"}
    as_json = sealer("unseal", DB, "--private-key", pem, "--format", "json")
    assert json.loads(as_json.out)["metadata"] == {"name": "db", "namespace": "payments"}


def test_one_item_is_its_bytes_and_nothing_else(shop: Shop, pem: str, value: bytes) -> None:
    assert sealer("unseal", DB, "password", "--private-key", pem).out == value
    assert sealer("unseal", DB, "blob", "--private-key", pem).out == b"\0\xff" + value + b"\n"
    missing = sealer("unseal", DB, "other", "--private-key", pem)
    assert missing.code == 2
    assert said(missing, "has no such item", "blob, password")


def test_stdin_json_and_several_documents(shop: Shop, pem: str, value: bytes) -> None:
    for name in ("a", "b"):
        sealer("set", f"vault/{name}.json", "k", "--name", name, "--namespace", "billing", stdin=value)
    both = shop.read("vault/a.json") + shop.read("vault/b.json")
    done = sealer("unseal", "-", "--private-key", pem, stdin=both)
    assert done.code == 0, done.err
    assert done.text.count('"kind": "Secret"') == 2
    one = sealer("unseal", "-", "--private-key", pem, "--name", "b", "--format", "yaml", stdin=both)
    assert values_of(one.out) == {"k": value}
    assert one.text.count("kind: Secret") == 1


def test_seal_again_from_what_was_unsealed(shop: Shop, pem: str, value: bytes) -> None:
    plain = sealer("unseal", DB, "--private-key", pem).out
    before = shop.read(DB)
    done = sealer("seal", "-o", DB, stdin=plain)
    assert done.code == 0
    assert "dropped" not in done.text
    assert shop.read(DB) != before
    assert shop.opened(DB, "prod")["password"] == value


def test_output_file_is_private(shop: Shop, pem: str, value: bytes) -> None:
    done = sealer("unseal", DB, "--private-key", pem, "-o", "plain.yaml")
    assert (done.code, done.out) == (0, b"")
    assert stat.S_IMODE((shop.root / "plain.yaml").stat().st_mode) == 0o600


def test_sources_of_keys(shop: Shop, pem: str, value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def opens(*args: str, stdin: bytes = b"") -> bool:
        return sealer("unseal", DB, "password", *args, stdin=stdin).out == value

    text = Path(pem).read_bytes()
    assert not opens()
    assert opens("--private-key", "-", stdin=text)
    monkeypatch.setenv("SEALER_PRIVATE_KEY", text.decode())
    assert opens()
    monkeypatch.setenv("SEALER_PRIVATE_KEY_FILE", pem)
    monkeypatch.setenv("SEALER_PRIVATE_KEY", "broken")
    assert opens()
    monkeypatch.delenv("SEALER_PRIVATE_KEY_FILE")
    monkeypatch.delenv("SEALER_PRIVATE_KEY")
    paths.keyrings().mkdir(parents=True, mode=0o700)
    rings.make(paths.keyrings() / "prod", shop["prod"].keys[0], cluster="prod")
    assert opens()
    assert opens("--private-key", str(paths.keyrings() / "prod"))


def test_no_key_names_both_sides(shop: Shop, pem: str) -> None:
    done = sealer("unseal", DB)
    assert done.code == 2
    assert said(done, f"{DB}:1: sealed to prod {shop['prod'].short}, you hold no such private key", "--private-key SRC")
    paths.keyrings().mkdir(parents=True, mode=0o700)
    rings.make(paths.keyrings() / "dev-alice", keys.generate_kem(), cluster="dev-alice")
    for key in ((), ("password",)):
        assert said(sealer("unseal", DB, *key), f"sealed to prod {shop['prod'].short}, you hold dev-alice")


def test_what_does_not_open_is_an_answer(shop: Shop, pem: str, value: bytes) -> None:
    moved = shop.write("clusters/prod/web/db.yaml", shop.read(DB).replace(b"namespace: payments", b"namespace: web"))
    done = sealer("unseal", str(moved), "--private-key", pem)
    assert (done.code, done.out) == (1, b"")
    assert said(done, "blob, password: was sealed for another scope, namespace, name or item", "way out: sealer set")
    text = shop.sealed(DB).items["password"]
    at = len(text) - 10
    broken = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    shop.write(DB, shop.read(DB).replace(text.encode(), broken.encode()))
    tampered = sealer("unseal", DB, "--private-key", pem)
    assert (tampered.code, tampered.out) == (1, b"")
    assert said(tampered, "password: cannot be opened")
    assert "blob" not in tampered.err
    assert value not in tampered.all
    assert sealer("unseal", DB, "blob", "--private-key", pem).code == 0
    assert sealer("unseal", DB, "password", "--private-key", pem).code == 1


def test_one_bad_document_prints_none(shop: Shop, pem: str, value: bytes) -> None:
    good = shop.read(DB)
    shop.write("two.yaml", good + b"---\n" + good.replace(b"name: db", b"name: other"))
    done = sealer("unseal", "two.yaml", "--private-key", pem)
    assert (done.code, done.out) == (1, b"")
    assert value not in done.all


def test_templates(shop: Shop, pem: str, value: bytes) -> None:
    text = shop.read(DB).replace(b"  template:\n", b"  template:\n    data: {conf: 'x=1', blob: null}\n")
    shop.write(DB, text)
    assert values_of(sealer("unseal", DB, "--private-key", pem).out) == {"password": value, "conf": b"x=1"}
    assert sealer("unseal", DB, "conf", "--private-key", pem).out == b"x=1"
    shop.write(DB, text.replace(b"x=1", b"a {{ .password | b64enc }}"))
    shown = b"a " + base64.b64encode(value)
    assert values_of(sealer("unseal", DB, "--private-key", pem).out) == {"password": value, "conf": shown}
    for command in ("unseal", "render"):
        assert sealer(command, DB, "conf", "--private-key", pem).out == shown
    shop.write(DB, text.replace(b"x=1", b"a {{ .password | b64 }}"))
    for command, code in (("unseal", 2), ("render", 1)):
        done = sealer(command, DB, "--private-key", pem)
        assert (done.code, done.out) == (code, b"")
        assert said(done, "item conf, line 1, column 18", "function b64 is not defined")


def test_render(shop: Shop, pem: str, value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"  template:\n    data: {good: '{{ .password | len }}', bad: '{{ fail .password }}', lost: '{{ .user }}'}\n"
    shop.write(DB, shop.read(DB).replace(b"  template:\n", data))
    assert sealer("render", DB, "good", "--private-key", pem).out == str(len(value)).encode()
    assert sealer("unseal", DB, "good", "--private-key", pem).out == str(len(value)).encode()
    done = sealer("render", DB, "--private-key", pem)
    assert (done.code, done.out) == (1, b"")
    assert said(done, "item bad, line 1, column 4", "error calling fail")
    assert value.decode() not in done.err
    assert said(sealer("render", DB, "none"), "none is no item of its template", "bad, good, lost")
    assert sealer("render", DB, "password").code == 2, "a sealed item is for unseal"
    assert said(sealer("render", "-", "--private-key", "-"), "both read stdin")
    monkeypatch.setenv("XDG_DATA_HOME", str(shop.root / "nothing"))
    done = sealer("render", DB)
    assert (done.code, done.out) == (0, b"")
    assert said(done, "item lost, line 1, column 4: there is no item user", "3 templates checked, not rendered")
    done = sealer("render", DB, "good")
    assert (done.code, done.out) == (2, b""), "no value, and no success"
    assert said(done, "1 template checked, not rendered")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("none.yaml",), ("none.yaml", "no such file")),
        (("plain.yaml",), ("holds a Secret in plaintext",)),
        (("cm.yaml",), ("holds no SealedSecret",)),
        ((DB, "--private-key", "none.pem"), ("none.pem", "no such file")),
        ((DB, "--private-key", "https://example.invalid/k"), ("never fetched over the network",)),
        (("-", "--private-key", "-"), ("both read stdin",)),
        ((DB, "password", "--format", "json"), ("--format is about a manifest",)),
        ((DB, "password", "extra"), ("too many arguments",)),
        ((DB, "--name", "x", "--private-key", "key.pem"), ()),
    ],
)
def test_refusals(shop: Shop, pem: str, value: bytes, args: tuple[str, ...], words: tuple[str, ...]) -> None:
    shop.write("plain.yaml", manifest("a", "b", k=value.decode()))
    shop.write("cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    done = sealer("unseal", *args)
    assert done.code == 2
    assert said(done, "error:", *words), done.err
    assert done.out == b""
    assert value not in done.all


@pytest.mark.parametrize("scope", ["strict", "namespace-wide", "cluster-wide"])
def test_real_kubeseal_both_ways(shop: Shop, value: bytes, kubeseal: Path, scope: str) -> None:
    key = keys.generate_rsa(now=datetime.now(UTC), bits=2048)
    shop.write("cert.pem", key.public.certificate)
    shop.write("key.pem", key.pem)
    plain = manifest("db", "payments", password=value.decode()).encode()
    theirs = subprocess.run(
        [kubeseal, "--cert", "cert.pem", "--scope", scope, "-o", "yaml"], input=plain, capture_output=True, check=True
    )
    shop.write("theirs.yaml", theirs.stdout)
    assert sealer("unseal", "theirs.yaml", "password", "--private-key", "key.pem").out == value
    ours = sealer("seal", "--cert", "cert.pem", "--scope", scope, stdin=plain)
    assert ours.code == 0
    opened = subprocess.run(
        [kubeseal, "--recovery-unseal", "--recovery-private-key", "key.pem", "-o", "json"],
        input=ours.out,
        capture_output=True,
        check=True,
    )
    assert base64.b64decode(json.loads(opened.stdout)["data"]["password"]) == value
