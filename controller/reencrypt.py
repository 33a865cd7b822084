"""The rows of the store `local` under another state key, with the fingerprints of what they hold (FORMATS 7, 8).

Only what is in memory is decrypted and encrypted, between transactions; each transaction first makes sure that its rows
are still the ones that were read. A fingerprint is written anew with the row that proves what it is of; one that no row
proves is forgotten, and so unknown. Whoever calls holds the state's lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.fingerprint import FingerprintKey, derive, fingerprint
from controller.state_tables import deliveries, intents, local_heads, local_versions, sa
from controller.state_write import BATCH
from controller.statecrypt import open_row, seal_row
from controller.stores.local import UID
from sealer.errors import CannotOpen, NoKey, SourceError
from sealer.secret import Ref

if TYPE_CHECKING:
    from controller.state import State
    from controller.state_write import Transaction
    from sealer.secret import Secret

BYTES = 32 * 1024 * 1024
"""Rows of one batch, but for its last: they are in memory several times over."""

_HEAD = 41  # with a random salt: no two rows begin alike
_H, _V = local_heads.c, local_versions.c

Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A version of a secret that can't be decrypted, and why."""

    ref: Ref
    version: int
    what: str
    head: bytes = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Again:
    """One row as it was read, and as it will be."""

    place: Place
    before: bytes
    row: bytes = field(repr=False)
    mark: str = field(repr=False)
    delivered: Mapping[str, str] = field(repr=False)


class Rows:
    """The versions in a state, and the keys that open them: (id, key), the one to encrypt with first."""

    def __init__(self, state: State, keys: Sequence[tuple[str, bytes]]) -> None:
        self._state = state
        self._keys = dict(keys)
        self._id, self._key = keys[0]
        self._prints = [derive(*each) for each in keys]

    @property
    def prefix(self) -> str:
        """The part before the colon of the fingerprints that are written."""
        return self._prints[0].prefix

    def left(self) -> list[tuple[Place, int]]:
        """Each version that is not under the new key, with the size of its row."""
        statement = sa.select(_V.namespace, _V.name, _V.version, sa.func.length(_V.row)).where(*self._under_another())
        rows = self._state.rows(statement.order_by(_V.namespace, _V.name, _V.version))
        return [((row[0], row[1], row[2]), row[3]) for row in rows]

    def encrypt(self, places: Sequence[Place]) -> tuple[list[Ref], list[Unreadable]]:
        """Encrypt one batch again; the secrets that were, one for each version, and what can't be read."""
        done: list[_Again] = []
        bad: list[Unreadable] = []
        for namespace, name, version, row in self._state.rows(_select(places, _V.row)):
            ref = Ref(namespace, name)
            try:
                secret = open_row(self._keys, ref, version, row)
            except (CannotOpen, NoKey) as error:
                bad.append(Unreadable(ref, version, error.what, row[:_HEAD]))
                continue
            done.append(self._again(ref, version, row[:_HEAD], secret))
        if done:
            with self._state.begin("rotate") as transaction:
                self._check(transaction, {each.place: each.before for each in done})
                self._write(transaction, done)
        return [Ref(*each.place[:2]) for each in done], bad

    def give_up(self, bad: Sequence[Unreadable], now: int) -> None:
        """Destroy versions that can't be read: a document that is still in its source is then delivered again."""
        for start in range(0, len(bad), BATCH):
            part = {_place(each): each.head for each in bad[start : start + BATCH]}
            with self._state.begin("rotate") as transaction:
                self._check(transaction, part)
                destroy = local_versions.update().where(*_at(_V)).values(row=None, destroyed_at=now, fingerprint="")
                transaction.connection.execute(destroy, [_bound(place) for place in part])

    def forget(self) -> None:
        """Forget the fingerprints that no row proves, and record whose the others are."""
        with self._state.begin("rotate") as transaction:
            for table in (local_versions, local_heads, deliveries):
                other = sa.and_(table.c.fingerprint != "", table.c.fingerprint.not_like(f"{self.prefix}:%"))
                here = (table.c.store == UID,) if table is deliveries else ()
                transaction.connection.execute(table.update().where(other, *here).values(fingerprint=""))
            transaction.put_meta(fingerprint_key=self.prefix)

    def _again(self, ref: Ref, version: int, before: bytes, secret: Secret) -> _Again:
        new, *former = self._prints
        row = seal_row(self._id, self._key, ref, version, secret)
        delivered = {_delivered(key, ref, secret): _delivered(new, ref, secret) for key in former}
        mark = fingerprint(new, "mark", UID, ref, secret)
        return _Again((ref.namespace, ref.name, version), before, row, mark, delivered)

    def _write(self, transaction: Transaction, done: Sequence[_Again]) -> None:
        execute = transaction.connection.execute
        rows = [_bound(each.place) | {"p_row": each.row, "p_new": each.mark} for each in done]
        renewed = local_versions.update().where(*_at(_V))
        execute(renewed.values(row=sa.bindparam("p_row"), fingerprint=sa.bindparam("p_new")), rows)
        heads = [_bound(each.place) | {"p_new": each.mark} for each in done]
        execute(local_heads.update().where(*_at(_H)).values(fingerprint=sa.bindparam("p_new")), heads)
        prints = [
            {"p_target": "/".join(each.place[:2]), "p_old": old, "p_new": new}
            for each in done
            for old, new in each.delivered.items()
        ]
        for table in (deliveries, intents) if prints else ():
            c = table.c
            where = (c.store == UID, c.target == sa.bindparam("p_target"), c.fingerprint == sa.bindparam("p_old"))
            execute(table.update().where(*where).values(fingerprint=sa.bindparam("p_new")), prints)

    def _check(self, transaction: Transaction, read: Mapping[Place, bytes]) -> None:
        """Refuse to write over what changed since it was read, before the transaction began."""
        statement = _select(list(read), sa.func.substr(_V.row, 1, _HEAD))
        rows = transaction.connection.execute(statement).all()
        if {(row[0], row[1], row[2]): row[3] for row in rows} != read:
            raise SourceError("another process wrote to the state", where=str(self._state.path))

    def _under_another(self) -> Iterator[sa.ColumnElement[bool]]:
        yield _V.row.is_not(None)
        yield sa.func.substr(_V.row, 2, 8, type_=sa.LargeBinary) != bytes.fromhex(self._id)


def batches(left: Iterator[tuple[Place, int]]) -> Iterator[list[Place]]:
    """Rows, as many as go into one transaction and into memory."""
    part: list[Place] = []
    size = 0
    for place, length in left:
        part.append(place)
        size += length
        if len(part) == BATCH or size >= BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _delivered(key: FingerprintKey, ref: Ref, secret: Secret) -> str:
    return fingerprint(key, "delivered", UID, ref, secret)


def _select(places: Sequence[Place], column: sa.ColumnElement[Any]) -> sa.Select[Any]:
    statement = sa.select(_V.namespace, _V.name, _V.version, column)
    return statement.where(sa.tuple_(_V.namespace, _V.name, _V.version).in_(places))


def _at(columns: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return tuple(columns[name] == sa.bindparam(f"p_{name}") for name in ("namespace", "name", "version"))


def _bound(place: Place) -> dict[str, Any]:
    return dict(zip(("p_namespace", "p_name", "p_version"), place, strict=True))


def _place(each: Unreadable) -> Place:
    return each.ref.namespace, each.ref.name, each.version
