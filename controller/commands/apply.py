"""`sealer-controller apply SOURCE`: deliver once, or say what would be delivered (DESIGN section 11)."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller import report as reports
from controller import settings, sources
from controller.sources.location import locate
from sealer import console
from sealer.emit import emit, refuse_format
from sealer.errors import SealerError, UsageError
from sealer.formats.keyid import RSA

if TYPE_CHECKING:
    from pathlib import Path

    from controller.look import Job
    from controller.report import Report
    from controller.settings import Options
    from controller.sources.location import Location
    from sealer.keyrings.keyring import Keyring

CHANGED = 100
"""What `run` returns where `--detailed-exitcode` asks to be told of changes; `controller.main` makes it 2."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line, besides keyring and state."""

    source: str
    source_name: str | None = None
    config: Path | None = None
    ref: str | None = None
    path: str | None = None
    dry_run: bool = False
    prune: bool = True
    allow_prune: bool = False
    allow_rollback: bool = False
    on_change: str | None = None
    lock_timeout: float = 10.0


def run(
    wanted: Wanted,
    options: Options,
    *,
    detailed: bool = False,
    format: str = "text",  # noqa: A002  # the option's name
    output: str | None = None,
) -> int:
    """Apply a source; 1 if a document failed, or something is kept that should go."""
    refuse_format(output)
    settings.require_extra()
    from controller.deliver import deliver

    report = deliver(job(wanted, options))
    _show(report, format, output)
    if not report.changes and not report.unchanged and report.others:
        way_out = "name another cluster: --cluster NAME; or see whose they are: sealer check --explain"
        console.warn(f"no sealed document here is for cluster {report.cluster}", way_out=way_out)
    if not report.ok:
        return console.NO
    return CHANGED if detailed and report.changed else console.OK


def job(wanted: Wanted, options: Options) -> Job:
    """What to apply, by the command line. Raises SealerError for what contradicts itself or can't be found."""
    if wanted.allow_prune and not wanted.prune:
        raise UsageError("--allow-prune and --no-prune contradict each other", way_out="leave one of them out")
    settings.require_extra()
    from controller import configuration, onchange
    from controller.look import Job

    configured = configuration.load(wanted.config)
    hook = onchange.words(wanted.on_change) if wanted.on_change is not None else ()
    location = locate(wanted.source, wanted.source_name, ref=wanted.ref, path=wanted.path)
    found = settings.resolve(options, config=location.config, keyless=wanted.dry_run)
    key, ids = _keys(found.ring, location, found.cluster)
    return Job(
        found,
        location,
        time.time_ns() // 1_000_000,
        configured,
        dry_run=wanted.dry_run,
        prune=wanted.prune,
        allow_prune=wanted.allow_prune,
        allow_rollback=wanted.allow_rollback,
        lock_timeout=wanted.lock_timeout,
        on_change=hook,
        key_ids=ids,
        key=key,
    )


def _keys(ring: Keyring | None, location: Location, cluster: str) -> tuple[str, tuple[str, ...] | None]:
    """The key that is sealed to, and where there is no keyring the ids of all: the pinned bundle has them."""
    if ring is not None:
        newest = settings.sealing_key(ring)
        return (newest.id if newest else ""), None
    try:
        data = sources.pinned(location, cluster)
        if data is None:
            return "", None
        from sealer.formats import bundle

        pinned = bundle.parse(data, cluster=cluster)
    except SealerError:
        return "", None
    active = [each for each in pinned.keys if each.status == "active"]
    latest = max(active, key=lambda each: (each.public.algorithm != RSA, each.not_before), default=None)
    return (latest.public.id if latest else ""), tuple(each.public.id for each in pinned.keys)


def _show(report: Report, form: str, output: str | None) -> None:
    if form != "text":
        from controller import report_forms

        data = report_forms.as_json(report) if form == "json" else report_forms.markdown(report)
        emit(data, output)
        return
    paint = console.style if output is None and console.colour(sys.stdout) else reports.plain
    kept: list[str] = []
    for aside, lines in itertools.groupby(reports.text(report, paint), key=lambda line: line.aside):
        texts = [line.text for line in lines]
        if aside:
            for text in texts:
                console.note(text)
        elif output is None:
            console.out_lines(texts)
        else:
            kept += texts
    if output is not None:
        emit("\n".join(kept) + "\n", output)
