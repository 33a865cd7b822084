"""The tables of the state, and the connection to the database that holds them (DELIVERY section 4).

The only place, with `state` and the store `local`, that imports SQLAlchemy. Columns are text, binary and integer, the
key first, so that the same statements serve SQLite and PostgreSQL. Rows are written by `state`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from sealer.errors import MissingExtra, SealerError, SourceError

try:
    import sqlalchemy as sa
    from sqlalchemy.pool import StaticPool
except ImportError:
    raise MissingExtra("the state needs the extra `controller`", extra="controller") from None

__all__ = ["MIGRATIONS", "Migration", "checkpoint", "connect", "metadata", "migrate", "sa"]

BUSY = 5.0
"""Seconds to wait for another program that holds the database."""

Migration = Callable[[sa.Connection], None]

metadata = sa.MetaData()


def _table(name: str, keys: str, texts: str = "", integers: str = "", binary: str = "") -> sa.Table:
    # Binary columns come last: SQLite walks through a long one to reach what is behind it.
    key = [sa.Column(each, sa.Text, primary_key=True, nullable=False) for each in keys.split()]
    text = [sa.Column(each, sa.Text, nullable=False) for each in texts.split()]
    integer = [sa.Column(each, sa.BigInteger, nullable=False) for each in integers.split()]
    blob = [sa.Column(each, sa.LargeBinary, nullable=True) for each in binary.split()]
    return sa.Table(name, metadata, *key, *text, *integer, *blob)


meta = _table("meta", "key", "value")
sources = _table("sources", "source", "kind location revision", "applied_at")
parsed = _table("parsed", "file parser", binary="entries")
documents = _table(
    "documents",
    "source namespace name",
    "path digest state reason failed_digest failed_keyring good",
    "changed_at",
    "good_body",
)
stores = _table("stores", "store", "label kind spec")
deliveries = _table(
    "deliveries",
    "store target",
    "source namespace name input fingerprint version keys state reason on_delete",
    "seq changed_at",
)
intents = _table(
    "intents",
    "store target",
    "op source namespace name token expect fingerprint input keys on_delete",
    "seq audit at",
)
local_heads = _table("local_heads", "namespace name", "owner token fingerprint", "version deleted_at")
local_versions = sa.Table(
    "local_versions",
    metadata,
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("destroyed_at", sa.BigInteger, nullable=False),
    sa.Column("row", sa.LargeBinary, nullable=True),
)


def _intents_say_all(connection: sa.Connection) -> None:
    """1 to 2: an intent holds what its delivery will be; a delivery remembers `on-delete`. None was written before."""
    connection.exec_driver_sql("ALTER TABLE deliveries ADD COLUMN on_delete TEXT NOT NULL DEFAULT 'delete'")
    connection.exec_driver_sql("DROP TABLE intents")
    intents.create(connection)


MIGRATIONS: Sequence[Migration] = (_intents_say_all,)
"""From schema 1 to 2, from 2 to 3, and so on: what is in a database stays readable for ever."""


def connect(path: Path, *, read_only: bool) -> sa.Connection:
    """The one connection to a database file. Every error of the database becomes a SourceError that names the file."""
    engine = sa.create_engine(
        "sqlite://", creator=lambda: _open(path, read_only), poolclass=StaticPool, hide_parameters=True
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A deferred transaction that reads, then writes, fails at once if another has written: take the lock first.
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    @sa.event.listens_for(engine, "handle_error")
    def explain(context: sa.engine.ExceptionContext) -> SealerError | None:
        # SQLAlchemy raises what is returned; it only looks at `chained_exception`, it doesn't act on it.
        error = context.original_exception
        return explained(error, path) if isinstance(error, sqlite3.Error) else None

    return engine.connect()


def migrate(connection: sa.Connection, path: Path, *, read_only: bool, migrations: Sequence[Migration]) -> bool:
    """Bring the database to the schema of this program; False for an empty one, whose tables `create` makes.

    A newer one is refused, and so is what isn't ours.
    """
    schema = _schema(connection, path)
    wanted = 1 + len(migrations)
    if schema > wanted:
        raise SourceError(
            f"was written by a newer version (schema {schema}, this one knows {wanted})",
            where=str(path),
            way_out="install that version again; this one changed nothing",
        )
    if schema in (0, wanted):
        return schema == wanted
    if read_only:
        what = f"has the older schema {schema}"
        raise SourceError(what, where=str(path), way_out="sealer-controller apply SOURCE")
    with connection.execution_options(writing=True).begin():
        for step in migrations[schema - 1 :]:
            step(connection)
        connection.execute(meta.delete().where(meta.c.key == "schema"))
        connection.execute(meta.insert(), {"key": "schema", "value": str(wanted)})
    connection.execution_options(writing=False)
    return True


def create(connection: sa.Connection, migrations: Sequence[Migration]) -> None:
    """Make the tables, in the transaction that writes the first rows: an empty database stays one until there are."""
    metadata.create_all(connection)
    connection.execute(meta.insert(), {"key": "schema", "value": str(1 + len(migrations))})


def checkpoint(connection: sa.Connection) -> bool:
    """Move the write-ahead log into the database and cut it to nothing. False while another program reads."""
    connection.rollback()
    busy: int = _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def compact(connection: sa.Connection, path: Path) -> bool:
    """Write the database anew, so that nothing of a former row is in a file; as `checkpoint`.

    `secure_delete` is of a connection: what another program replaced is overwritten only so.
    """
    connection.rollback()
    try:
        _driver(connection).execute("VACUUM")
        return checkpoint(connection)
    except sqlite3.Error as error:
        raise explained(error, path) from None


def explained(error: sqlite3.Error, path: Path) -> SealerError:
    """What an error of SQLite means to whoever reads it. Its text is ours: no statement, no value."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    what, way_out = _MEANING.get(code, (f"the database failed ({getattr(error, 'sqlite_errorname', '')})", ""))
    return SourceError(what, where=str(path), way_out=way_out.replace("{path}", str(path)))


_DAMAGED = "restore it from a backup, or move it away and run: sealer-controller apply SOURCE"
_MEANING = {
    sqlite3.SQLITE_BUSY: ("is locked by another program", "fuser {path}"),
    sqlite3.SQLITE_LOCKED: ("is locked by another program", "end the program that has it open"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: ("is damaged, or not a state database", _DAMAGED),
    sqlite3.SQLITE_FULL: ("can't be written: no space left", "free some space and run it again"),
    sqlite3.SQLITE_READONLY: ("can't be written: it is read-only", ""),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", ""),
    sqlite3.SQLITE_IOERR: ("can't be read or written: input/output error", ""),
}


def _open(path: Path, read_only: bool) -> sqlite3.Connection:
    mode = _reading(path) if read_only else "rw"
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY)
        if read_only:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA temp_store=MEMORY")
        if not read_only:
            # Larger pages: a third of the reads and writes of 10,000 deliveries.
            connection.execute("PRAGMA page_size=16384")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
    except sqlite3.Error as error:
        raise explained(error, path) from None
    return connection


def _reading(path: Path) -> str:
    """The mode in which a database is read so that nothing is left behind, on a read-only disk as well.

    `ro` leaves an empty log, and can't do without one; `rw` removes it at the end.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return "ro"  # of a program at work, or of one that was killed: nothing is to be done about it here
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return "rw" if writable else "ro&immutable=1"


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


def _schema(connection: sa.Connection, path: Path) -> int:
    """The schema of a database, 0 for an empty one."""
    names = set(sa.inspect(connection).get_table_names())
    connection.rollback()
    if not names:
        return 0
    if meta.name in names:
        value = connection.execute(sa.select(meta.c.value).where(meta.c.key == "schema")).scalar()
        connection.rollback()
        if value is not None and str(value).isdigit():
            return int(value)
    raise SourceError("is not a state database", where=str(path), way_out="--state DIR, another directory")
