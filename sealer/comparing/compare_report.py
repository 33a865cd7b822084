"""What `sealer diff` says, as text, JSON (`schemas/diff.v1.json`) or markdown. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealer import console
from sealer.checking.lint_report import cell
from sealer.report import WIDTH, wrapped

if TYPE_CHECKING:
    from sealer.comparing.compare import Difference


@dataclass(frozen=True, slots=True)
class Report:
    """The differences between two sides; `new` None is the work tree."""

    old: str
    new: str | None
    differences: Sequence[Difference]


def text(report: Report) -> str:
    """Columns: cluster, secret, sign and item, what happened."""
    found = report.differences
    cluster = max((len(one.cluster) for one in found), default=0)
    secret = max((len(one.secret) for one in found), default=0)
    item = max((len(one.item) for one in found), default=0)
    lines = []
    for one in found:
        named = f"{one.item:<{item}}  " if one.item else ""
        head = f"{one.cluster:<{cluster}}  {one.secret:<{secret}}"
        what = f"{one.sign} {named}{console.line(one.text)}"
        fits = len(head) + 2 + len(what) <= WIDTH
        lines += [f"{head}  {what}"] if fits else [head.rstrip(), *wrapped(what)]
    return "".join(f"{line}\n" for line in lines)


def as_json(report: Report) -> str:
    """The same for machines."""
    changes = [
        {
            "clusters": list(one.clusters),
            "secret": one.secret,
            "path": one.path,
            "item": one.item,
            "change": one.what,
            "text": one.text,
        }
        for one in report.differences
    ]
    return json.dumps({"version": 1, "old": report.old, "new": report.new, "changes": changes}, indent=2) + "\n"


def markdown(report: Report) -> str:
    """The same as a table, for a comment on a pull request."""
    if not report.differences:
        return "No sealed secret changed.\n"
    lines = ["| cluster | secret | | item | change |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell(each) for each in _row(one)) + " |" for one in report.differences]
    return "\n".join(lines) + "\n"


def _row(one: Difference) -> tuple[str, ...]:
    return one.cluster, one.secret, one.sign, one.item, one.text


FORMATS: Mapping[str, Callable[[Report], str]] = {"text": text, "json": as_json, "markdown": markdown}
