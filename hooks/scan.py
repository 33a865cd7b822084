"""`sealer-scan`, the hook `scan-secrets` and `sealer scan`: blobs -> scanner -> findings -> report (DESIGN section 3).

A clean run imports neither a parser nor what reports: only what lists blobs, and the scanner's first questions.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hooks import blobs, counts, scanner
from hooks.options import Parser, path
from sealer import console
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from hooks.finding import Finding

_EPILOG = """\
Exit: 0 clean, 1 findings, 2 something could not be scanned.
A finding is accepted where it stands with  # sealer:allow RULE REASON,
or in .sealer.yaml with  scan: {exclude: [GLOB], disable: [RULE]}.

Examples:
  sealer-scan --staged
  sealer-scan --range origin/main...HEAD --format json -o findings.json
  kubectl get secret db -o yaml | sealer-scan --stdin"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; the exit code comes back."""
    options = _parser().parse_args(argv)
    return console.run(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    started = time.perf_counter()
    _check(options)
    source = _source(options)
    found: list[Finding] = []
    unread: list[SealerError] = []
    size = binary = 0
    for blob in console.progress(source.blobs(), total=len(source), doing="scanning"):
        if blob.problem:
            unread.append(SealerError(blob.problem, where=blob.path, way_out=blob.way_out))
        binary += blob.data is None and not blob.problem
        size += len(blob.data or b"")
        found += scanner.scan(blob)
    if not (found or unread or options.format != "text" or options.output):
        console.out(counts.line(source.kind, len(source), size, time.perf_counter() - started))
        return console.OK
    return _report(options, source, found, unread, size, binary, started)


def _report(
    options: argparse.Namespace,
    source: blobs.Source,
    found: list[Finding],
    unread: list[SealerError],
    size: int,
    binary: int,
    started: float,
) -> int:
    """Leave out what is accepted, print the rest, fix it if asked to."""
    from hooks import report
    from hooks.accept import Accepted
    from sealer.emit import emit

    accepted = Accepted(options.exclude)
    findings = accepted.remaining(_once(found))
    unread = [error for error in unread if not accepted.path(error.where)]
    result = report.Report(
        source.kind,
        findings,
        unread,
        files=len(source),
        bytes=size,
        binary=binary,
        accepted=len(_once(found)) - len(findings),
        seconds=time.perf_counter() - started,
    )
    emit(report.FORMATS[options.format](result), options.output)
    if options.output:
        console.note(report.counts(result))
    for error in unread:
        console.report(error)
    if options.fix and any(one.sealable for one in findings):
        from hooks.fix import fix

        fix(findings)
    return console.NO if result.errors else console.CANNOT_TELL if unread else console.OK


def _once(found: Sequence[Finding]) -> list[Finding]:
    """Findings without the repetitions that several versions of one file bring."""
    return list({(one.path, one.line, one.rule.id, one.key): one for one in reversed(found)}.values())[::-1]


def _check(options: argparse.Namespace) -> None:
    if options.stdin and options.paths:
        raise UsageError("--stdin and PATH both say what to scan", way_out="leave one of them out")
    if options.fix and (options.stdin or options.range):
        raise UsageError("--fix seals files of the work tree", way_out="sealer-scan --staged --fix")
    if options.output in ("text", "json", "yaml"):
        way_out = f"--format {options.output}" if options.output != "yaml" else "--format json"
        raise UsageError(f"-o names a file, and '{options.output}' is a format", way_out=way_out)


def _source(options: argparse.Namespace) -> blobs.Source:
    if options.stdin:
        return blobs.stdin(sys.stdin.buffer.read())
    if options.staged:
        return blobs.staged(options.paths)
    if options.range:
        return blobs.commits(options.range, options.paths)
    return blobs.work_tree(options.paths)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="sealer-scan",
        description="Find plaintext Secrets of Kubernetes, private keys and .env files.\nShows no value.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", type=path, help="files or folders; none: the work tree")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--staged", action="store_true", help="what the next commit would bring in")
    where.add_argument("--range", metavar="A..B", help="what these commits brought in; A...B: since they parted")
    where.add_argument("--stdin", action="store_true", help="one input from a pipe")
    parser.add_argument("--fix", action="store_true", help="seal Secret manifests in place; never stages them")
    parser.add_argument("--exclude", metavar="GLOB", action="append", default=[], help="leave these paths out")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--output", "-o", metavar="FILE", help="write the report here, not to stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
