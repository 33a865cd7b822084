"""The embedded store: encrypted versions in the state database (DELIVERY section 6, FORMATS section 7).

A secret has one head and up to ten versions, 1, 2, 3, ... A deleted one keeps its last version for some days and its
head for good, so that no version number ever means two values. Of a version that is destroyed the bytes go at once,
also from the write-ahead log; number and times stay until a hundred newer ones are there. Values are encrypted and
decrypted outside of any transaction; the keys are asked for when the first value is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.configuration.model import Retention
from controller.model import Observed, Ref, Target
from controller.state_tables import local_heads, local_versions, sa
from controller.state_write import BATCH
from controller.stores.base import (
    Capabilities,
    Conflict,
    Delete,
    Put,
    StoreError,
    before_delete,
    before_put,
    too_large,
)
from sealer.errors import NoKey, SourceError

if TYPE_CHECKING:
    from controller.model import Problem
    from controller.state import State
    from controller.state_write import Transaction
    from sealer.secret import Secret

UID = "local"
KEPT = 10
REMEMBERED = 100
DELETED_DAYS = Retention().deleted_days

StateKeys = Callable[[], Sequence[tuple[str, bytes]]]
_H, _V = local_heads.c, local_versions.c
_HEAD = ("namespace", "name", "version", "owner", "token", "fingerprint", "deleted_at")
CAPS = Capabilities(
    max_bytes=16 * 1024 * 1024,
    versions=True,
    cas=True,
    atomic_mark=True,
    soft_delete=True,
    list=True,
    fence=True,
    metadata=True,
    batch=BATCH,
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a local secret, without its value. `destroyed_at` is 0 while its value is kept."""

    number: int
    created_at: int
    destroyed_at: int


@dataclass(frozen=True, slots=True)
class _Head:
    ref: Ref
    version: int
    owner: str
    token: str
    fingerprint: str
    deleted_at: int

    @property
    def row(self) -> dict[str, Any]:
        return dict(zip(_HEAD, _flat(self), strict=True))


class LocalStore:
    """The store `local` of an open state. `keys` is `Keyring.state_keys`, `clock` gives milliseconds UTC.

    `held` are the ids of those keys, told without reading one; None: not known, and every value counts as readable.
    A deleted secret keeps its last version for `deleted_days`.
    """

    uid = UID
    caps = CAPS

    __slots__ = ("_clock", "_deleted_kept", "_found", "_held", "_keys", "_state")

    def __init__(
        self,
        state: State,
        keys: StateKeys,
        clock: Callable[[], int],
        held: Collection[str] | None = None,
        deleted_days: int = DELETED_DAYS,
    ) -> None:
        self._state = state
        self._keys = keys
        self._held = None if held is None else frozenset(bytes.fromhex(each) for each in held)
        self._clock = clock
        self._deleted_kept = deleted_days * 24 * 3600 * 1000
        self._found: Sequence[tuple[str, bytes]] = ()

    def target(self, ref: Ref) -> Target:
        """`namespace/name`."""
        return Target(UID, f"{ref.namespace}/{ref.name}")

    def lint(self, target: Target, secret: Secret) -> list[Problem]:
        """A secret that is too large; any other is taken as it is."""
        return too_large(target, secret, CAPS)

    async def observe(self, targets: Sequence[Target]) -> Mapping[Target, Observed | StoreError]:
        """The heads. A deleted secret belongs to nobody; one whose value is lost shows so too, and `put` guards it."""
        # From row to answer in one step: this runs for every document in every run.
        rows = self._state.rows(_with_keys(_select_heads([_ref(target) for target in targets[: BATCH + 1]])))
        heads = {f"{row[0]}/{row[1]}": row for row in rows}
        return {target: self._standing(target, heads.get(target.name)) for target in targets}

    def _standing(self, target: Target, row: Sequence[Any] | None) -> Observed:
        if row is None:
            return Observed(target, "absent")
        key = row[-1]
        if not row[-2] and (key is None or (self._held is not None and key not in self._held)):
            return Observed(target, "deleted", str(row[2]))
        return _observed(target, row[:-1])

    async def read(self, target: Target) -> Secret:
        """The newest version, decrypted. Conflict if there is none, CannotOpen or NoKey if it can't be opened."""
        try:
            return self._read(target)
        except NoKey:
            # The state key may have been rotated between a look at the row and one at the keys.
            self._found = ()
            return self._read(target)

    def _read(self, target: Target) -> Secret:
        from controller.statecrypt import open_row

        ref = _ref(target)
        head = self._heads([ref]).get(ref)
        if head is None or head.deleted_at:
            raise Conflict("there is no such secret", where=str(target))
        where = (_V.namespace == ref.namespace, _V.name == ref.name, _V.version == head.version)
        rows = self._state.rows(sa.select(_V.row).where(*where))
        return open_row(dict(self._state_keys()), ref, head.version, rows[0][0] if rows and rows[0][0] else b"")

    async def put(self, batch: Sequence[Put]) -> Mapping[Target, str | StoreError]:
        """Write a batch in one transaction; see the protocol for what each item may come to."""
        from controller.statecrypt import seal_row

        results: dict[Target, str | StoreError] = {}
        heads: dict[Ref, _Head] = {}
        versions: list[dict[str, Any]] = []
        now = self._clock()
        seen = self._heads([_ref(put.target) for put in batch])
        for put in batch:
            ref = _ref(put.target)
            head = heads.get(ref) or seen.get(ref)
            result = before_put(put, _seen(put.target, head), CAPS)
            mark = put.mark
            if result is None and put.mark_only and head:
                heads[ref] = _Head(ref, head.version, mark.owner, mark.token, mark.fingerprint, 0)
                result = str(head.version)
            elif result is None:
                version = head.version + 1 if head else 1
                row = seal_row(*self._state_keys()[0], ref, version, put.secret)
                heads[ref] = _Head(ref, version, mark.owner, mark.token, mark.fingerprint, 0)
                versions.append({**_key(ref, version), **_kept(mark.fingerprint, now, row)})
                result = str(version)
            results[put.target] = result
        if heads:
            old = [(head.ref, head.version - KEPT) for head in heads.values()]
            with self._state.begin("local") as transaction:
                self._check(transaction, seen, heads)
                transaction.replace(local_heads, [head.row for head in heads.values()])
                transaction.replace(local_versions, versions)
                destroyed = _destroy(transaction, old, now)
            if destroyed:
                self._state.checkpoint()
        return results

    async def delete(self, batch: Sequence[Delete]) -> Mapping[Target, StoreError | None]:
        """Mark heads as deleted and destroy all but their last version, in one transaction."""
        now = self._clock()
        seen = self._heads([_ref(delete.target) for delete in batch])
        results: dict[Target, StoreError | None] = {}
        heads: dict[Ref, _Head] = {}
        for delete in batch:
            head = seen.get(_ref(delete.target))
            results[delete.target] = error = before_delete(delete, _seen(delete.target, head), CAPS)
            if head is not None and not head.deleted_at and error is None:
                heads[head.ref] = _Head(head.ref, head.version, head.owner, head.token, head.fingerprint, now)
        if heads:
            with self._state.begin("local") as transaction:
                self._check(transaction, seen, heads)
                transaction.replace(local_heads, [head.row for head in heads.values()])
                destroyed = _destroy(transaction, [(head.ref, head.version - 1) for head in heads.values()], now)
            if destroyed:
                self._state.checkpoint()
        return results

    def expire(self) -> int:
        """Destroy the last version of what was deleted so long ago; how many. With none nothing is written."""
        now = self._clock()
        joined = sa.and_(_V.namespace == _H.namespace, _V.name == _H.name, _V.version == _H.version)
        due = sa.select(_H.namespace, _H.name, _H.version).join(local_versions, joined)
        due = due.where(_H.deleted_at > 0, _H.deleted_at <= now - self._deleted_kept, _V.destroyed_at == 0)
        rows = self._state.rows(due)
        for start in range(0, len(rows), BATCH):
            with self._state.begin("local") as transaction:
                _destroy(transaction, [(Ref(row[0], row[1]), row[2]) for row in rows[start : start + BATCH]], now)
        if rows:
            self._state.checkpoint()
        return len(rows)

    def refs(self) -> tuple[Ref, ...]:
        """Every secret that stands here, sorted."""
        found = self._state.rows(sa.select(_H.namespace, _H.name).where(_H.deleted_at == 0))
        return tuple(sorted(Ref(*row) for row in found))

    def history(self, ref: Ref) -> tuple[Version, ...]:
        """The versions of a secret, oldest first."""
        where = (_V.namespace == ref.namespace, _V.name == ref.name)
        statement = sa.select(_V.version, _V.created_at, _V.destroyed_at).where(*where).order_by(_V.version)
        return tuple(Version(*row) for row in self._state.rows(statement))

    def _heads(self, refs: Sequence[Ref]) -> dict[Ref, _Head]:
        rows = self._state.rows(_select_heads(refs))
        return {ref: _Head(ref, *row[2:]) for row in rows if (ref := Ref(row[0], row[1]))}

    def _check(self, transaction: Transaction, seen: Mapping[Ref, _Head], heads: Mapping[Ref, _Head]) -> None:
        """Refuse to write over what changed since it was looked at, before the transaction began."""
        rows = transaction.connection.execute(_select_heads(list(heads))).all()
        now = {Ref(row[0], row[1]): row[2] for row in rows}
        if now != {ref: seen[ref].version for ref in heads if ref in seen}:
            raise SourceError("another process wrote to the state", where=str(self._state.path))

    def _state_keys(self) -> Sequence[tuple[str, bytes]]:
        if not self._found:
            self._found = self._keys()
        return self._found


def _destroy(transaction: Transaction, last: Iterable[tuple[Ref, int]], now: int) -> int:
    """Destroy the values of these versions and all before them; forget versions that are long gone."""
    numbers = [(ref, number) for ref, number in last if number > 0]
    here = (_V.namespace == sa.bindparam("p_namespace"), _V.name == sa.bindparam("p_name"))
    upto = (*here, _V.version <= sa.bindparam("p_last"))
    if numbers:
        destroy = local_versions.update().where(*upto, _V.destroyed_at == 0).values(row=None, destroyed_at=now)
        transaction.connection.execute(destroy, [_last(ref, number) for ref, number in numbers])
    forgotten = [_last(ref, number - REMEMBERED) for ref, number in numbers if number > REMEMBERED]
    if forgotten:
        transaction.connection.execute(local_versions.delete().where(*upto, _V.destroyed_at > 0), forgotten)
    return len(numbers)


def _last(ref: Ref, number: int) -> dict[str, Any]:
    return {"p_namespace": ref.namespace, "p_name": ref.name, "p_last": number}


def _select_heads(refs: Sequence[Ref]) -> sa.Select[Any]:
    statement = sa.select(*(_H[column] for column in _HEAD))
    if len(refs) <= BATCH:
        return statement.where(sa.tuple_(_H.namespace, _H.name).in_([(ref.namespace, ref.name) for ref in refs]))
    return statement


def _with_keys(heads: sa.Select[Any]) -> sa.Select[Any]:
    """Each head with the id of the state key that its value is under (FORMATS section 7); none for a lost value."""
    joined = sa.and_(_V.namespace == _H.namespace, _V.name == _H.name, _V.version == _H.version)
    return heads.add_columns(sa.func.substr(_V.row, 2, 8)).outerjoin(local_versions, joined)


def _observed(target: Target, row: Sequence[Any] | None) -> Observed:
    if row is None:
        return Observed(target, "absent")
    _, _, version, owner, token, fingerprint, deleted_at = row
    if deleted_at:
        return Observed(target, "deleted", str(version))
    return Observed(target, "present", str(version), owner, token, fingerprint)


def _seen(target: Target, head: _Head | None) -> Observed:
    return _observed(target, _flat(head) if head else None)


def _flat(head: _Head) -> tuple[Any, ...]:
    fields = (head.version, head.owner, head.token, head.fingerprint, head.deleted_at)
    return (head.ref.namespace, head.ref.name, *fields)


def _key(ref: Ref, version: int) -> dict[str, Any]:
    return {"namespace": ref.namespace, "name": ref.name, "version": version}


def _kept(fingerprint: str, now: int, row: bytes) -> dict[str, Any]:
    return {"fingerprint": fingerprint, "created_at": now, "destroyed_at": 0, "row": row}


def _ref(target: Target) -> Ref:
    namespace, _, name = target.name.partition("/")
    return Ref(namespace, name)
