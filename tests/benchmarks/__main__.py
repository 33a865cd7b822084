"""`make bench`: speed, as ratios against a peer measured in the same run."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import accuracy, crypto, deliver, gates, kube, render, rules, scan, seal, startup

PARTS = {
    "crypto": crypto.main,
    "startup": startup.main,
    "seal": seal.main,
    "deliver": deliver.main,
    "gates": gates.main,
    "render": render.main,
    "kube": kube.main,
    "scan": scan.main,
    "rules": rules.main,
    "accuracy": accuracy.table,
}


def main() -> int:
    """Run the parts that are named, or all."""
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        print(f"no such part: {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}")
    missed = False
    for name in names:
        with tempfile.TemporaryDirectory(prefix="sealer-bench-") as scratch:
            home = Path(scratch, "home")
            home.mkdir()
            os.environ["HOME"] = str(home)
            for variable in [v for v in os.environ if v.startswith(("SEALER_", "XDG_"))]:
                if variable != "SEALER_TEST_CACHE":
                    del os.environ[variable]
            try:
                PARTS[name](Path(scratch))
            except SystemExit:
                missed = True  # it said what; the other tables are wanted as well
    return 1 if missed else 0


if __name__ == "__main__":
    from tests.servers import peers

    os.environ["SEALER_TEST_CACHE"] = str(peers.cache())
    sys.exit(main())
