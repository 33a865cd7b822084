"""What other scanners left in a repository, so that a team switches without work.

`.gitleaks.toml` (`gitleaks`), `.gitleaksignore` (`ignore`) and `.secrets.baseline` of detect-secrets (`secrets`) are
read where they stand, at the top. What of them means nothing to us is named in a warning, never passed over in silence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hooks.finding import Finding


class Foreign(Protocol):
    """A list of another tool's of what is accepted."""

    @property
    def name(self) -> str:
        """The file's name, as messages say it."""

    @property
    def needs_lines(self) -> bool:
        """Whether it judges by the line that a finding is on."""

    def accepts(self, one: Finding, path: str, line: str) -> bool:
        """Whether it accepts a finding; `path` is from the top."""


def find(top: Path) -> list[Foreign]:
    """What there is at the top of a repository."""
    return []


def load(path: Path, top: Path) -> Foreign:
    """One such file, whatever its name. Raises SourceError or DocumentError."""
    raise NotImplementedError
