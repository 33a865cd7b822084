"""What a command costs before it does anything: wall time of whole processes, medians."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.benchmarks import corpus
from tests.benchmarks.measure import median_wall, row, title
from tests.servers import peers


def main(scratch: Path) -> None:
    """Print the table."""
    root = corpus.repository(scratch, envelope="v2")
    plain = corpus.plaintext(root, 1)[0]
    sealed = root / "secrets/team-0/sealed.yaml"
    certificate = root / "cert.pem"
    certificate.write_text(corpus.run(["sealer-controller", "keys", "bundle", "--cert"], root))
    title("Start, wall milliseconds (median of 11)")
    bare = median_wall([sys.executable, "-c", "pass"], cwd=root)
    row("python -c pass", f"{bare * 1000:.0f} ms")
    sealer = shutil.which("sealer") or "sealer"
    output = ["-o", str(sealed), "--name", "sealed"]
    commands: dict[str, list[str | Path]] = {
        "sealer --help": [sealer, "--help"],
        "sealer seal, one file": [sealer, "seal", "--cert", certificate, plain],
        "sealer check, one file": [sealer, "check", plain.with_name("sealed.yaml")],
    }
    corpus.run([sealer, "seal", *output, str(_renamed(plain))], root)
    for name, command in commands.items():
        row(name, f"{(wall := median_wall(command, cwd=root)) * 1000:.0f} ms", f"{wall / bare:.1f} times bare Python")
    kubeseal = [peers.KUBESEAL.path(), "--cert", certificate, "-o", "yaml", "-f", plain]
    row("kubeseal --cert, one file", f"{median_wall(kubeseal, cwd=root) * 1000:.0f} ms")


def _renamed(plain: Path) -> Path:
    copy = plain.parent.parent.parent / "sealed-input.yaml"
    copy.write_text(corpus.manifest("team-0", "sealed"))
    return copy
