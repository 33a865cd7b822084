"""Which findings a repository accepts (DESIGN section 12).

That is `scan: {exclude, disable, baseline}` of `.sealer.yaml`, `--exclude` and `--baseline`, and what gitleaks and
detect-secrets left behind.
Asked only once there is something to leave out: reading `.sealer.yaml` costs more than a clean run. What isn't there
costs a look for it, and no import. A path is excluded by the pattern language of rules; a pattern without a slash means
a file of that name in any folder.
"""

from __future__ import annotations

import itertools
import os

from hooks.baseline import DEFAULT
from sealer import console
from sealer.configuration import NAME
from sealer.errors import SourceError, UsageError

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hooks.baseline.entry import Entry
    from hooks.baseline.file import Baseline
    from hooks.blobs import Blob
    from hooks.compat import Foreign
    from hooks.finding import Finding, Value
    from sealer.configuration.config import Config

FOREIGN = (".gitleaks.toml", ".gitleaksignore", ".secrets.baseline")
"""What other tools leave at the top: the names of `hooks.compat`."""

_MOST_NAMED = 10
_MOST_EXPIRED = 3
_BASELINE = "sealer scan baseline --reason TEXT"


class Accepted:
    """What the configuration at hand, the options and the baseline leave out."""

    def __init__(
        self, exclude: Sequence[str], baseline: str | None = None, *, foreign: bool = True, new: bool = False
    ) -> None:
        self._config = _config()
        self._here = list(exclude)
        for pattern in self._here:
            _compiled(pattern)
        self.top = top(self._config)
        self.file = self._baseline_file(baseline)
        self._own = self.relative(self.file)
        self._baseline = self._load(required=baseline is not None and not new)
        # Other tools name paths from where Git has its top, which need not be the folder of `.sealer.yaml`.
        self._repository = self.top if self._config is None else top()
        self.foreign = _foreign(self._repository) if foreign else []
        self._lines: dict[tuple[str, int, str, Value | None], str] = {}
        self._expired: dict[Entry, Finding] = {}

    @property
    def strict(self) -> bool:
        """Whether the configuration says that warnings fail as well."""
        return self._config is not None and self._config.scan.strict

    @property
    def sealing(self) -> bool:
        """Whether values can be sealed here: there is a cluster to seal for."""
        return self._config is not None and bool(self._config.clusters)

    @property
    def baseline(self) -> Baseline:
        """What was accepted before; empty where there is no file."""
        if self._baseline is None:
            from hooks.baseline.file import Baseline
            from sealer.configuration.config import shown

            self._baseline = Baseline(shown(self.file))
        return self._baseline

    def look(self, blob: Blob, findings: Sequence[Finding]) -> Sequence[Finding]:
        """A blob's findings that are any; keeps their lines, where another tool's allowlist judges by them."""
        if self._lists(blob.path):
            return []
        data = blob.data
        if data is None or not self.foreign:
            return findings
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
        if excluded(relative, self._here):
            return True
        if self._lists(path):
            return True
        if self._config is None or not self._config.scan.exclude:
            return False
        try:
            inside = self._config.relative(path)
        except UsageError:  # outside of the folder of .sealer.yaml
            return False
        return any(_matches(_anywhere(pattern), inside) for pattern in self._config.scan.exclude)

    def _lists(self, path: str) -> bool:
        """Whether a file is a list of what is accepted, of this repository or of one elsewhere: it leaks nothing."""
        if self.relative(path) in (self._own, *FOREIGN):
            return True
        for name in (DEFAULT, *FOREIGN):
            if f"/{path}".endswith(f"/{name}"):
                return os.path.lexists(os.path.join(path[: -len(name)], ".git"))
        return False

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
        if self._expired:
            console.warn(self._expiry(), way_out=f"change the value, or accept it again: {_BASELINE}")

    def _expiry(self) -> str:
        """What has expired, in one line: a team accepts hundreds on one day, until one day."""
        places = [
            f"{one.path}:{one.line}: {entry.rule} was accepted until {entry.expires} ({entry.reason})"
            for entry, one in itertools.islice(self._expired.items(), _MOST_EXPIRED)
        ]
        count = len(self._expired)
        if count == 1:
            return places[0]
        more = f"; and {count - len(places):,} more" if count > len(places) else ""
        return f"{count:,} entries of {self.baseline.name} have expired: {'; '.join(places)}{more}"

    def _in_baseline(self, one: Finding) -> bool:
        entry = self._baseline.find(one, self.relative(one.path)) if self._baseline else None
        if entry is None:
            return False
        from datetime import date

        if entry.expired(date.today()):
            self._expired.setdefault(entry, one)
            return False
        return True

    def _baseline_file(self, option: str | None) -> str:
        if option is not None:
            return option
        named = self._config.scan.baseline if self._config else None
        return os.path.join(self.top, named or DEFAULT)

    def _load(self, *, required: bool) -> Baseline | None:
        if not required and not os.path.lexists(self.file):
            return None
        from hooks.baseline.file import load
        from sealer.configuration.config import shown

        return load(self.file, shown(self.file))


def excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one of those that patterns of `--exclude` name. Raises FormatError for what is no pattern."""
    return any(_matches(_anywhere(pattern), os.path.normpath(path)) for pattern in patterns)


def top(found: Config | None = None) -> str:
    """What paths are named from: the folder of `.sealer.yaml`, else the top of the repository, else this folder."""
    if found is not None:
        return str(found.root)
    if os.path.exists(".git/HEAD") and not {"GIT_DIR", "GIT_WORK_TREE"} & os.environ.keys():
        return os.path.realpath(".")  # without asking Git, which costs 3 ms
    from hooks import gitpipe

    try:
        name = os.fsdecode(gitpipe.output("rev-parse", "--show-toplevel").removesuffix(b"\n"))
    except SourceError:  # no repository, or a bare one
        name = ""
    return os.path.realpath(name or ".")


def _config() -> Config | None:
    """The nearest `.sealer.yaml` upward. Raises DocumentError."""
    folder = os.path.realpath(".")
    while not os.path.isfile(os.path.join(folder, NAME)):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    from pathlib import Path

    from sealer.configuration import config

    return config.load(Path(folder, NAME))


def _foreign(top: str) -> list[Foreign]:
    """The lists of other tools at the top of a repository. Raises SourceError or DocumentError."""
    by_environment = {"GITLEAKS_CONFIG", "GITLEAKS_CONFIG_TOML"} & os.environ.keys()
    if not by_environment and not any(os.path.isfile(os.path.join(top, name)) for name in FOREIGN):
        return []
    from pathlib import Path

    from hooks import compat

    return compat.find(Path(top))


def _compiled(pattern: str) -> None:
    """Raises FormatError for what is no pattern."""
    from sealer.configuration.rules import compile_pattern

    compile_pattern(pattern)


def _matches(pattern: str, path: str) -> bool:
    from sealer.configuration.rules import matches

    return matches(pattern, path)


def _place(one: Finding) -> tuple[str, int, str, Value | None]:
    """What tells findings apart before and after their commits are known."""
    return one.path, one.line, one.rule.id, one.value


def _anywhere(pattern: str) -> str:
    return pattern if "/" in pattern else f"**/{pattern}"
