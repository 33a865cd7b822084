"""SealedSecrets as their watch shows them, and which of them there is something to do about (`reflector.Handler`).

Whether there is, is decided here for most, without a request and without a key: what is settled is never queued. So a
restart with nothing changed reads two lists, and that is all.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from controller.kube import document, names, standing
from controller.kube.cache import Delivered, Sealed, Standings, Waiting
from controller.kube.queue import BACKLOG, NEW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.kube.queue import Queue

_SHORT = 64
"""Characters of an annotation that are remembered as they are: as many as a SHA-256 has in hex."""


class SealedSecrets:
    """What is known of each, by `namespace/name`; `unsettled` are those that somebody has to work on.

    They are queued only while `leads`: who begins to lead calls `start`. `told` is called with what is shown, and with
    None for what is gone.
    """

    def __init__(
        self,
        standings: Standings,
        queue: Queue,
        leads: Callable[[], bool],
        *,
        watched: bool = True,
        told: Callable[[str, dict[str, Any] | None], None] = lambda *_: None,
    ) -> None:
        self._standings = standings
        self._queue = queue
        self._leads = leads
        self._watched = watched
        self._told = told
        self.known: dict[str, Sealed] = {}
        self.waiting = Waiting()
        self.unsettled: set[str] = set()
        self._worked: set[str] = set()
        self._stirred: set[str] = set()  # their Secrets went, or are others, while they were worked on
        self._wanted: set[str] = set()  # they are others themselves
        self.completed = 0

    # What the watch shows.

    def seen(self, key: str, item: dict[str, Any], *, listed: bool) -> None:
        """A SealedSecret is there, or is another now."""
        former = self.known.get(key)
        self._told(key, item)
        facts = _facts(item)
        same = former is not None and (former.uid, former.generation, former.scope) == facts
        if same and key not in self.unsettled:
            return  # its status alone, which is ours, or what nothing depends on
        if not same:
            self.known[key] = Sealed(*facts)
        elif key in self._worked:
            return  # what was just written
        delivered = standing.settled(item, _input(item), self._standings.get(key), watched=self._watched)
        if delivered is not None:
            self.waiting.drop(key)
            self.settle(key, delivered)
            return
        if same:
            self.waiting.renew(key, item)
            return
        self.waiting.put(key, item)
        self.want(key, listed=listed)

    def gone(self, key: str, uid: str) -> None:
        """A SealedSecret is there no more: the cluster collects what it owned."""
        known = self.known.get(key)
        if known is not None and known.uid == uid:
            self.waiting.drop(key)
            if not self._leads():
                self.forget(key)
                return
            self.want(key, listed=False)  # so that a worker that has it now is followed by one that forgets it

    def complete(self) -> None:
        """All that a list shows was seen."""
        self.completed += 1

    def stirred(self, key: str) -> None:
        """The Secret of this name is another, or gone. What we wrote ourselves is no news."""
        known = self.known.get(key)
        if known is None:
            return
        if key in self._worked:
            self._stirred.add(key)
        elif self._news(key, known.delivered):
            self.want(key, listed=False)

    def _news(self, key: str, delivered: Delivered | None) -> bool:
        """Whether what stands is another than what was delivered, and not what stood before that."""
        seen = self._standings.get(key)
        if seen is None or delivered is None or seen.uid != delivered.uid:
            return True
        if seen.version.isdigit() and delivered.version.isdigit():  # both are, since Kubernetes 1.35
            return int(seen.version) > int(delivered.version)
        return seen.version != delivered.version

    # What the workers say.

    @contextlib.contextmanager
    def worked(self, key: str) -> Iterator[None]:
        """Somebody works on it: what the watch shows of its Secret meanwhile is mostly what was just written."""
        self._worked.add(key)
        self._stirred.discard(key)
        self._wanted.discard(key)
        try:
            yield
        finally:
            self._worked.discard(key)

    def settle(self, key: str, delivered: Delivered | None) -> None:
        """Nothing more is to be done, but for what happened meanwhile; `delivered`: what stands now."""
        if key not in self._wanted:
            self.unsettled.discard(key)
        if key not in self.known:
            return
        seen = self._standings.get(key)
        self.known[key].delivered = standing.shared(delivered, seen)
        # What stirred was mostly our own write, of which the watch may tell late. It was none if nothing was written.
        gone = seen is None and key in self._stirred
        other = key in self._stirred if delivered is None else seen is not None and self._news(key, delivered)
        self._stirred.discard(key)
        if gone or other:
            self.want(key, listed=False)

    def forget(self, key: str) -> None:
        """It is gone, and so is all that was known of it."""
        self.known.pop(key, None)
        self.unsettled.discard(key)
        self._stirred.discard(key)
        self._wanted.discard(key)
        self._told(key, None)

    def want(self, key: str, *, listed: bool) -> None:
        """There is something to do."""
        self.unsettled.add(key)
        if key in self._worked:
            self._wanted.add(key)
        if self._leads():
            self._queue.add(key, BACKLOG if listed else NEW)

    def start(self) -> None:
        """This one leads from now on: what is unsettled is its work."""
        for key in list(self.unsettled):
            self._queue.add(key, BACKLOG)

    def keys(self) -> Iterator[str]:
        """All that are there."""
        return iter(self.known)


def _input(item: dict[str, Any]) -> str:
    """What a status would have to name; "" of a document that can't be read."""
    try:
        found, legacy = document.read(item)
    except document.Unusable:
        return ""
    return document.input_for(item, found, legacy)


def _facts(item: dict[str, Any]) -> tuple[str, int, tuple[str, ...]]:
    """Uid, generation, and the annotations that delivery depends on or that ask for another look.

    The annotations are named, since a change of them leaves the generation as it is.
    """
    metadata = item["metadata"]
    annotations = metadata.get("annotations")
    texts = annotations if isinstance(annotations, dict) else {}
    marks = tuple(f"{name}={_short(text)}" for name, text in sorted(texts.items()) if standing.counts(name))
    if asked := standing.requested(item):
        marks = (*marks, f"{names.REQUESTED}={asked}")
    return metadata["uid"], int(metadata.get("generation", 0)), marks


def _short(text: object) -> str:
    """An annotation, or the hash of a long one: it may have 256 KiB, and only whether it changed is asked."""
    found = str(text)
    return found if len(found) <= _SHORT else hashlib.sha256(found.encode("utf-8", "surrogatepass")).hexdigest()
