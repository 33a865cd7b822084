"""JUnit's XML, as CI servers read it: a suite for each file that has findings, a failed case for each finding.

A warning is a case that passes and says so in its output; a file that could not be read is a case in error. A run
without findings is one case that passes, since servers take a report without cases for a broken one.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from hooks.rule import ERROR
from sealer import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooks.finding import Finding
    from hooks.report import Report


def junit(report: Report) -> str:
    """The report as one XML document."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    found = len(report.findings) + len(report.unread)
    lines.append(
        f'<testsuites name="sealer-scan" tests="{found or 1}" failures="{report.errors}"'
        f' errors="{len(report.unread)}" time="{report.seconds:.3f}">'
    )
    for path, group in itertools.groupby(sorted(report.findings, key=lambda one: one.path), lambda one: one.path):
        lines += _suite(path, list(group), report)
    if report.unread:
        count = len(report.unread)
        lines.append(f'  <testsuite name="not scanned" tests="{count}" failures="0" errors="{count}" skipped="0">')
        for error in report.unread:
            lines.append(f'    <testcase name="readable" classname={_attribute(error.where)}>')
            said = f'type="unread" message={_attribute(error.what)}'
            lines.append(f"      <error {said}>{_text(error.way_out)}</error>")
            lines.append("    </testcase>")
        lines.append("  </testsuite>")
    if not found:
        lines.append('  <testsuite name="sealer-scan" tests="1" failures="0" errors="0" skipped="0">')
        lines.append(f'    <testcase name="no findings" classname={_attribute(report.source)}/>')
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"])


def _suite(path: str, findings: list[Finding], report: Report) -> Iterator[str]:
    failed = sum(one.rule.severity == ERROR for one in findings)
    yield (f'  <testsuite name={_attribute(path)} tests="{len(findings)}" failures="{failed}" errors="0" skipped="0">')
    for one in findings:
        name = f"{one.rule.id} line {one.line}" + (f" {one.key}" if one.key else "")
        said = "\n".join(f"{label}: {text}" for label, text in report.ways(one))
        yield (
            f"    <testcase name={_attribute(name)} classname={_attribute(path)} file={_attribute(path)}"
            f' line="{one.line}">'
        )
        if one.rule.severity == ERROR:
            yield f"      <failure type={_attribute(one.rule.id)} message={_attribute(one.rule.description)}>"
            yield f"{_text(said)}</failure>"
        else:
            yield f"      <system-out>{_text(f'warning: {one.rule.description}')}</system-out>"
        yield "    </testcase>"
    yield "  </testsuite>"


def _attribute(text: str) -> str:
    return quoteattr(console.line(console.printable(text)).replace("\t", " "))


def _text(text: str) -> str:
    return escape(console.printable(text).replace("\x1b", "\\x1b"))
