"""Where things live on this machine: the XDG base directories, read at each call so that tests can move them."""

from __future__ import annotations

import os
from pathlib import Path


def _xdg(variable: str, default: str) -> Path:
    # The specification says that a relative path in one of these is invalid and has to be ignored.
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / default
    return base / "sealer"


def config_home() -> Path:
    """`sealer/` in the XDG configuration directory: `trust.json`."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def data_home() -> Path:
    """`sealer/` in the XDG data directory: keyrings."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def state_home() -> Path:
    """`sealer/` in the XDG state directory: the controller's state, one folder a cluster."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def cache_home() -> Path:
    """`sealer/` in the XDG cache directory."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def keyrings() -> Path:
    """The directory that holds one keyring a cluster."""
    return data_home() / "keyring"


def trust_file() -> Path:
    """The pins of this user (FORMATS section 6)."""
    return config_home() / "trust.json"
