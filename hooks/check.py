"""`sealer-check`, the hook `check-sealed`: the same as `sealer check`, started without Typer and rich.

pre-commit runs it without arguments (`pass_filenames: false`): everything tracked is judged, since two files can only
contradict each other together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hooks.options import Parser, path
from sealer import console
from sealer.commands import check


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; the exit code comes back."""
    options = _parser().parse_args(argv)
    return console.run(
        lambda: check.run(options.paths, explain=options.explain, format=options.format, output=options.output)
    )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="sealer-check",
        description="Find sealed files that would not open, and plaintext. Works offline and without a key.",
        allow_abbrev=False,
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", type=path, help="files or folders; none: all tracked files")
    parser.add_argument("--explain", action="store_true", help="name the rule and the clusters of each path")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="default: text")
    parser.add_argument("--output", "-o", metavar="FILE", help="write the report here, not to stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
