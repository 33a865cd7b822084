"""The store `files` as the flow sees it: one new generation for each batch that changes anything.

A version is the number of the generation that wrote it and what is random about the root, so that none ever means two
values, also after a restart emptied a tmpfs. A file that another hand changed since has a later time than its mark: the
version says so too, and the mark counts for nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from controller.effects import Effects
from controller.model import Observed, Target
from controller.stores.base import (
    Capabilities,
    Conflict,
    Delete,
    OutcomeUnknown,
    Put,
    Rejected,
    StoreError,
    before_delete,
    before_put,
    too_large,
)
from controller.stores.files import generations, layout
from controller.stores.files.generations import Write
from controller.stores.files.layout import Label
from controller.stores.files.root import Place, Root, locked, opened, unavailable
from controller.stores.files.system import System
from controller.stores.files.view import View
from sealer.errors import NameRefused

if TYPE_CHECKING:
    from controller.model import Problem
    from sealer.secret import Ref, Secret

CAPS = Capabilities(
    max_bytes=16 * 1024 * 1024,
    cas=True,
    atomic_mark=True,
    metadata=True,
    batch=256,
)


class FilesStore:
    """Secrets below a directory, which is made when the first is put. `clock` gives milliseconds UTC.

    With `read_only` nothing is cleared away when it is looked at.
    """

    caps = CAPS

    __slots__ = ("_clock", "_due", "_place", "_read_only", "_system", "_wait", "uid")

    def __init__(
        self,
        place: Place,
        clock: Callable[[], int],
        *,
        effects: Effects | None = None,
        read_only: bool = False,
        wait: float = 2.0,
    ) -> None:
        self.uid = place.uid
        self._place = place
        self._clock = clock
        self._system = System(effects or Effects())
        self._read_only = read_only
        self._wait = wait
        self._due: int | None = 0  # when something has to go: at the start there may be leftovers

    def target(self, ref: Ref) -> Target:
        """`namespace/name`."""
        return Target(self.uid, f"{ref.namespace}/{ref.name}")

    def lint(self, target: Target, secret: Secret) -> list[Problem]:
        """A secret that is too large, and names that can't be those of files."""
        return [*too_large(target, secret, CAPS), *layout.problems(target, secret)]

    async def observe(self, targets: Sequence[Target]) -> Mapping[Target, Observed | StoreError]:
        """What the standing generation holds, by its links, marks and times; no value is read."""
        try:
            with opened(self._place, self._system, create=False) as root:
                if root is None:
                    return {target: Observed(target, "absent") for target in targets}
                if not self._read_only:
                    self._clear(root)
                with View.of(root) as view:
                    return {target: _seen(view, target) for target in targets}
        except StoreError as error:
            return dict.fromkeys(targets, error)
        except OSError as error:
            return dict.fromkeys(targets, unavailable(error, self._place.path))

    async def read(self, target: Target) -> Secret:
        """The secret as its files are now. Conflict if there is none."""
        try:
            ref = layout.ref_of(target)
            with opened(self._place, self._system, create=False) as root, View.of(root) as view:
                secret = view.read(ref)
        except NameRefused:
            secret = None
        except OSError as error:
            raise unavailable(error, self._place.path) from None
        if secret is None:
            raise Conflict("there is no such secret", where=str(target))
        return secret

    async def put(self, batch: Sequence[Put]) -> Mapping[Target, str | StoreError]:
        """Write a batch as one generation; see the protocol for what each item may come to."""
        if not batch:
            return {}
        try:
            with self._locked(create=True) as root:
                assert root is not None  # noqa: S101  # `create` made it
                return self._put(root, batch)
        except StoreError as error:
            return {put.target: error for put in batch}
        except OSError as error:
            return {put.target: unavailable(error, self._place.path) for put in batch}

    async def delete(self, batch: Sequence[Delete]) -> Mapping[Target, StoreError | None]:
        """Take a batch out of the next generation; the files go when no reader can hold them any more."""
        if not batch:
            return {}
        try:
            with self._locked(create=False) as root:
                if root is None:
                    return {delete.target: None for delete in batch}
                return self._delete(root, batch)
        except StoreError as error:
            return {delete.target: error for delete in batch}
        except OSError as error:
            return {delete.target: unavailable(error, self._place.path) for delete in batch}

    def _put(self, root: Root, batch: Sequence[Put]) -> dict[Target, str | StoreError]:
        results: dict[Target, str | StoreError] = {}
        writes: dict[Target, Write] = {}
        with View.of(root) as view:
            for put in batch:
                problem = next(iter(layout.problems(put.target, put.secret)), None)
                if problem:
                    results[put.target] = Rejected(problem.what, where=str(put.target), way_out=problem.way_out)
                    continue
                ref = layout.ref_of(put.target)
                seen = view.observed(put.target, ref)
                result = before_put(put, seen, CAPS)
                if result is None and put.mark_only:
                    result = self._mark(view, put, ref, seen)
                if result is None:
                    writes[put.target] = Write(ref, put.secret, Label.of(put.secret, put.mark))
                results[put.target] = result if result is not None else ""
        if writes:
            number = self._advance(root, list(writes.values()), ())
            answer = number if isinstance(number, StoreError) else layout.version(number, root.instance)
            results.update(dict.fromkeys(writes, answer))
        return results

    def _mark(self, view: View, put: Put, ref: Ref, seen: Observed) -> str | StoreError:
        """Write the mark of what stands there. An edit that is accepted by it stays in the version."""
        due, self._due = self._due, 0
        try:
            view.mark(self._system, ref, put.mark)
        except StoreError as error:
            return error
        except OSError as error:
            return unavailable(error, self._place.path)
        self._due = due
        return seen.version

    def _delete(self, root: Root, batch: Sequence[Delete]) -> dict[Target, StoreError | None]:
        results: dict[Target, StoreError | None] = {}
        going: dict[Target, Ref] = {}
        with View.of(root) as view:
            for delete in batch:
                try:
                    ref = layout.ref_of(delete.target)
                except NameRefused:
                    results[delete.target] = None  # nothing can stand there
                    continue
                seen = view.observed(delete.target, ref)
                results[delete.target] = error = before_delete(delete, seen, CAPS)
                if error is None and seen.presence == "present":
                    going[delete.target] = ref
        if going:
            number = self._advance(root, (), tuple(going.values()))
            if isinstance(number, StoreError):
                results.update(dict.fromkeys(going, number))
        return results

    def _advance(self, root: Root, writes: Sequence[Write], removed: Sequence[Ref]) -> int | StoreError:
        """The number of the generation that now stands; else why it doesn't, and then all is as it was."""
        before = generations.current(root.descriptor)
        due, self._due = self._due, 0  # whatever ends this leaves something to sweep
        try:
            number = generations.prepare(self._system, root.descriptor, before, writes, removed)
            generations.publish(self._system, root.descriptor, number)
        except (OSError, StoreError) as error:
            why = unavailable(error, self._place.path) if isinstance(error, OSError) else error
            if generations.current(root.descriptor) != before:
                what = "the new files stand, but perhaps not on the disk"
                return OutcomeUnknown(what, where=self._place.path)
            with contextlib.suppress(OSError, StoreError):  # else at the next sweep
                generations.discard(self._system, root.descriptor, before + 1, [write.ref for write in writes])
            return why
        self._due = self._clock() + generations.KEPT if due is None else due
        return number

    @contextlib.contextmanager
    def _locked(self, *, create: bool) -> Iterator[Root | None]:
        with opened(self._place, self._system, create=create) as root:
            if root is None:
                yield None
                return
            with locked(self._place, self._system, root.descriptor, wait=self._wait):
                self._sweep(root)
                yield root

    def _clear(self, root: Root) -> None:
        """Remove what has to go, unless somebody is writing: then they do."""
        if self._due is not None and self._due <= self._clock():
            with (
                contextlib.suppress(StoreError, OSError),
                locked(self._place, self._system, root.descriptor, wait=0),
            ):
                self._sweep(root)

    def _sweep(self, root: Root) -> None:
        now = self._clock()
        if self._due is not None and self._due <= now:
            self._due = generations.sweep(self._system, root.descriptor, now)


def _seen(view: View, target: Target) -> Observed | StoreError:
    try:
        return view.observed(target, layout.ref_of(target))
    except NameRefused:
        return Observed(target, "absent")
