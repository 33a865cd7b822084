"""What the controller remembers: one database, read in bulk, written in few transactions (DELIVERY section 4).

    with State.open(directory) as state:                    the lock is held until it is closed
        state.deliveries(source)                            tuples of the values of `model`
        with state.begin("records") as transaction:         at most 256 documents each
            transaction.put_deliveries(deliveries)

Every row is written as an insert that takes the place of what has its key. Nothing remote and nothing
cryptographic belongs between `begin` and its end. No value passes here in plaintext: rows of the store `local` are
encrypted by `statecrypt`, bodies of documents are sealed.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any, Self

from controller import state_files, state_tables
from controller.effects import Effects
from controller.model import Delivery, Failure, Intent, Known, Source, StoreSpec, Target
from controller.state_tables import MIGRATIONS, Migration, sa
from controller.state_write import BATCH, Transaction
from sealer.errors import SealerError, SourceError
from sealer.secret import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

LOCK_TIMEOUT = 10.0

_once: Any = sys.intern  # words that thousands of rows share

_D, _L, _I = state_tables.documents.c, state_tables.deliveries.c, state_tables.intents.c
_P, _S, _M = state_tables.parsed.c, state_tables.sources.c, state_tables.meta.c


class State:
    """An open state. Close it, or use it in a `with`."""

    __slots__ = ("_connection", "_effects", "_lock", "_missing", "directory", "path", "read_only")

    def __init__(
        self,
        directory: Path,
        connection: sa.Connection,
        lock: contextlib.ExitStack,
        effects: Effects,
        *,
        read_only: bool,
        missing: Sequence[Migration] | None = None,
    ) -> None:
        """`missing` stands for the tables of an empty database: the migrations that those it gets will have had."""
        self.directory = directory
        self.path = directory / state_files.DATABASE
        self.read_only = read_only
        self._connection = connection
        self._lock = lock
        self._effects = effects
        self._missing = missing

    def __repr__(self) -> str:
        return f"State({str(self.directory)!r})"

    @staticmethod
    def exists(directory: Path) -> bool:
        """Whether there is a state to open."""
        return (directory / state_files.DATABASE).is_file()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        create: bool = True,
        read_only: bool = False,
        lock_timeout: float = LOCK_TIMEOUT,
        effects: Effects | None = None,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> State:
        """The state of a directory, its lock taken. With `read_only` no lock is taken and nothing is ever made.

        Raises SourceError (no state, locked, damaged, of a newer version) or Refused (a network filesystem).
        """
        create = create and not read_only
        if not create and not cls.exists(directory):
            way_out = "sealer-controller apply SOURCE"
            raise SourceError("there is no state here", where=str(directory), way_out=way_out)
        if create:
            state_files.make(directory)
        else:
            state_files.check(directory)
        with contextlib.ExitStack() as stack:
            if not read_only:
                stack.enter_context(state_files.locked(directory, timeout=lock_timeout))
            path = state_files.database(directory, create=create)
            connection = state_tables.connect(path, read_only=read_only)
            stack.callback(connection.engine.dispose)
            stack.callback(connection.close)
            ready = state_tables.migrate(connection, path, read_only=read_only, migrations=migrations)
            missing = None if ready else migrations
            lock, port = stack.pop_all(), effects or Effects()
            return cls(directory, connection, lock, port, read_only=read_only, missing=missing)

    def close(self) -> None:
        """Close the database and free the lock."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What is recorded

    def meta(self) -> dict[str, str]:
        """owner, fingerprint_key, keyring, audit_head, as far as they are known; and the schema."""
        return dict(row for row in self.rows(sa.select(_M.key, _M.value)))

    def source(self, source: str) -> Source | None:
        """What is recorded of one source."""
        return next((each for each in self.sources() if each.id == source), None)

    def sources(self) -> tuple[Source, ...]:
        """Every source that was applied, by id."""
        statement = sa.select(_S.source, _S.kind, _S.location, _S.revision, _S.applied_at).order_by(_S.source)
        return tuple(Source(*row) for row in self.rows(statement))

    def stores(self) -> tuple[StoreSpec, ...]:
        """Every store that was delivered to."""
        columns = state_tables.stores.c
        statement = sa.select(columns.store, columns.label, columns.kind, columns.spec).order_by(columns.store)
        return tuple(StoreSpec(*row) for row in self.rows(statement))

    def documents(self, source: str | None = None) -> tuple[Known, ...]:
        """What is recorded of the documents of a source, or of all."""
        statement = sa.select(
            _D.namespace, _D.name, _D.source, _D.path, _D.digest, _D.state, _D.reason,
            _D.failed_digest, _D.failed_keyring, _D.good, _D.changed_at,
        )  # fmt: skip
        if source is not None:
            statement = statement.where(_D.source == source)
        return tuple([_known(row) for row in self.rows(statement)])

    def failures(self, source: str) -> tuple[Failure, ...]:
        """The documents of a source that are not opened again until they or the keyring change."""
        columns = (_D.namespace, _D.name, _D.failed_digest, _D.failed_keyring, _D.reason)
        statement = sa.select(*columns).where(_D.source == source, _D.failed_digest != "")
        return tuple(Failure(Ref(row[0], row[1]), *row[2:]) for row in self.rows(statement))

    def good_body(self, source: str, ref: Ref) -> bytes | None:
        """The sealed body of a document that last was good, as it was recorded."""
        where = (_D.source == source, _D.namespace == ref.namespace, _D.name == ref.name)
        found = self.rows(sa.select(_D.good_body).where(*where))
        return found[0][0] if found else None

    def deliveries(self, source: str | None = None) -> tuple[Delivery, ...]:
        """What is recorded of the targets of a source, or of all: a target may be another source's."""
        statement = sa.select(
            _L.store, _L.target, _L.namespace, _L.name, _L.source, _L.seq, _L.input, _L.fingerprint,
            _L.version, _L["keys"], _L.state, _L.reason, _L.changed_at, _L.on_delete,
        )  # fmt: skip
        if source is not None:
            statement = statement.where(_L.source == source)
        return tuple([_delivery(row) for row in self.rows(statement)])

    def intents(self) -> tuple[Intent, ...]:
        """Effects that were about to happen and have no record of their end."""
        statement = sa.select(
            _I.store, _I.target, _I.op, _I.namespace, _I.name, _I.source, _I.seq, _I.token, _I.expect,
            _I.fingerprint, _I.input, _I["keys"], _I.on_delete, _I.audit, _I.at,
        ).order_by(_I.audit, _I.store, _I.target)  # fmt: skip
        return tuple(_intent(row) for row in self.rows(statement))

    def parsed(self, files: Iterable[str], parser: str) -> dict[str, bytes]:
        """What this parser made of files of these digests, for those that it has seen."""
        wanted = set(files)
        statement = sa.select(_P.file, _P.entries).where(_P.parser == parser)
        if len(wanted) <= BATCH:
            statement = statement.where(_P.file.in_(sorted(wanted)))
        return {file: entries for file, entries in self.rows(statement) if file in wanted}

    def rows(self, statement: sa.Select[Any]) -> Sequence[tuple[Any, ...]]:
        """All rows of a statement, with no transaction left open behind it."""
        if self._missing is not None and (not self.read_only or self._still_empty()):
            return ()
        try:
            found: Sequence[Any] = self._connection.execute(statement).all()
            return found
        finally:
            self._connection.rollback()

    def _still_empty(self) -> bool:
        """Whether nobody else made the tables since this state was opened for reading."""
        if state_tables.migrate(self._connection, self.path, read_only=True, migrations=self._missing or ()):
            self._missing = None
        return self._missing is not None

    # Writing

    @contextlib.contextmanager
    def begin(self, purpose: str) -> Iterator[Transaction]:
        """One write transaction: all of it or, if the block raises, nothing."""
        if self.read_only:
            raise SealerError("the state is open for reading only", where=str(self.path))
        connection = self._connection.execution_options(writing=True)
        try:
            with connection.begin() as transaction:
                if self._missing is not None:
                    state_tables.create(connection, self._missing)
                yield Transaction(connection)
                with self._effects.around("state.commit", purpose):
                    transaction.commit()
                    self._missing = None
        finally:
            connection.execution_options(writing=False)

    def checkpoint(self) -> bool:
        """Empty the write-ahead log: what was deleted is then in no file. False while another reads the database."""
        return state_tables.checkpoint(self._connection)

    def compact(self) -> bool:
        """As `checkpoint`, and the database is written anew: what was replaced, too, is then in no file."""
        return state_tables.compact(self._connection, self.path)


def _delivery(row: tuple[Any, ...]) -> Delivery:
    # By position: this runs once a document in every run, and keywords cost as much as the rest.
    store, target, namespace, name, source, seq, digest, fingerprint, version, keys, state, reason, at, gone = row
    return Delivery(
        Target(_once(store), target), Ref(_once(namespace), name), _once(source), seq, digest, fingerprint, version,
        _key_ids(keys), _once(state), reason, at, _once(gone),
    )  # fmt: skip


def _known(row: tuple[Any, ...]) -> Known:
    namespace, name, source, path, digest, state, reason, failed, keyring, good, at = row
    return Known(
        Ref(_once(namespace), name), _once(source), path, digest, _once(state), reason, failed, keyring,
        digest if good == digest else good, at,
    )  # fmt: skip


def _intent(row: tuple[Any, ...]) -> Intent:
    store, target, op, namespace, name, source, seq, token, expect, fingerprint, digest, keys, gone, audit, at = row
    return Intent(
        Target(store, target), op, Ref(namespace, name), source, seq, token, expect, fingerprint, digest,
        _key_ids(keys), gone, audit, at,
    )  # fmt: skip


@functools.lru_cache(maxsize=256)
def _key_ids(text: str) -> tuple[str, ...]:
    """Nearly all deliveries name the same few keys: one tuple for them all."""
    return tuple(text.split())
