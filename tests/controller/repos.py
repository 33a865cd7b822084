"""Real Git repositories for tests of sources."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SEALED = """apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {{name: {name}, namespace: web}}
spec: {{encryptedData: {{}}}}
"""
RULES = "version: 1\nclusters: {prod: {}}\n"


@dataclass(frozen=True)
class Repo:
    """A repository with a work tree."""

    root: Path

    @classmethod
    def make(cls, root: Path, *options: str) -> Repo:
        """A new one, with one commit of `a.yaml`."""
        root.mkdir(parents=True)
        repo = cls(root)
        repo.git("init", "-q", "-b", "main", *options)
        repo.seal("a.yaml")
        repo.commit()
        return repo

    def git(self, *words: str, data: bytes | None = None) -> str:
        """Output of a git command."""
        done = subprocess.run(["git", *words], cwd=self.root, input=data, check=True, capture_output=True)
        return os.fsdecode(done.stdout).strip()

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else os.fsencode(text))
        return file

    def seal(self, path: str, name: str = "app") -> Path:
        """Write a file that holds one sealed document."""
        return self.write(path, SEALED.format(name=name))

    def link(self, path: str, target: str) -> None:
        """Make a symlink."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, file)

    def commit(self) -> str:
        """Commit all; the full id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """A tree of (mode, id, name), whatever is in it; its id."""
        lines = b"".join(f"{mode} {_kind(mode)} {oid}\t".encode() + os.fsencode(n) + b"\0" for mode, oid, n in entries)
        return self.git("mktree", "-z", "--missing", data=lines)

    def blob(self, data: bytes) -> str:
        """A blob; its id."""
        return self.git("hash-object", "-w", "--stdin", data=data)

    def commit_tree(self, tree: str) -> str:
        """A commit of a tree as the branch `main`; its id."""
        commit = self.git("commit-tree", "-p", "HEAD", "-m", "made", tree)
        self.git("update-ref", "refs/heads/main", commit)
        return commit

    @property
    def url(self) -> str:
        """Its URL."""
        return f"file://{self.root}"


def _kind(mode: str) -> str:
    return {"040000": "tree", "160000": "commit"}.get(mode, "blob")
