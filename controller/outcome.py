"""What came of each document, as a report says it. Reads a failing document again for the lines of its items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller import reason
from controller.reason import Cause
from controller.report import Change, Op
from controller.sources.entry import depends
from controller.triage import live
from sealer.errors import SealerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from controller.batch import Done
    from controller.look import View
    from controller.model import Delivery, Document, Known, Problem, Ref, Target
    from sealer.documents.document import SealedSecret

GONE = reason.dump(Cause(reason.GONE, (), "gone from the source"))
_DRIFT = "was changed outside of the controller"
_LOST = "was lost"


def of_done(view: View, part: Iterable[Done]) -> Iterator[Change]:
    """What a batch came to; documents that are as they were are left out."""
    for done in part:
        document = done.work.document
        why = done.why or (done.work.triage.reason if done.work.again else "")
        if why:
            yield failure(view, document, why)
        elif done.put and done.body is not None:
            versions = {each.target: each.version for each in done.deliveries}
            yield _change(view, document, items(view, document, done.body), versions)


def unopened(view: View, documents: Iterable[Document]) -> Iterator[Change]:
    """What a dry run without private keys can say: these documents would be opened."""
    for document in documents:
        try:
            body = view.load(document)
        except SealerError as error:
            yield failure(view, document, reason.dump(Cause(reason.UNREADABLE, (), error.what, error.way_out)))
        else:
            yield _change(view, document, items(view, document, body), {})


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


def gone(view: View) -> Iterator[Change]:
    """Documents that delivered something and stand in the source no more."""
    for known in missing(view):
        found = _deliveries(view, known.ref)
        if found:
            stores = tuple((each.target.store, each.version) for each in found)
            yield Change("gone", str(known.ref), view.job.location.said(known.path), 0, stores)


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
    date = max((each.changed_at for each in kept), default=0)
    return Change(
        "fail",
        str(document.ref),
        view.job.location.said(document.origin.path),
        _line(view, document, reason.items(why)),
        tuple((each.target.store, each.version) for each in kept),
        reason.items(why),
        f"{datetime.fromtimestamp(date / 1000, UTC):%Y-%m-%d}" if kept else "",
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


def _change(view: View, document: Document, changed: tuple[str, ...], versions: Mapping[Target, str]) -> Change:
    verdict = view.verdicts[document.ref]
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
        tuple((target.store, versions.get(target)) for target in verdict.inputs),
        changed,
        note=note,
    )


def _deliveries(view: View, ref: Ref) -> list[Delivery]:
    """What a document delivered that stays. A document goes to few targets: they are looked up, not searched."""
    verdict = view.verdicts.get(ref)
    targets = verdict.inputs if verdict else [store.target(ref) for store in view.stores.values()]
    found = [view.known.deliveries.get(target) for target in targets]
    return [each for each in found if each is not None and live(each)]


def _line(view: View, document: Document, names: tuple[str, ...]) -> int:
    if names:
        try:
            return view.load(document).lines.get(names[0], document.origin.line)
        except SealerError:
            pass
    return document.origin.line


def _below(path: str, prefix: str) -> bool:
    return not prefix or path.startswith(f"{prefix}/")
