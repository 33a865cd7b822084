"""`python -m hooks.engine.lint [FOLDER]`: what a rule must have to come with the scanner, and how fast each is alone.

Each rule has a fixed text that is in all of its matches (or a checksum), examples both ways, and says how to revoke
what it finds. FOLDER holds real source to be measured on; without one, this Python's own library is.
"""

from __future__ import annotations

import itertools
import os
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hooks import engine
from hooks.engine import build, pack, shape, vectorscan
from hooks.engine.found import DETECTORS
from sealer import console

if TYPE_CHECKING:
    from hooks.engine.build import Pattern
    from hooks.engine.spec import Spec

LEAST = 2000
"""MB/s that vectorscan has to reach with one expression alone."""
SAMPLE = 16 << 20
_ROUNDS = 5
_SHORTEST_KEYWORD = 2
_AT_ONCE = 16


def faults(rule: Spec) -> Iterator[str]:
    """What a rule lacks, one clause each."""
    if not rule.keywords and not rule.checksum and not shape.fixed(rule.tree):
        yield "has neither keywords nor a fixed text of its own nor a checksum"
    if rule.keywords and not rule.mentions and not shape.holds(rule.tree, rule.keywords):
        yield "may match without any of its keywords"
    if any(len(word) < _SHORTEST_KEYWORD for word in rule.keywords):
        yield "has a keyword of one letter"
    if not rule.found:
        yield "has no example of what it finds"
    if not rule.passed:
        yield "has no example of what it leaves alone"
    if not rule.remediation:
        yield "doesn't say how to revoke what it finds"


def speeds(rules: Sequence[Spec], corpus: Sequence[bytes]) -> Iterator[tuple[str, float]]:
    """Each rule and trigger with the MB/s that vectorscan reaches with it alone."""
    found = vectorscan.extension()
    if found is None:
        return
    built = build.build(rules)
    size = sum(map(len, corpus)) / 1e6
    for number, patterns in _alone(built.patterns):
        name = built.records[number].id if number < len(built.records) else f"trigger {number - DETECTORS}"
        first = vectorscan.compiled(found[0], build.Built(built.records, patterns))
        yield name, size / min(_timed(first, corpus) for _ in range(_ROUNDS))


def _alone(patterns: Sequence[Pattern]) -> Iterator[tuple[int, tuple[Pattern, ...]]]:
    """Patterns by themselves, but names of a rule together, and literals a few at once: there are thousands."""
    for number, those in itertools.groupby(patterns, lambda pattern: pattern[1]):
        for literal, some in itertools.groupby(those, lambda pattern: pattern[1] < DETECTORS or pattern[0].isalnum()):
            left = tuple(some)
            size = len(left) if number < DETECTORS else _AT_ONCE if literal else 1
            for start in range(0, len(left), size):
                yield number, left[start : start + size]


def _timed(first: vectorscan.Vectorscan, corpus: Sequence[bytes]) -> float:
    start = time.process_time()
    for data in corpus:
        first.scan(data)
    return max(time.process_time() - start, 1e-6)


def corpus(folder: str) -> list[bytes]:
    """Texts below a folder, up to a few MB in all, joined to large ones: to measure matching and nothing else."""
    parts: list[bytes] = []
    size = 0
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            data = _read(os.path.join(root, name))
            if data and b"\0" not in data[:8000]:
                parts.append(data)
                size += len(data)
            if size >= SAMPLE:
                return [b"\n".join(parts)]
    return [b"\n".join(parts)] if parts else []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(1 << 20)
    except OSError:
        return b""


def main(arguments: Sequence[str]) -> int:
    """Print every fault; 1 if there is one."""
    rules = pack.load(engine.rule_files(engine.RULES))
    said = [f"{rule.file}:{rule.line}: {rule.id} {fault}" for rule in rules for fault in faults(rule)]
    texts = corpus(arguments[0] if arguments else sysconfig.get_path("stdlib"))
    slow = [(speed, name) for name, speed in speeds(rules, texts) if speed < LEAST]
    said += [f"{name} is slow: {speed:,.0f} MB/s alone, {LEAST:,} are needed" for speed, name in sorted(slow)]
    for line in said:
        console.out(line)
    console.out(f"{len(said)} faults in {len(rules)} rules")
    return console.NO if said else console.OK


def _entry() -> Any:
    return console.run(lambda: main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(_entry())
