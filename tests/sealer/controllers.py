"""Controllers for tests: an identity that signs bundles of whatever keys a test asks for. No keyring on disk."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealer.configuration import config
from sealer.formats import bundle, keys, sshsig
from sealer.formats.bundle import Bundle, BundleKey
from sealer.formats.keyrecord import Status

if TYPE_CHECKING:
    from sealer.configuration.config import Config

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


@functools.cache
def rsa_key(number: int = 0) -> keys.PrivateKey:
    """An RSA key with certificate, made once: they are slow."""
    return keys.generate_rsa(now=NOW, bits=2048, common_name=f"test {number}")


def v2(status: Status = Status.ACTIVE, *, ends: datetime = NOW + YEAR, key: keys.PrivateKey | None = None) -> BundleKey:
    """A key for v2 envelopes."""
    return BundleKey((key or keys.generate_kem()).public, NOW - timedelta(minutes=5), ends, status)


def v1(number: int = 0) -> BundleKey:
    """A key for v1 envelopes."""
    return BundleKey(rsa_key(number).public, NOW - timedelta(minutes=5), NOW + YEAR, Status.ACTIVE)


@dataclass
class Controller:
    """Whoever holds an identity."""

    cluster: str = "prod"
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    keys: tuple[BundleKey, ...] = field(default_factory=lambda: (v2(),))

    @property
    def fingerprint(self) -> str:
        """What is pinned."""
        return sshsig.fingerprint(sshsig.identity_line(self.identity.public_key()))

    def bundle(
        self,
        sequence: int = 1,
        *,
        keys: tuple[BundleKey, ...] | None = None,
        cluster: str | None = None,
        issued: datetime = NOW - timedelta(days=1),
        days: int = 90,
    ) -> bytes:
        """A signed bundle."""
        line = sshsig.identity_line(self.identity.public_key())
        content = Bundle(
            cluster or self.cluster,
            sequence,
            issued,
            issued + timedelta(days=days),
            line,
            self.keys if keys is None else keys,
        )
        return bundle.render(content, self.identity)


def repository(folder: Path, *names: str, text: str = "") -> Config:
    """A repository with these clusters; `.git` is as much of one as finding it takes."""
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    clusters = "".join(f"  {name}: {{}}\n" for name in names or ("prod",))
    (folder / ".sealer.yaml").write_text(text or f"version: 1\nclusters:\n{clusters}")
    return config.load(folder / ".sealer.yaml")


def pin(repo: Config, cluster: str, data: bytes, *, suffix: str = "bundle") -> Path:
    """Put keys into the repository, as a pull request does: whatever Git holds, unchecked."""
    repo.keys.mkdir(parents=True, exist_ok=True)
    path = repo.keys / f"{cluster}.{suffix}"
    path.write_bytes(data)
    return path
