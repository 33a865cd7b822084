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


_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*|-[a-zA-Z]", re.ASCII)


def path(word: str) -> str:
    """A path, or `-` for stdin; argparse takes what begins with `-` and holds a space for one."""
    if word.startswith("-") and word != "-":
        raise argparse.ArgumentTypeError("no such option (for a file of that name: ./-NAME)")
    return word


class Parser(argparse.ArgumentParser):
    """A parser whose errors are a line and a way out; an argument may be a value that was typed by mistake."""

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """The options; what is none of them is named, but for its value."""
        found, left = self.parse_known_args(args, namespace)
        if left:
            self._unknown(left)
        return found

    def _unknown(self, words: list[str]) -> NoReturn:
        names = [word.partition("=")[0] for word in words if word.startswith("-")]
        if not names:
            self.error("an argument too many, or behind an option that comes after the others")
        name = names[0] if names[0].startswith("--") else names[0][:2]
        if not _OPTION.fullmatch(name):  # it may be a value
            self.error("no such option")
        import difflib

        from hooks.compat.switches import OPTIONS as OTHERS

        near = difflib.get_close_matches(name, self._option_string_actions, 1, 0.75)
        others = OTHERS.get(name, "") if self.prog == "sealer-scan" else ""
        way_out = others or (near[0] if near else f"{self.prog} --help")
        console.report(UsageError(f"no such option: {name}", way_out=way_out))
        sys.exit(console.CANNOT_TELL)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with 2."""
        message = _CHOICE.sub(r"is not one of \1", message)
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.DOTALL)
        console.report(UsageError(message, way_out=f"{self.prog} --help"))
        sys.exit(console.CANNOT_TELL)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is scanned."""
    words = "files or folders, - for stdin; none: the work tree"
    parser.add_argument("paths", metavar="PATH", nargs="*", type=path, help=words)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--staged", action="store_true", help="what the next commit would bring in")
    where.add_argument("--range", metavar="A..B", help="what these commits brought in; A...B: since they parted")
    where.add_argument("--history", action="store_true", help="every version of every file, of all branches")
    where.add_argument("--stdin", action="store_true", help="one input from a pipe")
    parser.add_argument("--stdin-name", metavar="PATH", help="what that input is a file of: some rules go by names")
    parser.add_argument("--recurse-submodules", action="store_true", help="submodules of the work tree as well")
    parser.add_argument("--exclude", metavar="GLOB", action="append", default=[], help="leave these paths out")
    parser.add_argument("--rule", metavar="ID", action="append", default=[], help="only findings of this rule")
    parser.add_argument("--baseline", metavar="FILE", help="accepted findings; default: .sealer/baseline.yaml")
