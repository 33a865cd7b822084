"""`make soak`: `run` as a real process for SOAK_SECONDS (600) under SOAK_CHANGES (1000), as it would run for months.

It polls by itself; nobody asks it to. At the end every value reads back right, what was deleted is gone, the audit log
is whole, and memory is where it was after the first fifth.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.controller.running.churn import Churn
from tests.controller.running.daemon import Running, running
from tests.controller.world import World

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
CHANGES = int(os.environ.get("SOAK_CHANGES", "1000"))
MORE = 8 * 1024 * 1024


def main() -> int:
    """Run, and say how it went."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in [name for name in os.environ if name.startswith(("SEALER_", "XDG_", "GIT_"))]:
            patch.delenv(name)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "tester")
            patch.setenv(f"GIT_{role}_EMAIL", "tester@example.invalid")
        patch.setenv("PYTHONPATH", str(here))
        # It captures nothing: only files are made with it, commands run as processes.
        world = World(folder / "shop", None, patch)  # type: ignore[arg-type]
        churn = Churn(world, seed=int(time.time()))
        arguments = ("--state", world.state, "--interval", 1, "--resync", 30, "--listen", "127.0.0.1:0")
        with running(".", *arguments) as daemon:
            wrong = _drive(churn, daemon) + _check(world, churn)
    shutil.rmtree(folder)
    for line in wrong:
        print(f"WRONG  {line}")
    print("soak: something is wrong" if wrong else "soak: nothing missed, memory flat")
    return bool(wrong)


def _drive(churn: Churn, daemon: Running) -> list[str]:
    for _ in range(30):
        churn.create()
    daemon.started()
    started, warm = time.monotonic(), 0
    for number in range(CHANGES):
        churn.step()
        time.sleep(max(0.0, started + (number + 1) * SECONDS / CHANGES - time.monotonic()))
        if number == CHANGES // 5:
            warm = daemon.memory()
        if number % 100 == 99:
            print(
                f"{number + 1:5} changes  {time.monotonic() - started:4.0f} s  {daemon.memory() / 1e6:.1f} MB",
                flush=True,
            )
    end = daemon.memory()
    churn.settle()
    daemon.settle()
    runs = {each: int(daemon.metric("sealer_runs_total", result=each)) for each in ("changed", "incomplete", "failed")}
    cpu = daemon.metric("process_cpu_seconds_total")
    code = daemon.end()
    print(f"{dict(churn.did)}; runs {runs}; CPU {cpu:.1f} s; memory {warm / 1e6:.1f} -> {end / 1e6:.1f} MB")
    wrong = [f"exit code {code}"] if code else []
    wrong += [f"{runs['failed']} runs failed: {daemon.said()}"] if runs["failed"] else []
    return wrong + ([f"memory grew by {(end - warm) / 1e6:.1f} MB"] if end - warm > MORE else [])


def _check(world: World, churn: Churn) -> list[str]:
    listed = json.loads(_ran(world, "status", "--format", "json").stdout)["deliveries"]
    delivered = {f"{row['namespace']}/{row['name']}" for row in listed if row["state"] == "delivered"}
    wrong = [f"{name} is not as the repository says" for name in delivered ^ churn.values.keys()]
    for name, value in churn.values.items():
        if _ran(world, "get", name, "k").stdout.encode() != value:
            wrong.append(f"{name} has another value")
    wrong += [f"{name} is not gone" for name in sorted(churn.gone)[::10] if _ran(world, "get", name).returncode == 0]
    verify = _ran(world, "audit", "verify")
    return wrong + ([f"audit log: {verify.stdout}{verify.stderr}"] if verify.returncode else [])


def _ran(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from controller.main import main; main()",
        *arguments,
        "--state",
        str(world.state),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
