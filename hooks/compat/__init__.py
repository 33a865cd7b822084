"""What other scanners left in a repository, so that a team switches without work.

`.gitleaks.toml` (`gitleaks`), `.gitleaksignore` (`ignore`) and `.secrets.baseline` of detect-secrets (`secrets`) are
read where they stand, at the top. What of them means nothing to us is named in a warning, never passed over in silence.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hooks.compat.gitleaks import Gitleaks
    from hooks.finding import Finding

NAMES = (".gitleaks.toml", ".gitleaksignore", ".secrets.baseline")


class Foreign(Protocol):
    """Another tool's list of what is accepted. `warnings` name what of it means nothing here."""

    name: str
    warnings: list[str]

    @property
    def needs_lines(self) -> bool:
        """Whether it judges by the line that a finding is on."""

    def accepts(self, one: Finding, path: str, line: str) -> bool:
        """Whether it accepts a finding; `path` is from the top."""

    def unused(self) -> list[str]:
        """What it lists that no finding asked for."""


def find(top: Path) -> list[Foreign]:
    """What there is at the top of a repository. Raises SourceError or DocumentError."""
    from hooks.compat import gitleaks

    settings = gitleaks.find(top)
    found: list[Foreign] = [_checked(settings)] if settings else []
    return found + [load(top / name, top, name) for name in NAMES[1:] if os.path.isfile(top / name)]


def load(path: Path, top: Path, name: str = "") -> Foreign:
    """One such file, whatever its name. Raises SourceError or DocumentError."""
    from hooks import regular

    name = name or str(path)
    if path.name.endswith(".toml"):
        from hooks.compat import gitleaks

        return _checked(gitleaks.load(path, name, top))
    text = regular.read(path, limit=256 << 20).decode("utf-8", "replace")
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, name)
    from hooks.compat import ignore

    return ignore.read(text, name)


def _checked(made: Gitleaks) -> Gitleaks:
    if made.named():
        made.check(_ours())
    return made


def _ours() -> set[str]:
    """The ids of our rules."""
    from hooks import credential, engine, rule

    by_code = {one.id for one in vars(credential).values() if isinstance(one, rule.Rule)}
    return {*rule.RULES, *by_code, *(record.id for record in engine.current().built().records)}


def _json(text: str, name: str) -> Foreign:
    import json

    from sealer.errors import DocumentError

    try:
        value = json.loads(text)
    except ValueError:
        raise DocumentError("is not JSON", file=name) from None
    except RecursionError:
        raise DocumentError("is nested too deep", file=name) from None
    if isinstance(value, list):
        from hooks.compat import ignore

        return ignore.report(value, name)
    if not isinstance(value.get("results"), dict):
        raise DocumentError("is no baseline of detect-secrets: it has no results", file=name)
    from hooks.compat import secrets

    return secrets.read(value, name)
