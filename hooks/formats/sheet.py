"""CSV (RFC 4180) for spreadsheets; a cell that one would take for a formula is text (it begins with an apostrophe)."""

from __future__ import annotations

import csv as encoder
import io
from typing import TYPE_CHECKING

from hooks.finding import REDACTED
from sealer import console

if TYPE_CHECKING:
    from hooks.report import Report

_HEAD = ("severity", "rule", "description", "path", "line", "key", "excerpt", "commit", "author", "date", "way_out")
_FORMULA = tuple("=+-@\t\r|")


def csv(report: Report) -> str:
    """A row for each finding, and one for each file that could not be read."""
    stream = io.StringIO()
    # LF: what writes reports takes CR for a character of a stranger's name, and shows it escaped.
    writer = encoder.writer(stream, lineterminator="\n")
    writer.writerow(_HEAD)
    for one in report.findings:
        writer.writerow(
            map(
                cell,
                (
                    one.rule.severity,
                    one.rule.id,
                    one.rule.description,
                    one.path,
                    str(one.line),
                    one.key,
                    REDACTED,
                    one.commit,
                    report.author(one),
                    report.date(one),
                    "; ".join(f"{label}: {said}" for label, said in report.ways(one)),
                ),
            )
        )
    for error in report.unread:
        writer.writerow(map(cell, ("unread", "", error.what, error.where, *[""] * 6, error.way_out)))
    return stream.getvalue()


def cell(text: str) -> str:
    """A text on one line that no spreadsheet computes."""
    text = console.line(console.printable(text))
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
