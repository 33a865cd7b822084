"""One thing that `check` finds wrong. Light on purpose: a clean run imports nothing else."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sealer.errors import DocumentError, SealerError


class Severity(enum.StrEnum):
    """Only an error makes `check` say no."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`item` is empty for a whole document, `line` 0 for a whole file; `code` is stable, for machines."""

    path: str
    line: int
    item: str
    code: str
    message: str
    way_out: str = ""
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str:
        """`path:line`."""
        return f"{self.path}:{self.line}" if self.line else self.path


def of_error(error: SealerError, code: str, *, path: str = "", severity: Severity = Severity.ERROR) -> Problem:
    """An error as a problem of the file that it names, else of `path`."""
    if isinstance(error, DocumentError) and error.file:
        return Problem(error.file, error.line, "", code, error.what, error.way_out, severity)
    return Problem(path or error.where, 0, "", code, error.what, error.way_out, severity)
