"""Repositories to measure on: many Secrets of three items, a keyring with both kinds of key, pinned."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

ITEMS = 3


def repository(scratch: Path, *, envelope: str, name: str = "") -> Path:
    """An empty repository whose one cluster `bench` is pinned; its keyring (v2 and RSA) is in HOME."""
    root = scratch / (name or envelope)
    root.mkdir()
    if not Path(os.environ["HOME"], ".local/share/sealer/keyring/bench").exists():
        run(["sealer-controller", "init", "--cluster", "bench"], root)
        run(["sealer-controller", "keys", "generate", "--algorithm", "rsa"], root)
    run(["git", "init", "-q", "."], root)
    run(["sealer", "init", "--cluster", "bench", "--no-hooks"], root)
    config = root / ".sealer.yaml"
    text = config.read_text()
    if envelope == "v1":
        config.write_text(text.replace("  bench: {}\n", "  bench: {envelope: v1}\n"))
        assert "v1" in config.read_text(), text
    return root


def plaintext(root: Path, count: int) -> list[Path]:
    """`count` Secret manifests, 100 a namespace, at the places that the rule of `sealer init` gives them."""
    files = []
    for number in range(count):
        namespace, name = f"team-{number // 100}", f"secret-{number}"
        file = root / "secrets" / namespace / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(manifest(namespace, name))
        files.append(file)
    return files


def manifest(namespace: str, name: str) -> str:
    """One Secret of three random values."""
    lines = ["apiVersion: v1", "kind: Secret", "metadata:", f"  namespace: {namespace}", f"  name: {name}", "data:"]
    lines += [f"  item-{n}: {base64.b64encode(os.urandom(24)).decode()}" for n in range(ITEMS)]
    return "\n".join(lines) + "\n"


def run(command: list[str], cwd: Path) -> str:
    """Run a command that has to end well; its output."""
    return subprocess.run(command, cwd=cwd, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
