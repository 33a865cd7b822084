"""The last line of every run: what was found in how much. Light, since a clean hook prints only this."""

from __future__ import annotations

_NOUNS = {"staged": "staged file", "range": "file version", "history": "file version", "stdin": "input"}


def line(
    source: str,
    files: int,
    size: int,
    seconds: float,
    *,
    findings: int = 0,
    warnings: int = 0,
    accepted: int = 0,
    unread: int = 0,
    binary: int = 0,
) -> str:
    """`1 finding; 3 staged files, 1 binary passed over, 11 KB, 0.03 s`."""
    found = [_count(findings, "finding")]
    if warnings:
        found.append(_count(warnings, "warning"))
    if accepted:
        found.append(f"{accepted:,} accepted")
    if unread:
        found.append(f"{unread:,} not scanned")
    looked = [_count(files, _NOUNS.get(source, "file"))]
    if binary:
        looked.append(f"{binary:,} binary passed over")
    return f"{', '.join(found)}; {', '.join(looked)}, {_size(size)}, {seconds:.2f} s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _size(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("KB", 1_000)):
        if size >= factor:
            return f"{size / factor:,.0f} {unit}"
    return f"{size} B"
