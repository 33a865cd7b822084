"""What is said in the audit log of each access: to a SealedSecret, a Secret, a key, at a request. Values never.

    async with audit.opening(...) as told:      the intents are on disk; only now is anything opened or written
        told.opened(...)
    ...                                         what came of it follows from how far that came, and how it ended

An entry has the cluster as its source, and as its revision the digest of the document that its status shows as `input`.
Who acts is the controller; who asked it to stands in the reason. Where no log was asked for, `Audit` says nothing.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from controller.audit.record import MAX_REASON, MAX_REF, Entry, cut
from controller.kube import rotate
from controller.kube.auditlog import AuditLog, ended
from controller.kube.document import STORE
from controller.kube.opening import NotOpened
from controller.kube.parts import Away
from controller.kube.wanted import NotWritten
from sealer.errors import Refused, SealerError
from sealer.kube.client import ApiError, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from controller.audit.record import Outcome, Verb
    from controller.kube.auditlog import Counted
    from controller.kube.posted import Posted
    from sealer.secret import Ref

_Said = tuple["Outcome", str]
_SHOWN = 32
"""Names in a reason, which has no room for more."""
_RULES = ("Compromised", "Refused", "Unmanaged")
"""Reasons of a status for which, as a rule, nothing is opened, so that nothing else would tell of them."""
_LOST = 500
_DONE: _Said = ("done", "")
_UNCHANGED: _Said = ("unchanged", "")
_NOT_OPENED: _Said = ("failed", "not opened")


class Told:
    """How far an access came, to be said by whoever does it."""

    __slots__ = ("open", "put")

    def __init__(self) -> None:
        self.open: _Said | None = None
        self.put: _Said | None = None

    def opened(self, keys: Iterable[str]) -> None:
        """It opened, with keys of these ids."""
        found = ", ".join(each[:8] for each in keys)
        self.open = ("done", f"with {found}" if found else "")

    def refused(self, why: str) -> None:
        """It did not open, which is the answer."""
        self.open = ("failed", why)

    def wrote(self, version: str, *, changed: bool = True) -> None:
        """What stands now, and whether that took a write."""
        self.put = ("done" if changed else "unchanged", f"version {version}")


class Audit:
    """Says nothing."""

    def opening(self, ref: Ref, revision: str, items: Iterable[str]) -> contextlib.AbstractAsyncContextManager[Told]:
        """Open a SealedSecret, and write its Secret. Raises NotAudited, and then nothing may be opened."""
        del ref, revision, items
        return contextlib.nullcontext(Told())

    def deleting(self, ref: Ref) -> contextlib.AbstractAsyncContextManager[Told]:
        """Delete the Secret of a SealedSecret that is gone. Raises NotAudited, as all of these."""
        del ref
        return contextlib.nullcontext(Told())

    def making(self, namespace: str, name: str, about: str) -> contextlib.AbstractAsyncContextManager[Told]:
        """Make the Secret of a key; `about`: what it is, and why now."""
        del namespace, name, about
        return contextlib.nullcontext(Told())

    def asked(
        self, verb: Literal["verify", "rotate"], posted: Sequence[Posted], user: str
    ) -> contextlib.AbstractAsyncContextManager[Told]:
        """Open what was posted to an endpoint by a user, "" if nobody asked who it is."""
        del verb, posted, user
        return contextlib.nullcontext(Told())

    def refused(self, ref: Ref, reason: str, why: str) -> None:
        """A SealedSecret has another verdict, of this reason; said if it is a rule of ours that refuses it."""
        del ref, reason, why

    async def start(self) -> None:
        """This replica leads: take the log, and close what an earlier process left open."""

    async def written(self) -> None:
        """Return when all that was said is on disk, or can't be written."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class Logged(Audit):
    """Says it to a log; `source` is the cluster's name."""

    def __init__(self, log: AuditLog, source: str) -> None:
        self._log, self._source = log, source

    async def start(self) -> None:
        """As above."""
        await self._log.start()

    async def written(self) -> None:
        """As above."""
        await self._log.written()

    async def __aenter__(self) -> Self:
        await self._log.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._log.close()

    @contextlib.asynccontextmanager
    async def opening(self, ref: Ref, revision: str, items: Iterable[str]) -> AsyncIterator[Told]:
        """As above; an intent to open and one to put, as where the source is Git."""
        opens = self._intent("open", str(ref), revision, reason=_named("items", sorted(items)))
        puts = self._intent("put", str(ref), revision, STORE)
        first, second = await self._log.begin((opens, puts))
        told, opened, put = Told(), _DONE, _UNCHANGED
        try:
            yield told
        except BaseException as error:
            opened = _said(error)
            put = opened if told.open else _NOT_OPENED
            raise
        finally:
            self._log.end((ended(opens, first, told.open or opened), ended(puts, second, told.put or put)))

    def deleting(self, ref: Ref) -> contextlib.AbstractAsyncContextManager[Told]:
        """As above."""
        return self._doing(self._intent("delete", str(ref), "", STORE, "its SealedSecret is gone"))

    def making(self, namespace: str, name: str, about: str) -> contextlib.AbstractAsyncContextManager[Told]:
        """As above."""
        return self._doing(self._intent("generate", f"{namespace}/{name}", "", STORE, about))

    def asked(
        self, verb: Literal["verify", "rotate"], posted: Sequence[Posted], user: str
    ) -> contextlib.AbstractAsyncContextManager[Told]:
        """As above. One record a request, however many documents: who asks may be anybody."""
        refs = [f"{each.namespace}/{each.binding.name}" for each in posted]
        one = len(refs) == 1
        about = _named("items", sorted(posted[0].items)) if one else _named("documents", refs)
        reason = "; ".join(filter(None, (f"/v1/{verb} for {user or 'somebody who was not asked who it is'}", about)))
        # An error may name what stands in the request.
        return self._doing(self._intent("open", refs[0] if one else "", "", reason=reason), rotate.reason)

    def refused(self, ref: Ref, reason: str, why: str) -> None:
        """As above."""
        if reason in _RULES:
            said = Entry("event", "refuse", str(ref), self._source, "", STORE, "refused", f"{reason}: {why}")
            self._log.end((said,))

    @contextlib.asynccontextmanager
    async def _doing(self, intent: Entry, words: Callable[[SealerError], str] | None = None) -> AsyncIterator[Told]:
        [number] = await self._log.begin((intent,))
        told, said = Told(), _DONE
        try:
            yield told
        except BaseException as error:
            said = _said(error)
            if words is not None and isinstance(error, SealerError):
                said = said[0], words(error)
            raise
        finally:
            self._log.end((ended(intent, number, told.open or said),))

    def _intent(self, verb: Verb, ref: str, revision: str, store: str = "", reason: str = "") -> Entry:
        # Names of a request may be of any length, and what waits is in memory.
        return Entry("intent", verb, cut(ref, MAX_REF), self._source, revision, store, reason=cut(reason, MAX_REASON))


def made(directory: str, source: str, counted: Callable[[], Counted], **more: Any) -> Audit:
    """The audit log of a replica in a directory, "" for none; `more` as for `AuditLog`."""
    return Logged(AuditLog(Path(directory), counted=counted(), **more), source) if directory else Audit()


def _named(what: str, names: Sequence[str]) -> str:
    """Names, as far as there is room for them. The old form of a document has its items inside: then it is empty."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{more}" if names else ""


def _said(error: BaseException) -> _Said:
    """What came of it, by how it ended: `unknown` where it may have been done all the same."""
    if isinstance(error, Away):
        return "abandoned", "another replica leads"
    if not isinstance(error, SealerError):
        return "unknown", type(error).__name__
    why = f"{error.reason}: {error.what}" if isinstance(error, (NotOpened, NotWritten)) else error.what
    if isinstance(error, (NotWritten, Refused)):
        return "refused", why
    # A 5xx, too: of a write that timed out the API server doesn't know whether etcd has it.
    lost = isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status >= _LOST)
    return ("unknown" if lost else "failed"), why
