"""The scanner's rules, each compiled alone over the standard library's sources: the slow ones, beside the goal."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from hooks import engine
from hooks.engine import lint, pack
from tests.benchmarks.measure import row, title


def main(_scratch: Path) -> None:
    """Print the slowest; ends with 1 if one misses the goal of the lint."""
    rules = pack.load(engine.rule_files(engine.RULES))
    texts = lint.corpus(sysconfig.get_path("stdlib"))
    title(f"{len(rules)} rules and the detectors' triggers, each alone over {sum(map(len, texts)) / 1e6:.0f} MB")
    speeds = sorted((speed, name) for name, speed in lint.speeds(rules, texts))
    # A trigger stands for many names at once, and has no other bound than that of the whole pass.
    slow = [speed for speed, name in speeds if speed < lint.LEAST and not name.startswith("trigger")]
    for speed, name in speeds[:10]:
        row(name, f"{speed:,.0f} MB/s", "" if name.startswith("trigger") else f"at least {lint.LEAST:,}")
    if slow:
        raise SystemExit(1)
