"""Runs that are killed at one effect, and a store that outlives them, as a remote one does."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.configuration import Configuration, StoreConfig
from controller.effects import Call, Effects
from controller.stores import table
from controller.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

    from controller.model import Observed, Target
    from controller.stores.base import Capabilities, Delete, Put, Store, StoreError
    from sealer.secret import Ref, Secret

KIND = "memory"


class Killed(BaseException):
    """What stands for a kill inside this process: nothing catches it."""


class Deadly(Effects):
    """Counts effects; at the chosen one the process is killed, before or after it. Afterwards nothing happens."""

    def __init__(self, at: int = 0, *, after: bool = False, process: bool = False) -> None:
        self.calls: list[tuple[Call, str]] = []
        self._at, self._after, self._process = at, after, process
        self._dead = False

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        if self._dead:  # a block that cleans up after the kill: a killed process has none
            raise Killed
        self.calls.append((call, what))
        mine = len(self.calls) == self._at
        if mine and not self._after:
            self._kill()
        yield
        if mine:
            self._kill()

    def _kill(self) -> None:
        if self._process:
            os.kill(os.getpid(), signal.SIGKILL)
        self._dead = True
        raise Killed


class Remote:
    """The memory store, kept in a file: what it holds outlives the process that wrote it."""

    def __init__(self, file: Path, config: StoreConfig, effects: Effects, caps: Capabilities) -> None:
        self._file = file
        self.inner = MemoryStore(config.uid, caps=caps, effects=_Saving(effects, self))
        if file.exists():
            self.inner._entries = pickle.loads(file.read_bytes())

    def save(self) -> None:
        self._file.write_bytes(pickle.dumps(self.inner._entries))

    @property
    def uid(self) -> str:
        return self.inner.uid

    @property
    def caps(self) -> Capabilities:
        return self.inner.caps

    def target(self, ref: Ref) -> Target:
        return self.inner.target(ref)

    def lint(self, target: Target, secret: Secret) -> list[object]:
        return list(self.inner.lint(target, secret))

    async def observe(self, targets: Sequence[Target]) -> Mapping[Target, Observed | StoreError]:
        return await self.inner.observe(targets)

    async def read(self, target: Target) -> Secret:
        return await self.inner.read(target)

    async def put(self, batch: Sequence[Put]) -> Mapping[Target, str | StoreError]:
        return await self.inner.put(batch)

    async def delete(self, batch: Sequence[Delete]) -> Mapping[Target, StoreError | None]:
        return await self.inner.delete(batch)

    def versions(self) -> dict[str, int]:
        """The newest version of each name, deleted ones too."""
        return {target.name: entry.version for target, entry in self.inner._entries.items()}


class _Saving(Effects):
    """The port, with what the store holds written down right after each of its effects."""

    def __init__(self, inner: Effects, remote: Remote) -> None:
        self._inner, self._remote = inner, remote

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        with self._inner.around(call, what):
            yield
            self._remote.save()


def remote(monkeypatch: pytest.MonkeyPatch, file: Path, **caps: bool) -> StoreConfig:
    """Make `memory` a kind of store whose content stands in a file; its configuration."""
    from controller.stores.memory import CAPS

    config = StoreConfig("remote", KIND, ("*",), address="memory.example.invalid")

    def build(each: StoreConfig, context: table.Context) -> Store:
        return Remote(file, each, context.effects, replace(CAPS, **caps))  # type: ignore[return-value]

    monkeypatch.setattr(table, "_KINDS", {**table._KINDS, KIND: build})
    return config


def with_stores(*stores: StoreConfig) -> Configuration:
    """A configuration with these besides the built-in one."""
    default = Configuration()
    return replace(default, stores={**default.stores, **{each.label: each for each in stores}})
