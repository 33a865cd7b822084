"""`run kubernetes` where no pod says whose controller it is."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_does_not_guess_where_its_keys_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The namespace of a kubeconfig is where somebody works: keys made there open nothing that there is."""
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    command = [sys.executable, "-m", "controller", "run", "kubernetes", "--kubeconfig", str(tmp_path / "config")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--namespace kube-system" in done.stderr
    named = subprocess.run([*command, "--namespace", "kube-system"], capture_output=True, text=True, check=False)
    assert named.returncode == 2
    assert str(tmp_path / "config") in named.stderr
