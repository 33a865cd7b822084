"""Findings as people and machines read them (DESIGN section 13, schemas/findings.v1.json). Redacted, always."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooks.counts import line
from hooks.finding import REDACTED, Finding
from hooks.rule import ENCRYPTED_KEY, ENV_FILE, ERROR, KUBERNETES_SECRET, KUSTOMIZE_SECRET, PRIVATE_KEY
from sealer import console
from sealer.report import table
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.errors import SealerError

_TARGET = "secrets/NAMESPACE/NAME.yaml"
_PLAIN_PATH = re.compile(r"[._/A-Za-z0-9][-._/A-Za-z0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run found. `unread` are files that should have been scanned and could not be."""

    source: str
    findings: Sequence[Finding] = ()
    unread: Sequence[SealerError] = ()
    files: int = 0
    bytes: int = 0
    binary: int = 0
    accepted: int = 0
    seconds: float = 0.0
    errors: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "errors", sum(one.rule.severity == ERROR for one in self.findings))


def text(report: Report) -> str:
    """Each finding in a line, what to do about it below; the counts last."""
    return "\n".join([*_findings(report), counts(report)])


def json(report: Report) -> str:
    """The report as schemas/findings.v1.json describes it."""
    import json as encoder

    value = {
        "version": 1,
        "source": report.source,
        "files": report.files,
        "bytes": report.bytes,
        "binary": report.binary,
        "accepted": report.accepted,
        "seconds": round(report.seconds, 3),
        "findings": [_plain(one) for one in report.findings],
        "unread": [{"path": one.where, "reason": one.what} for one in report.unread],
    }
    return encoder.dumps(value, indent=2)


FORMATS = {"text": text, "json": json}


def counts(report: Report) -> str:
    """The last line."""
    return line(
        report.source,
        report.files,
        report.bytes,
        report.seconds,
        findings=report.errors,
        warnings=len(report.findings) - report.errors,
        accepted=report.accepted,
        unread=len(report.unread),
    )


def ways_out(one: Finding) -> list[tuple[str, str]]:
    """What to do about a finding: (label, text)."""
    return [*_seal(one, quote(one.path)), _not_one(one)]


def _findings(report: Report) -> Iterator[str]:
    for _, group in itertools.groupby(report.findings, key=lambda one: (one.path, one.rule.id, ways_out(one))):
        same = list(group)
        yield from itertools.chain.from_iterable(table([_row(one) for one in same]))
        for label, said in ways_out(same[0]):
            yield f"  {label:<9} {said}"
        if any(one.commit for one in same):
            yield "  committed change the value as well: sealing the file leaves it in Git's history"


def _row(one: Finding) -> list[str]:
    row = [f"{console.line(one.path)}:{one.line}", one.rule.id, one.excerpt]
    if one.commit:
        row.append(f"in {one.commit[:8]}")
    if one.rule.severity != ERROR:
        row.append(one.rule.severity)
    return row


def _seal(one: Finding, path: str) -> list[tuple[str, str]]:
    if one.rule is KUBERNETES_SECRET and one.sealable:
        return [("seal it", f"sealer seal --in-place {path}")]
    if one.rule is KUBERNETES_SECRET:
        return [("seal it", "move it to a file of its own, then  sealer seal --in-place FILE")]
    if one.rule is KUSTOMIZE_SECRET:
        key = one.key.rpartition(".")[2]
        return [("seal it", f"sealer set {_TARGET} {key}"), ("and then", "take the literal out")]
    if one.rule is ENV_FILE:
        return [
            ("seal it", f"sealer seal -o {_TARGET} --from-env-file {path}"),
            ("and then", f"git rm --cached {path}, and name it in .gitignore"),
        ]
    key = console.line(shlex.quote(one.path.rpartition("/")[2]))
    return [("seal it", f"sealer set {_TARGET} {key} --from-file {path}"), ("and then", f"git rm --cached {path}")]


def _not_one(one: Finding) -> tuple[str, str]:
    mark = f"# sealer:allow {one.rule.id} REASON"
    if one.unreasoned:
        return "not one", f"say why behind the mark:  {mark}"
    if one.path.lower().endswith(".json"):
        # What JSON escapes, YAML reads in double quotes.
        import json as encoder

        path = one.path if _PLAIN_PATH.fullmatch(one.path) else encoder.dumps(one.path, ensure_ascii=False)
        return "not one", f"in .sealer.yaml:  scan: {{exclude: [{path}]}}"
    if one.rule in (PRIVATE_KEY, ENCRYPTED_KEY):
        return "not one", f"put a line above it:  {mark}"
    return "not one", f"end the line with  {mark}"


def _plain(one: Finding) -> dict[str, object]:
    return {
        "rule": one.rule.id,
        "description": one.rule.description,
        "severity": one.rule.severity,
        "path": one.path,
        "line": one.line,
        "key": one.key,
        "excerpt": REDACTED,
        "commit": one.commit,
        "sealable": one.sealable,
        "way_out": [f"{label}: {said}" for label, said in ways_out(one)],
    }
