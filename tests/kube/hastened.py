"""A controller that gives up sooner, and that says how many tasks it has: for tests that would wait for minutes.

`hastened(monkeypatch, folder)` makes each Python that is started from then on call `apply` first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

TIMES = (6.0, 4.0, 0.8)
"""Seconds of a lease: until others take over, until a holder stops, between two attempts; 2.5 times as fast."""
_ROOT = Path(__file__).parents[2]


def hastened(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """What is started from now on is in a hurry. `folder` is for a file that says so."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("from tests.kube import hastened\nhastened.apply()\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(_ROOT)]))


def apply() -> None:
    """In the controller's process: shorter times; SIGUSR2 writes an event `tasks` to the log."""
    from controller.kube.lease import Times

    Times.__init__.__defaults__ = TIMES  # type: ignore[attr-defined]
    signal.signal(signal.SIGUSR2, lambda *_: _tell())


def _tell() -> None:
    said = {"event": "tasks", "count": len(asyncio.all_tasks())}
    sys.stderr.write(json.dumps(said) + "\n")
    sys.stderr.flush()
