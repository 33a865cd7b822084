"""A repository as users have it: clusters with keyrings on this machine, pinned bundles, rules; and `sealer` in it."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealer import cli, entry
from sealer.documents import document
from sealer.documents.document import Manifest, SealedSecret
from sealer.formats import bundle, keys, sshsig
from sealer.formats.bundle import Bundle, BundleKey
from sealer.formats.keyrecord import Status
from sealer.sealing.unseal import unseal

RULES = """\
version: 1
clusters:
  staging: {}
  prod: {}
rules:
  - path: clusters/{cluster}/{namespace}/{name}.yaml
  - path: shared/{namespace}/{name}.yaml
    clusters: [staging, prod]
    scope: namespace-wide
  - path: vault/**/*.yaml
    clusters: [prod]
    namespace: billing
    stores: [vault-prod, local]
  - path: "**/*.json"
    clusters: [prod]
"""


@dataclass
class Cluster:
    """Someone who holds keys; the bundle is what they publish."""

    name: str
    keys: list[keys.PrivateKey]
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    sequence: int = 1
    status: dict[str, Status] = field(default_factory=dict)
    dates: dict[str, tuple[timedelta, timedelta]] = field(default_factory=dict)
    lives: timedelta = timedelta(days=90)
    made: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    """Bundles with the same content are the same, whenever they are written."""

    def bundle(self) -> bytes:
        now = self.made
        published = []
        for key in self.keys:
            start, end = self.dates.get(key.id, (timedelta(minutes=-5), timedelta(days=365)))
            status = self.status.get(key.id, Status.ACTIVE)
            published.append(BundleKey(key.public, now + start, now + end, status))
        line = sshsig.identity_line(self.identity.public_key())
        issued = now - timedelta(days=1)
        content = Bundle(self.name, self.sequence, issued, issued + self.lives, line, tuple(published))
        return bundle.render(content, self.identity)

    def get(self, key_id: str) -> keys.PrivateKey | None:
        return next((key for key in self.keys if key.id == key_id), None)

    def rsa(self) -> list[keys.PrivateKey]:
        return [key for key in self.keys if key.algorithm == keys.RSA]

    @property
    def short(self) -> str:
        return self.keys[0].id[:8]


@dataclass
class Done:
    """What a run of `sealer` did."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def all(self) -> bytes:
        return self.out + self.err.encode()


@dataclass
class Shop:
    """A checkout with clusters; the current directory is its root."""

    root: Path
    clusters: dict[str, Cluster]

    def __getitem__(self, name: str) -> Cluster:
        return self.clusters[name]

    def pin(self, *names: str) -> None:
        """Write the bundles of these clusters (default: all) to where they are pinned."""
        folder = self.root / ".sealer" / "keys"
        folder.mkdir(parents=True, exist_ok=True)
        for name in names or self.clusters:
            (folder / f"{name}.bundle").write_bytes(self.clusters[name].bundle())

    def write(self, path: str, text: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        return place

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def sealed(self, path: str, number: int = 0) -> SealedSecret:
        found = document.parse_strict(self.read(path), path).documents[number]
        assert isinstance(found, SealedSecret)
        return found

    def opened(self, path: str, cluster: str, number: int = 0) -> dict[str, bytes]:
        return dict(unseal(self.sealed(path, number), self.clusters[cluster])[0].items)

    def git(self, *args: str) -> str:
        return subprocess.run(["git", *args], cwd=self.root, check=True, capture_output=True, text=True).stdout


def sealer(*args: str, stdin: bytes | None = b"") -> Done:
    """Run `sealer` in this process; `stdin` None stands for a terminal."""

    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    streams = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(Terminal() if stdin is None else io.BytesIO(stdin))
    sys.stdout, sys.stderr = io.TextIOWrapper(out), io.TextIOWrapper(err)
    try:
        code = entry.start(cli.app, "sealer", list(args))
        sys.stdout.flush()
        sys.stderr.flush()
        return Done(code, out.getvalue(), err.getvalue().decode())
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams


def make(root: Path, names: tuple[str, ...] = ("staging", "prod"), *, rules: str = RULES) -> Shop:
    shop = Shop(root, {name: Cluster(name, [keys.generate_kem()]) for name in names})
    shop.write(".sealer.yaml", rules)
    shop.pin()
    return shop


def said(done: Done, *words: str) -> bool:
    """Whether all words stand in what was said on stderr."""
    return all(word in done.err for word in words)


def manifest(name: str, namespace: str | None, **items: str) -> str:
    """A Secret manifest in clear."""
    where = f"  namespace: {namespace}\n" if namespace else ""
    lines = "".join(f"  {key.replace('_', '-')}: {json.dumps(value)}\n" for key, value in items.items())
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{where}stringData:\n{lines}"


def values_of(data: bytes) -> dict[str, bytes]:
    """The items of the first Secret of a manifest."""
    found = document.parse_strict(data, "out").documents[0]
    assert isinstance(found, Manifest)
    return dict(found.secret.items)


@pytest.fixture(name="shop")
def shop_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return make(tmp_path)


@dataclass
class Terminal:
    """What stood on the screen of a terminal, and the exit code."""

    screen: str
    code: int


def at_terminal(*args: str, typed: bytes = b"", after: bytes = b"") -> Terminal:
    """Run `sealer` at a pseudo-terminal of 80 columns; `typed` once `after` stands on the screen."""
    program = os.path.join(os.path.dirname(sys.executable), "sealer")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(COLUMNS="80", LINES="24", TERM="xterm")
        os.execv(program, [program, *args])
    screen, sent = b"", not typed
    while True:
        if not sent and after in screen:
            os.write(terminal, typed)
            sent = True
        assert select.select([terminal], [], [], 30)[0], f"waits on: {screen.decode(errors='replace')}"
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        screen += chunk
    os.close(terminal)
    return Terminal(screen.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
