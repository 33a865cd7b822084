"""`.gitleaksignore`: fingerprints of accepted findings, `file:rule:line` or `commit:file:rule:line`; and their report.

A file's name may hold colons, so that a line is read from its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hooks.compat import names

if TYPE_CHECKING:
    from hooks.finding import Finding

_PRINT = re.compile(r"(?:(?P<commit>[0-9a-f]{40}|[0-9a-f]{64}):)?(?P<path>.+):(?P<rule>[^:\s]+):(?P<line>\d{1,9})")


@dataclass(frozen=True, slots=True)
class Print:
    """One accepted finding of gitleaks."""

    path: str
    rule: str
    line: int
    commit: str = ""


class Ignore:
    """Findings that gitleaks was told to leave out."""

    needs_lines = False

    def __init__(self, name: str, prints: list[Print], unknown: list[str]) -> None:
        self.name = name
        self.prints = prints
        self.warnings = unknown
        self._at: dict[tuple[str, int], list[Print]] = {}
        for one in prints:
            self._at.setdefault((one.path, one.line), []).append(one)
        self.used: set[Print] = set()

    def accepts(self, one: Finding, path: str, line: str) -> bool:  # noqa: ARG002  # by place
        """Whether a fingerprint names this place and a rule that is ours, too; and the commit, if it has one."""
        # What gitleaks finds by a file's name alone has line 0.
        whole = one.line == 1 and one.value is None
        found = [
            print_
            for print_ in (*self._at.get((path, one.line), ()), *(self._at.get((path, 0), ()) if whole else ()))
            if (names.same(print_.rule, one.rule.id) or names.own(print_.rule) == one.rule.id)
            and (not print_.commit or _is(print_.commit, one.commit))
        ]
        self.used.update(found)
        return bool(found)

    def unused(self) -> list[str]:
        """Fingerprints that no finding had."""
        return [f"{one.path}:{one.rule}:{one.line}" for one in self.prints if one not in self.used]


def read(text: str, name: str) -> Ignore:
    """The fingerprints of a file; a line that is none is named."""
    prints, unknown = [], []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = _PRINT.fullmatch(line)
        if found:
            commit = found["commit"] or ""
            prints.append(Print(found["path"].replace("\\", "/"), found["rule"], int(found["line"]), commit))
        else:
            unknown.append(f"{name}:{number}: is no fingerprint of gitleaks (file:rule:line), and means nothing here")
    return Ignore(name, prints, unknown)


def report(found: list[Any], name: str) -> Ignore:
    """The fingerprints of a report in JSON, which gitleaks takes as `--baseline-path`."""
    prints, unknown = [], []
    for number, one in enumerate(found, 1):
        fields = one if isinstance(one, dict) else {}
        path, rule, line = fields.get("File"), fields.get("RuleID"), fields.get("StartLine")
        if isinstance(path, str) and isinstance(rule, str) and isinstance(line, int):
            prints.append(Print(path, rule, line, str(fields.get("Commit") or "")))
        else:
            unknown.append(f"{name}: entry {number} has no File, RuleID and StartLine, and means nothing here")
    return Ignore(name, prints, unknown)


def _is(wanted: str, commit: str) -> bool:
    return bool(commit) and wanted.startswith(commit)
