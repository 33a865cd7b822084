"""What is remembered of one source when a run begins; empty where there is no state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.sources.entry import PARSER
from controller.triage import live
from sealer.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from controller.model import Delivery, Failure, Known, Ref, Source, Target
    from controller.sources.location import Location
    from controller.state import State


@dataclass(frozen=True, slots=True)
class Remembered:
    """Rows of the state by what they are about. `others` are targets that another source has delivered to."""

    state: State | None = None
    source: Source | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    deliveries: Mapping[Target, Delivery] = field(default_factory=dict)
    of_ref: Mapping[Ref, Sequence[Delivery]] = field(default_factory=dict)
    failures: Mapping[Ref, Failure] = field(default_factory=dict)
    documents: Mapping[Ref, Known] = field(default_factory=dict)
    others: Mapping[Target, str] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State | None, source: str) -> Remembered:
        """What a state knows of a source."""
        if state is None:
            return cls()
        all_ = state.deliveries()
        deliveries = [each for each in all_ if each.source == source]
        of_ref: dict[Ref, list[Delivery]] = {}
        for each in deliveries:
            of_ref.setdefault(each.ref, []).append(each)
        return cls(
            state,
            state.source(source),
            state.meta(),
            {each.target: each for each in deliveries},
            of_ref,
            {each.ref: each for each in state.failures(source)},
            {each.ref: each for each in state.documents(source)},
            {each.target: each.source for each in all_ if each.source != source and live(each)},
        )

    @property
    def standing(self) -> frozenset[Ref]:
        """The documents of which something that was delivered stays."""
        return frozenset(each.ref for each in self.deliveries.values() if live(each))

    def parsed(self, files: Iterable[str]) -> Mapping[str, bytes]:
        """Cached entries of those files that were parsed before."""
        return self.state.parsed(files, PARSER) if self.state else {}

    def good_body(self, ref: Ref) -> bytes | None:
        """The last good sealed body of a document."""
        known = self.documents.get(ref)
        if self.state is None or known is None or not known.good:
            return None
        return self.state.good_body(known.source, ref)


def check(remembered: Remembered, location: Location, cluster: str) -> str:
    """Refuse a state of another cluster, and a source id that another repository has (DELIVERY section 5).

    An id stands in Git, so whoever writes there can claim any: once its origin is known, only that, or the operator's
    own word, may use it. Two paths can't be told apart; then what comes back is to be said.
    """
    owner = remembered.meta.get("owner", cluster)
    if owner != cluster:
        raise Refused(
            f"this state belongs to cluster {owner}, not to {cluster}",
            where=str(remembered.state.directory) if remembered.state else "",
            way_out="name another directory: --state DIR",
        )
    recorded = remembered.source
    if recorded is None or recorded.location == location.where or location.named:
        return ""
    if not is_url(recorded.location):
        return f"source {location.source} was applied from {recorded.location} before"
    here = f"this is {location.url}" if location.url else "this has no origin"
    raise Refused(
        f"source {location.source} was applied from {recorded.location}, and {here}",
        where=location.shown,
        way_out=f"another repository: --source-name NAME; the same one, moved: --source-name {location.source}",
    )


def is_url(where: str) -> bool:
    """Whether what is recorded of a source is the URL of its origin, and not a path."""
    return not where.startswith("/")
