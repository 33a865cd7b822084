"""Findings as people read them (DESIGN section 13), and what to do about each. Redacted, always."""

from __future__ import annotations

import itertools
import os
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
_CHANGE = ("change it", "where it is used: whoever reads this file knows it")
_WARNING = "warning   it does not fail without --strict; why it is one: sealer scan explain"
_COMMITTED = "  committed change the value as well: what was committed stays in Git's history"
_KEYS = (PRIVATE_KEY.id, ENCRYPTED_KEY.id)
_NO_COMMENTS = (".json", ".ipynb", ".jsonl", ".csv", ".tfstate")
_SIGNS = {
    "//": "c cc cpp cs cxx dart gradle go groovy h hpp java js jsx kt kts mjs php proto rs scala scss swift ts tsx zig",
    "--": "hs lua sql elm ada",
    ";": "ini asm clj lisp el reg",
    "%": "tex erl",
    "<!-- -->": "html htm xml md svg vue xhtml plist csproj config xsd pom",
    "/* */": "css",
}
"""How a comment begins, and ends, in files with these endings; in all others with #."""
_FULL = 5
"""So many findings are each told with what to do; of more of them that is told once, at the end."""
_MARKS = {
    "no reason": "the mark there gives no reason:",
    "no rule": "the mark there names no rule:",
    "another rule": "the mark there is for another rule:",
}


class Report:
    """All that one run found. `unread` are files that should have been scanned and could not be.

    `people` has author and date of commits, where they are known; `errors` counts the findings that stop a commit;
    `sealing` says whether there is a cluster to seal for.
    """

    __slots__ = (
        "_piped",
        "accepted",
        "binary",
        "bytes",
        "errors",
        "files",
        "findings",
        "people",
        "sealing",
        "seconds",
        "source",
        "unread",
    )

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
        sealing: bool = True,
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
        self.sealing = sealing
        self._piped = source == "stdin" and all(one.path.partition("!")[0] == "stdin" for one in findings)
        self.errors = sum(one.rule.severity == ERROR for one in findings)

    def ways(self, one: Finding) -> list[tuple[str, str]]:
        """What to do about a finding here: (label, text)."""
        return ways_out(one, sealing=self.sealing, piped=self._piped)

    def author(self, one: Finding) -> str:
        """Who made the commit that brought a finding in; empty if that is not known."""
        return self.people.get(one.commit, ("", ""))[0]

    def date(self, one: Finding) -> str:
        """When it was made, in ISO 8601."""
        return self.people.get(one.commit, ("", ""))[1]


def text(report: Report, width: int | None = None) -> str:
    """Each finding in a line, what to do about it below, or, where they are many, once at the end; the counts last.

    `width`: of the terminal that it is for, where what is wider goes on in a next line.
    """
    groups = [list(group) for _, group in itertools.groupby(report.findings, key=lambda one: _group(one, report))]
    if len(groups) > _FULL:
        return "\n".join([*rows(report, width), *_advice(report), counts(report)])
    return "\n".join([*itertools.chain.from_iterable(_told(group, report, width) for group in groups), counts(report)])


def rows(report: Report, width: int | None = None) -> list[str]:
    """Each finding in a line."""
    groups = itertools.groupby(report.findings, key=lambda one: (one.path, one.rule.id))
    return list(itertools.chain.from_iterable(_lines(list(group), width, marks=True) for _, group in groups))


def short(report: Report) -> list[str]:
    """Each finding in a line of its own, however long that is: for `grep` and editors."""
    return ["  ".join(map(console.line, _cells(one, marks=True))) for one in report.findings]


def _lines(same: Sequence[Finding], width: int | None, *, marks: bool = False) -> Iterator[str]:
    """Findings in lines; `marks` says there what a mark lacks."""
    return itertools.chain.from_iterable(table([_cells(one, marks=marks) for one in same], width))


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
        binary=report.binary,
    )


def ways_out(one: Finding, *, sealing: bool = True, piped: bool = False) -> list[tuple[str, str]]:
    """What to do about a finding: (label, text). `piped`: it came from a pipe, so that there is no file of its name."""
    if piped:
        first = "" if sealing else "sealer init, then  "
        return [*(remedy(one.rule) or [_CHANGE]), ("seal it", f"{first}{_seal_piped(one)}"), _not_one(one)]
    if sealing:
        return [*_seal(one, quote(one.path)), *remedy(one.rule), _not_one(one)]
    return [*(remedy(one.rule) or [_CHANGE]), *_take_out(one), _not_one(one)]


def remedy(rule: Rule) -> list[tuple[str, str]]:
    """How to make a leaked value worthless, and the page that says so: (label, text)."""
    text, page = rule.remediation.strip(), ""
    if found := _PAGE.search(text):
        text, page = text[: found.start()].strip(), found[0].rstrip(".,;")
    label, _, rest = text.partition(" it ")
    if label == "change":
        return [("change it", rest), *([("see", page)] if page else [])]
    return [(label, said) for label, said in (("revoke it", text), ("see", page)) if said]


def _group(one: Finding, report: Report) -> tuple[object, ...]:
    return one.path, one.rule.id, report.ways(one)


def _told(same: Sequence[Finding], report: Report, width: int | None) -> Iterator[str]:
    """Findings of one rule in one file, and what to do about them."""
    yield from _lines(same, width)
    yield from (f"  {label:<9} {said}" for label, said in report.ways(same[0]))
    if any(one.rule.severity != ERROR for one in same):
        yield f"  {_WARNING} {same[0].rule.id}"
    if any(one.commit for one in same):
        yield _COMMITTED


def _advice(report: Report) -> Iterator[str]:
    """What to do about many findings: each thing once, under the rules that it is about."""
    about: dict[tuple[str, str], dict[str, None]] = {}
    for one in report.findings:
        for label, text in report.ways(one.but(path=_any_path(one.path), key="", mark="")):
            said = text.replace(f"allow {one.rule.id} ", "allow RULE ").replace(_any_path(one.path), "FILE")
            about.setdefault((label, said), {})[one.rule.id] = None
    blocks: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for way, rules in about.items():
        blocks.setdefault(tuple(sorted(rules)), []).append(way)
    yield ""
    for names, ways in sorted(blocks.items(), key=lambda block: len(block[0])):
        yield f"{', '.join(names)}:"
        yield from (f"  {label:<9} {text}" for label, text in ways)
    if report.errors < len(report.findings):
        yield f"  {_WARNING} RULE"
    if any(one.commit for one in report.findings):
        yield _COMMITTED


def _any_path(path: str) -> str:
    """A path that stands for others whose files have the same comments."""
    name, inside, _ = path.partition("!")
    return f"FILE{os.path.splitext(name)[1].lower()}" + ("!" if inside else "")


def _cells(one: Finding, *, marks: bool) -> list[str]:
    return [*_row(one), *([f"mark: {one.mark}"] if marks and one.mark else [])]


def _row(one: Finding) -> list[str]:
    row = [f"{console.path(one.path)}:{one.line}", one.rule.id, one.excerpt]
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


def _seal_piped(one: Finding) -> str:
    if one.rule.id == KUBERNETES_SECRET.id and one.sealable:
        return f"pipe it into  sealer seal -o {_TARGET}"
    if one.rule.id in _KEYS and not one.key:
        return f"pipe it into  sealer set {_TARGET} KEY"
    return f"sealer set {_TARGET} {_item(one)}"


def _take_out(one: Finding) -> list[tuple[str, str]]:
    path = quote(one.path)
    if one.rule.id == ENV_FILE.id or (one.rule.id in _KEYS and not one.key):
        return [("take out", f"git rm --cached {path}, and name it in .gitignore")]
    if one.rule.id in (KUBERNETES_SECRET.id, KUSTOMIZE_SECRET.id):
        return [("seal it", f"sealer init, then  {_seal(one, path)[0][1]}")]
    return [("take out", "read it from the environment, or seal it: sealer init has to come first")]


def _item(one: Finding) -> str:
    """The item that a value would be: the last name of where it stands, if that can be one."""
    name = one.key.rpartition(".")[2]
    return name if _ITEM.fullmatch(name) else "KEY"


def _not_one(one: Finding) -> tuple[str, str]:
    path = one.path.partition("!")[0]
    ending = os.path.splitext(path)[1].lower()
    sign, _, closing = _sign(ending).partition(" ")
    mark = f"{sign} sealer:allow {one.rule.id} REASON{closing and ' ' + closing}"
    if one.mark:
        return "not one", f"{_MARKS[one.mark]}  {mark}"
    if one.commit or path != one.path or ending in _NO_COMMENTS:
        history = "--history " if one.commit else ""
        return "not one", f"sealer scan baseline {history}--reason TEXT {quote(path)}"
    if one.rule.id in _KEYS:
        return "not one", f"put a line above it:  {mark}"
    return "not one", f"end the line with  {mark}"


def _sign(ending: str) -> str:
    """How a comment begins in a file with this ending; and, behind a space, how it ends."""
    return next((sign for sign, endings in _SIGNS.items() if ending[1:] in endings.split()), "#")
