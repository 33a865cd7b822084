"""Which findings a repository accepts (DESIGN section 12).

That is `scan: {exclude, disable, baseline}` of `.sealer.yaml`, `--exclude` and `--baseline`, and what gitleaks and
detect-secrets left behind.
Asked only once there is something to leave out: reading `.sealer.yaml` costs more than a clean run. A path is excluded
by the pattern language of rules; a pattern without a slash means a file of that name in any folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hooks import compat
from hooks.baseline import file as baseline_file
from sealer import console
from sealer.configuration import config, rules
from sealer.errors import SourceError, UsageError

if TYPE_CHECKING:
    from hooks.baseline.entry import Entry
    from hooks.blobs import Blob
    from hooks.finding import Finding, Value

_MOST_NAMED = 10


class Accepted:
    """What the configuration at hand, the options and the baseline leave out."""

    def __init__(
        self, exclude: Sequence[str], baseline: str | None = None, *, foreign: bool = True, new: bool = False
    ) -> None:
        self._config = config.find(Path())
        self._here = [_anywhere(pattern) for pattern in exclude]
        for pattern in self._here:
            rules.compile_pattern(pattern)
        self.top = top(self._config)
        self.file = self._baseline_file(baseline)
        self._own = self.relative(str(self.file))
        self.baseline = self._load(required=baseline is not None and not new)
        # Other tools name paths from where Git has its top, which need not be the folder of `.sealer.yaml`.
        self._repository = self.top if self._config is None else top()
        self.foreign = compat.find(self._repository) if foreign else []
        self._lines: dict[tuple[str, int, str, Value | None], str] = {}
        self._expired: dict[Entry, Finding] = {}

    def look(self, blob: Blob, findings: Sequence[Finding]) -> Sequence[Finding]:
        """A blob's findings that are any; keeps their lines, where another tool's allowlist judges by them."""
        if self._lists(blob.path):
            return []
        data = blob.data
        if data is None or not self.foreign:
            return findings
        findings = [
            one for one in findings if not any(f.drops(one, self.from_repository(one), data) for f in self.foreign)
        ]
        if any(one.needs_lines for one in self.foreign):
            from hooks.text import Text

            text = Text(blob.path, data)
            for one in findings:
                if one.path == blob.path and not one.decoded:
                    line = text.line_bytes(one.line - blob.before).decode("utf-8", "replace")
                    self._lines[_place(one)] = line
        return findings

    def path(self, path: str) -> bool:
        """Whether nothing in this file counts."""
        relative = os.path.normpath(path)
        if any(rules.matches(pattern, relative) for pattern in self._here):
            return True
        if self._lists(path):
            return True
        if self._config is None or not self._config.scan.exclude:
            return False
        try:
            inside = self._config.relative(path)
        except UsageError:  # outside of the folder of .sealer.yaml
            return False
        return any(rules.matches(_anywhere(pattern), inside) for pattern in self._config.scan.exclude)

    def _lists(self, path: str) -> bool:
        """Whether a file is a list of what is accepted: its hashes leak nothing."""
        return self.relative(path) in (self._own, *compat.NAMES)

    def relative(self, path: str) -> str:
        """A path from the top of the repository, with `/`; what is outside of it begins with `..`."""
        absolute = os.path.abspath(path)
        real = os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute))
        return os.path.relpath(real, self.top)

    def remaining(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that count."""
        disabled = self._config.scan.disable if self._config else ()
        return [
            one
            for one in findings
            if one.rule.id not in disabled
            and not self.path(one.path)
            and not self._in_baseline(one)
            and not self.by_foreign(one)
        ]

    def from_repository(self, one: Finding) -> str:
        """A finding's path from the top of the repository."""
        return os.path.relpath(os.path.join(self.top, self.relative(one.path)), self._repository)

    def by_foreign(self, one: Finding) -> bool:
        """Whether another tool's file accepts a finding."""
        return any(other.accepts(one, self.from_repository(one), self.line(one)) for other in self.foreign)

    def line(self, one: Finding) -> str:
        """The line that a finding is on, if it was needed; else empty."""
        return self._lines.get(_place(one), "")

    def warn(self) -> None:
        """Say what of the accepted ones needs a look, and what of other tools' files means nothing here."""
        warnings = [text for other in self.foreign for text in other.warnings]
        for text in warnings[:_MOST_NAMED]:
            console.warn(text)
        if len(warnings) > _MOST_NAMED:
            console.warn(f"{len(warnings) - _MOST_NAMED:,} more of this kind")
        for entry, one in list(self._expired.items())[:_MOST_NAMED]:
            place = f"{one.path}:{one.line}"
            said = f"{place}: {entry.rule} was accepted until {entry.expires} ({entry.reason})"
            console.warn(said, way_out="change the value, or accept it again: sealer scan baseline --reason TEXT")
        if len(self._expired) > _MOST_NAMED:
            console.warn(f"{len(self._expired) - _MOST_NAMED:,} more entries of {self.baseline.name} have expired")

    def _in_baseline(self, one: Finding) -> bool:
        entry = self.baseline.find(one, self.relative(one.path))
        if entry is None:
            return False
        if entry.expired(date.today()):
            self._expired.setdefault(entry, one)
            return False
        return True

    def _baseline_file(self, option: str | None) -> Path:
        if option is not None:
            return Path(option)
        named = self._config.scan.baseline if self._config else None
        return self.top / (named or baseline_file.DEFAULT)

    def _load(self, *, required: bool) -> baseline_file.Baseline:
        name = config.shown(self.file)
        if not required and not os.path.lexists(self.file):
            return baseline_file.Baseline(name)
        return baseline_file.load(self.file, name)


def top(found: config.Config | None = None) -> Path:
    """What paths are named from: the folder of `.sealer.yaml`, else the top of the repository, else this folder."""
    if found is not None:
        return found.root
    from hooks import gitpipe

    try:
        name = os.fsdecode(gitpipe.output("rev-parse", "--show-toplevel").removesuffix(b"\n"))
    except SourceError:  # no repository, or a bare one
        name = ""
    return Path(os.path.realpath(name or "."))


def _place(one: Finding) -> tuple[str, int, str, Value | None]:
    """What tells findings apart before and after their commits are known."""
    return one.path, one.line, one.rule.id, one.value


def _anywhere(pattern: str) -> str:
    return pattern if "/" in pattern else f"**/{pattern}"
