"""What `sealer check` says, as text, JSON (`schemas/check.v1.json`) or markdown. Pure.

Texts come from documents of strangers: the console makes them printable, markdown is escaped here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealer import console
from sealer.checking.problem import Problem, Severity

Explained = Mapping[str, Any]
"""What `sealer.checking.explain` says of one path."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one run. `files` counts those that hold Secrets, `secrets` the sealed documents in them."""

    problems: Sequence[Problem] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    explained: Sequence[Explained] | None = None
    files: int = 0
    secrets: int = 0

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(problem.severity is Severity.ERROR for problem in self.problems)

    @property
    def counts(self) -> str:
        """The last line."""
        warnings = len(self.problems) - self.errors
        counted = ((self.errors, "error"), (warnings, "warning"))
        parts = [_count(number, word) for number, word in counted if number] or ["no problems"]
        unread = f", {_count(len(self.unread), 'file')} not read" if self.unread else ""
        of = f"{_count(self.secrets, 'sealed secret')} in {_count(self.files, 'file')}"
        return f"{', '.join(parts)}; {of}{unread}"


def text(report: Report) -> str:
    """`path:line  item  message`, each with its way out, and the counts."""
    lines = [line for each in report.explained or () for line in _explained(each)]
    for problem in report.problems:
        warning = "warning: " if problem.severity is Severity.WARNING else ""
        said = (problem.place, problem.item, f"{warning}{problem.message}")
        lines.append(console.path("  ".join(console.line(part) for part in said if part)))
        if problem.way_out:
            lines.append(f"  way out: {problem.way_out}")
    return "\n".join([*lines, report.counts]) + "\n"


def as_json(report: Report) -> str:
    """The same for machines."""
    value: dict[str, Any] = {
        "version": 1,
        "ok": not report.errors and not report.unread,
        "files": report.files,
        "secrets": report.secrets,
        "errors": report.errors,
        "warnings": len(report.problems) - report.errors,
        "problems": [_problem(problem) for problem in report.problems],
        "unread": [{"path": path, "message": message} for path, message in report.unread.items()],
    }
    if report.explained is not None:
        value["explained"] = list(report.explained)
    return console.disobeyed(json.dumps(value, indent=2), "\\u005b") + "\n"


def markdown(report: Report) -> str:
    """The same as a table, for a comment on a pull request."""
    lines = [f"**sealer check:** {report.counts}", ""]
    if report.problems:
        lines += ["| | place | item | problem | way out |", "|---|---|---|---|---|"]
    for problem in report.problems:
        cells = (
            str(problem.severity),
            problem.place,
            problem.item,
            problem.message,
            problem.way_out,
        )
        lines.append("| " + " | ".join(cell(each) for each in cells) + " |")
    return "\n".join(lines) + "\n"


FORMATS: Mapping[str, Callable[[Report], str]] = {"text": text, "json": as_json, "markdown": markdown}


def cell(value: str) -> str:
    """Text for a cell of a markdown table: nothing in it is markup."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value)
    return "".join(f"\\{c}" if c in "\\`*_[]<>|~" else c for c in shown)


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "item": problem.item,
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.message,
        "wayOut": problem.way_out,
    }


def _explained(each: Explained) -> list[str]:
    rule = each["rule"]
    lines = [
        console.path(each["path"]),
        f"  rule      {rule['pattern']} ({rule['file']}:{rule['line']})" if rule else "  rule      none",
        f"  clusters  {', '.join(each['clusters']) or 'not known'}",
    ]
    if each["skipped"]:
        lines.append(f"  skipped   {each['skipped']}")
    for secret in each["secrets"]:
        lines.append(f"  {secret['secret']}  line {secret['line']}, {secret['scope']}")
        width = max((len(item["item"]) for item in secret["items"]), default=0)
        lines += [f"    {item['item']:<{width}}  {item['envelope']}, {item['sealedTo']}" for item in secret["items"]]
    return lines


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
