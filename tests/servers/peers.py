"""The programs that our tests compare with, built once into a cache.

    python -m tests.servers.peers       builds all of them and says what it does; `make test` runs it first

Cache: $SEALER_TEST_CACHE, else `sealer-tests` in the XDG cache directory; one folder a peer, named by a digest of what
it is built from, so that a changed version builds anew. A missing toolchain raises `Missing`: the tests that need it
are skipped with that reason (`tests/conftest.py`), and `.ci/run` treats such a skip as a failure.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


class Missing(Exception):
    """A toolchain is not on this machine; the text names it and what can't be tested without it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One program: `result` is what `build` leaves in the folder that it is given."""

    name: str
    tool: str
    sources: tuple[str, ...]
    result: str
    build: Callable[[Path], None]
    takes: str

    def path(self) -> Path:
        """The built program, built now if need be."""
        folder = self.folder()
        result = folder / self.result
        if result.exists():
            return result
        if shutil.which(self.tool) is None:
            raise Missing(f"{self.tool} is not installed: what is compared with {self.name} can't be tested")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / f"{self.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                print(f"peers: building {self.name} ({self.takes}, once)", file=sys.stderr, flush=True)
                shutil.rmtree(folder, ignore_errors=True)
                work = folder.with_suffix(".partial")
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir()
                self.build(work)
                work.rename(folder)
        return result

    def folder(self) -> Path:
        """Where it is cached."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update((HERE / source).read_bytes())
        return cache() / f"{self.name}-{digest.hexdigest()[:12]}"


def cache() -> Path:
    """The cache of built peers."""
    if own := os.environ.get("SEALER_TEST_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sealer-tests"


def _go_tool(source: str, package: str) -> Callable[[Path], None]:
    def build(target: Path) -> None:
        environment = {**os.environ, "GOBIN": str(target), "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
        command = ["go", "install", "-trimpath", "-ldflags=-s -w", package]
        subprocess.run(command, cwd=HERE / source, env=environment, check=True)

    return build


def _npm(target: Path) -> None:
    for name in ("package.json", "package-lock.json", "v1.mjs"):
        shutil.copy(HERE / "npm" / name, target)
    command = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(command, cwd=target, check=True, stdout=subprocess.DEVNULL)


KUBESEAL = Peer(
    "kubeseal",
    "go",
    ("bitnami/go.mod", "bitnami/go.sum"),
    "kubeseal",
    _go_tool("bitnami", "github.com/bitnami/sealed-secrets/cmd/kubeseal"),
    "about 2 minutes",
)
CROSSCHECK = Peer(
    "crosscheck",
    "go",
    ("crosscheck/go.mod", "crosscheck/main.go"),
    "crosscheck",
    _go_tool("crosscheck", "."),
    "seconds",
)
TEMPLATES = Peer(
    "templates",
    "go",
    ("crosscheck/templates/go.mod", "crosscheck/templates/go.sum", "crosscheck/templates/main.go"),
    "templates",
    _go_tool("crosscheck/templates", "."),
    "seconds",
)
NPM_V1 = Peer("npm-v1", "npm", ("npm/package.json", "npm/package-lock.json", "npm/v1.mjs"), "v1.mjs", _npm, "seconds")
ALL = (KUBESEAL, CROSSCHECK, TEMPLATES, NPM_V1)


def main() -> int:
    """Build every peer; a missing toolchain is said and is no failure here."""
    for peer in ALL:
        try:
            print(f"peers: {peer.name}: {peer.path()}", file=sys.stderr)
        except Missing as missing:
            print(f"peers: {missing}", file=sys.stderr)
        except subprocess.CalledProcessError as error:
            print(f"peers: {peer.name} can't be built: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
