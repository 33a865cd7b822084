"""What the controller is configured to do. Frozen; no value of a credential is ever in it, only where it stands."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from sealer import files
from sealer.errors import SourceError

Mode = Literal["accept", "warn", "refuse"]

LOCAL = "local"
ALL = "*"
AUDIT_MAX_BYTES = 64 * 1024 * 1024
_MAX_CREDENTIAL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a store's credential stands: a private file, or a variable of the environment. Read when it is needed."""

    file: Path | None = None
    env: str = ""

    def read(self) -> str:
        """The credential, without the newline at its end. Raises SourceError."""
        if self.file is None:
            text = os.environ.get(self.env, "")
            where = f"${self.env}"
        else:
            where = str(self.file)
            try:
                files.check_private(self.file)
                text = files.read(self.file, limit=_MAX_CREDENTIAL).decode("utf-8")
            except UnicodeDecodeError:
                raise SourceError("is not UTF-8", where=where) from None
            except OSError as error:
                raise SourceError(f"can't be read: {files.reason(error)}", where=where) from None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise SourceError("holds no credential", where=where)
        return text


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """One store. `namespaces` are those that it serves, None for all; `file` and `line` are where it is configured."""

    label: str
    kind: str
    namespaces: tuple[str, ...] | None = ()
    root: str = ""
    address: str = ""
    mount: str = ""
    prefix: str = ""
    credentials: Credentials | None = field(default=None, repr=False)
    adopt: bool = False
    allow_disk: bool = False
    file: str = ""
    line: int = 0

    @property
    def uid(self) -> str:
        """The store in every target: it follows from where the store writes."""
        from controller.stores.base import uid_of

        return uid_of(self.kind, address=self.root or self.address, mount=self.mount, prefix=self.prefix)

    @property
    def spec(self) -> str:
        """Where it writes, as canonical JSON: enough to build it again once it is configured no more."""
        fields = {
            "address": self.address,
            "allowDisk": self.allow_disk,
            "kind": self.kind,
            "mount": self.mount,
            "prefix": self.prefix,
            "root": self.root,
        }
        kept = {name: value for name, value in fields.items() if value}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))

    def serves(self, namespace: str) -> bool:
        """Whether secrets of a namespace may be delivered here."""
        return self.namespaces is None or namespace in self.namespaces or ALL in self.namespaces


BUILT_IN = StoreConfig(LOCAL, LOCAL, None)
"""The store `local`, which is there unless it is configured."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many deliveries one run may withdraw: `prune_count`, or `prune_percent` of all, whichever is more."""

    prune_count: int = 5
    prune_percent: int = 50


@dataclass(frozen=True, slots=True)
class V1:
    """What is thought of items in Bitnami's format, which doesn't bind a value to its item."""

    default: Mode = "accept"
    namespaces: Mapping[str, Mode] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, namespace: str) -> Mode:
        """The rule of a namespace."""
        return self.namespaces.get(namespace, self.default)


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that a deleted secret of the store `local` can be brought back, and that a withdrawn delivery is known."""

    deleted_days: int = 30
    withdrawn_days: int = 90


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of it; the default is what the controller does without any. `stores` are by label."""

    stores: Mapping[str, StoreConfig] = field(default_factory=lambda: MappingProxyType({LOCAL: BUILT_IN}))
    limits: Limits = field(default_factory=Limits)
    v1: V1 = field(default_factory=V1)
    retention: Retention = field(default_factory=Retention)
    audit_max_bytes: int = AUDIT_MAX_BYTES
