"""Which findings a repository accepts: `scan: {exclude, disable}` of `.sealer.yaml`, `--exclude` (DESIGN section 12).

Asked only once there is something to leave out: reading `.sealer.yaml` costs more than a clean run. A path is excluded
by the pattern language of rules; a pattern without a slash means a file of that name in any folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sealer.configuration import config, rules
from sealer.errors import UsageError

if TYPE_CHECKING:
    from hooks.blobs import Blob
    from hooks.finding import Finding


class Accepted:
    """What the configuration at hand, the options and the baseline leave out."""

    def __init__(self, exclude: Sequence[str], baseline: str | None = None) -> None:
        self._config = config.find(Path())
        self._here = [_anywhere(pattern) for pattern in exclude]
        for pattern in self._here:
            rules.compile_pattern(pattern)

    def look(self, blob: Blob, findings: Sequence[Finding]) -> None:
        """Take what is needed later of a blob that has findings."""

    def path(self, path: str) -> bool:
        """Whether nothing in this file counts."""
        relative = os.path.normpath(path)
        if any(rules.matches(pattern, relative) for pattern in self._here):
            return True
        if self._config is None or not self._config.scan.exclude:
            return False
        try:
            inside = self._config.relative(path)
        except UsageError:  # outside of the folder of .sealer.yaml
            return False
        return any(rules.matches(_anywhere(pattern), inside) for pattern in self._config.scan.exclude)

    def remaining(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that count."""
        disabled = self._config.scan.disable if self._config else ()
        return [one for one in findings if one.rule.id not in disabled and not self.path(one.path)]

    def warn(self) -> None:
        """Say what of the accepted ones needs a look."""


def _anywhere(pattern: str) -> str:
    return pattern if "/" in pattern else f"**/{pattern}"
