"""`sealer scan`: starts the scanner, which is another package, through its console script's entry point."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

from sealer.errors import MissingExtra

SCRIPT = "sealer-scan"


def run(argv: Sequence[str]) -> int:
    """Pass the arguments on as they are; the scanner's exit code comes back. Raises MissingExtra."""
    found = [each for each in metadata.entry_points(group="console_scripts", name=SCRIPT) if each.dist is not None]
    ours = [each for each in found if each.dist is not None and each.dist.name == "sealer"]
    if not ours:
        raise MissingExtra(f"{SCRIPT} is not installed beside sealer", way_out="install sealer again, as one package")
    try:
        code = ours[0].load()(list(argv))
    except SystemExit as stop:  # argparse ends this way for --help and for usage errors
        code = stop.code
    return code if isinstance(code, int) else 0 if code is None else 2
