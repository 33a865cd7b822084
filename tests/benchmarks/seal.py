"""`sealer seal` of many files in one call, against a loop of real kubeseal."""

from __future__ import annotations

import time
from pathlib import Path

from tests.benchmarks import corpus
from tests.benchmarks.measure import process, row, title
from tests.servers import peers

COUNT = 1000
LOOP = 200


def main(scratch: Path) -> None:
    """Print the table."""
    title(f"Seal {COUNT:,} files of {corpus.ITEMS} items in one call")
    for envelope in ("v1", "v2"):
        root = corpus.repository(scratch, envelope=envelope)
        files = corpus.plaintext(root, COUNT)
        certificate = root / "cert.pem"
        certificate.write_text(corpus.run(["sealer-controller", "keys", "bundle", "--cert"], root))
        theirs = _kubeseal_loop(files[:LOOP], certificate) * COUNT / LOOP
        ours = process(["sealer", "seal", "--in-place", "secrets"], cwd=root)
        row(f"sealer seal --in-place, {envelope}", f"{ours.wall:.2f} s", f"{ours.cpu:.2f} CPU s, {ours.peak:.0f} MiB")
        row("a loop of kubeseal --cert", f"{theirs:.1f} s", f"from {LOOP} calls")
        row("faster by (goal: 10)", f"{theirs / ours.wall:.1f} times")
        for file in files:
            assert "kind: SealedSecret" in file.read_text()


def _kubeseal_loop(files: list[Path], certificate: Path) -> float:
    kubeseal = peers.KUBESEAL.path()
    target = certificate.parent / "out.yaml"
    started = time.perf_counter()
    for file in files:
        process([kubeseal, "--cert", certificate, "-o", "yaml", "-f", file, "-w", target], cwd=certificate.parent)
    return time.perf_counter() - started
