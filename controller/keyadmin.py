"""What an operator does to a keyring: make it, add keys, take keys out of use (FORMATS section 5).

Each function makes one change under the keyring's lock and returns what it changed. Clocks come in as parameters;
nothing here prints. Backup and restore are `sealer.formats.backup`, reading foreign keys is `controller.keyimport`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sealer.errors import NoKey, Refused, UsageError
from sealer.formats import keyrecord, passphrase
from sealer.formats.binding import check_cluster
from sealer.formats.keyid import RSA
from sealer.formats.keyrecord import KeyEntry, Record, StateEntry, Status
from sealer.formats.wire import pem_encode
from sealer.keyrings import keyfiles, keyring

if TYPE_CHECKING:
    from controller.keyimport import Found
    from sealer.formats.keys import PrivateKey
    from sealer.keyrings.keyring import Keyring

VALID = timedelta(days=365)
BACKDATED = timedelta(minutes=5)
WARN_BEFORE = timedelta(days=30)

Ask = Callable[[], str] | None

_PREFIX = re.compile(r"[0-9a-f]{8,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """What one command did: keys that are new or have a new status, and the record as it is now."""

    record: Record
    made: tuple[KeyEntry, ...] = ()
    changed: tuple[KeyEntry, ...] = ()
    known: tuple[KeyEntry, ...] = ()


def init(directory: Path, cluster: str, *, now: datetime, secret: str | None = None) -> Record:
    """A new keyring: an identity, a state key, one MLKEM768-X25519 key; under a passphrase if `secret` is given."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sealer.formats import sshsig
    from sealer.formats.keys import generate_kem

    check_cluster(cluster)
    now = now.replace(microsecond=0)
    identity, state, key = Ed25519PrivateKey.generate(), os.urandom(32), generate_kem()
    entry = _entry(key, Status.ACTIVE, now, 1)
    state_entry = StateEntry(keyrecord.state_key_id(state), Status.ACTIVE, now, 1)
    record = Record(cluster, 1, sshsig.identity_line(identity.public_key()), (entry,), (state_entry,))
    plain = {
        keyrecord.IDENTITY: sshsig.identity_pem(identity),
        f"{key.id}.pem": key.pem,
        f"state-{state_entry.id}.pem": pem_encode(keyring.PEM_STATE, state),
    }
    content = {
        name: (passphrase.encrypt(pem.encode("ascii"), secret) if secret else pem).encode("ascii")
        for name, pem in plain.items()
    }
    keyfiles.create(directory, {**content, keyrecord.RECORD: keyrecord.render(record)})
    return record


def generate(directory: Path, algorithm: str, *, now: datetime, ask: Ask = None) -> Change:
    """A new key of this algorithm; those before it are retired."""
    key = _new(algorithm, now)  # before the lock: an RSA key takes seconds
    with keyring.changing(directory, passphrase=ask) as ring:
        return _add_new(ring, ring.record, key, now, ())


def retire(directory: Path, prefix: str) -> Change:
    """Take a key out of sealing; it goes on opening."""
    with keyring.changing(directory) as ring:
        entry = resolve(ring.record, prefix)
        if entry.status is Status.COMPROMISED:
            raise Refused(f"key {entry.id[:8]} is compromised, and stays so")
        if entry.status is Status.RETIRED:
            return Change(ring.record, known=(entry,))
        record = replace(ring.record.with_status(entry.id, Status.RETIRED), sequence=ring.sequence + 1)
        ring.save(record, {}, {})
        return Change(record, changed=(replace(entry, status=Status.RETIRED),))


def compromise(directory: Path, prefix: str, *, now: datetime, ask: Ask = None) -> Change:
    """Mark a key as known to others, and make a new one at once. What it opened has to get new values."""
    algorithm = resolve(keyring.read_record(directory), prefix).algorithm
    key = _new(algorithm, now)
    with keyring.changing(directory, passphrase=ask) as ring:
        entry = resolve(ring.record, prefix)
        if entry.status is Status.COMPROMISED:
            return Change(ring.record, known=(entry,))
        record = ring.record.with_status(entry.id, Status.COMPROMISED)
        return _add_new(ring, record, key, now, (replace(entry, status=Status.COMPROMISED),))


def import_(directory: Path, found: Sequence[Found], *, now: datetime, ask: Ask = None) -> Change:
    """Add keys that were made elsewhere, with the status that they have there; all of them or none."""
    now = now.replace(microsecond=0)
    with keyring.changing(directory, passphrase=ask) as ring:
        sequence = ring.sequence + 1
        have = {entry.id: entry for entry in ring.entries}
        known = {each.key.id: have[each.key.id] for each in found if each.key.id in have}
        made: dict[str, KeyEntry] = {}
        private: dict[str, str] = {}
        public: dict[str, str] = {}
        for each in sorted(found, key=lambda each: _dates(each.key, now)):
            if each.key.id in have or each.key.id in made:
                continue
            made[each.key.id] = _entry(each.key, each.status, now, sequence)
            _add_files(each.key, private, public)
        if not made:
            return Change(ring.record, known=tuple(known.values()))
        record = replace(ring.record, sequence=sequence, keys=(*ring.record.keys, *made.values()))
        ring.save(record, private, public)
        return Change(record, made=tuple(made.values()), known=tuple(known.values()))


def certificate(ring: Keyring, *, now: datetime) -> str:
    """The certificate of the RSA key that v1 envelopes are sealed to; what `kubeseal --cert` takes."""
    usable = ring.published(now=now).usable(now, RSA)
    if not usable:
        raise NoKey(
            f"keyring {ring.cluster} has no active RSA key",
            way_out="sealer-controller keys generate --algorithm rsa",
        )
    return usable[0].certificate


def resolve(record: Record, prefix: str) -> KeyEntry:
    """The key of an id, or of a prefix of at least 8 digits that only one key has."""
    wanted = prefix.lower()
    if not _PREFIX.fullmatch(wanted):
        what = "a key is named by its id: 16 hex digits, or the first 8 or more of them"
        raise UsageError(what, way_out="sealer-controller keys list")
    fit = [entry for entry in record.keys if entry.id.startswith(wanted)]
    if not fit:
        raise NoKey(f"keyring {record.cluster} holds no key {wanted}", way_out="sealer-controller keys list")
    if len(fit) > 1:
        raise UsageError(f"{wanted} is the beginning of several ids: {', '.join(entry.id for entry in fit)}")
    return fit[0]


def missing(record: Record, *, now: datetime) -> tuple[str, ...]:
    """Algorithms of which there are keys, but none that may be sealed to now."""
    usable = {
        entry.algorithm
        for entry in record.keys
        if entry.status is Status.ACTIVE and entry.not_before <= now <= entry.not_after
    }
    return tuple(sorted({entry.algorithm for entry in record.keys} - usable))


def ending(record: Record, *, now: datetime) -> tuple[KeyEntry, ...]:
    """Active keys that end within 30 days, or have ended."""
    return tuple(
        entry for entry in record.keys if entry.status is Status.ACTIVE and entry.not_after - WARN_BEFORE <= now
    )


def _new(algorithm: str, now: datetime) -> PrivateKey:
    from sealer.formats import keys

    return keys.generate_rsa(now=now) if algorithm == RSA else keys.generate_kem()


def _add_new(ring: Keyring, record: Record, key: PrivateKey, now: datetime, changed: tuple[KeyEntry, ...]) -> Change:
    now = now.replace(microsecond=0)
    before = [e for e in record.keys if e.algorithm == key.algorithm and e.status is Status.ACTIVE]
    for old in before:
        record = record.with_status(old.id, Status.RETIRED)
    entry = _entry(key, Status.ACTIVE, now, ring.sequence + 1)
    private: dict[str, str] = {}
    public: dict[str, str] = {}
    _add_files(key, private, public)
    record = replace(record, sequence=ring.sequence + 1, keys=(*record.keys, entry))
    ring.save(record, private, public)
    retired = tuple(replace(old, status=Status.RETIRED) for old in before)
    return Change(record, made=(entry,), changed=(*changed, *retired))


def _add_files(key: PrivateKey, private: dict[str, str], public: dict[str, str]) -> None:
    private[f"{key.id}.pem"] = key.pem
    if key.public.certificate:
        public[f"{key.id}.crt"] = key.public.certificate


def _entry(key: PrivateKey, status: Status, now: datetime, sequence: int) -> KeyEntry:
    start, end = _dates(key, now)
    certificate = key.public.certificate
    digest = keyrecord.certificate_digest(certificate) if certificate else ""
    return KeyEntry(key.id, key.algorithm, status, start, end, now, sequence, key.public.raw, digest)


def _dates(key: PrivateKey, now: datetime) -> tuple[datetime, datetime]:
    """Those of the certificate, where there is one: kubeseal goes by them."""
    from sealer.formats.keys import validity

    return validity(key.public.certificate) if key.public.certificate else (now - BACKDATED, now + VALID)
