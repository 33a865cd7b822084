"""One key after the other: from a SealedSecret as it is to its Secret, its status and its events.

    look    nothing known stands right?             else done, without a key
    decide  DELIVERY's triage (`deciding`)          skip, which writes a status at most; open; or neither
    open    template, ownership rules, one write    nothing is opened before it is known who may write where, and
                                                    before that stands in the audit log, if there is one
    tell    status if it changes, an event if the verdict does (`recorder`: once nothing else is to be done)

Each write names what it expects to stand, so that a second writer costs a retry and never a value. `leads` is asked
before each: a replica that lost its lease writes nothing more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from controller import reason
from controller.kube import conditions, deciding, document, names, standing, wanted
from controller.kube import subject as subjects
from controller.kube.auditlog import NotAudited
from controller.kube.cache import Delivered
from controller.kube.conditions import Outcome
from controller.kube.opening import NO_KEY, NotOpened
from controller.kube.parts import Away, Parts, found_at
from controller.kube.rest import BUSY
from controller.kube.subject import Subject, good
from controller.kube.telling import Teller, status_of
from controller.kube.troubles import forbidden
from controller.kube.wanted import NotWritten, Owner, Wanted
from controller.sources.entry import entry_of
from sealer.errors import SealerError, SourceError
from sealer.kube.client import METADATA, ApiError, Unreachable
from sealer.secret import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.kube.audit import Told
    from controller.kube.opening import Opened

PARKED = "no key"
COMPROMISED_KEY = "Compromised"
UNAUDITED = "NotAudited"
_FORBIDDEN, _NOT_FOUND, _CONFLICT, _INVALID = 403, 404, 409, 422
_SLOW = 1.0
"""Seconds until what is refused for a right or a namespace that isn't there is tried again: each try opens it."""


class Reconciler:
    """Works on keys of a queue; several workers may run `work` at once, one key is never with two."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._teller = Teller(parts)

    async def work(self) -> None:
        """Until the queue is shut down."""
        queue = self._parts.queue
        while (key := await self._next()) is not None:
            began = time.perf_counter()
            try:
                with self._parts.sealed.worked(key):
                    await self._one(key)
            except Away:
                queue.forget(key)
            except Exception as error:  # a defect of ours in one must not stop the others
                self._parts.log("error", "defect", name=key, error=type(error).__name__)
                queue.retry(key)
            finally:
                queue.done(key)
                self._parts.metrics.reconciled(time.perf_counter() - began)

    async def _next(self) -> str | None:
        """The next key, not before the API server wants to be asked again: else each key would be refused once."""
        queue, recorder, rest = self._parts.queue, self._parts.recorder, self._parts.rest
        while True:
            await rest.over()
            if queue.due() or not recorder.free:
                return await queue.get()
            await recorder.write()

    async def _one(self, key: str) -> None:
        self._parts.may()
        try:
            item = self._parts.sealed.waiting.take(key) or await self._get(key)
        except SealerError as error:
            self._later(key, error)
            return
        if item is None:
            await self._gone(key)
            return
        try:
            outcome = await self._outcome(key, item)
        except ApiError as error:  # somebody else wrote in between, or the API server is busy: nothing is wrong
            self._later(key, error)
            return
        try:
            await self._teller.tell(key, item, outcome)
        except SealerError as error:
            if not _is_conflict(error):  # somebody wrote in between, which is nobody's fault
                self._parts.metrics.failed("status", key.partition("/")[0])
            self._later(key, error)
            return
        self._end(key, outcome)

    def _end(self, key: str, outcome: Outcome) -> None:
        queue, sealed = self._parts.queue, self._parts.sealed
        if outcome.again:
            queue.retry(key, _SLOW if outcome.slow else 0.0)
        elif outcome.reason in (NO_KEY, COMPROMISED_KEY):  # of keys, which may come or be called otherwise
            queue.park(key, PARKED)
        else:
            queue.forget(key)
            found = outcome.secret
            sealed.settle(key, Delivered(found[1], found[2]) if outcome.good and found else None)

    def _later(self, key: str, error: SealerError) -> None:
        seconds = self._parts.queue.retry(key)
        self._parts.rest.told(error)
        more = {name: text for name, text in (("request", error.where), ("try", error.way_out)) if text}
        self._parts.log("warning", "retry", name=key, reason=error.what, seconds=round(seconds, 3), **more)

    async def _get(self, key: str) -> dict[str, Any] | None:
        namespace, _, name = key.partition("/")
        return await found_at(self._parts.client, names.sealed_secrets(namespace, name))

    async def _gone(self, key: str) -> None:
        """A SealedSecret that is no more; its Secret is collected by the cluster, or by us if that was asked for."""
        parts = self._parts
        known = parts.sealed.known.get(key)
        if parts.delete_ourselves and known is not None and known.delivered is not None:
            try:
                await self._delete(key, known.uid)
            except SealerError as error:
                self._later(key, error)
                return
        parts.sealed.forget(key)
        parts.queue.forget(key)

    async def _delete(self, key: str, uid: str) -> None:
        namespace, _, name = key.partition("/")
        found = await found_at(self._parts.client, names.secrets(namespace, name))
        if found is None:
            return
        try:
            right = wanted.hold(found, Owner(name, uid))
        except NotWritten:
            return
        if right == "ours":
            self._parts.may()
            metadata, path = found["metadata"], names.secrets(namespace, name)
            async with self._parts.audit.deleting(Ref(namespace, name)):
                await self._parts.client.delete(path, uid=metadata["uid"], version=metadata["resourceVersion"])

    # What should stand, and whether it does.

    async def _outcome(self, key: str, item: dict[str, Any]) -> Outcome:
        namespace = key.partition("/")[0]
        try:
            return await self._delivered(subjects.read(key, item, accept_data=self._parts.accept_data))
        except NotOpened as error:
            self._parts.metrics.failed("unseal", namespace)
            return Outcome(False, error.reason, conditions.said(error.what, error.way_out))
        except NotAudited as error:
            self._parts.metrics.failed("unseal", namespace)
            return Outcome(False, UNAUDITED, conditions.said(error.what, error.way_out), again=True)
        except NotWritten as error:
            self._parts.metrics.failed("unmanaged" if error.reason == "Unmanaged" else "update", namespace)
            return Outcome(False, error.reason, conditions.said(error.what, error.way_out))
        except ApiError as error:
            if _is_conflict(error) or (error.status in BUSY and error.retry_after):
                raise
            self._parts.metrics.failed("update", namespace)
            again = error.status != _INVALID
            message = conditions.said(error.what, forbidden(error))
            slow = error.status in (_FORBIDDEN, _NOT_FOUND)
            return Outcome(False, error.reason or "ApiError", message, again=again, slow=slow)
        except (Unreachable, SourceError) as error:  # of a token or an authority that can't be read just now
            self._parts.metrics.failed("fetch", namespace)
            return Outcome(False, "Unreachable", error.what, again=True)

    async def _delivered(self, subject: Subject) -> Outcome:
        parts, ref = self._parts, subject.ref
        # Not after a failure: the watch may have broken off together with the write whose answer was lost.
        absent = parts.absent(subject.key) and not parts.queue.failures(subject.key)
        stands = None if absent else await found_at(parts.client, names.secrets(*ref))
        if self._stands(subject, stands) and stands is not None:
            return good(subject, stands, tuple(status_of(subject.item).get("keys") or ()))
        right = wanted.hold(stands, subject.owner) if stands is not None else None
        async with parts.audit.opening(ref, subject.input, subject.document.items) as told:
            return await self._opened(subject, stands, right, told)

    async def _opened(
        self, subject: Subject, stands: Mapping[str, Any] | None, right: wanted.Hold | None, told: Told
    ) -> Outcome:
        parts, ref = self._parts, subject.ref
        before = status_of(subject.item)
        known = before.get("input") == subject.input
        keys = parts.registry.opening(ref.namespace, before.get("keys") or (), compromised=known)
        parts.metrics.unsealed()
        found = await parts.opener.open(subject.document, subject.legacy, keys)
        self._count(subject, found)
        told.opened(found.keys)
        want = self._want(subject, found, stands)
        wanted.check(want, stands)
        changed = stands is not None
        if stands is not None and right is not None:
            if not wanted.differs(want, stands, right, changed=not subject.unchanged):
                told.wrote(stands["metadata"]["resourceVersion"], changed=False)
                return good(subject, stands, found.keys)
            write = self._patch(ref, wanted.patched(want, stands, right, changed=not subject.unchanged))
        else:
            write = self._create(want)
        try:
            stands = await write
        except ApiError as error:
            if error.status != _INVALID:
                raise
            raise wanted.refused(want.secret, error) from None
        told.wrote(stands["metadata"]["resourceVersion"])
        if known:
            parts.metrics.repaired()
            parts.log("info", "repaired", name=subject.key, found="changed" if changed else "deleted")
        return good(subject, stands, found.keys)

    def _stands(self, subject: Subject, stands: Mapping[str, Any] | None) -> bool:
        """Whether nothing need be opened. Raises NotWritten for what is not delivered, whatever is in it."""
        parts, ref = self._parts, subject.ref
        labels = standing.texts(stands["metadata"].get("labels")) if stands else {}
        named = names.KEY_LABEL in labels or names.OUR_KEY in labels
        named = named or ref.name == parts.registry.prefix or ref.name in parts.registry.current.names
        decision = deciding.decide(
            ref,
            entry_of(subject.document),
            subject.owner,
            subject.input,
            stands,
            status_of(subject.item),
            parts.registry.keys(),
            parts.registry.fingerprint_key,
            key_secret=named and ref.namespace == parts.own_namespace,
        )
        if decision.do in ("keep", "refuse"):
            (cause,) = reason.load(decision.reason)
            raise NotWritten(COMPROMISED_KEY if cause.code == reason.COMPROMISED else "Refused", cause.text)
        return decision.do == "skip"

    def _count(self, subject: Subject, found: Opened) -> None:
        parts = self._parts
        parts.registry.opened(subject.ref.namespace, found.keys)
        for envelope, count in (("v1", found.v1), ("v2", found.v2)):
            if count:
                parts.metrics.opened(envelope, count)  # type: ignore[arg-type]
        parts.log("info", "opened", name=subject.key, keys=", ".join(each[:8] for each in found.keys))

    def _want(self, subject: Subject, found: Opened, stands: Mapping[str, Any] | None) -> Wanted:
        secret = found.secret
        if found.drew and stands is not None:
            secret = wanted.keeping(secret, found.drew, stands, subject.input, unchanged=subject.unchanged)
        key = self._parts.registry.fingerprint_key
        print_ = standing.print_of(key, subject.ref, secret) if key is not None else ""
        return Wanted(
            secret,
            subject.owner,
            wanted.owned(subject.document),
            subject.input,
            print_,
            document.finalizers(subject.item),
        )

    async def _create(self, want: Wanted) -> dict[str, Any]:
        self._parts.may()
        path, body = names.secrets(want.secret.namespace or ""), wanted.created(want)
        made = await self._parts.client.create(path, body, accept=METADATA, fieldManager=names.MANAGER)
        return dict(made)

    async def _patch(self, ref: Ref, body: dict[str, Any]) -> dict[str, Any]:
        self._parts.may()
        made = await self._parts.client.patch(names.secrets(*ref), body, accept=METADATA, fieldManager=names.MANAGER)
        return dict(made)


def _is_conflict(error: SealerError) -> bool:
    return isinstance(error, ApiError) and error.status == _CONFLICT
