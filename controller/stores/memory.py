"""A store in memory: for tests, and the shortest example of what a store has to do.

Each item passes the `Effects` port by itself, as each is one call at a remote store: what the port raises before the
effect is a failure, after it an unknown outcome, and either becomes the item's result. Without `caps.atomic_mark` a put
is two calls, value then mark, and the old mark stands beside the new value in between; without `caps.cas` `expect` is
not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from controller.effects import Effects
from controller.model import Observed, Target
from controller.stores.base import (
    Capabilities,
    Conflict,
    Delete,
    Mark,
    OutcomeUnknown,
    Put,
    StoreError,
    before_delete,
    before_put,
    too_large,
)

if TYPE_CHECKING:
    from controller.model import Problem
    from sealer.secret import Ref, Secret

CAPS = Capabilities(
    max_bytes=1024 * 1024,
    versions=True,
    cas=True,
    atomic_mark=True,
    soft_delete=True,
    list=True,
    metadata=True,
    concurrency=4,
    batch=16,
)


@dataclass(frozen=True, slots=True)
class _Entry:
    secret: Secret = field(repr=False)
    version: int
    mark: Mark
    deleted: bool = False


_UNMARKED = Mark("", "", "", 0)


class MemoryStore:
    """A store that ends with its process. Shows nothing of what it holds."""

    __slots__ = ("_effects", "_entries", "caps", "uid")

    def __init__(self, uid: str = "memory", *, caps: Capabilities = CAPS, effects: Effects | None = None) -> None:
        self.uid = uid
        self.caps = caps
        self._effects = effects or Effects()
        self._entries: dict[Target, _Entry] = {}

    def target(self, ref: Ref) -> Target:
        """`namespace/name`."""
        return Target(self.uid, f"{ref.namespace}/{ref.name}")

    def lint(self, target: Target, secret: Secret) -> list[Problem]:
        """A secret that is too large."""
        return too_large(target, secret, self.caps)

    async def observe(self, targets: Sequence[Target]) -> Mapping[Target, Observed | StoreError]:
        """What stands there. A deleted secret belongs to nobody."""
        return {target: self._observed(target) for target in targets}

    async def read(self, target: Target) -> Secret:
        """The secret that stands there; Conflict if there is none."""
        entry = self._entries.get(target)
        if entry is None or entry.deleted:
            raise Conflict("there is no such secret", where=str(target))
        return entry.secret

    async def put(self, batch: Sequence[Put]) -> Mapping[Target, str | StoreError]:
        """Write each by itself."""
        return {put.target: self._put(put) for put in batch}

    async def delete(self, batch: Sequence[Delete]) -> Mapping[Target, StoreError | None]:
        """Delete each by itself, softly: the last version stays until it is written again."""
        return {delete.target: self._delete(delete) for delete in batch}

    def _observed(self, target: Target) -> Observed:
        entry = self._entries.get(target)
        if entry is None:
            return Observed(target, "absent")
        version = str(entry.version)
        if entry.deleted:
            return Observed(target, "deleted", version)
        return Observed(target, "present", version, entry.mark.owner, entry.mark.token, entry.mark.fingerprint)

    def _put(self, put: Put) -> str | StoreError:
        result = before_put(put, self._observed(put.target), self.caps)
        if result is not None:
            return result
        try:
            if not put.mark_only:
                with self._effects.around("memory.put", str(put.target)):
                    self._write(put)
        except StoreError as error:
            return error
        if put.mark_only or not self.caps.atomic_mark:
            try:
                with self._effects.around("memory.mark", str(put.target)):
                    self._entries[put.target] = replace(self._entries[put.target], mark=put.mark)
            except StoreError as error:
                return error if put.mark_only else OutcomeUnknown(f"the mark was not written: {error.what}")
        return str(self._entries[put.target].version)

    def _write(self, put: Put) -> None:
        before = self._entries.get(put.target)
        mark = put.mark
        if not self.caps.atomic_mark:
            mark = before.mark if before and not before.deleted else _UNMARKED
        self._entries[put.target] = _Entry(put.secret, before.version + 1 if before else 1, mark)

    def _delete(self, delete: Delete) -> StoreError | None:
        seen = self._observed(delete.target)
        error = before_delete(delete, seen, self.caps)
        if error is not None or seen.presence != "present":
            return error
        try:
            with self._effects.around("memory.delete", str(delete.target)):
                self._entries[delete.target] = replace(self._entries[delete.target], deleted=True)
        except StoreError as failure:
            return failure
        return None
