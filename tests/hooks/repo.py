"""Repositories for tests, and the scanner run in them as a program and in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hooks.labelled import random_text

BIN = Path(sys.executable).parent
SCAN = str(BIN / "sealer-scan")


class Repo:
    """A Git repository in a temporary folder."""

    def __init__(self, path: Path, *, format: str = "sha1") -> None:  # noqa: A002
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", f"--object-format={format}", ".")

    def git(self, *args: str, code: int = 0) -> str:
        done = run(["git", *args], self.path)
        assert done.returncode == code, (args, done.stdout, done.stderr)
        return done.stdout

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def add(self, name: str, text: str | bytes) -> Path:
        path = self.write(name, text)
        self.git("add", "-f", "--", name)
        return path

    def commit(self, message: str = "change") -> str:
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def scan(self, *args: str, folder: str = ".", **environment: str) -> subprocess.CompletedProcess[str]:
        return run([SCAN, *args], self.path / folder, **environment)


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would: output as text, no terminal."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )


def secret(value: str | None = None, name: str = "db") -> str:
    """A plaintext Secret with one value."""
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: payments\n"
        f"stringData:\n  password: {value or random_text('alnum', 20)}\n"
    )
