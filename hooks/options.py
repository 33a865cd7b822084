"""Options of the hooks' programs: argparse, for a fast start, with errors in our form that never repeat an argument."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

from sealer import console
from sealer.errors import UsageError

FORMATS = ("text", "json", "jsonl", "sarif", "junit", "csv", "github", "markdown", "html")
"""Of findings; hooks/formats makes them."""

_CHOICE = re.compile(r"invalid choice: .* \(choose from (.*)\)\Z", re.DOTALL)


def path(word: str) -> str:
    """A path; argparse takes what begins with `-` and holds a space for one."""
    if word.startswith("-"):
        raise argparse.ArgumentTypeError("no such option (for a file of that name: ./-NAME)")
    return word


class Parser(argparse.ArgumentParser):
    """A parser whose errors are a line and a way out; an argument may be a value that was typed by mistake."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with 2."""
        if message.startswith("unrecognized arguments"):
            message = "no such option"
        message = _CHOICE.sub(r"is not one of \1", message)
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.DOTALL)
        console.report(UsageError(message, way_out=f"{self.prog} --help"))
        sys.exit(console.CANNOT_TELL)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is scanned."""
    parser.add_argument("paths", metavar="PATH", nargs="*", type=path, help="files or folders; none: the work tree")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--staged", action="store_true", help="what the next commit would bring in")
    where.add_argument("--range", metavar="A..B", help="what these commits brought in; A...B: since they parted")
    where.add_argument("--history", action="store_true", help="every version of every file, of all branches")
    where.add_argument("--stdin", action="store_true", help="one input from a pipe")
    parser.add_argument("--exclude", metavar="GLOB", action="append", default=[], help="leave these paths out")
    parser.add_argument("--baseline", metavar="FILE", help="accepted findings; default: .sealer/baseline.yaml")
