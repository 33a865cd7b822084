"""Recall and precision on the labelled set of credentials: ours, and by the same truth whatever a peer reports.

    python -m tests.benchmarks.accuracy            # ours, by half
    python -m tests.benchmarks.accuracy --write D  # the set as files below D, and D.truth.json: [path, line, is_secret]

The truth is by line; of a file without a secret the line is 0. A peer's findings are scored by `score`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.measure import row, title
from tests.benchmarks.scanners import PEERS
from tests.hooks.kubernetes_manifests import manifests
from tests.hooks.labelled_credentials import samples, write

Truth = list[tuple[str, int, bool]]


class Score(NamedTuple):
    """Lines that are secrets and were found, were missed, and lines that were reported for nothing."""

    found: int
    missed: int
    wrong: int

    @property
    def recall(self) -> float:
        """The share of the secrets that was found."""
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        """The share of what was reported that is a secret."""
        return self.found / max(self.found + self.wrong, 1)

    @property
    def f1(self) -> float:
        """Both in one figure."""
        return 2 * self.recall * self.precision / max(self.recall + self.precision, 1e-9)


def score(truth: Truth, reported: Iterable[tuple[str, int]]) -> Score:
    """How a tool did that reported these lines; paths are those of the truth."""
    secrets = {(path, line) for path, line, is_secret in truth if is_secret}
    lines = set(reported)
    return Score(len(secrets & lines), len(secrets - lines), len(lines - secrets))


def ours(folder: Path, paths: Iterable[str]) -> list[tuple[str, int]]:
    """What the scanner reports of files below a folder."""
    from hooks import scanner
    from hooks.blobs import Blob

    return [
        (path, finding.line)
        for path in paths
        # The number in front is the sample's: the scanner is to see the path that the sample has.
        for finding in scanner.scan(Blob(path.partition("/")[2], (folder / path).read_bytes()))
    ]


def main() -> None:
    """Print our figures, or write the set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="write the set below this folder, and scan nothing")
    chosen = parser.parse_args()
    if chosen.write:
        truth = write(chosen.write)
        chosen.write.with_suffix(".truth.json").write_text(json.dumps(truth), "utf-8")
        return
    with tempfile.TemporaryDirectory() as name:
        table(Path(name))


def table(scratch: Path) -> None:
    """Recall and precision of both halves of the labelled set, of ours and of each peer."""
    title("Accuracy on the labelled set")
    folder = scratch / "labelled"
    truth = write(folder)
    held_out = {number for number, sample in enumerate(samples()) if sample.held_out}
    found = {"sealer-scan": ours(folder, {path for path, _, _ in truth})}
    for peer in PEERS:
        found[peer.name] = sorted(peer.found(folder, scratch / "report.json"))
    for name, reported in found.items():
        for label, wanted in (("development", False), ("held out", True)):
            half = [one for one in truth if (int(one[0].partition("/")[0]) in held_out) is wanted]
            mine = {path for path, _, _ in half}
            got = score(half, [place for place in reported if place[0] in mine])
            row(f"{name}, {label}", f"F1 {got.f1:.3f}", f"recall {got.recall:.3f}, precision {got.precision:.3f}")
    _kubernetes(scratch)


def _kubernetes(scratch: Path) -> None:
    """Of plain Secrets how many were found, and of other manifests how many were reported."""
    title("Accuracy on Kubernetes manifests, by file")
    folder = scratch / "manifests"
    truth: dict[str, bool] = {}
    for number, one in enumerate(manifests()):
        path = f"{number:04}/{one.path}"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(one.text, "utf-8")
        truth[path] = bool(one.lines)
    found = {"sealer-scan": {path for path, _ in ours(folder, truth)}}
    for peer in PEERS:
        found[peer.name] = {path for path, _ in peer.found(folder, scratch / "report.json")}
    for name, reported in found.items():
        recall, wrong = (
            sum(path in reported for path, leaks in truth.items() if leaks is wanted)
            / sum(leaks is wanted for leaks in truth.values())
            for wanted in (True, False)
        )
        row(f"{name}, plain Secrets", f"recall {recall:.3f}", f"false positives {wrong:.3f}")


if __name__ == "__main__":
    main()
