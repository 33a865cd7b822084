"""What becomes of keys: made, retired, compromised, imported; ids and their prefixes."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from controller import keyadmin
from controller.keyimport import Found
from sealer.errors import NameRefused, NoKey, Refused, UsageError
from sealer.formats import bundle, keys, passphrase
from sealer.formats.keyrecord import Record, Status
from sealer.keyrings.keyring import Keyring, read_record
from tests.sealer import rings
from tests.sealer.rings import NOW

ACTIVE, RETIRED, COMPROMISED = Status.ACTIVE, Status.RETIRED, Status.COMPROMISED


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, cheap: None) -> None:
    """RSA keys of 2,048 bits, and the least work for a passphrase."""
    monkeypatch.setattr(keys, "generate_rsa", functools.partial(keys.generate_rsa, bits=2048))


@pytest.fixture
def prod(tmp_path: Path) -> Path:
    keyadmin.init(tmp_path / "prod", "prod", now=NOW)
    return tmp_path / "prod"


def _statuses(record: Record) -> list[tuple[str, Status]]:
    return [(entry.algorithm, entry.status) for entry in record.keys]


def test_init_makes_an_identity_a_state_key_and_a_sealing_key(prod: Path) -> None:
    ring = Keyring.open(prod)
    assert _statuses(ring.record) == [(keys.KEM, ACTIVE)]
    assert ring.sequence == 1
    entry = ring.entries[0]
    assert (entry.not_before, entry.not_after) == (NOW - timedelta(minutes=5), NOW + timedelta(days=365))
    ring.identity()
    assert len(ring.state_keys()) == 1
    assert ring.private(entry.id).id == entry.id
    assert not ring.is_encrypted()


def test_init_under_a_passphrase_protects_every_private_file(tmp_path: Path) -> None:
    record = keyadmin.init(tmp_path / "r", "local", now=NOW, secret="word")
    for name in record.file_names():
        assert passphrase.is_encrypted((tmp_path / "r" / name).read_text()) == name.endswith(".pem")
    assert Keyring.open(tmp_path / "r", passphrase=lambda: "word").private(record.keys[0].id)


def test_init_refuses_a_keyring_that_exists_and_a_bad_name(prod: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        keyadmin.init(prod, "prod", now=NOW)
    with pytest.raises(NameRefused):
        keyadmin.init(tmp_path / "x", "Prod", now=NOW)
    assert not (tmp_path / "x").exists()


def test_two_keyrings_share_nothing(prod: Path, tmp_path: Path) -> None:
    other = keyadmin.init(tmp_path / "other", "prod", now=NOW)
    record = read_record(prod)
    assert other.identity != record.identity
    assert other.keys[0].id != record.keys[0].id
    assert other.state_keys[0].id != record.state_keys[0].id


def test_generate_retires_the_key_of_its_kind_before_it(prod: Path) -> None:
    first = keyadmin.generate(prod, keys.RSA, now=NOW)
    assert _statuses(first.record) == [(keys.KEM, ACTIVE), (keys.RSA, ACTIVE)]
    second = keyadmin.generate(prod, keys.KEM, now=NOW)
    assert _statuses(second.record) == [(keys.KEM, RETIRED), (keys.RSA, ACTIVE), (keys.KEM, ACTIVE)]
    assert [entry.status for entry in second.changed] == [RETIRED]
    third = keyadmin.generate(prod, keys.RSA, now=NOW)
    assert [status for _, status in _statuses(third.record)] == [RETIRED, RETIRED, ACTIVE, ACTIVE]
    assert third.record.sequence == 4
    ring = Keyring.open(prod)
    assert all(ring.private(entry.id).id == entry.id for entry in ring.entries)  # retired ones go on opening
    assert [entry.sequence for entry in ring.entries] == [1, 2, 3, 4]


def test_the_dates_of_an_rsa_key_are_those_of_its_certificate(prod: Path) -> None:
    entry = keyadmin.generate(prod, keys.RSA, now=NOW).made[0]
    assert (entry.not_before, entry.not_after) == keys.validity(Keyring.open(prod).public(entry.id).certificate)


def test_generate_in_a_protected_keyring(tmp_path: Path) -> None:
    keyadmin.init(tmp_path / "r", "prod", now=NOW, secret="word")
    change = keyadmin.generate(tmp_path / "r", keys.KEM, now=NOW, ask=lambda: "word")
    assert passphrase.is_encrypted((tmp_path / "r" / f"{change.made[0].id}.pem").read_text())


def test_retire(prod: Path) -> None:
    key_id = read_record(prod).keys[0].id
    assert _statuses(keyadmin.retire(prod, key_id[:8]).record) == [(keys.KEM, RETIRED)]
    again = keyadmin.retire(prod, key_id)
    assert (again.changed, [entry.id for entry in again.known], again.record.sequence) == ((), [key_id], 2)
    assert keyadmin.missing(again.record, now=NOW) == (keys.KEM,)
    # Nobody can mistake this for a cluster that has only v1.
    assert bundle.parse(Keyring.open(prod).bundle(now=NOW)).had(keys.KEM)


def test_compromise_makes_a_new_key_at_once(prod: Path) -> None:
    key_id = read_record(prod).keys[0].id
    before = Keyring.open(prod).digest
    change = keyadmin.compromise(prod, key_id, now=NOW)
    assert _statuses(change.record) == [(keys.KEM, COMPROMISED), (keys.KEM, ACTIVE)]
    assert change.changed[0].id == key_id
    assert change.record.sequence == 2
    ring = Keyring.open(prod)
    assert ring.digest != before
    assert ring.private(key_id).id == key_id  # rotate and unseal still need it
    assert [key.id for key in ring.published(now=NOW).usable(NOW, keys.KEM)] == [change.made[0].id]
    again = keyadmin.compromise(prod, key_id, now=NOW)
    assert (again.made, again.record.sequence) == ((), 2)
    with pytest.raises(Refused):
        keyadmin.retire(prod, key_id)


def test_compromise_of_a_retired_key(prod: Path) -> None:
    first = read_record(prod).keys[0].id
    keyadmin.generate(prod, keys.KEM, now=NOW)
    change = keyadmin.compromise(prod, first, now=NOW)
    assert [status for _, status in _statuses(change.record)] == [COMPROMISED, RETIRED, ACTIVE]


def test_import(prod: Path) -> None:
    old, new, bad = rings.rsa_key(1), rings.rsa_key(2), rings.rsa_key(3)
    found = [Found(new, ACTIVE), Found(old, ACTIVE), Found(bad, COMPROMISED), Found(old, ACTIVE)]
    change = keyadmin.import_(prod, found, now=NOW)
    assert [(entry.id, entry.status) for entry in change.made] == [
        (old.id, ACTIVE),
        (new.id, ACTIVE),
        (bad.id, COMPROMISED),
    ]
    assert change.record.sequence == 2
    ring = Keyring.open(prod)
    assert ring.private(old.id) == old
    later = NOW + timedelta(days=9)
    assert keyadmin.certificate(ring, now=later) == new.public.certificate  # the newest seals, all open
    again = keyadmin.import_(prod, found, now=NOW)
    assert (again.made, len(again.known), again.record.sequence) == ((), 3, 2)


def test_import_of_a_key_without_certificate_gets_dates(prod: Path) -> None:
    key = keys.generate_kem()
    entry = keyadmin.import_(prod, [Found(key, ACTIVE)], now=NOW).made[0]
    assert (entry.not_before, entry.not_after) == (NOW - timedelta(minutes=5), NOW + timedelta(days=365))


def test_without_an_rsa_key_there_is_no_certificate(prod: Path) -> None:
    with pytest.raises(NoKey) as caught:
        keyadmin.certificate(Keyring.open(prod), now=NOW)
    assert "--algorithm rsa" in caught.value.way_out
    entry = keyadmin.generate(prod, keys.RSA, now=NOW).made[0]
    keyadmin.retire(prod, entry.id)
    with pytest.raises(NoKey):
        keyadmin.certificate(Keyring.open(prod), now=NOW)


def test_prefixes(prod: Path) -> None:
    record = read_record(prod)
    entry = record.keys[0]
    for length in (8, 9, 16):
        assert keyadmin.resolve(record, entry.id[:length]) == entry
    assert keyadmin.resolve(record, entry.id[:8].upper()) == entry
    for short in (entry.id[:7], "", entry.id + "0", "g" * 8):
        with pytest.raises(UsageError) as refused:
            keyadmin.resolve(record, short)
        assert refused.value.way_out == "sealer-controller keys list"
    with pytest.raises(NoKey):
        keyadmin.resolve(record, f"{int(entry.id[:8], 16) ^ 1:08x}")
    twin = replace(entry, id=entry.id[:12] + f"{int(entry.id[12:], 16) ^ 1:04x}")
    twins = replace(record, keys=(entry, twin))
    with pytest.raises(UsageError, match="several"):
        keyadmin.resolve(twins, entry.id[:8])
    assert keyadmin.resolve(twins, twin.id) == twin


def test_keys_that_end_soon(prod: Path) -> None:
    record = read_record(prod)
    end = record.keys[0].not_after
    assert keyadmin.ending(record, now=end - timedelta(days=31)) == ()
    assert keyadmin.ending(record, now=end - timedelta(days=30)) == record.keys
    assert keyadmin.ending(record, now=end + timedelta(days=1)) == record.keys
    assert keyadmin.missing(record, now=end) == ()
    assert keyadmin.missing(record, now=end + timedelta(seconds=1)) == (keys.KEM,)
