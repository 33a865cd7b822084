"""A scan for tests of sources: it looks for one word, and says where."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.finding import Finding, Value
from hooks.rule import Rule

if TYPE_CHECKING:
    from hooks.blobs import Source
    from hooks.reading import Blob

WORD = b"wanted-"
RULE = Rule("wanted", "a word", remediation="")


def scan(blob: Blob) -> list[Finding]:
    """The lines that have the word; what follows it is the value."""
    data = blob.data or b""
    found, at = [], data.find(WORD)
    while at >= 0:
        end = data.find(b"\n", at)
        value = data[at + len(WORD) : end if end >= 0 else len(data)]
        line = data.count(b"\n", 0, at) + 1
        found.append(Finding(blob.path, line, RULE, commit=blob.commit, value=Value(value)))
        at = data.find(WORD, at + 1)
    return found


def places(source: Source) -> list[tuple[str, int]]:
    """Path and line of each finding, in the order in which they come; nothing may be unread."""
    found = []
    for blob, findings in source.scanned(scan):
        assert not blob.problem, (blob.path, blob.problem)
        found += [(one.path, one.line) for one in findings]
    return found


def problems(source: Source) -> dict[str, str]:
    """Paths and what is said of them."""
    return {blob.path: blob.problem for blob, _ in source.scanned(scan) if blob.problem}


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
