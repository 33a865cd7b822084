"""A repository, a keyring and a state for tests of delivery: files are sealed for real, commands run as typed."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller import main, state_tables
from controller.state_tables import sa
from sealer import paths
from sealer.documents import render
from sealer.entry import start
from sealer.formats import envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from sealer.keyrings.keyring import Keyring
from sealer.sealing.seal import Recipients, seal_item
from sealer.secret import Secret
from tests.sealer import rings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

RULES = "version: 1\nsource: shop\nclusters: {prod: {}, staging: {}}\nrules:\n- path: clusters/{cluster}/**/*.yaml\n"


@dataclass(frozen=True)
class Ran:
    """One command: its exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)

    @property
    def summary(self) -> str:
        """The last line of stdout, without the time it took."""
        return self.out.splitlines()[-1].partition(" (")[0]


class World:
    """One cluster `prod` with a v2 and an RSA key, and a folder to put sealed files into."""

    def __init__(self, root: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.state = root.parent / "state"
        self._capfd = capfd
        self.kem, self.rsa = keys.generate_kem(), rings.rsa_key()
        self.directory = paths.keyrings() / "prod"
        rings.make(self.directory, self.kem, self.rsa)
        root.mkdir()
        monkeypatch.chdir(root)

    @property
    def ring(self) -> Keyring:
        """The keyring as it is now."""
        return Keyring.open(self.directory)

    def put(
        self,
        path: str,
        items: Mapping[str, bytes],
        *,
        ref: str = "",
        sealed_for: str = "",
        envelope: str = "v2",
        scope: Scope = Scope.STRICT,
        to: keys.PrivateKey | None = None,
        annotations: Mapping[str, str] | None = None,
        secret: Mapping[str, Any] | None = None,
        template: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a sealed file. Namespace and name come from `ref`, else from the end of the path."""
        namespace, name = _names(ref or path)
        bound = _names(sealed_for) if sealed_for else (namespace, name)
        key = to or (self.kem if envelope == "v2" else self.rsa)
        recipients = Recipients(envelope, (key.public,), ("prod",))
        sealed = {item: seal_item(value, Binding(scope, *bound), item, recipients) for item, value in items.items()}
        body = render.sealed_body(
            Binding(scope, namespace, name),
            sealed,
            template,
            annotations=annotations or {},
            secret=Secret(name, namespace, **(secret or {})),
        )
        return self.write(path, render.to_yaml(body))

    def write(self, path: str, data: bytes | str) -> Path:
        """Write a file as it is."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def run(self, *arguments: object) -> Ran:
        """A command as it is typed, on this world's state."""
        self._capfd.readouterr()
        argv = [str(argument) for argument in arguments]
        code = start(main.app, "sealer-controller", argv)
        if main.DETAILED in argv:
            code = main.detailed_code(code)
        return Ran(code, *self._capfd.readouterr())

    def apply(self, *arguments: object, source: str = ".") -> Ran:
        """`apply`."""
        return self.run("apply", source, "--state", self.state, *arguments)

    def get(self, ref: str, item: str) -> bytes:
        """One item of the local store."""
        ran = self.run("get", ref, item, "--state", self.state)
        assert ran.code == 0, ran.err
        return ran.out.encode()

    def status(self, *arguments: object) -> Ran:
        """`status`."""
        return self.run("status", "--state", self.state, *arguments)

    def states(self) -> dict[str, tuple[str, str | None]]:
        """State and version of each document."""
        found = self.status("--format", "json").json["deliveries"]
        return {f"{row['namespace']}/{row['name']}": (row["state"], row["version"]) for row in found}

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Every file of the state but the lock, which holds a process id: when it was written, and its bytes."""
        found = [each for each in self.state.rglob("*") if each.is_file() and each.name != "lock"]
        return {str(each.relative_to(self.state)): (each.stat().st_mtime_ns, each.read_bytes()) for each in found}

    def git(self, *arguments: str) -> str:
        """A git command in the repository."""
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit all; the short id."""
        if not (self.root / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.git("rev-parse", "--short", "HEAD")


class Counts:
    """How often a private key was used, and how often something was committed."""

    def __init__(self) -> None:
        self.private = 0
        self.commits = 0
        self.syncs = 0
        self.datasyncs = 0


class _Suite:
    """HPKE with its private operation counted."""

    def __init__(self, inner: Any, counts: Counts) -> None:
        self.encrypt = inner.encrypt
        self._inner, self._counts = inner, counts

    def decrypt(self, *arguments: Any) -> Any:
        self._counts.private += 1
        return self._inner.decrypt(*arguments)


def watch(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Counters around every private operation, every commit of the database and every fsync of ours."""
    found = Counts()
    open_v1, fsync, connect = envelope_v1.open_envelope, os.fsync, state_tables.connect
    fdatasync = os.fdatasync

    def counted_v1(*arguments: Any) -> Any:
        found.private += 1
        return open_v1(*arguments)

    def counted_fsync(descriptor: int) -> None:
        found.syncs += 1
        fsync(descriptor)

    def counted_fdatasync(descriptor: int) -> None:
        found.syncs += 1
        found.datasyncs += 1
        fdatasync(descriptor)

    def watched(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)

        def committed(_: object) -> None:
            found.commits += 1

        sa.event.listen(connection.engine, "commit", committed)
        return connection

    monkeypatch.setattr(envelope_v2, "_HPKE", _Suite(envelope_v2._HPKE, found))
    monkeypatch.setattr(envelope_v1, "open_envelope", counted_v1)
    monkeypatch.setattr(os, "fsync", counted_fsync)
    monkeypatch.setattr(os, "fdatasync", counted_fdatasync)
    monkeypatch.setattr(state_tables, "connect", watched)
    return found


def _names(path: str) -> tuple[str, str]:
    namespace, name = path.removesuffix(".yaml").removesuffix(".json").split("/")[-2:]
    return namespace, name
