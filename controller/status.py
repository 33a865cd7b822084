"""What `status` says of everything that is recorded, as text, JSON (`schemas/status.v1.json`) or markdown. Pure.

delivered   what the source says stands in the store       pending    it will be tried again
stale       it fails now, and an older one stands there    refused    a rule says no; what stood there stays
failed      it fails, and nothing of it is known to stand  foreign    another source delivered that name first
missing     it was delivered, and is not there any more    withdrawn  taken out, or left there unmanaged
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller import reason
from controller.report import WIDTH, revision_text
from controller.triage import live
from sealer.checking.lint_report import cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from controller.model import Delivery, Known, Observed, Ref, Source, Target

DELIVERED = "delivered"
WITHDRAWN = "withdrawn"
SETTLED = (DELIVERED, WITHDRAWN)

_HEADINGS = ("SECRET", "STORE", "STATE", "VERSION", "FOR", "REASON")
_WITHDRAWN_SHOWN = 10
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


@dataclass(frozen=True, slots=True)
class Row:
    """One document at one store. `since` is in milliseconds; `why` is the stored form of a reason.

    `said` takes the place of its short form: what whoever failed to deliver said.
    """

    source: str
    namespace: str
    name: str
    store: str
    state: str
    version: str
    since: int
    why: str
    said: str = ""

    @property
    def ref(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    @property
    def reason(self) -> str:
        """The reason for people."""
        return self.said or reason.short(self.why)


@dataclass(frozen=True, slots=True)
class Applied:
    """One source, as a heading shows it."""

    source: str
    shown: str
    revision: str
    applied_at: int


@dataclass(frozen=True, slots=True)
class Status:
    """All of it. `key` and `until` are of the newest key that seals.

    `total` counts rows before `--failed`, but for what was withdrawn. `nothing`: what is said where there are none;
    `heading`: what stands above where there are no sources, in the place of the cluster's name and its key.
    """

    cluster: str
    key: str
    until: str
    sources: tuple[Applied, ...]
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    total: int
    delivered: int
    now: int
    nothing: str = "nothing was delivered yet"
    heading: str = ""

    @property
    def ok(self) -> bool:
        """Whether all that the sources ask for is delivered."""
        return self.delivered == self.total


def rows(
    documents: Iterable[Known],
    deliveries: Iterable[Delivery],
    observed: Mapping[Target, Observed],
    labels: Mapping[str, str],
) -> tuple[Row, ...]:
    """Every document at every store, what needs looking at first; what was withdrawn comes last."""
    of_ref: dict[tuple[str, Ref], list[Delivery]] = {}
    found: list[Row] = []
    for each in deliveries:
        if each.state == WITHDRAWN:
            found.append(_row(None, each, observed, labels))
        else:
            of_ref.setdefault((each.source, each.ref), []).append(each)
    for known in documents:
        mine = of_ref.pop((known.source, known.ref), [])
        found += [_row(known, each, observed, labels) for each in mine] or [_row(known, None, observed, labels)]
    found += [_row(None, each, observed, labels) for rest in of_ref.values() for each in rest]
    return tuple(sorted(found, key=lambda row: (_rank(row.state), row.namespace, row.name, row.store)))


def _rank(state: str) -> int:
    return SETTLED.index(state) + 1 if state in SETTLED else 0


def _row(
    known: Known | None, delivery: Delivery | None, observed: Mapping[Target, Observed], labels: Mapping[str, str]
) -> Row:
    state, since, why = _state(known, delivery, observed)
    ref = known.ref if known else delivery.ref if delivery else None
    source = known.source if known else delivery.source if delivery else ""
    return Row(
        source,
        ref.namespace if ref else "",
        ref.name if ref else "",
        labels.get(delivery.target.store, delivery.target.store) if delivery else "",
        state,
        delivery.version if delivery else "",
        since,
        why,
    )


def _state(known: Known | None, delivery: Delivery | None, observed: Mapping[Target, Observed]) -> tuple[str, int, str]:
    """State, since when, and why."""
    if delivery is not None and delivery.state == WITHDRAWN:
        return WITHDRAWN, delivery.changed_at, ""
    if delivery is not None and delivery.state in ("pending", "failed"):
        return ("stale" if live(delivery) else delivery.state), delivery.changed_at, delivery.reason
    if known is not None and known.state == "refused":
        foreign = any(each.code == reason.FOREIGN for each in reason.load(known.reason))
        return ("foreign" if foreign else "refused"), known.changed_at, known.reason
    of_stores = known is not None and {each.code for each in reason.load(known.reason)} <= set(reason.OF_STORES)
    if known is not None and known.state in ("failed", "pending") and not (delivery is not None and of_stores):
        return ("stale" if live(delivery) else known.state), known.changed_at, known.reason
    if delivery is None:
        return "pending", known.changed_at if known else 0, ""
    seen = observed.get(delivery.target)
    if seen is not None and seen.presence != "present":
        return "missing", delivery.changed_at, ""
    return DELIVERED, delivery.changed_at, "" if known is None or of_stores else known.reason


def applied(sources: Iterable[Source], shown: Mapping[str, str]) -> tuple[Applied, ...]:
    """The headings."""
    return tuple(Applied(each.id, shown[each.id], each.revision, each.applied_at) for each in sources)


def text(status: Status) -> str:
    """The table of DESIGN section 13."""
    lines = [line for heading in _headings(status) for line in _folded(heading)]
    lines += [f"warning: {each}" for each in status.warnings]
    shown, hidden = _shown(status)
    if status.rows:
        lines += _table([_HEADINGS, *(_cells(row, status.now) for row in shown)])
    elif status.total:
        lines.append(f"all {status.total} delivered")
    else:
        lines.append(status.nothing)
    lines += [_more(hidden)] if hidden else []
    return "\n".join(lines) + "\n"


def markdown(status: Status) -> str:
    """The same, for a comment or a page."""
    lines = [f"**{cell(line)}**" for line in _headings(status)]
    lines += [f"> warning: {cell(each)}" for each in status.warnings]
    lines += ["", f"| {' | '.join(_HEADINGS)} |", "|" + "---|" * len(_HEADINGS)]
    shown, hidden = _shown(status)
    lines += ["| " + " | ".join(cell(each) for each in _cells(row, status.now)) + " |" for row in shown]
    lines += ["", _more(hidden)] if hidden else []
    return "\n".join(lines) + "\n"


def as_json(status: Status) -> str:
    """The same for machines."""
    value: dict[str, Any] = {
        "version": 1,
        "cluster": status.cluster,
        "ok": status.ok,
        "key": {"id": status.key, "notAfter": status.until} if status.key else None,
        "sources": [_source(each) for each in status.sources],
        "warnings": list(status.warnings),
        "counts": {"total": status.total, "delivered": status.delivered},
        "deliveries": [_delivery(row) for row in status.rows],
    }
    return json.dumps(value, indent=2) + "\n"


FORMATS = {"text": text, "json": as_json, "markdown": markdown}


def _shown(status: Status) -> tuple[list[Row], int]:
    """The rows for a person, and how many are left out: what was withdrawn long ago hides nothing that matters."""
    withdrawn = [row.since for row in status.rows if row.state == WITHDRAWN]
    if len(withdrawn) <= _WITHDRAWN_SHOWN:
        return list(status.rows), 0
    newest = sorted(withdrawn, reverse=True)[_WITHDRAWN_SHOWN - 1]
    left, found = _WITHDRAWN_SHOWN, []
    for row in status.rows:
        if row.state == WITHDRAWN:
            if row.since < newest or not left:
                continue
            left -= 1
        found.append(row)
    return found, len(status.rows) - len(found)


def _more(hidden: int) -> str:
    return f"and {hidden} more withdrawn: sealer-controller status --format json"


def _headings(status: Status) -> Iterator[str]:
    key = f"  key {status.key[:8]} to {status.until[:10]}" if status.key else ""
    for each in status.sources:
        at = revision_text(each.revision).removesuffix(" (clean)")
        yield f"{status.cluster}  source {each.shown}{at}, applied {_ago(status.now - each.applied_at)} ago{key}"
    if not status.sources:
        yield status.heading or f"{status.cluster}{key}"


def _folded(heading: str) -> list[str]:
    """A heading on one line; of a source with a long address the key goes on the next."""
    said, between, key = heading.rpartition("  key ")
    return [heading] if len(heading) <= WIDTH or not between else [said, f"{between}{key}"]


def _cells(row: Row, now: int) -> tuple[str, ...]:
    return (row.ref, row.store or "-", row.state, row.version or "-", _ago(now - row.since), row.reason)


def _table(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEADINGS) - 1)]
    return [
        "  ".join([*(each.ljust(width) for each, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in table
    ]


def _ago(milliseconds: int) -> str:
    for size, unit in _UNITS:
        if milliseconds >= size:
            return f"{milliseconds // size} {unit}"
    return "0 s"


def _source(each: Applied) -> dict[str, Any]:
    commit = each.revision.removesuffix("-dirty")
    return {
        "id": each.source,
        "location": each.shown,
        "commit": commit,
        "dirty": each.revision != commit,
        "appliedAt": _time(each.applied_at),
    }


def _delivery(row: Row) -> dict[str, Any]:
    return {
        "source": row.source,
        "namespace": row.namespace,
        "name": row.name,
        "store": row.store or None,
        "state": row.state,
        "version": row.version or None,
        "since": _time(row.since),
        "reasons": [{"code": each.code, "items": list(each.items)} for each in reason.load(row.why)],
        "reason": row.reason,
    }


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
