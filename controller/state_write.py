"""How the state is written: rows in, within one transaction (DELIVERY section 4)."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller import state_tables
from controller.state_tables import sa

if TYPE_CHECKING:
    from controller.model import Delivery, Intent, Known, Source, StoreSpec, Target
    from sealer.secret import Ref

BATCH = 256
"""Documents in one transaction, and the most that one statement names."""

_D = state_tables.documents.c

Row = Mapping[str, Any]


class Transaction:
    """What may be written in one transaction. Each row takes the place of the one with its key."""

    __slots__ = ("connection",)

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def put_meta(self, **values: str) -> None:
        """Set entries of `meta`."""
        self.replace(state_tables.meta, [{"key": key, "value": value} for key, value in values.items()])

    def put_source(self, source: Source) -> None:
        """Record that a source was applied and something changed."""
        row = {"source": source.id, "kind": source.kind, "location": source.location}
        self.replace(state_tables.sources, [row | {"revision": source.revision, "applied_at": source.applied_at}])

    def put_stores(self, stores: Iterable[StoreSpec]) -> None:
        """Record stores, so that what was delivered to one that is gone can be withdrawn."""
        rows = [{"store": each.uid, "label": each.label, "kind": each.kind, "spec": each.spec} for each in stores]
        self.replace(state_tables.stores, rows)

    def put_documents(self, documents: Sequence[Known], bodies: Mapping[Ref, bytes] | None = None) -> None:
        """Record documents. A body that was recorded stays until `bodies` has another, or `good` is empty."""
        kept = dict(bodies or {})
        for each in documents:
            if each.good and each.ref not in kept and (body := self._body(each)) is not None:
                kept[each.ref] = body
        self.replace(state_tables.documents, [_document(each, kept.get(each.ref)) for each in documents])

    def put_deliveries(self, deliveries: Iterable[Delivery]) -> None:
        """Record what stands at targets, or why it doesn't."""
        self.replace(state_tables.deliveries, [_delivery(each) for each in deliveries])

    def put_intents(self, intents: Iterable[Intent]) -> None:
        """Record effects before they happen; at most one a target."""
        self.replace(state_tables.intents, [_intent(each) for each in intents])

    def put_parsed(self, parser: str, entries: Mapping[str, bytes]) -> None:
        """Record what a parser made of files."""
        rows = [{"file": file, "parser": parser, "entries": value} for file, value in entries.items()]
        self.replace(state_tables.parsed, rows)

    def drop_deliveries(self, targets: Iterable[Target]) -> None:
        """Forget deliveries."""
        self.delete(state_tables.deliveries, [{"store": each.store, "target": each.name} for each in targets])

    def drop_intents(self, targets: Iterable[Target]) -> None:
        """Forget intents: their end is recorded in this very transaction."""
        self.delete(state_tables.intents, [{"store": each.store, "target": each.name} for each in targets])

    def drop_documents(self, source: str, refs: Iterable[Ref]) -> None:
        """Forget documents of a source, and their bodies."""
        rows = [{"source": source, "namespace": ref.namespace, "name": ref.name} for ref in refs]
        self.delete(state_tables.documents, rows)

    def keep_parsed(self, files: Collection[str], parser: str) -> None:
        """Forget all other files, and what other parsers made of any."""
        columns = state_tables.parsed.c
        rows = self.connection.execute(sa.select(columns.file, columns.parser)).all()
        stale = [{"file": row[0], "parser": row[1]} for row in rows if row[1] != parser or row[0] not in files]
        self.delete(state_tables.parsed, stale)

    def replace(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Insert rows, each in the place of the one with its key.

        By the driver: what SQLAlchemy does for each row of a statement costs several times what SQLite does for it.
        """
        if rows:
            statement, values = _upsert(table)
            self.connection.exec_driver_sql(statement, [values(row) for row in rows])

    def delete(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Delete rows by their key."""
        if rows:
            keys = list(table.primary_key)
            where = [column == sa.bindparam(f"key_{column.name}") for column in keys]
            values = [{f"key_{column.name}": row[column.name] for column in keys} for row in rows]
            self.connection.execute(table.delete().where(*where), values)

    def _body(self, known: Known) -> bytes | None:
        where = (_D.source == known.source, _D.namespace == known.ref.namespace, _D.name == known.ref.name)
        statement = sa.select(_D.good_body).where(*where, _D.good == known.good)
        body: bytes | None = self.connection.execute(statement).scalar()
        return body


@functools.cache
def _upsert(table: sa.Table) -> tuple[str, Callable[[Row], tuple[Any, ...]]]:
    """The statement that writes a row of a table, and what takes its values from a row, in the statement's order."""
    names = [column.name for column in table.columns]
    quoted = {name: f'"{name}"' for name in names}
    keys = [column.name for column in table.primary_key]
    sets = ", ".join(f"{quoted[name]} = excluded.{quoted[name]}" for name in names if name not in keys)
    columns, places = ", ".join(quoted.values()), ", ".join("?" for _ in names)
    statement = (
        f'INSERT INTO "{table.name}" ({columns}) VALUES ({places}) '  # noqa: S608  # names of our own tables
        f"ON CONFLICT ({', '.join(quoted[key] for key in keys)}) DO UPDATE SET {sets}"
    )
    return statement, operator.itemgetter(*names)


def _document(known: Known, body: bytes | None) -> Row:
    return {
        "source": known.source,
        "namespace": known.ref.namespace,
        "name": known.ref.name,
        "path": known.path,
        "digest": known.digest,
        "state": known.state,
        "reason": known.reason,
        "failed_digest": known.failed_digest,
        "failed_keyring": known.failed_keyring,
        "good": known.good,
        "changed_at": known.changed_at,
        "good_body": body,
    }


def _delivery(delivery: Delivery) -> Row:
    return {
        "store": delivery.target.store,
        "target": delivery.target.name,
        "source": delivery.source,
        "namespace": delivery.ref.namespace,
        "name": delivery.ref.name,
        "seq": delivery.seq,
        "input": delivery.input,
        "fingerprint": delivery.fingerprint,
        "version": delivery.version,
        "keys": " ".join(delivery.keys),
        "state": delivery.state,
        "reason": delivery.reason,
        "changed_at": delivery.changed_at,
        "on_delete": delivery.on_delete,
    }


def _intent(intent: Intent) -> Row:
    return {
        "store": intent.target.store,
        "target": intent.target.name,
        "op": intent.op,
        "source": intent.source,
        "namespace": intent.ref.namespace,
        "name": intent.ref.name,
        "seq": intent.seq,
        "token": intent.token,
        "expect": intent.expect,
        "fingerprint": intent.fingerprint,
        "input": intent.input,
        "keys": " ".join(intent.keys),
        "on_delete": intent.on_delete,
        "audit": intent.audit,
        "at": intent.at,
    }
