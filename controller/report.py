"""What `apply` says: a plan or what was done, as text; `report_forms` has it as JSON and markdown. Pure.

Laid out as DESIGN section 13. Names, places and counts only: no value and no fingerprint gets in here. Texts come from
strangers' documents; the console makes them printable, markdown is escaped.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from controller import reason

Op = Literal["create", "update", "delete", "withdraw", "gone", "fail"]
Paint = Callable[[str, str], str]

WIDTH = 80
SHORT = 7
"""How much of a commit id is shown to people; the JSON has all of it."""
EXPLAINED = 20
"""Failures that are explained in full; `status --failed` and the JSON have all of them."""

ORDER: Sequence[Op] = ("create", "update", "delete", "withdraw", "gone", "fail")
_SIGN = {"create": "+", "update": "~", "delete": "-", "withdraw": "-", "gone": "=", "fail": "!"}
DONE = {
    "create": "created", "update": "updated", "delete": "deleted", "withdraw": "withdrawn", "gone": "kept",
    "fail": "FAILED",
}  # fmt: skip
_COLOUR = {"create": "green", "update": "yellow", "delete": "red", "withdraw": "dim", "gone": "dim", "fail": "red"}
_GONE = "gone from the source"
_RETAINED = "stays in its store, managed no more (on-delete: retain)"
CHANGING: Sequence[Op] = ("create", "update", "delete", "withdraw")


@dataclass(frozen=True, slots=True)
class Change:
    """One document that isn't simply unchanged. `name` is namespace/name, or a path where there is none.

    `stores` are labels with the version that stands there now (None: not written); `kept` the date of what stays after
    a failure; `why` the stored form of a reason; `note` says what is special about a change.
    """

    op: Op
    name: str
    path: str
    line: int
    stores: tuple[tuple[str, str | None], ...] = ()
    items: tuple[str, ...] = ()
    kept: str = ""
    why: str = ""
    note: str = ""

    @property
    def where(self) -> str:
        """file:line."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Report:
    """One run of `apply`. `opened` and `remembered` are False in a dry run without private keys, or without state.

    `refusal` says why nothing was withdrawn though something is gone, `hook` what went wrong with --on-change;
    `stopped` that the run was asked to end before it was through.
    """

    cluster: str
    source: str
    shown: str
    revision: str
    key: str
    dry_run: bool
    opened: bool
    remembered: bool
    changes: tuple[Change, ...]
    unchanged: int
    others: int
    seconds: float = 0.0
    refusal: str = ""
    hook: str = ""
    stopped: bool = False

    def count(self, op: Op) -> int:
        """How many changes there are of one kind."""
        return sum(each.op == op for each in self.changes)

    @property
    def changed(self) -> bool:
        """Whether something was written to a store or taken out of it, or would be."""
        return any(each.op in CHANGING for each in self.changes)

    @property
    def ok(self) -> bool:
        """Whether all was done that was asked for."""
        return not (self.count("fail") or self.refusal or self.hook)

    @property
    def sorted(self) -> list[Change]:
        """By kind, then by name."""
        return sorted(self.changes, key=lambda each: (ORDER.index(each.op), each.name, each.path, each.line))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `aside` ones are for the person, on stderr."""

    text: str
    aside: bool = False


def plain(text: str, _: str) -> str:
    """No colour."""
    return text


def text(report: Report, paint: Paint = plain) -> Iterator[Line]:
    """The lines of DESIGN section 13."""
    for said in caveats(report):
        yield Line(said, aside=True)
    yield from _plan(report, paint) if report.dry_run else _done(report, paint)


def caveats(report: Report) -> list[str]:
    """What a dry run could not know."""
    found = []
    if report.dry_run and not report.remembered:
        found.append("No state here: every document shows as new.")
    if report.dry_run and not report.opened:
        found.append("No private keys here: digests are compared, nothing is opened.")
    return found


def summary(report: Report) -> str:
    """The counts."""
    verbs = ("to create", "to update", "to delete", "to withdraw")
    verbs = verbs if report.dry_run else ("created", "updated", "deleted", "withdrawn")
    parts = [f"{report.count(op)} {verb}" for op, verb in zip(ORDER, verbs, strict=False) if report.count(op)]
    gone, failed = report.count("gone"), report.count("fail")
    parts += [f"{gone} gone, kept"] if gone else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{report.unchanged} unchanged"] if report.unchanged or not (parts or report.others) else []
    parts += [f"{report.others} not for {report.cluster}"] if report.others else []
    return ", ".join(parts)


def _plan(report: Report, paint: Paint) -> Iterator[Line]:
    yield Line(f"Plan for {heading(report)}")
    changes = report.sorted
    width = _width([each.name for each in changes if each.op != "fail"] + _short_names(changes))
    stores = _width([", ".join(label for label, _ in each.stores) for each in changes if each.op != "fail"])
    for each in changes:
        sign = paint(_SIGN[each.op], _COLOUR[each.op])
        if each.op == "fail":
            name = "" if each.name == each.path else f"{each.name:<{width}}   "
            yield Line(f"  {sign} {name}{each.where}")
            yield from (Line(line) for line in _explained(each, report.cluster))
            continue
        labels = ", ".join(label for label, _ in each.stores)
        head = f"{each.name:<{width}}   {labels:<{stores}}  "
        yield Line(f"  {sign} {head}{fitted(each, WIDTH - 4 - len(head))}".rstrip())
    yield from _wrapped(summary(report))
    yield from _aside(report)
    yield Line("Dry run: nothing written.")


def _done(report: Report, paint: Paint) -> Iterator[Line]:
    changes = report.sorted
    width = _width([each.name for each in changes])
    verbs = max([7, *(len(DONE[each.op]) for each in changes)])
    explained = 0
    for each in changes:
        verb = paint(f"{DONE[each.op]:<{verbs}}", _COLOUR[each.op])
        yield Line(f"{verb}  {each.name:<{width}}  {result(each)}".rstrip())
        if each.op == "fail" and explained < EXPLAINED:
            explained += 1
            yield Line(f"      {each.where}", aside=True)
            yield from (Line(line, aside=True) for line in _explained(each, report.cluster))
    if report.count("fail") > explained:
        yield Line("      the other failures: sealer-controller status --failed", aside=True)
    yield from _wrapped(f"{summary(report)} ({report.seconds:.1f} s)")
    yield from _aside(report)


def remarks(report: Report) -> list[tuple[str, str]]:
    """What went otherwise than asked for, each with its way out."""
    found = []
    if report.refusal:
        word = "would be" if report.dry_run else "was"
        way_out = f"if it is meant so: sealer-controller apply {shlex.quote(report.shown)} --allow-prune"
        found.append((f"nothing {word} deleted: {report.refusal}", way_out))
    if report.hook:
        found.append((f"--on-change {report.hook}", "it is tried again by the next apply"))
    if report.stopped:
        found.append(("stopped before the end, as asked", "the next run goes on"))
    return found


def _aside(report: Report) -> Iterator[Line]:
    for said, way_out in remarks(report):
        yield Line(f"warning: {said}", aside=True)
        yield Line(f"  way out: {way_out}", aside=True)


def _wrapped(text: str) -> Iterator[Line]:
    whole = re.sub(r"(?<!,) ", "\0", text)  # broken between the parts alone
    lines = textwrap.wrap(whole, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    yield from (Line(line.replace("\0", " ")) for line in lines)


def result(change: Change) -> str:
    """What a change came to, beside its name."""
    where = ", ".join(f"{label} v{version}" if version else label for label, version in change.stores)
    if change.op == "gone":
        return f"{where}; {_gone(change)}"
    if change.op == "delete":
        return ", ".join(label for label, _ in change.stores) + (f"; {change.note}" if change.note else "")
    if change.op == "withdraw":
        return f"{where}; {_RETAINED}"
    if change.op != "fail":
        return f"{where}; {change.note}" if change.note else where
    versions = ", ".join(f"v{version}" for _, version in change.stores if version)
    kept = f"keeps {versions} of {change.kept}" if versions else "not delivered"
    return f"{kept}; {reason.short(change.why)}"


def _explained(change: Change, cluster: str) -> Iterator[str]:
    for said, way_out in reason.explain(change.why, change.name, change.path, cluster):
        yield from textwrap.wrap(
            said, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
        if way_out:
            yield f"      way out: {way_out}"  # never wrapped: it is there to be pasted


def heading(report: Report) -> str:
    """Cluster, source, revision, key."""
    key = f", key {report.key}" if report.key else ""
    return f"cluster {report.cluster}, source {report.shown}{revision_text(report.revision)}{key}"


def revision_text(revision: str) -> str:
    """A revision for people: ` at 4f2c91e (clean)`, or nothing where there is none."""
    commit = revision.removesuffix("-dirty")
    return f" at {commit[:SHORT]} ({'dirty' if revision != commit else 'clean'})" if revision else ""


def fitted(change: Change, room: int) -> str:
    """The items of a change, as many as there is room for."""
    note = f"({change.note})" if change.note else ""
    if change.op == "gone":
        return _gone(change)
    if change.op == "withdraw":
        return _RETAINED
    if change.op == "delete":
        items = f"{len(change.items)} item{'' if len(change.items) == 1 else 's'}" if change.items else ""
        return "; ".join(each for each in (items, change.note) if each)
    names = [*change.items, *([note] if note else [])]
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        said = ", ".join(names[:count]).replace(", (", " (") + more
        if len(said) <= room:
            return said
    return f"{len(change.items)} items" if len(change.items) > 1 else "".join(names[:1])


def _gone(change: Change) -> str:
    return f"{_GONE}; {change.note}" if change.note else _GONE


def _width(names: Sequence[str]) -> int:
    return max((len(name) for name in names), default=0)


def _short_names(changes: Sequence[Change]) -> list[str]:
    """Names of failures that take part in a column: paths of unreadable files don't widen it."""
    return [each.name for each in changes if each.op == "fail" and each.name != each.path]
