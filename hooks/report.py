"""Findings as people read them (DESIGN section 13), and what to do about each. Redacted, always."""

from __future__ import annotations

import itertools
import re

from hooks.counts import line
from hooks.rule import ENCRYPTED_KEY, ENV_FILE, ERROR, KUBERNETES_SECRET, KUSTOMIZE_SECRET, PRIVATE_KEY
from sealer import console
from sealer.report import table
from sealer.shell import quote

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hooks.finding import Finding
    from hooks.rule import Rule
    from sealer.errors import SealerError

_TARGET = "secrets/NAMESPACE/NAME.yaml"
_ITEM = re.compile(r"[-._A-Za-z0-9]{1,253}", re.ASCII)
_PAGE = re.compile(r"https://\S+\Z")
_KEYS = (PRIVATE_KEY.id, ENCRYPTED_KEY.id)
_NO_COMMENTS = (".json", ".ipynb", ".jsonl", ".csv", ".tfstate")


class Report:
    """All that one run found. `unread` are files that should have been scanned and could not be.

    `people` has author and date of commits, where they are known; `errors` counts the findings that stop a commit.
    """

    __slots__ = ("accepted", "binary", "bytes", "errors", "files", "findings", "people", "seconds", "source", "unread")

    def __init__(
        self,
        source: str,
        findings: Sequence[Finding] = (),
        unread: Sequence[SealerError] = (),
        *,
        files: int = 0,
        bytes: int = 0,  # noqa: A002
        binary: int = 0,
        accepted: int = 0,
        seconds: float = 0.0,
        people: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.source = source
        self.findings = findings
        self.unread = unread
        self.files = files
        self.bytes = bytes
        self.binary = binary
        self.accepted = accepted
        self.seconds = seconds
        self.people = people or {}
        self.errors = sum(one.rule.severity == ERROR for one in findings)

    def author(self, one: Finding) -> str:
        """Who made the commit that brought a finding in; empty if that is not known."""
        return self.people.get(one.commit, ("", ""))[0]

    def date(self, one: Finding) -> str:
        """When it was made, in ISO 8601."""
        return self.people.get(one.commit, ("", ""))[1]


def text(report: Report) -> str:
    """Each finding in a line, what to do about it below; the counts last."""
    return "\n".join([*_findings(report), counts(report)])


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
    return [*_seal(one, quote(one.path)), *remedy(one.rule), _not_one(one)]


def remedy(rule: Rule) -> list[tuple[str, str]]:
    """How to make a leaked value worthless, and the page that says so: (label, text)."""
    text, page = rule.remediation.strip(), ""
    if found := _PAGE.search(text):
        text, page = text[: found.start()].strip(), found[0].rstrip(".,;")
    return [(label, said) for label, said in (("revoke it", text), ("see", page)) if said]


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
    if "!" in one.path or one.decoded:
        return [("seal it", f"sealer set {_TARGET} {_item(one)}"), ("and then", "make what holds it anew, without it")]
    if one.rule.id == KUBERNETES_SECRET.id and one.sealable:
        return [("seal it", f"sealer seal --in-place {path}")]
    if one.rule.id == KUBERNETES_SECRET.id:
        return [("seal it", "move it to a file of its own, then  sealer seal --in-place FILE")]
    if one.rule.id == KUSTOMIZE_SECRET.id:
        return [("seal it", f"sealer set {_TARGET} {_item(one)}"), ("and then", "take the literal out")]
    if one.rule.id == ENV_FILE.id:
        return [
            ("seal it", f"sealer seal -o {_TARGET} --from-env-file {path}"),
            ("and then", f"git rm --cached {path}, and name it in .gitignore"),
        ]
    if one.rule.id in _KEYS and not one.key:
        from shlex import quote as bare

        key = console.line(bare(one.path.rpartition("/")[2]))
        return [("seal it", f"sealer set {_TARGET} {key} --from-file {path}"), ("and then", f"git rm --cached {path}")]
    return [("seal it", f"sealer set {_TARGET} {_item(one)}")]


def _item(one: Finding) -> str:
    """The item that a value would be: the last name of where it stands, if that can be one."""
    name = one.key.rpartition(".")[2]
    return name if _ITEM.fullmatch(name) else "KEY"


def _not_one(one: Finding) -> tuple[str, str]:
    mark = f"# sealer:allow {one.rule.id} REASON"
    if one.unreasoned:
        return "not one", f"say why behind the mark:  {mark}"
    path = one.path.partition("!")[0]
    if one.commit or path != one.path or path.lower().endswith(_NO_COMMENTS):
        history = "--history " if one.commit else ""
        return "not one", f"sealer scan baseline {history}--reason TEXT {quote(path)}"
    if one.rule.id in _KEYS:
        return "not one", f"put a line above it:  {mark}"
    return "not one", f"end the line with  {mark}"
