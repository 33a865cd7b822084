"""The programs that our tests compare with, built once into a cache.

    python -m tests.servers.peers       builds all of them and says what it does; `make test` runs it first

Cache: $SEALER_TEST_CACHE, else `sealer-tests` in the XDG cache directory; one folder a peer, named by a digest of what
it is built from, so that a changed version builds anew. A missing toolchain raises `Missing`: the tests that need it
are skipped with that reason (`tests/conftest.py`), and `.ci/run` treats such a skip as a failure.

The Kubernetes servers are taken from $KUBEBUILDER_ASSETS instead if that is set, as controller-runtime's envtest does.
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


# The server's version, which the linker writes into it: Go's own record of it is not what /version shows.
KUBERNETES = "1.36.3"


class Missing(Exception):
    """A toolchain, or a program of $KUBEBUILDER_ASSETS, is not on this machine; the text names it and what to do."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One program: `result` is what `build` leaves in the folder that it is given.

    `flags` are those of the build that change what comes out; with `asset` $KUBEBUILDER_ASSETS is looked at first.
    """

    name: str
    tool: str
    sources: tuple[str, ...]
    result: str
    build: Callable[[Path], None]
    takes: str
    flags: str = ""
    asset: bool = False

    def path(self) -> Path:
        """The program, built now if need be; raises `Missing`, or CalledProcessError when a build fails."""
        if self.asset and (assets := os.environ.get("KUBEBUILDER_ASSETS")):
            return self._given(Path(assets))
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

    def _given(self, assets: Path) -> Path:
        program = assets / self.result
        if not os.access(program, os.X_OK):
            raise Missing(f"KUBEBUILDER_ASSETS={assets} holds no program {self.result}: unset it, and it is built")
        return program

    def folder(self) -> Path:
        """Where it is cached."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update((HERE / source).read_bytes())
        digest.update(self.flags.encode())
        return cache() / f"{self.name}-{digest.hexdigest()[:12]}"


def cache() -> Path:
    """The cache of built peers."""
    if own := os.environ.get("SEALER_TEST_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sealer-tests"


def _go_tool(
    source: str, package: str, flags: str = "", renamed: tuple[str, str] | None = None
) -> Callable[[Path], None]:
    """`flags` are the linker's, beyond those that leave out symbols; `renamed`: Go's name of the program, and ours."""

    def build(target: Path) -> None:
        environment = {**os.environ, "GOBIN": str(target), "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
        command = ["go", "install", "-trimpath", f"-ldflags=-s -w {flags}".rstrip(), package]
        subprocess.run(command, cwd=HERE / source, env=environment, check=True)
        if renamed:
            (target / renamed[0]).rename(target / renamed[1])

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
BITNAMI_CONTROLLER = Peer(
    "bitnami-controller",
    "go",
    ("bitnami/go.mod", "bitnami/go.sum"),
    "controller",
    _go_tool("bitnami", "github.com/bitnami/sealed-secrets/cmd/controller"),
    "about a minute after kubeseal",
)
ETCD = Peer(
    "etcd",
    "go",
    ("etcd/go.mod", "etcd/go.sum"),
    "etcd",
    _go_tool("etcd", "go.etcd.io/etcd/server/v3", renamed=("server", "etcd")),
    "about a minute",
    asset=True,
)
_STAMP = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in zip(
        ("gitVersion", "gitMajor", "gitMinor"), (f"v{KUBERNETES}", *KUBERNETES.split(".")[:2]), strict=True
    )
)
KUBE_APISERVER = Peer(
    "kube-apiserver",
    "go",
    ("kube-apiserver/go.mod", "kube-apiserver/go.sum"),
    "kube-apiserver",
    _go_tool("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", _STAMP),
    "about 6 minutes",
    flags=_STAMP,
    asset=True,
)
NPM_V1 = Peer("npm-v1", "npm", ("npm/package.json", "npm/package-lock.json", "npm/v1.mjs"), "v1.mjs", _npm, "seconds")
ALL = (KUBESEAL, BITNAMI_CONTROLLER, CROSSCHECK, TEMPLATES, NPM_V1, ETCD, KUBE_APISERVER)


def main() -> int:
    """Build every peer; a missing toolchain is said and is no failure here."""
    from tests.servers import tools

    for peer in (*ALL, *tools.ALL):
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
