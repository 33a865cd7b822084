"""`sealer scan baseline`: accepts what is found now, or takes out of the baseline what is not found any more."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.options import Parser, add_sources
from sealer import console
from sealer.errors import UsageError
from sealer.shell import quote

if TYPE_CHECKING:
    from hooks.accept import Accepted
    from hooks.baseline.entry import Entry
    from hooks.baseline.file import Baseline
    from hooks.compat import Foreign
    from hooks.scan import Run

_EPILOG = """\
What is accepted stays so wherever the value is moved, and nothing else on its
line is accepted with it. Where Git merges two baselines, it keeps the lines of
both. Secrets that leaked are not healed by this: change them.

Examples:
  sealer-scan baseline --reason 'keys of the test server'
  sealer-scan baseline --reason 'rotated in May' --history --expires 90d
  sealer-scan baseline --from .secrets.baseline
  sealer-scan baseline --history --from .gitleaksignore
  sealer-scan baseline --prune"""
_MOST_NAMED = 20
_DAYS = re.compile(r"([1-9]\d{0,4})d", re.ASCII)


def main(argv: Sequence[str]) -> int:
    """The command; the exit code comes back."""
    options = _parser().parse_args(argv)
    return console.run(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    from hooks import scan
    from hooks.accept import Accepted

    _check(options)
    expires = _date(options.expires) if options.expires else None
    accepted = Accepted(options.exclude, options.baseline, foreign=False, new=True)
    if options.from_:
        from hooks import compat

        accepted.foreign = [compat.load(Path(options.from_), Path(accepted.top))]
    run = scan.Run(scan.source(options))
    run.accepted = accepted
    run.go(options.exclude, options.baseline)
    for error in run.unread:
        console.report(error)
    if options.prune:
        return _prune(options, run, accepted)
    return _add(options, run, accepted, expires)


def _add(options: argparse.Namespace, run: Run, accepted: Accepted, expires: date | None) -> int:
    """Accept what counts now and is asked for."""
    from hooks.baseline import entry
    from hooks.explain import check_ids

    found = run.findings()
    if options.rule:
        check_ids(options.rule)
        found = [one for one in found if one.rule.id in options.rule]
    foreign = accepted.foreign
    if foreign:
        found = [one for one in found if accepted.by_foreign(one)]
        accepted.foreign = []
    findings = accepted.remaining(found)
    baseline = accepted.baseline.with_entries(accepted.baseline.entries)
    history = bool(options.history or options.range)
    reason = _reason(options)
    added = {
        found.identity: found
        for found in (
            entry.of(
                one, accepted.relative(one.path), baseline.keys[0], reason=reason, expires=expires, history=history
            )
            for one in findings
        )
    }
    kept = [old for old in baseline.entries if old.identity not in added]
    if added:
        _write(accepted, baseline.with_entries([*kept, *added.values()]))
    for one in findings:
        console.out(f"accepted  {console.line(one.path)}:{one.line}  {one.rule.id}  {one.excerpt}")
    gone = [text for other in foreign for text in _not_found(other)]
    for text in (*(text for other in foreign for text in other.warnings), *gone):
        console.warn(text)
    if gone and not history:
        console.note(f"  way out: for what is in commits: sealer-scan baseline --from {quote(options.from_)} --history")
    by_value = sum(bool(found.mac) for found in added.values())
    console.out(
        f"{_entries(len(added))} added to {accepted.baseline.name}: {by_value:,} by value,"
        f" {len(added) - by_value:,} by path and key"
    )
    if gone and not found:
        return console.NO
    return console.CANNOT_TELL if run.unread else console.OK


def _not_found(other: Foreign) -> list[str]:
    gone = other.unused()
    said = [f"{other.name}: {text}: is not found here" for text in gone[:_MOST_NAMED]]
    return [*said, f"{other.name}: {len(gone) - _MOST_NAMED:,} more are not found"] if len(gone) > _MOST_NAMED else said


def _prune(options: argparse.Namespace, run: Run, accepted: Accepted) -> int:
    """Name what is not found any more or has expired, and take it out."""
    if run.unread:
        console.warn("nothing was taken out: what could not be read may hold what is accepted")
        return console.CANNOT_TELL
    accepted.remaining(run.findings())
    today = date.today()
    gone: list[tuple[str, Entry]] = [
        ("unused", one) for one in accepted.baseline.unused() if options.history or not one.history
    ]
    unused = {one.identity for _, one in gone}
    gone += [("expired", one) for one in accepted.baseline.entries if one.expired(today) and one.identity not in unused]
    out = {id(one) for _, one in gone}
    for why, one in gone:
        until = f", until {one.expires}" if one.expires else ""
        console.out(f"{why:<7}  {accepted.baseline.name}:{one.line}  {console.line(one.name)} ({one.reason}{until})")
    if not options.dry_run and os.path.lexists(accepted.file):
        _write(
            accepted,
            accepted.baseline.with_entries(
                one for one in accepted.baseline.entries if id(one) not in out and one.identity not in unused
            ),
        )
    console.out(f"{_entries(len(gone))} {'to take' if options.dry_run else 'taken'} out of {accepted.baseline.name}")
    return console.NO if options.dry_run and gone else console.OK


def _write(accepted: Accepted, baseline: Baseline) -> None:
    from hooks.baseline.file import UNION
    from sealer import files
    from sealer.errors import SourceError

    path = Path(accepted.file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"can't be made: {files.reason(error)}", where=str(path.parent)) from None
    files.write_atomic(path, baseline.render())
    line = f"{path.name} {UNION}"
    attributes = path.parent / ".gitattributes"
    if path.parent.name != ".sealer":
        return
    before = files.read(attributes).decode("utf-8", "surrogateescape") if attributes.exists() else ""
    if line not in before.splitlines():
        ends = "" if not before or before.endswith("\n") else "\n"
        files.write_atomic(attributes, f"{before}{ends}{line}\n".encode("utf-8", "surrogateescape"))


def _reason(options: argparse.Namespace) -> str:
    text = options.reason or f"from {os.path.basename(options.from_)}"
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _date(text: str) -> date:
    if days := _DAYS.fullmatch(text):
        return date.today() + timedelta(days=int(days[1]))
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise UsageError("--expires takes a date or a number of days", way_out="--expires 2027-01-31, or 90d") from None
    if found < date.today():
        raise UsageError("--expires is in the past", way_out="--expires 90d")
    return found


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def _check(options: argparse.Namespace) -> None:
    if options.prune and (options.reason or options.from_ or options.rule or options.expires):
        raise UsageError("--prune adds nothing", way_out="sealer-scan baseline --prune")
    if options.prune and (options.paths or options.staged or options.range or options.stdin or options.exclude):
        raise UsageError("--prune has to look everywhere", way_out="sealer-scan baseline --prune [--history]")
    if options.dry_run and not options.prune:
        raise UsageError("--dry-run belongs to --prune", way_out="sealer-scan baseline --prune --dry-run")
    if not options.prune and not options.from_ and not (options.reason or "").strip():
        raise UsageError("says no reason", way_out="sealer-scan baseline --reason 'keys of the test server'")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="sealer-scan baseline",
        usage="sealer-scan baseline [options] [PATH ...]",
        description="Accept the findings of today, so that only new ones count.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_sources(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why they are accepted")
    parser.add_argument("--expires", metavar="DATE|Nd", help="until when; then they count again")
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="FILE",
        help="only what .secrets.baseline, .gitleaksignore or a report of gitleaks (JSON) accepts",
    )
    parser.add_argument("--prune", action="store_true", help="take out what is not found any more, or has expired")
    parser.add_argument("--dry-run", action="store_true", help="with --prune: only show it; 1 if there is any")
    return parser
