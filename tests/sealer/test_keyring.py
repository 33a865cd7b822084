"""Keyrings on disk: laziness, permissions, changed bytes, locks and kills."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sealer import paths
from sealer.errors import KeyFormatError, NameRefused, NoKey, Refused, SealerError, SourceError, UsageError
from sealer.formats import bundle, keyrecord, keys, passphrase
from sealer.formats.keyrecord import BackedUp, Status
from sealer.keyrings import keyfiles, keyring
from sealer.keyrings.keyring import Keyring
from tests.sealer import rings
from tests.sealer.rings import NOW

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/keyring.v1.json").read_text())


def _never() -> str:
    pytest.fail("asked for a passphrase")


# --- opening


def test_opening_reads_the_record_alone(tmp_path: Path) -> None:
    key, rsa = keys.generate_kem(), rings.rsa_key()
    record = rings.make(tmp_path / "r", key, rsa)
    for name in record.file_names()[:-1]:
        (tmp_path / "r" / name).unlink()
    ring = Keyring.open(tmp_path / "r", passphrase=_never)
    assert (ring.cluster, ring.sequence) == ("prod", 1)
    assert [entry.id for entry in ring.entries] == [key.id, rsa.id]
    with pytest.raises(SourceError):
        ring.private(key.id)


def test_it_gives_its_keys(tmp_path: Path) -> None:
    key, rsa = keys.generate_kem(), rings.rsa_key()
    record = rings.make(tmp_path / "r", key, rsa)
    ring = Keyring.open(tmp_path / "r", passphrase=_never)
    assert ring.private(key.id) == key
    assert ring.private(key.id) is ring.private(key.id)
    assert ring.private(rsa.id).public.certificate == rsa.public.certificate
    assert ring.public(rsa.id) == rsa.public
    assert ring.public(key.id) == key.public
    states = ring.state_keys()
    assert [key_id for key_id, _ in states] == [record.state_keys[1].id, record.state_keys[0].id]
    assert all(keyrecord.state_key_id(state) == key_id for key_id, state in states)
    with pytest.raises(NoKey):
        ring.private("0" * 16)


def test_opening_needs_no_cryptography(tmp_path: Path) -> None:
    rings.make(tmp_path / "r")
    code = (
        "import sys\nfrom pathlib import Path\nfrom sealer.keyrings.keyring import Keyring\n"
        "ring = Keyring.open(Path(sys.argv[1]))\nring.digest, ring.entries\n"
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "r")], check=False).returncode == 0


def test_the_digest_follows_ids_and_statuses(tmp_path: Path) -> None:
    record = rings.make(tmp_path / "r", keys.generate_kem(), keys.generate_kem())
    digest = Keyring.open(tmp_path / "r").digest
    assert replace(record, sequence=9, keys=record.keys[::-1]).digest() == digest
    assert record.with_status(record.keys[0].id, Status.COMPROMISED).digest() != digest
    assert replace(record, keys=record.keys[:1]).digest() != digest


def test_nothing_private_shows_in_a_repr(tmp_path: Path) -> None:
    secret = secrets.token_hex(8)
    key = keys.generate_kem()
    rings.make(tmp_path / "r", key, secret=secret)
    ring = Keyring.open(tmp_path / "r", passphrase=lambda: secret)
    shown = repr(ring) + repr(ring.private(key.id)) + repr(ring.entries) + str(ring.record)
    assert secret not in shown
    assert key.pem.splitlines()[1] not in shown


def test_the_bundle_of_a_keyring(tmp_path: Path) -> None:
    key, rsa = keys.generate_kem(), rings.rsa_key()
    rings.make(tmp_path / "r", key, rsa)
    for name in (f"{key.id}.pem", f"{rsa.id}.pem"):
        (tmp_path / "r" / name).unlink()  # no sealing key is needed
    ring = Keyring.open(tmp_path / "r")
    read = bundle.parse(ring.bundle(now=NOW, days=7), cluster="prod")
    assert [each.id for each in read.keys] == [key.id, rsa.id]
    assert (read.expires - read.issued).days == 7
    assert read.usable(NOW, keys.RSA)[0].certificate == rsa.public.certificate
    assert (bundle.parse(ring.bundle(now=NOW)).expires - NOW).days == 90


# --- a passphrase


@pytest.mark.usefixtures("cheap")
def test_the_passphrase_is_asked_once_and_late(tmp_path: Path) -> None:
    asked = []
    key, rsa = keys.generate_kem(), rings.rsa_key()
    rings.make(tmp_path / "r", key, rsa, secret="right")

    def ask() -> str:
        asked.append(1)
        return "right"

    ring = Keyring.open(tmp_path / "r", passphrase=ask)
    assert ring.is_encrypted()
    assert all((ring.entries, ring.digest, ring.public(rsa.id)))
    assert asked == []
    assert ring.private(key.id) == key
    ring.private(rsa.id)
    ring.state_keys()
    ring.identity()
    assert asked == [1]


@pytest.mark.usefixtures("cheap")
def test_a_wrong_passphrase_is_one_error_that_names_the_file(tmp_path: Path) -> None:
    key = keys.generate_kem()
    rings.make(tmp_path / "r", key, secret="right")
    ring = Keyring.open(tmp_path / "r", passphrase=lambda: "wrong")
    with pytest.raises(SourceError, match="wrong passphrase, or the file was changed") as caught:
        ring.private(key.id)
    assert caught.value.where == str(tmp_path / "r" / f"{key.id}.pem")


@pytest.mark.usefixtures("cheap")
def test_new_files_of_a_protected_keyring_are_protected(tmp_path: Path) -> None:
    record = rings.make(tmp_path / "r", secret="right")
    key = keys.generate_kem()
    grown = replace(record, keys=(*record.keys, rings.entry(key)))
    with (
        pytest.raises(SourceError),
        keyring.changing(tmp_path / "r", passphrase=lambda: "mistyped") as ring,
    ):
        ring.save(grown, {f"{key.id}.pem": key.pem}, {})
    assert not (tmp_path / "r" / f"{key.id}.pem").exists()
    with keyring.changing(tmp_path / "r", passphrase=lambda: "right") as ring:
        ring.save(grown, {f"{key.id}.pem": key.pem}, {})
    assert passphrase.is_encrypted((tmp_path / "r" / f"{key.id}.pem").read_text())
    assert Keyring.open(tmp_path / "r", passphrase=lambda: "right").private(key.id) == key


# --- permissions


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o777])
def test_a_directory_that_others_enter_is_refused(tmp_path: Path, mode: int) -> None:
    rings.make(tmp_path / "r")
    (tmp_path / "r").chmod(mode)
    with pytest.raises(SourceError, match="others") as caught:
        Keyring.open(tmp_path / "r")
    assert caught.value.way_out == f"chmod 700 {tmp_path / 'r'}"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
@pytest.mark.parametrize("kind", ["keyring.json", "identity.pem", "key", "certificate", "state"])
def test_a_file_that_others_read_is_refused(tmp_path: Path, kind: str, mode: int) -> None:
    rsa = rings.rsa_key()
    record = rings.make(tmp_path / "r", rsa)
    names = {"key": f"{rsa.id}.pem", "certificate": f"{rsa.id}.crt", "state": f"state-{record.state_keys[0].id}.pem"}
    (tmp_path / "r" / names.get(kind, kind)).chmod(mode)
    with pytest.raises(SourceError, match="others"):
        _use(tmp_path / "r")


@pytest.mark.parametrize("name", [".", "keyring.json", "identity.pem"])
def test_files_of_another_user_are_refused(tmp_path: Path, name: str) -> None:
    rings.make(tmp_path / "r")
    if os.geteuid() == 0:
        os.chown(tmp_path / "r" / name, 65534, 65534)
        with pytest.raises(SourceError, match="65534"):
            _use(tmp_path / "r")
    else:
        assert name  # only root can give files away; CI and containers run as root


@pytest.mark.parametrize("name", ["keyring.json", "identity.pem"])
def test_symlinks_are_refused(tmp_path: Path, name: str) -> None:
    rings.make(tmp_path / "r")
    (tmp_path / "r" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "r" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="symlink"):
        _use(tmp_path / "r")


def test_modes_do_not_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        rings.make(tmp_path / "r")
        with keyring.changing(tmp_path / "r") as ring:
            ring.save(ring.record, {}, {})
    finally:
        os.umask(before)
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "r").iterdir()} == {0o600}


def _use(directory: Path) -> None:
    """Read everything that a keyring holds."""
    ring = Keyring.open(directory)
    ring.identity()
    ring.state_keys()
    for entry in ring.entries:
        ring.private(entry.id)
        ring.public(entry.id)


# --- changed bytes


@pytest.mark.parametrize("kind", ["identity.pem", "key", "state"])
def test_every_flip_of_a_private_file_is_refused(tmp_path: Path, kind: str) -> None:
    key = keys.generate_kem()
    record = rings.make(tmp_path / "r", key)
    names = {"key": f"{key.id}.pem", "state": f"state-{record.state_keys[0].id}.pem"}
    _flip(tmp_path / "r", names.get(kind, kind), range(8))


@pytest.mark.parametrize("ending", ["pem", "crt"])
def test_every_flip_of_an_rsa_file_is_refused(tmp_path: Path, ending: str) -> None:
    rsa = rings.rsa_key()
    rings.make(tmp_path / "r", rsa)
    _flip(tmp_path / "r", f"{rsa.id}.{ending}", range(1))


def _flip(directory: Path, name: str, bits: range) -> None:
    path = directory / name
    good = path.read_bytes()
    start = good.decode().splitlines()[1][:20]
    for place in range(len(good)):
        for bit in bits:
            broken = bytearray(good)
            broken[place] ^= 1 << bit
            path.write_bytes(bytes(broken))
            with pytest.raises(SealerError) as caught:
                _use(directory)
            assert start not in str(caught.value)
    path.write_bytes(good)
    _use(directory)


def test_swapped_keys_are_refused(tmp_path: Path) -> None:
    first, second = keys.generate_kem(), keys.generate_kem()
    rings.make(tmp_path / "r", first, second)
    (tmp_path / "r" / f"{first.id}.pem").write_text(second.pem)
    with pytest.raises(KeyFormatError, match="names"):
        Keyring.open(tmp_path / "r").private(first.id)


def test_a_certificate_of_another_key_is_refused(tmp_path: Path) -> None:
    rsa = rings.rsa_key()
    rings.make(tmp_path / "r", rsa)
    (tmp_path / "r" / f"{rsa.id}.crt").write_text(rings.rsa_key(1).public.certificate)
    ring = Keyring.open(tmp_path / "r")
    with pytest.raises(KeyFormatError):
        ring.private(rsa.id)
    with pytest.raises(KeyFormatError):
        ring.public(rsa.id)


# --- keyring.json


def _key(value: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = value["keys"][0]
    return first


TAMPERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "version": lambda v: v.update(version=2),
    "cluster": lambda v: v.update(cluster="../prod"),
    "sequence": lambda v: v.update(sequence=0),
    "identity": lambda v: v.update(identity="ssh-ed25519 x"),
    "unknown member": lambda v: v.update(note=""),
    "missing member": lambda v: v.pop("stateKeys"),
    "a key twice": lambda v: v["keys"].append(_key(v)),
    "a state key twice": lambda v: v["stateKeys"].append(v["stateKeys"][0]),
    "two active state keys": lambda v: v["stateKeys"][0].update(status="active"),
    "no active state key": lambda v: v["stateKeys"].pop(),
    "no state key": lambda v: v.update(stateKeys=[]),
    "a compromised state key": lambda v: v["stateKeys"][0].update(status="compromised"),
    "a state key's id": lambda v: v["stateKeys"][0].update(id="../../etc/passwd"),
    "id": lambda v: _key(v).update(id="0" * 16),
    "algorithm": lambda v: _key(v).update(algorithm="x"),
    "public key": lambda v: _key(v).update(publicKey="AAAA"),
    "public key not base64": lambda v: _key(v).update(publicKey="!"),
    "status": lambda v: _key(v).update(status="Active"),
    "notBefore": lambda v: _key(v).update(notBefore="yesterday"),
    "notAfter": lambda v: _key(v).update(notAfter=_key(v)["notBefore"]),
    "a certificate of a KEM key": lambda v: _key(v).update(certificate="0" * 64),
    "created": lambda v: _key(v).update(created=0),
    "sequence of a key": lambda v: _key(v).update(sequence="1"),
    "backedUp": lambda v: v.update(backedUp={"time": "2026-01-01T00:00:00Z"}),
    "backedUp null": lambda v: v.update(backedUp=None),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_changed_field_of_the_record_is_refused(tmp_path: Path, name: str) -> None:
    rings.make(tmp_path / "r")
    path = tmp_path / "r" / "keyring.json"
    value = json.loads(path.read_bytes())
    TAMPERED[name](value)
    path.write_text(json.dumps(value))
    with pytest.raises(KeyFormatError) as caught:
        Keyring.open(tmp_path / "r")
    assert caught.value.where == str(path)


def test_the_record_goes_to_bytes_and_back(tmp_path: Path) -> None:
    record = rings.make(tmp_path / "r", keys.generate_kem(), rings.rsa_key())
    saved = (BackedUp(NOW, 3), BackedUp(NOW, 3, record.state_key.id))
    for each in (record, *(replace(record, backed_up=backed_up) for backed_up in saved)):
        assert keyrecord.parse(keyrecord.render(each)) == each
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(keyrecord.render(each)))


def test_state_key_ids_are_those_of_the_format() -> None:
    assert keyrecord.state_key_id(bytes(range(32))) == "2dd2c8d902abe725"


# --- which keyring is meant


def test_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError) as none:
        keyring.find()
    assert none.value.way_out == "sealer-controller init"
    prod = paths.keyrings() / "prod"
    rings.make(prod)
    assert keyring.find() == keyring.find("prod") == prod
    rings.make(paths.keyrings() / "staging", cluster="staging")
    with pytest.raises(UsageError, match="prod, staging"):
        keyring.find()
    with pytest.raises(SourceError, match="dev"):
        keyring.find("dev")
    with pytest.raises(NameRefused):
        keyring.find("../prod")
    rings.make(tmp_path / "other", cluster="other")
    assert keyring.find(None, tmp_path / "other") == keyring.find("other", tmp_path / "other") == tmp_path / "other"
    with pytest.raises(UsageError, match="other"):
        keyring.find("prod", tmp_path / "other")
    monkeypatch.setenv("SEALER_KEYRING", str(tmp_path / "other"))
    assert keyring.find() == tmp_path / "other"
    assert keyring.find(None, prod) == prod
    with pytest.raises(SourceError, match="no keyring here"):
        keyring.find(None, tmp_path)


def test_a_renamed_keyring_is_noticed() -> None:
    rings.make(paths.keyrings() / "prod")
    (paths.keyrings() / "prod").rename(paths.keyrings() / "staging")
    with pytest.raises(UsageError, match="prod"):
        keyring.find("staging")


def test_all_passes_over_what_is_no_keyring() -> None:
    assert keyring.all() == []
    rings.make(paths.keyrings() / "b")
    rings.make(paths.keyrings() / "a", cluster="a")
    (paths.keyrings() / ".a.0123.tmp").mkdir()
    (paths.keyrings() / "empty").mkdir()
    (paths.keyrings() / "file").write_text("")
    assert [path.name for path in keyring.all()] == ["a", "b"]


# --- kills and races

_CHANGE = """
import os, sys
from dataclasses import replace
from pathlib import Path
from sealer import files; from sealer.formats import keys; from sealer.keyrings import keyfiles, keyring
from tests.sealer import rings
directory, steps = Path(sys.argv[1]), int(sys.argv[2])
def killed(call):
    def counted(*arguments, **options):
        global steps
        if steps == 0:
            os._exit(9)
        steps -= 1
        return call(*arguments, **options)
    return counted
for module, name in ((os, "open"), (os, "fsync"), (os, "replace"), (os, "rename"), (os, "mkdir")):
    setattr(module, name, killed(getattr(module, name)))
"""
_SAVE = (
    _CHANGE
    + """
with keyring.changing(directory) as ring:
    key = keys.generate_kem()
    record = replace(ring.record, sequence=2, keys=(*ring.record.keys, rings.entry(key, sequence=2)))
    ring.save(record, {f"{key.id}.pem": key.pem}, {})
"""
)
_CREATE = _CHANGE + "rings.make(directory, keys.kem_from_seed(bytes(32)))\n"


def _run(code: str, *arguments: object) -> int:
    root = Path(__file__).parents[2]
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=root, check=False).returncode


def test_a_kill_at_any_step_of_a_change_leaves_a_whole_keyring(tmp_path: Path) -> None:
    rings.make(tmp_path / "r")
    seen = []
    for steps in range(100):
        code = _run(_SAVE, tmp_path / "r", steps)
        _use(tmp_path / "r")
        seen.append(Keyring.open(tmp_path / "r").sequence)
        if code == 0:
            break
        assert code == 9
    assert seen[0] == 1
    assert seen[-1] == 2
    assert seen == sorted(seen)


def test_a_kill_at_any_step_of_making_leaves_a_whole_keyring_or_none(tmp_path: Path) -> None:
    for steps in range(200):
        target = tmp_path / str(steps) / "r"
        code = _run(_CREATE, target, steps)
        if target.exists():
            _use(target)
        if code == 0:
            return
        assert code == 9
    pytest.fail("never came to an end")


_GROW = """
import sys
from dataclasses import replace
from pathlib import Path
from sealer.formats import keys; from sealer.keyrings import keyring
from tests.sealer import rings
for _ in range(10):
    with keyring.changing(Path(sys.argv[1])) as ring:
        key = keys.generate_kem()
        record = replace(ring.record, sequence=ring.sequence + 1, keys=(*ring.record.keys, rings.entry(key)))
        ring.save(record, {f"{key.id}.pem": key.pem}, {})
"""


def test_changes_at_once_lose_nothing(tmp_path: Path) -> None:
    rings.make(tmp_path / "r")
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", _GROW, str(tmp_path / "r")], cwd=root) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    ring = Keyring.open(tmp_path / "r")
    assert ring.sequence == 31
    assert len(ring.entries) == 31
    _use(tmp_path / "r")


def test_a_failed_write_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def fail(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(data)

    monkeypatch.setattr(keyfiles, "write", fail)
    with pytest.raises(SourceError, match="no space"):
        rings.make(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_a_keyring_is_never_overwritten(tmp_path: Path) -> None:
    rings.make(tmp_path / "r")
    before = {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir()}
    with pytest.raises(Refused):
        rings.make(tmp_path / "r")
    assert {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir()} == before
