"""The scanner beside its peers: work tree, history, hook. Ratios of paired runs; each peer's real program.

Of each pair of runs (ours, then theirs, several times in turn) the median of the ratios counts, so that other load on
the machine weighs on both.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import scan_corpus
from tests.benchmarks.measure import Run, process, row, title
from tests.benchmarks.scanners import OURS, PEERS, Scanner

TIMES = 3
HOOK_TIMES = 15
MEMORY = 64
TREE = {"kingfisher": 3.0, "betterleaks": 5.0, "gitleaks": 15.0}
HISTORY = {"kingfisher": 3.0, "gitleaks": 6.0}
RERUN = 1.5
CLEAN, FOUND, SHARE = 0.040, 0.080, 1 / 3
missed: list[str] = []


def main(scratch: Path) -> None:
    """Print the tables; ends with 1 if a goal is missed."""
    tree(scratch)
    hook(scratch)
    history(scratch)
    if missed:
        print("\nmissed: " + "; ".join(missed), file=sys.stderr)
        raise SystemExit(1)


def tree(scratch: Path) -> None:
    """A folder of real source."""
    folder = scan_corpus.work_tree(scratch)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    title(f"Work tree, {size / 1e6:,.0f} MB of real source")
    _process(OURS, OURS.tree(OURS.program(), folder, scratch / "warm.json"), folder)  # compiles the rules, once
    for peer in PEERS:
        if peer.name in TREE:
            theirs = peer.tree(peer.program(), folder, scratch / "peer.json")
            ours = OURS.tree(OURS.program(), folder, scratch / "ours.json")
            pairs = [(_process(OURS, ours, folder), _process(peer, theirs, folder)) for _ in range(TIMES)]
            _compare("tree", peer.name, pairs, TREE[peer.name])
    peak = max(_process(OURS, ours, folder).peak for _ in range(TIMES))
    _goal("tree, memory", f"{peak:.0f} MiB", peak <= MEMORY, f"at most {MEMORY} MiB")


def history(scratch: Path) -> None:
    """All blobs of a repository, then again."""
    folder = scan_corpus.history(scratch)
    size = scan_corpus.unique_bytes(folder)
    title(f"History, {size / 1e6:,.0f} MB of unique blobs")
    if OURS.history is None:
        return
    ours = OURS.history(OURS.program(), folder)
    for peer in PEERS:
        if peer.name in HISTORY and peer.history is not None:
            theirs = peer.history(peer.program(), folder)
            pairs = []
            for _ in range(TIMES):
                scan_corpus.forget(folder)
                pairs.append((_process(OURS, ours, folder), _process(peer, theirs, folder)))
            _compare("history", peer.name, pairs, HISTORY[peer.name])
    wall = statistics.median(_process(OURS, ours, folder).wall for _ in range(TIMES))
    _goal("history again, wall", f"{wall:.2f} s", wall <= RERUN, f"at most {RERUN} s")


def hook(scratch: Path) -> None:
    """One staged file, clean and with a finding."""
    title("Hook, one staged file")
    for name, leak, bound in (("clean", "", CLEAN), ("finding", _leak(), FOUND)):
        folder = _staged(scratch / f"hook-{name}", leak)
        wall = _medians(OURS, folder)
        _goal(f"sealer-scan --staged, {name}", f"{wall * 1000:.0f} ms", wall <= bound, f"at most {bound * 1000:.0f} ms")
        for peer in PEERS:
            if peer.staged is not None:
                theirs = _medians(peer, folder)
                note = f"{theirs * 1000:.0f} ms"
                figure = f"{theirs / wall:.1f} times"
                if peer.name == "betterleaks":
                    _goal(f"  beside {peer.name}", figure, wall <= theirs * SHARE, f"at most a third of its {note}")
                else:
                    row(f"  beside {peer.name}", figure, note)


def _leak() -> str:
    import secrets
    import string

    return "gh" + "p_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))


def _staged(folder: Path, leak: str) -> Path:
    """A repository with one source file that is staged beside a commit."""
    folder.mkdir()
    git: Callable[..., object] = lambda *words: subprocess.run(  # noqa: E731
        ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *words], cwd=folder, check=True
    )
    source = Path(os.path.__file__).read_text()
    git("init", "-q", ".")
    (folder / "app.py").write_text(source)
    git("add", "app.py")
    git("commit", "-qm", "base")
    (folder / "app.py").write_text(source + f"\nVERSION = 7  # {leak}\n")
    git("add", "app.py")
    return folder


def _medians(scanner: Scanner, folder: Path) -> float:
    if scanner.staged is None:
        return float("nan")
    command = scanner.staged(scanner.program(), folder)
    walls = [_process(scanner, command, folder).wall for _ in range(HOOK_TIMES + 1)]
    return statistics.median(walls[1:])


def _process(scanner: Scanner, command: list[str], folder: Path) -> Run:
    return process(command, cwd=folder, codes=scanner.codes)


def _compare(what: str, name: str, pairs: list[tuple[Run, Run]], bound: float) -> None:
    cpu = statistics.median(theirs.cpu / ours.cpu for ours, theirs in pairs)
    wall = statistics.median(theirs.wall / ours.wall for ours, theirs in pairs)
    ours = statistics.median(ours.cpu for ours, _ in pairs)
    theirs = statistics.median(theirs.cpu for _, theirs in pairs)
    note = f"{ours:.2f} s beside {theirs:.2f} s; wall {wall:.1f} times"
    _goal(f"{what}, CPU less than {name}'s", f"{cpu:.1f} times", cpu >= bound, f"goal {bound:g}; {note}")


def _goal(name: str, figure: str, met: bool, note: str) -> None:
    row(name, figure, note + ("" if met else "  MISSED"))
    if not met:
        missed.append(name)
