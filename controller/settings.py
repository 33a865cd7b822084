"""Which cluster, keyring and state a command is about (DESIGN section 11). Frozen; read once at the start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import paths
from sealer.errors import MissingExtra, SealerError, UsageError
from sealer.formats import passphrase
from sealer.formats.binding import check_cluster
from sealer.formats.keyid import RSA
from sealer.keyrings import keyring

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.configuration.config import Config
    from sealer.formats.keyrecord import KeyEntry
    from sealer.keyrings.keyring import Keyring

STATE_VARIABLE = "SEALER_STATE"


@dataclass(frozen=True, slots=True)
class Options:
    """What was said on the command line; None: nothing."""

    cluster: str | None = None
    keyring: Path | None = None
    passphrase_file: str | None = None
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What it comes to. `ring` is None where there are no private keys and none are needed."""

    cluster: str
    ring: Keyring | None
    state: Path


def resolve(options: Options, *, config: Config | None = None, keyless: bool = False) -> Settings:
    """The settings of a command. With `keyless` a keyring may be missing, if the cluster is known without it."""
    require_extra()
    try:
        ring = _ring(options)
    except SealerError:
        cluster = options.cluster or _only(config)
        if not keyless or options.keyring or keyring.from_environment() or cluster is None or _exists(cluster):
            raise
        return Settings(check_cluster(cluster), None, state_directory(options.state, cluster))
    return Settings(ring.cluster, ring, state_directory(options.state, ring.cluster))


def sealing_key(ring: Keyring) -> KeyEntry | None:
    """The key that is sealed to now: the newest active one, v2 before RSA."""
    active = [entry for entry in ring.entries if entry.status == "active"]
    return max(active, key=lambda entry: (entry.algorithm != RSA, entry.not_before), default=None)


def require_extra() -> None:
    """MissingExtra unless the libraries of the extra `controller` are installed."""
    from importlib.util import find_spec

    if find_spec("sqlalchemy") is None:
        raise MissingExtra(
            "this command needs the extra sealer[controller], which is not installed",
            extra="controller",
        )


def require_kubernetes() -> None:
    """MissingExtra unless the libraries of the extra `kubernetes` are installed."""
    from importlib.util import find_spec

    if find_spec("aiohttp") is None:
        raise MissingExtra(
            "this command needs the extra sealer[kubernetes], which is not installed",
            extra="kubernetes",
        )


def _ring(options: Options) -> Keyring:
    directory = keyring.find(options.cluster, options.keyring)
    return keyring.Keyring.open(directory, passphrase=_asker(directory.name, options.passphrase_file))


def _asker(name: str, file: str | None) -> Callable[[], str]:
    return lambda: passphrase.ask(f"Passphrase of keyring {name} (hidden)", file=file)


def _only(config: Config | None) -> str | None:
    return next(iter(config.clusters)) if config is not None and len(config.clusters) == 1 else None


def _exists(cluster: str) -> bool:
    return (paths.keyrings() / cluster).exists()


def state_directory(state: Path | None, cluster: str) -> Path:
    """Where the state of a cluster is, and its audit log: `state`, else SEALER_STATE, else by the cluster's name."""
    named = state or os.environ.get(STATE_VARIABLE)
    if named is not None and not str(named):
        raise UsageError("names no directory", where="--state")
    return Path(named) if named else paths.state_home() / cluster
