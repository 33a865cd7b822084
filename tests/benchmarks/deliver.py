"""`sealer-controller apply` of many documents into the local store, beside the raw rates of the same run."""

from __future__ import annotations

import os
from pathlib import Path

from tests.benchmarks import corpus, crypto
from tests.benchmarks.measure import process, row, title

COUNT = 1000


def main(scratch: Path) -> None:
    """Print the table."""
    rates = crypto.raw()
    floors = {"v2": rates["v2 open"], "v1": rates[f"v1 open, RSA-4096, {os.cpu_count()} threads"]}
    for envelope, raw in floors.items():
        root = corpus.repository(scratch, envelope=envelope)
        corpus.plaintext(root, COUNT)
        corpus.run(["sealer", "seal", "--in-place", "secrets"], root)
        title(f"Apply {COUNT:,} documents of {corpus.ITEMS} items, {envelope}, store local")
        apply = ["sealer-controller", "apply", ".", "--state", str(scratch / f"state-{envelope}")]
        cold = process(apply, cwd=root)
        opens = COUNT * corpus.ITEMS
        floor = opens / raw
        row("raw opens of the same run", f"{floor:.2f} s", f"{raw:,.0f}/s")
        row(
            "cold",
            f"{cold.wall:.2f} s",
            f"{cold.cpu:.2f} CPU s, {cold.peak:.0f} MiB, {cold.wall / floor:.1f} times raw",
        )
        warm = process(apply, cwd=root)
        row(
            "again, nothing changed",
            f"{warm.wall:.2f} s",
            f"{warm.peak:.0f} MiB, {cold.wall / warm.wall:.1f} times faster",
        )
