"""How the benchmarks measure and print: whole processes from outside, medians, ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds of wall clock and of CPU (user and system, children included), its peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


def process(
    command: Sequence[str | Path], *, cwd: Path, stdin: Path | None = None, codes: tuple[int, ...] = (0,)
) -> Run:
    """Run a command once; its output is thrown away unless it ends with another code than it should."""
    # As pip installs us: with bytecode, which the first run writes, that does not count.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with open(stdin or os.devnull, "rb") as source:
        done = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = done.stdout.read() if done.stdout else b""
        # The usage of this one child: RUSAGE_CHILDREN has the peak of the largest so far.
        _, status, used = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if done.returncode not in codes:
        sys.stderr.write(output.decode(errors="replace")[-2000:])
        raise SystemExit(f"bench: {command[0]} ended with {done.returncode}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def median_wall(command: Sequence[str | Path], *, cwd: Path, times: int = 11, stdin: Path | None = None) -> float:
    """Median seconds of several runs after one that does not count."""
    walls = [process(command, cwd=cwd, stdin=stdin).wall for _ in range(times + 1)]
    return statistics.median(walls[1:])


def rate(work: Callable[[], object], *, seconds: float = 1.0, clock: Callable[[], float] = time.perf_counter) -> float:
    """How often a second of a clock `work` runs."""
    work()
    count, started = 0, clock()
    while (elapsed := clock() - started) < seconds:
        work()
        count += 1
    return count / elapsed


def title(text: str) -> None:
    """A heading."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def row(name: str, figure: str, note: str = "") -> None:
    """A line of a table."""
    print(f"{name:<46}{figure:>16}  {note}".rstrip(), flush=True)
