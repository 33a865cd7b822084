"""For GitHub: annotations of the lines (workflow commands on stdout), and a summary in Markdown.

GitHub shows ten annotations of a kind for a step, and takes a summary of at most 1 MiB; the summary therefore has
as many rows as people read, and says how many there are.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from typing import TYPE_CHECKING

from hooks.report import counts
from hooks.rule import ERROR
from sealer import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooks.report import Report

SUMMARY = "GITHUB_STEP_SUMMARY"
_MOST_ROWS = 200
_MEANS_SOMETHING = str.maketrans(
    {char: f"\\{char}" for char in "\\`*_{}[]()#+-.!~>"} | {"|": "\\|", "<": "&lt;", "&": "&amp;"}
)
_PROPERTY = str.maketrans({"%": "%25", "\x1b": "\\x1b", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})
_DATA = str.maketrans({"%": "%25", "\x1b": "\\x1b", "\r": "%0D", "\n": "%0A"})


def github(report: Report) -> str:
    """Annotations, and the counts. In a workflow the summary goes to its page as well."""
    if path := os.environ.get(SUMMARY):
        _append(path, markdown(report))
    return "\n".join([*_annotations(report), counts(report)])


def markdown(report: Report) -> str:
    """Counts, a table of rules, and a table of findings; nothing in it is Markdown of a stranger's."""
    lines = ["### Secrets in plaintext", "", markdown_text(counts(report))]
    if report.findings:
        rules = Counter((one.rule.id, one.rule.description, one.rule.severity) for one in report.findings)
        lines += ["", "| rule | what it is | findings |", "|---|---|--:|"]
        for (name, description, severity), count in rules.most_common():
            shown = markdown_text(description) + ("" if severity == ERROR else " (warning)")
            lines.append(f"| `{name}` | {shown} | {count:,} |")
        lines += ["", "| place | rule | key | what to do |", "|---|---|---|---|"]
        lines += itertools.islice(_rows(report), _MOST_ROWS)
    if len(report.findings) > _MOST_ROWS:
        lines += ["", f"{len(report.findings) - _MOST_ROWS:,} more are not shown."]
    if report.unread:
        lines += ["", "Not scanned:", ""]
        lines += [f"- {markdown_text(one.where)}: {markdown_text(one.what)}" for one in report.unread[:_MOST_ROWS]]
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return console.line(console.printable(text)).replace("\t", " ").translate(_MEANS_SOMETHING)


def _rows(report: Report) -> Iterator[str]:
    for one in report.findings:
        place = markdown_text(f"{one.path}:{one.line}") + (f" in {one.commit[:8]}" if one.commit else "")
        said = "<br>".join(f"{label}: {markdown_text(text)}" for label, text in report.ways(one))
        yield f"| {place} | `{one.rule.id}` | {markdown_text(one.key)} | {said} |"


def _annotations(report: Report) -> Iterator[str]:
    for one in report.findings:
        level = "error" if one.rule.severity == ERROR else "warning"
        key = f" ({one.key})" if one.key else ""
        said = "\n".join([f"{one.rule.description}{key}", *(f"{label}: {text}" for label, text in report.ways(one))])
        place = f"file={_property(one.path)},line={one.line},title={_property(one.rule.id)}"
        yield f"::{level} {place}::{said.translate(_DATA)}"
    for error in report.unread:
        yield f"::error file={_property(error.where)},title=not scanned::{error.what.translate(_DATA)}"


def _property(text: str) -> str:
    return text.translate(_PROPERTY)


def _append(path: str, text: str) -> None:
    """Add to the summary of the step, whole: other commands of the step write there too."""
    from sealer.errors import SourceError
    from sealer.files import reason

    lines = "".join(f"{console.printable(line)}\n" for line in text.split("\n"))
    try:
        with open(path, "ab", buffering=0) as stream:
            stream.write(lines.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise SourceError(f"can't be written: {reason(error)}", where=f"${SUMMARY}") from None
