"""What one run writes to the audit log, and how far the state vouches for it (DELIVERY section 4).

Whoever is about to act calls `begin` first and acts only if it returns; what came of it is said by `end`, once. A run
without state (a dry run that makes nothing) has a trail without a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.audit.log import Head, Log, Scan
from controller.audit.record import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from controller.audit.record import Outcome, Verb
    from controller.model import Ref

HEAD = "audit_head"
SINCE = "audit_since"


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of an intent, by its sequence in the log."""

    intent: int
    outcome: Outcome
    reason: str = ""


class Trail:
    """The audit trail of one run. `revision` is known once the source was read."""

    __slots__ = ("_log", "_open", "revision", "source")

    def __init__(self, log: Log | None, source: str) -> None:
        self._log = log
        self._open: dict[int, Entry] = {}
        self.source = source
        self.revision = ""

    def vouched(self, meta: Mapping[str, str]) -> Scan:
        """Check that the log holds all that the state vouches for, and find what was begun and not ended.

        Raises Refused for a log that was cut or changed.
        """
        if self._log is None:
            return Scan({}, {})
        self._log.check(Head.load(meta[HEAD]) if HEAD in meta else None)
        scan = self._log.scan(int(meta.get(SINCE, "1")))
        self._open = dict(scan.open)
        return scan

    def begin(self, verb: Verb, about: Sequence[tuple[Ref, str]]) -> list[int]:
        """Say what is about to be done, to each (ref, store uid); the sequences to end them by. Nothing is done yet."""
        return self.begin_all([self._entry("intent", verb, ref, store) for ref, store in about])

    def begin_all(self, entries: Sequence[Entry]) -> list[int]:
        """As `begin`, for entries of several verbs: one write, one fdatasync."""
        if self._log is None or not entries:
            return [0] * len(entries)
        sequences = self._log.append(entries)
        self._open.update(zip(sequences, entries, strict=True))
        return sequences

    def intent(self, verb: Verb, ref: Ref, store: str = "") -> Entry:
        """An entry for `begin_all`."""
        return self._entry("intent", verb, ref, store)

    def end(self, ended: Iterable[Ended], events: Iterable[Entry] = ()) -> None:
        """Say what came of it; what was not begun here, or ended before, is passed over."""
        entries = []
        for each in ended:
            begun = self._open.pop(each.intent, None)
            if begun is not None:
                entries.append(_outcome(begun, each))
        entries += events
        if self._log is not None and entries:
            self._log.append(entries)

    def event(self, verb: Verb, ref: Ref, outcome: Outcome, reason: str, store: str = "") -> Entry:
        """An entry that is neither begun nor ended: a refusal."""
        return self._entry("event", verb, ref, store, outcome, reason)

    def run(self, verb: Verb, outcome: Outcome, reason: str) -> Entry:
        """An entry about the run as a whole, and no secret."""
        return Entry("event", verb, "", self.source, self.revision, "", outcome, reason)

    def meta(self) -> dict[str, str]:
        """What the state is to remember: the end of the log, and where the first open intent stands."""
        if self._log is None:
            return {}
        head = self._log.head()
        return {HEAD: head.dump(), SINCE: str(min(self._open, default=head.sequence + 1))}

    def _entry(
        self, phase: str, verb: Verb, ref: Ref, store: str, outcome: Outcome | str = "", reason: str = ""
    ) -> Entry:
        return Entry(phase, verb, str(ref), self.source, self.revision, store, outcome, reason)  # type: ignore[arg-type]


def _outcome(begun: Entry, ended: Ended) -> Entry:
    return Entry(
        "outcome", begun.verb, begun.ref, begun.source, begun.revision, begun.store,
        ended.outcome, ended.reason, ended.intent,
    )  # fmt: skip
