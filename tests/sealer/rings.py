"""Small keyrings and keys for tests, made at run time; RSA keys are made once a run, with 2,048 bits."""

from __future__ import annotations

import functools
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealer.formats import keyrecord, keys, passphrase, sshsig
from sealer.formats.bundle import Bundle, BundleKey
from sealer.formats.keyrecord import KeyEntry, Record, StateEntry, Status
from sealer.formats.wire import pem_encode
from sealer.keyrings import keyfiles, keyring

# Today, so that no test fails on the day when keys of a fixed date would have ended.
NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YEAR = timedelta(days=365)
MINUTES = timedelta(minutes=5)


@functools.cache
def rsa_key(number: int = 0) -> keys.PrivateKey:
    """An RSA key with its certificate, the same for each number."""
    return keys.generate_rsa(now=NOW + timedelta(days=number), bits=2048)


def entry(key: keys.PrivateKey, status: Status = Status.ACTIVE, sequence: int = 1) -> KeyEntry:
    digest = keyrecord.certificate_digest(key.public.certificate) if key.public.certificate else ""
    return KeyEntry(key.id, key.algorithm, status, NOW - MINUTES, NOW + YEAR, NOW, sequence, key.public.raw, digest)


def make(directory: Path, *private: keys.PrivateKey, cluster: str = "prod", secret: str | None = None) -> Record:
    """A keyring of these keys (default: a new MLKEM768-X25519 key), under a passphrase if `secret` is given."""
    private = private or (keys.generate_kem(),)
    identity, states = Ed25519PrivateKey.generate(), (os.urandom(32), os.urandom(32))
    state_ids = [keyrecord.state_key_id(key) for key in states]
    record = Record(
        cluster,
        1,
        sshsig.identity_line(identity.public_key()),
        tuple(entry(key) for key in private),
        # The active one stands last here, so that a reader has to look at the status.
        (StateEntry(state_ids[0], Status.RETIRED, NOW, 1), StateEntry(state_ids[1], Status.ACTIVE, NOW, 1)),
    )
    plain = {"identity.pem": sshsig.identity_pem(identity)}
    plain |= {f"{key.id}.pem": key.pem for key in private}
    plain |= {
        f"state-{key_id}.pem": pem_encode(keyring.PEM_STATE, key) for key_id, key in zip(state_ids, states, strict=True)
    }
    content = {
        name: (passphrase.encrypt(pem.encode(), secret) if secret else pem).encode() for name, pem in plain.items()
    }
    content |= {f"{key.id}.crt": key.public.certificate.encode() for key in private if key.public.certificate}
    keyfiles.create(directory, {**content, "keyring.json": keyrecord.render(record)})
    return record


def bundle_of(identity: Ed25519PrivateKey, *published: BundleKey, cluster: str = "prod", sequence: int = 1) -> Bundle:
    line = sshsig.identity_line(identity.public_key())
    return Bundle(cluster, sequence, NOW, NOW + timedelta(days=90), line, published)


def published(
    public: keys.PublicKey,
    status: Status = Status.ACTIVE,
    not_before: datetime = NOW - MINUTES,
    not_after: datetime = NOW + YEAR,
) -> BundleKey:
    return BundleKey(public, not_before, not_after, status)
