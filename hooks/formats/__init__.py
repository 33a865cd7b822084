"""Reports for machines and people, each a pure function from a Report to a text (DESIGN section 13).

A format is chosen by name (`--format`), or by how the name of a file ends (`-o`). Nothing here sees a value: a Finding
keeps it behind a wall, and no format looks behind it.
"""

from __future__ import annotations

import os
import sys

from sealer import console
from sealer.errors import UsageError

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooks.report import Report

_ENDINGS = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".sarif": "sarif",
    ".xml": "junit",
    ".csv": "csv",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}
_MODULES = {
    "json": "hooks.formats.plain",
    "jsonl": "hooks.formats.plain",
    "sarif": "hooks.formats.sarif",
    "junit": "hooks.formats.junit",
    "csv": "hooks.formats.sheet",
    "github": "hooks.formats.github",
    "markdown": "hooks.formats.github",
    "html": "hooks.formats.html",
}


_BRACKETS = {"json": "\\u005b", "jsonl": "\\u005b", "sarif": "\\u005b", "junit": "&#91;", "html": "&#91;"}
"""How a bracket is written, so that what runners obey (`##[command]`) is in no report; in other formats `\\x5b`."""


def render(name: str, report: Report, *, quiet: bool = False, width: int | None = None) -> str:
    """A report in the format of this name; `quiet` leaves all but the findings out of a text, which fits a `width`."""
    rendered = _render(name, report, quiet=quiet, width=width)
    # A line of the format `github` is a command itself, and no other is looked for in it.
    return rendered if name == "github" else console.disobeyed(rendered, _BRACKETS.get(name, "\\x5b"))


def _render(name: str, report: Report, *, quiet: bool, width: int | None) -> str:
    if name == "text" and quiet:
        from hooks.report import short

        return "\n".join(short(report))
    if name == "text":
        from hooks.report import text

        return text(report, width)
    from importlib import import_module

    function = getattr(import_module(_MODULES[name]), name)
    rendered: str = function(report)
    return rendered


def emit(report: Report, stdout: str | None, files: Sequence[str], *, quiet: bool = False) -> None:
    """Write a report to each file, and print it; beside files only if a format was asked for that no file has.

    A file whose ending says nothing takes that format.
    """
    from hooks.report import counts
    from sealer.emit import emit as write

    outputs: list[tuple[str, str | None]] = [(of_file(name, stdout or "text"), name) for name in files]
    if not files or (stdout and stdout not in [name for name, _ in outputs]):
        outputs.append((stdout or "text", None))
    for name, output in outputs:
        width = None if output else console.width(sys.stdout)
        text = render(name, report, quiet=quiet and output is None, width=width)
        if text or output or not quiet:
            write(text, output)
    if files and not quiet:
        console.note(counts(report))


def of_file(path: str, otherwise: str) -> str:
    """The format that the ending of a file's name stands for; `otherwise` where it stands for none."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(".sarif.json"):
        return "sarif"
    dot = name.rfind(".")
    return _ENDINGS.get(name[dot:], otherwise) if dot >= 0 else otherwise


def check_name(output: str, format: str | None) -> None:  # noqa: A002
    """Whether `-o` names a file whose ending is a format's. `-o json` means a format. Raises UsageError."""
    from hooks.options import FORMATS

    if output in (*FORMATS, "yaml", "yml"):
        name = output if output in FORMATS else "json"
        raise UsageError(
            f"-o names a file, and '{output}' is a format",
            way_out=f"--format {name}; or, for a file of that name: -o ./{output}",
        )
    ending = os.path.splitext(output)[1]
    if ending and not format and not of_file(output, ""):
        raise UsageError(
            "no report has this ending",
            where=output,
            way_out=f"one of {' '.join(_ENDINGS)}; or name the format: --format NAME",
        )
