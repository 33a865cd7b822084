"""Changes of every kind to a repository, one after the other, and what has to stand in the store after them."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.controller.world import World

KEEP = 40
"""About as many documents as there are at a time."""


class Churn:
    """A repository that changes. `values` is what its documents say, broken ones as they were before."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.values: dict[str, bytes] = {}
        self.gone: set[str] = set()
        self.did: Counter[str] = Counter()
        self._draw = random.Random(seed)
        self._paths: dict[str, str] = {}
        self._broken: dict[str, bytes] = {}
        self._number = 0
        world.git("init", "-q", "-b", "main")

    def step(self) -> str:
        """One change; its kind."""
        kinds: list[Callable[[], None]] = [self.create, self.change, self.change, self.move, self.rename, self.delete]
        # Never many at a time: nothing is deleted while something is broken, and then too much would go at once.
        kinds += [self.commit, *([self.repair] * 3 if self._broken else [self.spoil])]
        if len(self.values) < KEEP // 2:
            kinds = [self.create]
        elif len(self.values) > KEEP:
            kinds += [self.delete] * 4
        act = self._draw.choice(kinds)
        act()
        self.did[act.__name__] += 1
        return act.__name__

    def create(self) -> None:
        """A new document in a new file."""
        self._number += 1
        name = f"churn/s{self._number}"
        self._paths[name] = f"{name}.yaml"
        self._write(name)

    def change(self) -> None:
        """Another value."""
        if name := self._any():
            self._write(name)

    def move(self) -> None:
        """The same document in another file."""
        if name := self._any():
            self._number += 1
            path = f"moved-{self._number}/x.yaml"
            (self.world.root / path).parent.mkdir()
            (self.world.root / self._paths[name]).rename(self.world.root / path)
            self._paths[name] = path

    def rename(self) -> None:
        """Another document in the same file."""
        if name := self._any():
            self._number += 1
            new = f"churn/s{self._number}"
            self._paths[new] = self._paths.pop(name)
            del self.values[name]
            self.gone.add(name)
            self._write(new)

    def delete(self) -> None:
        """No more document."""
        if name := self._any():
            (self.world.root / self._paths.pop(name)).unlink()
            del self.values[name]
            self.gone.add(name)

    def spoil(self) -> None:
        """A file that can't be read as YAML, or whose value doesn't open."""
        name = self._any()
        if not name:
            return
        file = self.world.root / self._paths[name]
        self._broken[name] = file.read_bytes()
        half = self._draw.random() < 0.5
        file.write_bytes(self._broken[name] + b"\n\t: [" if half else self._flipped(file))

    def repair(self) -> None:
        """A broken file as it was."""
        if self._broken:
            name, data = self._broken.popitem()
            (self.world.root / self._paths[name]).write_bytes(data)

    def commit(self) -> None:
        """All of it into Git."""
        self.world.git("add", "-A")
        self.world.git("commit", "-q", "--allow-empty", "-m", "change")

    def settle(self) -> None:
        """Repair all."""
        while self._broken:
            self.repair()

    def _flipped(self, file: Path) -> bytes:
        """Its last item with one character changed."""
        data = bytearray(file.read_bytes().rstrip())
        at = data.rindex(b"k: ") + 200
        data[at] = ord("A") if data[at] != ord("A") else ord("B")
        return bytes(data) + b"\n"

    def _any(self) -> str:
        names = sorted(self.values.keys() - self._broken.keys())
        return self._draw.choice(names) if names else ""

    def _write(self, name: str) -> None:
        self.values[name] = secrets.token_hex(16).encode()
        self.world.put(self._paths[name], {"k": self.values[name]}, ref=name)
