"""A value that is planted, and every trace of it: how it may be written, and all places where it could come to lie."""

from __future__ import annotations

import base64
import contextlib
import functools
import importlib
import io
import json
import os
import re
import resource
import secrets
import string
import subprocess
import sys
import tempfile
import traceback
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from controller import main as controller_main
from hooks import check, scan
from sealer import cli, entry, paths
from sealer.documents import render
from sealer.formats import keys, passphrase
from sealer.formats.binding import Binding, Scope
from sealer.keyrings.keyring import Keyring
from sealer.sealing.seal import Recipients, seal_item
from sealer.secret import Secret
from tests.sealer import rings

if TYPE_CHECKING:
    import pytest

DB = "secrets/payments/db.yaml"
CONFIG = """\
version: 1
source: shop
clusters: {prod: {}}
rules: [{path: "secrets/{namespace}/{name}.yaml"}]
"""
_LETTERS = string.ascii_letters + string.digits
_SHM = Path("/dev/shm")


@dataclass(frozen=True)
class Plant:
    """A value nobody else writes: letters and digits that no chance repeats, then what encodings change."""

    core: str = field(default_factory=lambda: "".join(secrets.choice(_LETTERS) for _ in range(27)))

    @property
    def value(self) -> str:
        """The whole value."""
        return f"{self.core}/+\"'%\\ é={self.core[:5]}"

    def fill(self, text: str) -> str:
        """`text` with its marks replaced: @V@ the value, @J@ inside JSON quotes, @B@ base64, @C@ letters and digits."""
        encoded = base64.b64encode(self.value.encode()).decode()
        inside = json.dumps(self.value)[1:-1]
        marks = {"@V@": self.value, "@J@": inside, "@B@": encoded, "@C@": self.core}
        return re.sub("@[VJBC]@", lambda found: marks[found[0]], text)

    def traces(self, data: bytes) -> list[str]:
        """The forms in which a third of the value or more stands in `data`."""
        return [name for name, needle in self.needles.items() if needle.search(data)]

    @functools.cached_property
    def needles(self) -> dict[str, re.Pattern[bytes]]:
        """An expression for each form."""
        return {name: re.compile(b"|".join(map(re.escape, found))) for name, found in self._needles().items()}

    def _needles(self) -> dict[str, list[bytes]]:
        core = self.core.encode()
        # Excerpts count too, so that each form is cut into windows; base64 has three, by what stands before the value.
        encoded = [base64.b64encode(b"\0" * shift + core)[4 if shift else 0 : -4] for shift in range(3)]
        return {
            "plain": _windows(core, 9),
            "reversed": _windows(core[::-1], 9),
            "utf-16": _windows(self.core.encode("utf-16-le"), 18),
            "hex": [*_windows(core.hex().encode(), 18), *_windows(core.hex().upper().encode(), 18)],
            "base64": [window for text in encoded for window in _windows(text, 12)],
            "url": _windows("".join(f"%{byte:02X}" for byte in core).encode(), 27),
            "quoted": [
                json.dumps(self.value).encode(),
                urllib.parse.quote(self.value).encode(),
                repr(self.value).encode(),
            ],
        }


def _windows(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(len(text) - size + 1)]


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: bytes
    err: bytes

    @property
    def all(self) -> bytes:
        """stdout and stderr."""
        return self.out + b"\n" + self.err


_PLANT = Plant()  # one a run: its expressions take a while to make


class Site:
    """All that a command can write to: HOME with keyring, state and caches, TMPDIR, shared memory, a repository."""

    def __init__(self, base: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plant, self.home = _PLANT, home
        self.root, self.inputs, self.temporary = base / "shop", base / "inputs", base / "tmp"
        for folder in (self.root, self.inputs, self.temporary):
            folder.mkdir()
        monkeypatch.setenv("TMPDIR", str(self.temporary))
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)
        monkeypatch.chdir(self.root)
        # What protects and what survives a power cut is tested elsewhere; here it is only slow.
        monkeypatch.setattr(passphrase, "_ITERATIONS", 1)
        monkeypatch.setattr(passphrase, "_MEMORY", 64)
        monkeypatch.setattr(os, "fsync", lambda _: None)
        self.keys = (keys.generate_kem(), rings.rsa_key())
        self.directory = paths.keyrings() / "prod"
        rings.make(self.directory, *self.keys)
        self.write(".sealer.yaml", CONFIG)
        (self.root / ".sealer/keys").mkdir(parents=True)
        bundle = Keyring.open(self.directory).bundle(now=datetime.now(UTC))
        (self.root / ".sealer/keys/prod.bundle").write_bytes(bundle)
        self.seal(DB, password=self.plant.value)
        self.git("init", "-q", "--template=", "-b", "main")
        self._allowed: dict[Path, bytes] = {}
        self._looked: dict[tuple[Path, int], list[str]] = {}
        self._shared = _shared()

    def place(self, word: str) -> str:
        """A word of a command line: DIR is where the keyring is, KEY the id of its newest key, LOG the audit log."""
        places = {"DIR": str(self.directory), "KEY": self.keys[0].id, "LOG": str(paths.state_home() / "prod/audit")}
        return places.get(word, word)

    def seal(self, path: str, *, key: keys.PrivateKey | None = None, **items: str) -> None:
        """A sealed file whose rule gives it namespace and name."""
        namespace, name = path.removesuffix(".yaml").split("/")[-2:]
        binding = Binding(Scope.STRICT, namespace, name)
        to = key or self.keys[0]
        recipients = Recipients("v1" if to.algorithm == keys.RSA else "v2", (to.public,), ("prod",))
        sealed = {item: seal_item(value.encode(), binding, item, recipients) for item, value in items.items()}
        body = render.sealed_body(binding, sealed, None, annotations={}, secret=Secret(name, namespace))
        self.write(path, render.to_yaml(body))

    def write(self, path: str, data: str | bytes) -> Path:
        """A file of the repository, or under `../inputs`; the marks of `Plant.fill` are replaced in text."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self.plant.fill(data).encode() if isinstance(data, str) else data)
        return place

    def git(self, *arguments: str) -> bytes:
        """A git command in the repository."""
        return subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True).stdout

    def freeze(self) -> None:
        """What holds the value from here on holds it because the test put it there."""
        self._allowed = {path: data for path, data in self._files() if self._traces(path, data)}

    def leaks(self, *purposes: str) -> list[str]:
        """Every place that holds the value and didn't before, but for files that were asked for (`purposes`)."""
        spared = {(self.root / path).resolve() for path in purposes}
        return [
            f"{path}: {', '.join(found)}"
            for path, data in self._files()
            if path not in spared and self._allowed.get(path) != data and (found := self._traces(path, data))
        ]

    def _traces(self, path: Path, data: bytes) -> list[str]:
        key = path, hash(data)
        if key not in self._looked:
            self._looked[key] = self.plant.traces(data)
        return self._looked[key]

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        folders = (self.home, self.root, self.inputs, self.temporary, self.directory.parent)
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                    yield path, path.read_bytes() + os.fsencode(path.name)
        for name in _shared() - self._shared:
            path = Path(name)
            # Another program's file may be gone by now; what we leave behind is not.
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and os.access(path, os.R_OK):
                    yield path, path.read_bytes()
        for path in self.root.glob(".git/objects/??/*"):
            yield path.with_suffix(".inflated"), zlib.decompress(path.read_bytes())


def _shared() -> set[str]:
    """The paths in shared memory; what is behind them is looked at for new ones alone, others may have thousands."""
    # Not rglob: it stumbles over a folder of another program that goes away meanwhile.
    return {os.path.join(folder, name) for folder, _, names in os.walk(_SHM) for name in names}


# All that commands import late, once: each run is a fork of this process.
for _folder in ("sealer", "controller", "hooks"):
    for _file in Path(__file__).parents[1].glob(f"{_folder}/**/[a-z]*.py"):
        importlib.import_module(".".join(_file.relative_to(Path(__file__).parents[1]).with_suffix("").parts))
for _name in ("git", "jsonschema", "sqlalchemy.dialects.sqlite.pysqlite", "rich.progress"):
    importlib.import_module(_name)

PROGRAMS: dict[str, Callable[[Sequence[str]], int | None]] = {
    "sealer": lambda argv: entry.start(cli.app, "sealer", argv),
    "sealer-controller": lambda argv: entry.start(controller_main.app, "sealer-controller", argv),
    "sealer-scan": scan.main,
    "sealer-check": check.main,
}


def run(argv: Sequence[str], stdin: bytes = b"", *, limit: int | None = None) -> Said:
    """One of our commands in a fork of this process, with what it and its children print.

    With `limit`, no file can grow beyond that many bytes.
    """
    out, err = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out[1], 1)
        os.dup2(err[1], 2)
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        os._exit(_child(argv, limit))
    found = []
    for reading, writing in (out, err):
        os.close(writing)
        with open(reading, "rb") as stream:
            found.append(stream.read())
    return Said(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), *found)


def _child(argv: Sequence[str], limit: int | None) -> int:
    code: object = 99
    try:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        code = PROGRAMS[argv[0]](list(argv[1:]))
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return code if isinstance(code, int) else 0 if code is None else 2
