"""What a run writes down: rows gathered while it goes on, written in one transaction a batch (DELIVERY section 4).

A run in which nothing changed gathers nothing, and so writes nothing. A refusal or failure is written when its digest,
keyring or reason is new, not each run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller import jsontext, reason
from controller.model import Delivery, Document, Known, Ref, Source, StoreSpec
from controller.remembered import is_url
from controller.sources.entry import PARSER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from controller.bench import Done
    from controller.model import DocumentState, Target
    from controller.remembered import Remembered
    from controller.state import State
    from sealer.documents.document import SealedSecret

_REFUSED = (reason.NEVER, reason.COMPROMISED, reason.FOREIGN)


class Records:
    """Rows of one run, for one source."""

    def __init__(
        self,
        remembered: Remembered,
        source: Source,
        meta: Mapping[str, str],
        fresh: Mapping[str, bytes],
        whole: Collection[str] | None = None,
    ) -> None:
        """`fresh` are files that were parsed anew; `whole` all there are, if nothing else is read by this state."""
        self._remembered = remembered
        known = remembered.source
        keep = known is not None and is_url(known.location) and not is_url(source.location)
        # An origin that is known stays so: a directory without one that used the id must not open it to others.
        self._source = replace(source, location=known.location) if known and keep else source
        self._meta = {name: value for name, value in meta.items() if remembered.meta.get(name) != value}
        self._fresh = dict(fresh)
        self._whole = whole
        self._stores: tuple[StoreSpec, ...] = ()
        self._documents: dict[Ref, Known] = {}
        self._bodies: dict[Ref, bytes] = {}
        self._deliveries: list[Delivery] = []
        self._dropped: list[Ref] = []
        self._ended: list[Target] = []
        self._forgotten: list[Target] = []
        # A commit that brings nothing counts too: what came before it may not be applied again by mistake.
        self._moved = known is not None and source.revision not in ("", known.revision)
        self._began = False

    def stores(self, specs: Iterable[StoreSpec]) -> None:
        """Stores that are delivered to."""
        known = {each.uid: each for each in (self._remembered.state.stores() if self._remembered.state else ())}
        self._stores = tuple(each for each in specs if known.get(each.uid) != each)

    def fingerprinted(self, key: str) -> None:
        """Whose fingerprints are written: a later run with another key knows that it can't compare them."""
        if self._remembered.meta.get("fingerprint_key") != key:
            self._meta["fingerprint_key"] = key

    def delivered(self, document: Document, body: SealedSecret, deliveries: Iterable[Delivery], now: int) -> None:
        """A document whose every target holds it."""
        self._deliveries += deliveries
        self._bodies[document.ref] = jsontext.compact(body.body)
        self._documents[document.ref] = Known(
            document.ref, self._source.id, document.origin.path, document.digest, "delivered",
            good=document.digest, changed_at=now,
        )  # fmt: skip

    def batch(self, part: Iterable[Done], keyring: str, now: int) -> None:
        """What came of a batch of documents."""
        for done in part:
            self._ended += done.ended
            if done.work.again:
                self._deliveries += done.deliveries
            elif done.why:
                self._deliveries += done.deliveries
                self.failed(done.work.document, done.why, keyring, now)
            elif done.body is not None:
                self.delivered(done.work.document, done.body, done.deliveries, now)

    def ended(self, targets: Iterable[Target]) -> None:
        """Intents that came to an end."""
        self._ended += targets

    def recorded(self, deliveries: Iterable[Delivery]) -> None:
        """Deliveries of a document about which nothing else changed."""
        self._deliveries += deliveries

    def settled(self, delivery: Delivery, version: str, now: int) -> None:
        """A delivery that holds what is wanted, under a version that was not known, or in sight again."""
        since = delivery.changed_at if delivery.state == "delivered" else now
        self._deliveries.append(replace(delivery, version=version, state="delivered", reason="", changed_at=since))

    def unchanged(self, document: Document, load: Callable[[Document], SealedSecret], now: int) -> None:
        """A document that holds what was delivered: written only if something else was recorded of it.

        `load` is asked for a body that state hasn't: of what an interrupted run delivered.
        """
        known = self._remembered.documents.get(document.ref)
        path, digest = document.origin.path, document.digest
        if known is None or known.good != digest:
            self.delivered(document, load(document), (), now)
        elif (known.state, known.reason, known.digest) != ("delivered", "", digest):
            self._documents[document.ref] = Known(
                document.ref, self._source.id, path, digest, "delivered", good=digest, changed_at=now
            )
        elif known.path != path:
            self._documents[document.ref] = replace(known, path=path)

    def failed(self, document: Document, why: str, keyring: str, now: int) -> bool:
        """A document that is not delivered as it stands now; whether that is news."""
        codes = {each.code for each in reason.load(why)}
        lasting = bool(codes) and codes <= set(reason.ITS_OWN)
        known = self._remembered.documents.get(document.ref)
        new = Known(
            document.ref,
            self._source.id,
            document.origin.path,
            document.digest,
            _state(codes),
            why,
            document.digest if lasting else "",
            keyring if lasting else "",
            known.good if known else "",
            now,
        )
        if known is not None and replace(known, changed_at=now) == new:
            return False
        # Since when it fails is what people ask: a new reason for the same failure doesn't begin it anew.
        since = known.changed_at if known and known.state == new.state and known.digest == new.digest else now
        self._documents[document.ref] = replace(new, changed_at=since)
        return True

    def unreadable(self, known: Known, why: str, now: int) -> None:
        """A document whose file can't be read any more."""
        if (known.state, known.reason) != ("failed", why):
            self._documents[known.ref] = replace(known, state="failed", reason=why, changed_at=now)

    def gone(self, known: Known, why: str, now: int) -> None:
        """A document that stands in the source no more, while what it delivered stays."""
        if known.reason != why:
            self._documents[known.ref] = replace(
                known, state="delivered", reason=why, failed_digest="", failed_keyring="", changed_at=now
            )

    def forget(self, targets: Iterable[Target]) -> None:
        """Deliveries that were withdrawn long ago."""
        self._forgotten += targets

    def dropped(self, ref: Ref) -> None:
        """A document that is gone, and delivered nothing."""
        self._dropped.append(ref)

    def write(self, state: State, audit: Callable[[], Mapping[str, str]], meta: Mapping[str, str]) -> None:
        """Commit what was gathered; nothing, if nothing was. `audit` is how far the log is vouched for."""
        gathered = (self._documents, self._deliveries, self._fresh, self._dropped, self._ended, self._forgotten, meta)
        if not any(gathered) and (self._began or not self._moved):
            return
        with state.begin("records") as transaction:
            if not self._began:
                transaction.put_meta(**self._meta)
                transaction.put_stores(self._stores)
                transaction.put_parsed(PARSER, self._fresh)
                if self._fresh and self._whole is not None:
                    transaction.keep_parsed(self._whole, PARSER)
                transaction.put_source(self._source)
            transaction.put_deliveries(self._deliveries)
            transaction.put_documents(list(self._documents.values()), self._bodies)
            transaction.drop_documents(self._source.id, self._dropped)
            transaction.drop_intents(self._ended)
            transaction.drop_deliveries(self._forgotten)
            transaction.put_meta(**audit(), **meta)
        self._began = True
        self._fresh, self._documents, self._bodies = {}, {}, {}
        self._deliveries, self._dropped, self._ended, self._forgotten = [], [], [], []


def _state(codes: set[str]) -> DocumentState:
    if codes & set(_REFUSED):
        return "refused"
    return "pending" if codes == {reason.UNAVAILABLE} else "failed"
