"""Which documents have to be opened, and what else is due, by what was seen (DELIVERY section 2). No key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller import outcome, reason
from controller.look import View, Work
from controller.triage import live
from sealer.errors import SourceError

if TYPE_CHECKING:
    from controller.model import Ref, Target
    from controller.state import State
    from sealer.documents.document import SealedSecret

DAY = 24 * 3600 * 1000
"""Milliseconds."""


def forgotten(view: View) -> list[Target]:
    """Deliveries that no document asks for, and that were withdrawn long ago or never came to anything."""
    before = view.job.now - view.job.configuration.retention.withdrawn_days * DAY
    known = view.known.deliveries.items()
    found = [
        target for target, each in known if not live(each) and (each.state != "withdrawn" or each.changed_at <= before)
    ]
    if not found:
        return []
    wanted = {target for verdict in view.verdicts.values() for target in verdict.inputs}
    there = {*view.verdicts, *(each.ref for each in outcome.missing(view))}
    return [
        target
        for target in found
        if target not in wanted
        and (view.known.deliveries[target].state == "withdrawn" or view.known.deliveries[target].ref in there)
    ]


def to_open(view: View) -> list[Work]:
    """The documents to open: those with work, and the last good ones of failing ones whose target was lost."""
    documents = {each.ref: each for each in view.selection.snapshot.documents}
    found = []
    for triage in view.triages:
        again = triage.do == "keep" and _lost(view, triage.ref, triage.reason)
        if triage.do == "open" or again:
            known = view.known.documents.get(triage.ref)
            good = known.good if known and again else ""
            found.append(Work(documents[triage.ref], view.verdicts[triage.ref], triage, again, good))
    return found


def _lost(view: View, ref: Ref, why: str) -> bool:
    """Whether a document that fails delivered something that stands there no more, and may stand there again."""
    if not {each.code for each in reason.load(why)} <= set(reason.ITS_OWN):
        return False
    return any(
        live(view.known.deliveries.get(target)) and view.observed[target].presence != "present"
        for target in view.verdicts[ref].inputs
        if target in view.observed
    )


def body_of(view: View, work: Work) -> SealedSecret:
    """The document to open: as it stands in the source, or as it last was good. Raises SourceError."""
    if not work.again:
        return view.load(work.document)
    body = outcome.good(view, work.document.ref)
    if body is None:
        raise SourceError("its last good version is not in the state")
    return body


def moved(view: View) -> str:
    """Why nothing may be taken for gone: the folder that paths count from is another one than before.

    A nested `.sealer.yaml` with the same source id sees a part of what the one above it delivered.
    """
    here, before = view.job.location.counted, view.known.meta.get(_base(view))
    if here is None or before is None or here == before:
        return ""
    return f"paths count from {here or 'the top'} now, and counted from {before or 'the top'} before"


def base(view: View) -> dict[str, str]:
    """What is remembered of that folder: the first one, or the one that the operator let take its place."""
    here = view.job.location.counted
    if here is None or (moved(view) and not view.job.allow_prune):
        return {}
    return {_base(view): here}


def _base(view: View) -> str:
    return f"base:{view.job.location.source}"


def whole(view: View, state: State | None) -> frozenset[str] | None:
    """The digests of all files that this state reads; None where another source or prefix may have more."""
    sources = {each.id for each in state.sources()} if state is not None else set()
    alone = sources <= {view.job.location.source} and not view.job.location.prefix
    return view.reading.files if alone and view.reading.complete else None
