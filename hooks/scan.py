"""`sealer-scan`, the hook `scan-secrets` and `sealer scan`: blobs -> scanner -> findings -> report (DESIGN section 3).

A clean run imports neither a parser nor what reports: only what lists blobs, and the scanner's first questions.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from hooks import blobs, counts, scanner
from sealer import console
from sealer.errors import SealerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from hooks.accept import Accepted
    from hooks.finding import Finding

_BAR_FROM = 25
_YOUNG = 50_000
"""Objects before the collector looks for cycles: modules that are loaded make many that stay."""
_EPILOG = """\
  sealer-scan baseline     accept what is there now; it has a --help
  sealer-scan explain      what a rule looks for, and how to revoke it

Exit: 0 clean or nothing but warnings, 1 findings (whatever else could not be
scanned), 2 no finding, but something could not be scanned.
A warning is what may well be none (a token whose checksum is wrong), or is no
use by itself (a key under a passphrase): it is shown, and fails with --strict.
A finding is accepted where it stands with  # sealer:allow RULE REASON,
or in .sealer.yaml with  scan: {exclude: [GLOB], disable: [RULE]}.

Examples:
  sealer-scan --staged
  sealer-scan --range origin/main...HEAD -o findings.sarif -o findings.html
  kubectl get secret db -o yaml | sealer-scan --stdin"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; the exit code comes back."""
    gc.set_threshold(_YOUNG)
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["baseline"]:
        from hooks.baseline.command import main as baseline

        return baseline(words[1:])
    if words[:1] == ["explain"]:
        from hooks.explain import main as explain

        return explain(words[1:])
    options: Namespace = _Staged() if words == ["--staged"] else _parser().parse_args(words)  # type: ignore[assignment]
    code = console.run(lambda: _run(options))
    if argv is None:
        gc.freeze()  # what is left ends with the process: looking through it for cycles would take a millisecond
    return code


class _Staged:
    """The options of `--staged` alone: what hooks start is not worth a parser, which costs them 10 ms."""

    staged = True
    history = stdin = fix = strict = quiet = version = recurse_submodules = False
    range = format = baseline = to = stdin_name = None
    paths = exclude = output = rule = ()


class Run:
    """One pass over all of a source: findings as they came, and the files that could not be read."""

    __slots__ = ("accepted", "found", "source", "started", "unread")

    def __init__(self, source: blobs.Source) -> None:
        self.source = source
        self.started = time.perf_counter()
        self.found: list[Finding] = []
        self.unread: list[SealerError] = []
        self.accepted: Accepted | None = None

    def go(self, exclude: Sequence[str], baseline: str | None) -> None:
        """Scan every blob, less the files that `exclude` names."""
        if exclude and self.source.kind != "history":  # which counts on its entries
            from hooks.accept import excluded

            self.source.entries = [entry for entry in self.source.entries if not excluded(entry[0], exclude)]
        tick = None
        if console.at_terminal() and len(self.source) >= _BAR_FROM:
            from hooks.progress import Bar

            tick = Bar("scanning")
        try:
            for blob, hits in self.source.scanned(scanner.scan, tick):
                if blob.problem:
                    self.unread.append(SealerError(blob.problem, where=blob.path, way_out=blob.way_out))
                if hits:
                    self.found += self._new(blob, self.judge(exclude, baseline).look(blob, hits))
        finally:
            if tick:
                tick.clear()
        said, way_out = self.source.told()
        if said:
            console.warn(said, way_out=way_out)

    def _new(self, blob: blobs.Blob, hits: Sequence[Finding]) -> Sequence[Finding]:
        """Findings less those that counted before the file was renamed, which it brings nowhere new."""
        former = self.source.former(blob) if self.source.renamed else None
        if former is None or self.accepted is None:
            return hits
        counted = self.accepted.remaining(self.accepted.look(former, scanner.scan(former)))
        known = {(one.rule.id, one.key, one.value) for one in counted}
        return [one for one in hits if (one.rule.id, one.key, one.value) not in known]

    def judge(self, exclude: Sequence[str], baseline: str | None) -> Accepted:
        """What says which findings are accepted; made once there is something to judge."""
        if self.accepted is None:
            from hooks.accept import Accepted

            self.accepted = Accepted(exclude, baseline)
        return self.accepted

    def findings(self) -> list[Finding]:
        """What was found, each once, with the commit that brought it in where the source knows."""
        return _once(self.source.attribute(self.found)) if self.found else []

    @property
    def seconds(self) -> float:
        """How long it took so far."""
        return time.perf_counter() - self.started


def source(options: Namespace) -> blobs.Source:
    """What the arguments say is to be scanned, with the rules of this repository in force. Raises UsageError."""
    if {"GITLEAKS_CONFIG", "GITLEAKS_CONFIG_TOML"} & os.environ.keys() or os.path.exists(gitleaks_toml()):
        from hooks.compat import own

        own.use(os.path.dirname(gitleaks_toml()))
    if "-" in options.paths and not (options.staged or options.range or options.history):
        options.paths.remove("-")
        options.stdin = True
    if options.stdin and options.paths:
        raise UsageError("--stdin and PATH both say what to scan", way_out="leave one of them out")
    if options.stdin_name and not options.stdin:
        raise UsageError("--stdin-name belongs to --stdin", way_out="sealer-scan --stdin --stdin-name PATH")
    if options.stdin and sys.stdin is None:
        raise UsageError("stdin is closed", way_out="pipe something into it, or name a PATH")
    if options.stdin:
        return blobs.stdin(sys.stdin.buffer.read(), options.stdin_name or "")
    if options.paths:
        _check_paths(options)
    if options.staged:
        return blobs.staged(options.paths, scanner.load)
    if options.range:
        return blobs.commits(options.range, options.paths)
    if options.history:
        from hooks import history
        from hooks.remembered import key

        return history.source(options.paths, key())
    return blobs.work_tree(options.paths, submodules=options.recurse_submodules)


def _check_paths(options: Namespace) -> None:
    """Whether paths that are not on disk are those of files that once were: a typing error must not look clean."""
    gone = [path for path in options.paths if not os.path.lexists(path)]
    if not gone:
        return
    from hooks import gitpipe
    from hooks.compat.switches import COMMANDS

    if way_out := COMMANDS.get(gone[0]):
        raise UsageError(f"{gone[0]}: no such file or directory", way_out=way_out)
    if not (options.staged or options.range or options.history):
        return  # what lists the work tree names each
    for path in gone:
        if not (gitpipe.output("ls-files", "--", path) or gitpipe.output("rev-list", "-n1", "--all", "--", path)):
            raise UsageError(f"{console.line(path)}: no such file or directory, here or in any commit")


def _run(options: Namespace) -> int:
    if options.version:
        from importlib.metadata import version

        console.out(f"sealer-scan {version('sealer')}")
        return console.OK
    _check(options)
    run = Run(source(options))
    if options.rule:
        from hooks.explain import check_ids

        check_ids(options.rule)
    run.go(options.exclude, options.baseline)
    if not (run.found or run.unread or options.format or options.output):
        if not options.quiet:
            all_ = run.source
            console.out(counts.line(all_.kind, len(all_), all_.size, run.seconds, binary=all_.binary))
        return console.OK
    return _report(options, run)


def _report(options: Namespace, run: Run) -> int:
    """Leave out what is accepted, print the rest, fix it if asked to."""
    from hooks import formats, report

    accepted = run.judge(options.exclude, options.baseline)
    found = [one for one in run.findings() if not options.rule or one.rule.id in options.rule]
    findings = accepted.remaining(found)
    left_out = len(found) - len(findings)
    if options.fix:
        from hooks.fix import fix

        findings = fix(findings, options.to, staged=options.staged)
    unread = [error for error in run.unread if not accepted.path(error.where)]
    result = report.Report(
        run.source.kind,
        findings,
        unread,
        files=len(run.source),
        bytes=run.source.size,
        binary=run.source.binary,
        accepted=left_out,
        seconds=run.seconds,
        people=getattr(run.source, "people", {}),
        sealing=accepted.sealing,
    )
    formats.emit(result, options.format, options.output, quiet=options.quiet)
    for error in unread:
        console.report(error)
    accepted.warn()
    failing = len(findings) if options.strict or accepted.strict else result.errors
    return console.NO if failing else console.CANNOT_TELL if unread else console.OK


def gitleaks_toml() -> str:
    """`.gitleaks.toml` at the top of the repository, whether or not it is there."""
    folder = ""
    while not os.path.lexists(os.path.join(folder, ".git")):
        if os.path.realpath(folder or ".") == "/":
            return ".gitleaks.toml"
        folder = os.path.join("..", folder)
    return os.path.join(folder, ".gitleaks.toml")


def _once(found: Sequence[Finding]) -> list[Finding]:
    """Findings without the repetitions that several versions of one file bring."""
    return list({(one.path, one.line, one.rule.id, one.key, one.value): one for one in reversed(found)}.values())[::-1]


def _check(options: Namespace) -> None:
    if options.fix and (options.stdin or options.range or options.history):
        raise UsageError("--fix seals files of the work tree", way_out="sealer-scan --staged --fix")
    if options.to and not options.fix:
        raise UsageError("--to belongs to --fix", way_out="sealer-scan --fix --to secrets/NAMESPACE/NAME.yaml PATH")
    if options.output:
        from hooks import formats

        for name in options.output:
            formats.check_name(name, options.format)


def _parser() -> ArgumentParser:
    import argparse

    from hooks.options import FORMATS, Parser, add_sources

    parser = Parser(
        prog="sealer-scan",
        usage="sealer-scan [options] [PATH ...]",
        description="Find credentials: tokens, keys, passwords, Secrets of Kubernetes.\nShows no value.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_sources(parser)
    parser.add_argument("--strict", action="store_true", help="warnings fail as well; also: scan: {strict: true}")
    parser.add_argument("--fix", action="store_true", help="seal manifests and .env files; never stages them")
    parser.add_argument("--to", metavar="FILE", help="with --fix: seal the .env file that was found into this one")
    parser.add_argument("--format", choices=FORMATS, help="of what goes to stdout; default: text")
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        action="append",
        default=[],
        help="write the report here, in the format of its ending (.json .jsonl .sarif .xml .csv .html .md .txt);"
        " may be repeated",
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="a line for each finding, and nothing else")
    parser.add_argument("--version", action="store_true", help="which version this is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
