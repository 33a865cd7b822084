"""JSON, as schemas/findings.v1.json describes it, and JSON lines, as schemas/findings-line.v1.json does."""

from __future__ import annotations

import json as encoder
from typing import TYPE_CHECKING, Any

from hooks.finding import REDACTED
from hooks.formats.sarif import fingerprints

if TYPE_CHECKING:
    from hooks.finding import Finding
    from hooks.report import Report


def json(report: Report) -> str:
    """One object for the whole run."""
    value = {
        "version": 1,
        "source": report.source,
        "files": report.files,
        "bytes": report.bytes,
        "binary": report.binary,
        "accepted": report.accepted,
        "seconds": round(report.seconds, 3),
        "findings": [_plain(one, mark, report) for one, mark in fingerprints(report)],
        "unread": [{"path": one.where, "reason": one.what} for one in report.unread],
    }
    return encoder.dumps(value, indent=2)


def jsonl(report: Report) -> str:
    """A line for each finding, for each file that could not be read, and for the run; `kind` says which."""
    lines = [{"kind": "finding", **_plain(one, mark, report)} for one, mark in fingerprints(report)]
    lines += [{"kind": "unread", "path": one.where, "reason": one.what} for one in report.unread]
    lines.append(
        {
            "kind": "run",
            "source": report.source,
            "files": report.files,
            "bytes": report.bytes,
            "binary": report.binary,
            "accepted": report.accepted,
            "findings": report.errors,
            "warnings": len(report.findings) - report.errors,
            "unread": len(report.unread),
            "seconds": round(report.seconds, 3),
        }
    )
    return "\n".join(encoder.dumps({"version": 1, **line}) for line in lines)


def _plain(one: Finding, fingerprint: str, report: Report) -> dict[str, Any]:
    """A finding as JSON values."""
    value = {
        "rule": one.rule.id,
        "description": one.rule.description,
        "severity": one.rule.severity,
        "path": one.path,
        "line": one.line,
        "end_line": one.end,
        "fingerprint": fingerprint,
        "key": one.key,
        "excerpt": REDACTED,
        "commit": one.commit,
        "sealable": one.sealable,
        "way_out": [f"{label}: {said}" for label, said in report.ways(one)],
    }
    more = {
        "remediation": one.rule.remediation,
        "decoded": one.decoded,
        "author": report.author(one),
        "date": report.date(one),
    }
    return value | {name: text for name, text in more.items() if text}
