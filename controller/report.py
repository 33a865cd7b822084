"""What `apply` says: a plan or what was done, as text, JSON (`schemas/{plan,apply}.v1.json`) or markdown. Pure.

Laid out as DESIGN section 13. Names, places and counts only: no value and no fingerprint gets in here. Texts come from
strangers' documents; the console makes them printable, markdown is escaped.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from controller import reason
from sealer.checking.lint_report import cell

Op = Literal["create", "update", "gone", "fail"]
Paint = Callable[[str, str], str]

WIDTH = 80
EXPLAINED = 20
"""Failures that are explained in full; `status --failed` and the JSON have all of them."""

_ORDER: Sequence[Op] = ("create", "update", "gone", "fail")
_SIGN = {"create": "+", "update": "~", "gone": "=", "fail": "!"}
_DONE = {"create": "created", "update": "updated", "gone": "kept", "fail": "FAILED"}
_COLOUR = {"create": "green", "update": "yellow", "gone": "dim", "fail": "red"}
_GONE = "gone from the source; nothing is deleted yet"


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
    """One run of `apply`. `opened` and `remembered` are False in a dry run without private keys, or without state."""

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

    def count(self, op: Op) -> int:
        """How many changes there are of one kind."""
        return sum(each.op == op for each in self.changes)

    @property
    def changed(self) -> bool:
        """Whether something was written to a store, or would be."""
        return any(each.op in ("create", "update") for each in self.changes)

    @property
    def sorted(self) -> list[Change]:
        """By kind, then by name."""
        return sorted(self.changes, key=lambda each: (_ORDER.index(each.op), each.name, each.path, each.line))


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
    verbs = ("to create", "to update") if report.dry_run else ("created", "updated")
    parts = [f"{report.count(op)} {verb}" for op, verb in zip(_ORDER, verbs, strict=False) if report.count(op)]
    gone, failed = report.count("gone"), report.count("fail")
    parts += [f"{gone} gone, kept"] if gone else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{report.unchanged} unchanged"] if report.unchanged or not (parts or report.others) else []
    parts += [f"{report.others} not for {report.cluster}"] if report.others else []
    return ", ".join(parts)


def _plan(report: Report, paint: Paint) -> Iterator[Line]:
    yield Line(f"Plan for {_heading(report)}")
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
        yield Line(f"  {sign} {head}{_fitted(each, WIDTH - 4 - len(head))}".rstrip())
    yield from _wrapped(summary(report))
    yield Line("Dry run: nothing written.")


def _done(report: Report, paint: Paint) -> Iterator[Line]:
    changes = report.sorted
    width = _width([each.name for each in changes])
    explained = 0
    for each in changes:
        verb = paint(f"{_DONE[each.op]:<7}", _COLOUR[each.op])
        yield Line(f"{verb}  {each.name:<{width}}  {_result(each)}".rstrip())
        if each.op == "fail" and explained < EXPLAINED:
            explained += 1
            yield Line(f"      {each.where}", aside=True)
            yield from (Line(line, aside=True) for line in _explained(each, report.cluster))
    if report.count("fail") > explained:
        yield Line("      the other failures: sealer-controller status --failed", aside=True)
    yield from _wrapped(f"{summary(report)} ({report.seconds:.1f} s)")


def _wrapped(text: str) -> Iterator[Line]:
    whole = re.sub(r"(?<!,) ", "\0", text)  # broken between the parts alone
    lines = textwrap.wrap(whole, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    yield from (Line(line.replace("\0", " ")) for line in lines)


def _result(change: Change) -> str:
    where = ", ".join(f"{label} v{version}" if version else label for label, version in change.stores)
    if change.op == "gone":
        return f"{where}; {_GONE}"
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


def _heading(report: Report) -> str:
    key = f", key {report.key}" if report.key else ""
    return f"cluster {report.cluster}, source {report.shown}{revision_text(report.revision)}{key}"


def revision_text(revision: str) -> str:
    """A revision for people: ` at 4f2c91e (clean)`, or nothing where there is none."""
    commit = revision.removesuffix("-dirty")
    return f" at {commit} ({'dirty' if revision != commit else 'clean'})" if revision else ""


def _fitted(change: Change, room: int) -> str:
    """The items of a change, as many as there is room for."""
    note = f"({change.note})" if change.note else ""
    if change.op == "gone":
        return _GONE
    names = [*change.items, *([note] if note else [])]
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        said = ", ".join(names[:count]).replace(", (", " (") + more
        if len(said) <= room:
            return said
    return f"{len(change.items)} items" if len(change.items) > 1 else "".join(names[:1])


def _width(names: Sequence[str]) -> int:
    return max((len(name) for name in names), default=0)


def _short_names(changes: Sequence[Change]) -> list[str]:
    """Names of failures that take part in a column: paths of unreadable files don't widen it."""
    return [each.name for each in changes if each.op == "fail" and each.name != each.path]


def as_json(report: Report) -> str:
    """The same for machines."""
    commit = report.revision.removesuffix("-dirty")
    value: dict[str, Any] = {
        "version": 1,
        "cluster": report.cluster,
        "source": {
            "id": report.source,
            "path": report.shown,
            "commit": commit,
            "dirty": report.revision != commit,
        },
        "key": report.key,
        "changes": [_change(each, report) for each in report.sorted],
        "counts": {
            "create" if report.dry_run else "created": report.count("create"),
            "update" if report.dry_run else "updated": report.count("update"),
            "gone": report.count("gone"),
            "failed": report.count("fail"),
            "unchanged": report.unchanged,
            "others": report.others,
        },
    }
    if report.dry_run:
        value |= {"opened": report.opened, "remembered": report.remembered}
    else:
        value["seconds"] = round(report.seconds * 1000) / 1000
    return json.dumps(value, indent=2) + "\n"


def _change(change: Change, report: Report) -> dict[str, Any]:
    words = _SIGN_WORDS if report.dry_run else _DONE_WORDS
    namespace, _, name = change.name.partition("/") if change.name != change.path else ("", "", "")
    causes = zip(
        reason.load(change.why), reason.explain(change.why, change.name, change.path, report.cluster), strict=True
    )
    return {
        "action": words[change.op],
        "namespace": namespace or None,
        "name": name or None,
        "path": change.path,
        "line": change.line,
        "stores": [{"store": label, "version": version} for label, version in change.stores],
        "items": list(change.items),
        "note": change.note,
        "reasons": [
            {"code": cause.code, "items": list(cause.items), "message": said, "wayOut": way_out}
            for cause, (said, way_out) in causes
        ],
    }


_SIGN_WORDS = {"create": "create", "update": "update", "gone": "keep", "fail": "fail"}
_DONE_WORDS = {"create": "created", "update": "updated", "gone": "kept", "fail": "failed"}


def markdown(report: Report) -> str:
    """The same as a comment on a pull request."""
    title = "Plan for" if report.dry_run else "Applied to"
    lines = [f"**{title} {cell(_heading(report))}:** {cell(summary(report))}", ""]
    lines += [f"> {cell(said)}" for said in caveats(report)]
    lines += [""] if caveats(report) else []
    changes = report.sorted
    shown = [each for each in changes if each.op != "fail"]
    if shown:
        last = "items" if report.dry_run else "result"
        lines += [f"| | secret | store | {last} |", "|---|---|---|---|"]
    for each in shown:
        labels = ", ".join(label for label, _ in each.stores)
        result = _fitted(each, 400) if report.dry_run else _result(each)
        word = (_SIGN_WORDS if report.dry_run else _DONE_WORDS)[each.op]
        lines.append(f"| {word} | {cell(each.name)} | {cell(labels)} | {cell(result)} |")
    failed = [each for each in changes if each.op == "fail"]
    if failed:
        lines += [""] if shown else []
        lines += ["| failed | where | why | way out |", "|---|---|---|---|"]
    for each in failed:
        explained = reason.explain(each.why, each.name, each.path, report.cluster)
        why = "<br>".join(cell(said) for said, _ in explained)
        ways = "<br>".join(cell(way_out) for _, way_out in explained if way_out)
        lines.append(f"| {cell(each.name)} | {cell(each.where)} | {why} | {ways} |")
    if report.dry_run:
        lines += ["", "Dry run: nothing written."]
    return "\n".join(lines) + "\n"
