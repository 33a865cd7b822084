"""Backups: into an empty home and back, what is refused, what is remembered."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sealer import files, paths
from sealer.errors import KeyFormatError, Refused, SealerError, SourceError, UsageError
from sealer.formats import backup, keyrecord, keys, passphrase
from sealer.formats.keyrecord import BackedUp
from sealer.formats.wire import b64encode, canonical_json, pem_decode, pem_encode
from sealer.keyrings import keyring
from sealer.keyrings.keyring import Keyring
from tests.sealer import rings
from tests.sealer.rings import NOW

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/backup.v1.json").read_text())


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "_ITERATIONS", 1)
    monkeypatch.setattr(passphrase, "_MEMORY", 32)
    monkeypatch.setattr(passphrase, "_MAX_MEMORY", 4096)


def _content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "lock"}


@pytest.mark.parametrize("secret", [None, "the keyring's own"])
def test_into_an_empty_home_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str | None) -> None:
    key, rsa = keys.generate_kem(), rings.rsa_key()
    prod = paths.keyrings() / "prod"
    rings.make(prod, key, rsa, secret=secret)
    backup.make(prod, tmp_path / "bk", "the backup's", now=NOW)
    before = _content(prod)
    monkeypatch.setenv("HOME", str(tmp_path / "new home"))
    restored = backup.restore(tmp_path / "bk", "the backup's")
    assert restored == tmp_path / "new home/.local/share/sealer/keyring/prod"
    assert _content(restored) == before
    ring = Keyring.open(keyring.find(), passphrase=lambda: secret or "")
    assert ring.private(key.id) == key
    assert ring.private(rsa.id) == rsa
    ring.identity()
    ring.state_keys()
    assert backup.warning(ring.record) == ""


def test_the_file_is_private_and_shows_nothing(tmp_path: Path) -> None:
    key = keys.generate_kem()
    rings.make(tmp_path / "prod", key)
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    assert (tmp_path / "bk").stat().st_mode & 0o777 == 0o600
    text = (tmp_path / "bk").read_text()
    assert text.startswith("-----BEGIN SEALER KEYRING BACKUP-----\n")
    blob = pem_decode(backup.PEM_BACKUP, text)
    assert b"keyring.json" not in blob
    assert key.pem.encode() not in blob


def test_what_is_inside_follows_the_schema(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod", keys.generate_kem(), rings.rsa_key())
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    plain = passphrase.unwrap(backup.PEM_BACKUP, (tmp_path / "bk").read_text(), "right")
    value = json.loads(plain)
    jsonschema.Draft202012Validator(SCHEMA).validate(value)
    assert canonical_json(value) == plain
    assert list(value) == ["cluster", "files", "version"]


def test_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase.os, "urandom", lambda size: bytes(range(size)))
    text = backup.render("prod", {"b": b"2", "a": b"1"}, "word")
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "d57af22951d8bd9d5c6df4503f640e775dc4a028a149c5fe68714b8450646b4c"
    )


def test_a_wrong_passphrase_restores_nothing(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod")
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    with pytest.raises(SourceError, match="wrong passphrase, or the file was changed") as caught:
        backup.restore(tmp_path / "bk", "wrong")
    assert caught.value.where == str(tmp_path / "bk")
    assert not paths.keyrings().exists()


def test_changed_bytes_are_refused(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod")
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    good = (tmp_path / "bk").read_bytes()
    for place in range(0, len(good), 4):
        broken = bytearray(good)
        broken[place] ^= 1 << place % 8
        (tmp_path / "broken").write_bytes(bytes(broken))
        with pytest.raises(SealerError):
            backup.restore(tmp_path / "broken", "right")
    assert not paths.keyrings().exists()


def test_line_ends_may_have_been_turned_around(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod")
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    (tmp_path / "bk").write_bytes((tmp_path / "bk").read_bytes().replace(b"\n", b"\r\n"))
    assert backup.restore(tmp_path / "bk", "right").name == "prod"


def test_a_keyring_that_exists_is_not_touched(tmp_path: Path) -> None:
    prod = paths.keyrings() / "prod"
    rings.make(prod)
    backup.make(prod, tmp_path / "bk", "right", now=NOW)
    (prod / "keyring.json").unlink()  # even one that is broken
    before = _content(prod)
    with pytest.raises(Refused):
        backup.restore(tmp_path / "bk", "right")
    assert _content(prod) == before


def test_another_cluster_or_place_may_be_named(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod")
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    with pytest.raises(UsageError, match="staging"):
        backup.restore(tmp_path / "bk", "right", cluster="staging")
    assert backup.restore(tmp_path / "bk", "right", cluster="prod", directory=tmp_path / "x") == tmp_path / "x"
    assert keyring.find("prod", tmp_path / "x") == tmp_path / "x"


Files = dict[str, Any]
WRONG: dict[str, Callable[[Files, dict[str, Any]], Any]] = {
    "a path": lambda f, v: f.update({"../evil.pem": "AAAA"}),
    "an absolute path": lambda f, v: f.update({"/tmp/evil": "AAAA"}),
    "a file too many": lambda f, v: f.update({"0123456789abcdef.pem": "AAAA"}),
    "a file too few": lambda f, v: f.pop("identity.pem"),
    "no record": lambda f, v: f.pop("keyring.json"),
    "a broken record": lambda f, v: f.update({"keyring.json": b64encode(b"{}")}),
    "no base64": lambda f, v: f.update({"identity.pem": "A"}),
    "a number": lambda f, v: f.update({"identity.pem": 1}),
    "another cluster": lambda f, v: v.update(cluster="staging"),
    "another version": lambda f, v: v.update(version=2),
    "a member too many": lambda f, v: v.update(note="x"),
    "files as a list": lambda f, v: v.update(files=[]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_content_under_the_right_passphrase_is_refused(tmp_path: Path, name: str) -> None:
    rings.make(tmp_path / "prod")
    backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    value = json.loads(passphrase.unwrap(backup.PEM_BACKUP, (tmp_path / "bk").read_text(), "right"))
    WRONG[name](value["files"], value)
    (tmp_path / "bk").write_text(passphrase.wrap(backup.PEM_BACKUP, canonical_json(value), "right"))
    with pytest.raises(KeyFormatError):
        backup.restore(tmp_path / "bk", "right")
    assert not paths.keyrings().exists()


@pytest.mark.parametrize("data", [b"", b"x", b"\xff", pem_encode(backup.PEM_BACKUP, b"x").encode()])
def test_what_is_no_backup_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bk").write_bytes(data)
    with pytest.raises(KeyFormatError):
        backup.restore(tmp_path / "bk", "right")


def test_a_backup_replaces_only_a_backup(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod")
    target = tmp_path / "bk"
    target.write_text("something dear\n")
    with pytest.raises(Refused):
        backup.make(tmp_path / "prod", target, "right", now=NOW)
    assert target.read_text() == "something dear\n"
    with pytest.raises(UsageError):
        backup.make(tmp_path / "prod", tmp_path, "right", now=NOW)
    target.unlink()
    backup.make(tmp_path / "prod", target, "right", now=NOW)
    first = target.read_bytes()
    backup.make(tmp_path / "prod", target, "right", now=NOW)
    assert target.read_bytes() != first


def test_a_failed_write_is_no_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rings.make(tmp_path / "prod")
    target = tmp_path / "bk"
    backup.make(tmp_path / "prod", target, "old", now=NOW)
    old, record = target.read_bytes(), (tmp_path / "prod/keyring.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(SourceError, match="no space"):
        backup.make(tmp_path / "prod", target, "new", now=NOW)
    assert target.read_bytes() == old
    assert (tmp_path / "prod/keyring.json").read_bytes() == record
    assert {path.name for path in tmp_path.iterdir()} == {"bk", "prod"}


def test_a_broken_keyring_is_not_backed_up(tmp_path: Path) -> None:
    key = keys.generate_kem()
    rings.make(tmp_path / "prod", key)
    (tmp_path / "prod" / f"{key.id}.pem").write_text("x")
    with pytest.raises(KeyFormatError):
        backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    assert not (tmp_path / "bk").exists()
    assert Keyring.open(tmp_path / "prod").record.backed_up is None


def test_the_warning_names_keys_that_no_backup_has(tmp_path: Path) -> None:
    record = rings.make(tmp_path / "prod", keys.generate_kem())
    assert backup.warning(record) == "keyring has no backup; run: sealer-controller keys backup FILE"
    saved = replace(record, backed_up=BackedUp(NOW, 1))
    assert backup.warning(saved) == ""
    key = rings.entry(keys.generate_kem(), sequence=2)
    grown = replace(saved, sequence=2, keys=(*saved.keys, key))
    assert backup.warning(grown) == (
        f"backup of {NOW:%Y-%m-%d} is older than key {key.id[:8]}; run: sealer-controller keys backup FILE"
    )
    # A new status alone is not worth a new backup.
    assert backup.warning(replace(saved, sequence=2)) == ""
    state = replace(record.state_keys[0], sequence=2)
    newer = replace(saved, sequence=2, state_keys=(state, *record.state_keys[1:]))
    assert state.id[:8] in backup.warning(newer)
    # A state key's sequence is above the keyring's: what is in the backup is told by its id.
    assert backup.warning(replace(newer, backed_up=BackedUp(NOW, 1, state.id))) == ""


def test_the_backup_is_remembered(tmp_path: Path) -> None:
    rings.make(tmp_path / "prod")
    record = backup.make(tmp_path / "prod", tmp_path / "bk", "right", now=NOW)
    assert record.backed_up == BackedUp(NOW, 1, record.state_key.id)
    assert keyrecord.parse((tmp_path / "prod/keyring.json").read_bytes()) == record
    assert record.sequence == 1  # the public keys are the same


def test_no_passphrase_reaches_an_error(tmp_path: Path) -> None:
    secret = secrets.token_hex(8)
    rings.make(tmp_path / "prod")
    backup.make(tmp_path / "prod", tmp_path / "bk", secret, now=NOW)
    with pytest.raises(SourceError) as caught:
        backup.restore(tmp_path / "bk", secret + "x")
    assert secret not in f"{caught.value}{caught.value.way_out}{caught.value.__cause__}"
