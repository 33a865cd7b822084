"""What came of each document, as a report says it. Reads a failing document again for the lines of its items."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller import reason
from controller.reason import Cause
from controller.report import Change, Op
from controller.results import Undelivered, undelivered
from controller.sources.entry import depends
from controller.stores.base import Unavailable
from controller.triage import live
from sealer.errors import SealerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from controller.bench import Done
    from controller.look import View
    from controller.model import Delivery, Document, Known, Problem, Ref, Step, Target
    from controller.recover import Settled
    from controller.withdraw import Withdrawn
    from sealer.documents.document import SealedSecret

GONE = reason.dump(Cause(reason.GONE, (), "gone from the source"))
LOCAL = "local"
_DRIFT = "was changed outside of the controller"
_LOST = "was lost"
_INTERRUPTED = "by a run that was interrupted"


def of_done(view: View, part: Iterable[Done]) -> Iterator[Change]:
    """What a batch came to; documents that are as they were are left out."""
    for done in part:
        document = done.work.document
        why = done.why or (done.work.triage.reason if done.work.again else "")
        if why:
            yield failure(view, document, why)
        written = {step.target for step in done.steps if step.op == "put"}
        versions = {each.target: each.version for each in done.deliveries if not each.reason and each.target in written}
        if versions and not done.work.again and done.body is not None:
            yield _change(view, document, items(view, document, done.body), versions)


def recovered(view: View, done: Iterable[Settled]) -> Iterator[Change]:
    """What an interrupted run of this source did, and only this one recorded."""
    for each in done:
        if each[0].source == view.job.location.source:
            yield replace(of_intent(each, view.places.label), path=_path(view, each[0].ref))


def of_intent(settled: Settled, label: Callable[[str], str]) -> Change:
    """What an interrupted run did; of the source's paths nothing is known."""
    intent, before, now = settled
    op: Op = "delete" if intent.op == "delete" else "update" if live(before) else "create"
    return Change(op, str(intent.ref), "", 0, ((label(now.target.store), now.version),), note=_INTERRUPTED)


def unopened(view: View, documents: Iterable[Document]) -> Iterator[Change]:
    """What a dry run without private keys can say: these documents would be opened."""
    for document in documents:
        try:
            body = view.load(document)
        except SealerError as error:
            yield failure(view, document, reason.dump(Cause(reason.UNREADABLE, (), error.what, error.way_out)))
        else:
            yield _change(
                view, document, items(view, document, body), dict.fromkeys(view.verdicts[document.ref].inputs)
            )


def silent(view: View, document: Document) -> Iterator[Delivery]:
    """What is recorded of the targets of a document that could not be looked at."""
    for target, wanted in view.verdicts[document.ref].inputs.items():
        if target not in view.observed and target not in view.known.others:
            error = view.silent.get(target) or Unavailable("does not answer")
            label, source = view.places.label(target.store), document.origin.source
            place = Undelivered(target, label, document.ref, source, wanted, view.job.now)
            yield undelivered(place, view.known.deliveries.get(target), error)


def stopped(view: View, again: Iterable[Ref]) -> Iterator[Change]:
    """Documents that triage stopped, but for those that were opened again."""
    passed = set(again)
    documents: dict[Ref, Document] = {}
    for each in view.selection.snapshot.documents:
        documents.setdefault(each.ref, each)
    for triage in view.triages:
        if triage.do in ("keep", "refuse") and triage.ref not in passed:
            yield failure(view, documents[triage.ref], triage.reason)


def unreadable(view: View) -> Iterator[Change]:
    """Files and documents that could not be read, with what each delivered before if that is known."""
    for problem in view.selection.snapshot.problems:
        yield Change(
            "fail",
            view.job.location.said(problem.path),
            view.job.location.said(problem.path),
            problem.line,
            why=of_problem(problem),
        )


def gone(view: View, kept: Iterable[Delivery], why: str) -> Iterator[Change]:
    """What the source no longer asks for and nothing is done about, with the reason."""
    found: dict[Ref, list[Delivery]] = {}
    for each in kept:
        found.setdefault(each.ref, []).append(each)
    for ref, mine in found.items():
        yield Change("gone", str(ref), _path(view, ref), 0, _versions(view, mine), note=why)


def planned(view: View, steps: Iterable[Step]) -> Iterator[Change]:
    """What would be taken out of a store."""
    from controller.withdraw import Withdrawn

    yield from withdrawn(view, [Withdrawn(step) for step in steps])


def withdrawn(view: View, done: Iterable[Withdrawn]) -> Iterator[Change]:
    """What was taken out of a store, or why it stands there still."""
    for each in done:
        ref, step = each.step.ref, each.step
        stores = ((view.places.label(step.target.store), step.expect),)
        if each.error is not None:
            way_out = each.error.way_out or ("" if each.lost else "apply again later")
            cause = Cause(reason.STORE, (), f"not deleted: {each.error.what}", way_out)
            kept = _date([view.known.deliveries[step.target]])
            yield Change("fail", str(ref), _path(view, ref), 0, stores, kept=kept, why=reason.dump(cause))
            continue
        body = good(view, ref)
        names = tuple(sorted(depends(body)["items"])) if body else ()
        days = view.job.configuration.retention.deleted_days
        note = f"last version kept {days} days" if step.op == "delete" and step.target.store == LOCAL else ""
        op: Op = "delete" if step.op == "delete" else "withdraw"
        yield Change(op, str(ref), _path(view, ref), 0, stores, names, note=note)


def missing(view: View) -> list[Known]:
    """What is recorded below this prefix and isn't there now, in files that can be read."""
    here = {each.ref for each in view.selection.snapshot.documents}
    broken = {problem.path for problem in view.selection.snapshot.problems}
    return [
        known
        for ref, known in sorted(view.known.documents.items())
        if ref not in here and known.path not in broken and _below(known.path, view.selection.snapshot.prefix)
    ]


def hidden(view: View) -> list[tuple[Known, str]]:
    """What is recorded of files that can't be read now, with the reason."""
    here = {each.ref for each in view.selection.snapshot.documents}
    whys = {problem.path: of_problem(problem) for problem in reversed(view.selection.snapshot.problems)}
    return [
        (known, whys[known.path])
        for ref, known in sorted(view.known.documents.items())
        if ref not in here and known.path in whys
    ]


def of_problem(problem: Problem) -> str:
    """The stored form of why a file can't be read."""
    return reason.dump(Cause(problem.code, (), problem.what, problem.way_out))


def failure(view: View, document: Document, why: str) -> Change:
    """A document that is not delivered as it stands."""
    kept = _deliveries(view, document.ref)
    return Change(
        "fail",
        str(document.ref),
        view.job.location.said(document.origin.path),
        _line(view, document, reason.items(why)),
        _versions(view, kept),
        reason.items(why),
        _date(kept),
        why,
    )


def items(view: View, document: Document, body: SealedSecret) -> tuple[str, ...]:
    """The items that differ from what was last good, by their sealed texts; all, if nothing was."""
    before = good(view, document.ref) if stands(view, document.ref) else None
    if before is None:
        return document.items
    old, new = depends(before), depends(body)
    texts = [{**each["template"]["data"], **each["items"]} for each in (old, new)]
    changed = [name for name in sorted(texts[1]) if texts[1][name] != texts[0].get(name)]
    removed = [f"-{name}" for name in sorted(texts[0]) if name not in texts[1]]
    around = [{key: value for key, value in each["template"].items() if key != "data"} for each in (old, new)]
    return (*changed, *removed, *(("template",) if around[0] != around[1] else ()))


def good(view: View, ref: Ref) -> SealedSecret | None:
    """The last good document, as state keeps it."""
    from sealer.documents.document import SealedSecret, parse

    data = view.known.good_body(ref)
    found = parse(data, "state.json").documents if data else ()
    return next((each for each in found if isinstance(each, SealedSecret)), None)


def stands(view: View, ref: Ref) -> bool:
    """Whether something that was delivered under a name stays."""
    return bool(_deliveries(view, ref))


def _change(view: View, document: Document, changed: tuple[str, ...], versions: Mapping[Target, str | None]) -> Change:
    before = _deliveries(view, document.ref)
    op: Op = "update" if before else "create"
    note = _DRIFT if before and not changed else ""
    if any(view.observed[each.target].presence != "present" for each in before if each.target in view.observed):
        note = _LOST
    return Change(
        op,
        str(document.ref),
        view.job.location.said(document.origin.path),
        document.origin.line,
        tuple((view.places.label(target.store), version) for target, version in versions.items()),
        changed,
        note=note,
    )


def _deliveries(view: View, ref: Ref) -> list[Delivery]:
    """What a document delivered that stays."""
    return [each for each in view.known.of_ref.get(ref, ()) if live(each)]


def _date(deliveries: Sequence[Delivery]) -> str:
    """The day of the newest."""
    if not deliveries:
        return ""
    return f"{datetime.fromtimestamp(max(each.changed_at for each in deliveries) / 1000, UTC):%Y-%m-%d}"


def _versions(view: View, deliveries: Iterable[Delivery]) -> tuple[tuple[str, str | None], ...]:
    return tuple((view.places.label(each.target.store), each.version) for each in deliveries)


def _path(view: View, ref: Ref) -> str:
    known = view.known.documents.get(ref)
    return view.job.location.said(known.path) if known else ""


def _line(view: View, document: Document, names: tuple[str, ...]) -> int:
    if names:
        try:
            return view.load(document).lines.get(names[0], document.origin.line)
        except SealerError:
            pass
    return document.origin.line


def _below(path: str, prefix: str) -> bool:
    return not prefix or path.startswith(f"{prefix}/")
