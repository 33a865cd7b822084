"""The state directory and its database as files: private, locked, told apart from what is not ours."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from controller import state_files, state_tables
from controller.state import State
from controller.state_tables import MIGRATIONS, sa
from sealer.errors import Refused, SealerError, SourceError
from sealer.secret import Ref
from tests.controller.samples import SOURCE, delivery, intent

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A state with one delivery in it."""
    with State.open(tmp_path / "state") as state, state.begin("records") as transaction:
        transaction.put_deliveries([delivery(Ref("payments", "db"))])
    return tmp_path / "state"


def modes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}


def test_every_file_is_ours_alone_from_its_first_moment(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "state"
    umask = os.umask(0)
    try:
        with State.open(directory) as state:
            with state.begin("records") as transaction:
                transaction.put_deliveries([delivery(Ref("payments", "db"))])
            assert set(modes(directory)) == {"state.db", "state.db-wal", "state.db-shm", "lock"}
            assert set(modes(directory).values()) == {0o600}
    finally:
        os.umask(umask)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert set(modes(directory)) == {"state.db", "lock"}


@pytest.mark.parametrize(("part", "mode"), [(".", 0o750), ("state.db", 0o640)])
def test_what_others_can_read_is_refused(directory: Path, part: str, mode: int) -> None:
    (directory / part).chmod(mode)
    for read_only in (False, True):
        with pytest.raises(SourceError, match="can be read by others"):
            State.open(directory, read_only=read_only)


def test_a_symlink_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(directory)
    with pytest.raises(SourceError, match="symlink"):
        State.open(tmp_path / "link")


def test_without_create_nothing_is_made(tmp_path: Path) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(SourceError, match="there is no state here"):
            State.open(tmp_path / "state", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    assert not State.exists(tmp_path / "state")


def test_a_state_that_never_got_its_tables_holds_nothing_and_gets_them_with_its_first_rows(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    state_files.database(tmp_path, create=True)
    with State.open(tmp_path, read_only=True) as reader:
        assert (reader.deliveries(), reader.meta()) == ((), {})
        with State.open(tmp_path) as state:
            assert state.deliveries() == ()
            with pytest.raises(ZeroDivisionError), state.begin("records"):
                raise ZeroDivisionError
            assert state.deliveries() == reader.deliveries() == ()
            with state.begin("records") as transaction:
                transaction.put_deliveries([delivery(Ref("payments", "stripe"))])
            assert state.deliveries() == reader.deliveries() != ()


def test_one_process_writes_and_others_read(directory: Path) -> None:
    with State.open(directory) as writer:
        with pytest.raises(SourceError, match=f"in use by process {os.getpid()}") as caught:
            State.open(directory, lock_timeout=0)
        assert "--lock-timeout" in caught.value.way_out
        with State.open(directory, read_only=True) as reader:
            with writer.begin("records") as transaction:
                transaction.put_deliveries([delivery(Ref("payments", "stripe"))])
                assert len(reader.deliveries(SOURCE)) == 1
            assert len(reader.deliveries(SOURCE)) == 2
    State.open(directory, lock_timeout=0).close()


def test_the_lock_is_waited_for(directory: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from controller.state import State\n"
        "State.open(Path(sys.argv[1]), lock_timeout=30).close(); print('done')"
    )
    with State.open(directory):
        waiting = subprocess.Popen([sys.executable, "-c", code, directory], stdout=subprocess.PIPE, text=True)
        assert waiting.poll() is None
    assert waiting.communicate(timeout=30)[0] == "done\n"


def test_what_a_killed_process_committed_is_read_and_its_lock_is_free(directory: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from controller.state import State\n"
        "state = State.open(Path(sys.argv[1]))\n"
        "with state.begin('records') as transaction: transaction.put_meta(owner='prod')\n"
        "writing = state.begin('records'); writing.__enter__().put_meta(owner='half')\n"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, directory], check=False).returncode == -9
    assert (directory / "state.db-wal").stat().st_size > 0
    for read_only in (True, False, True):
        with State.open(directory, read_only=read_only, lock_timeout=0) as state:
            assert state.meta()["owner"] == "prod"
            assert len(state.deliveries()) == 1


def test_a_failed_opening_frees_the_lock(directory: Path) -> None:
    (directory / "state.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    for _ in range(2):
        with pytest.raises(SourceError, match="is damaged, or not a state database"):
            State.open(directory, lock_timeout=0)


def test_opening_and_reading_change_no_byte(directory: Path) -> None:
    path = directory / "state.db"
    before = path.read_bytes(), path.stat().st_mtime_ns
    for read_only in (False, True):
        with State.open(directory, read_only=read_only) as state:
            assert len(state.deliveries()) == 1
            assert (directory / "state.db-wal").stat().st_size == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_damaged_database_is_named_with_a_way_out(directory: Path) -> None:
    path = directory / "state.db"
    data = bytearray(path.read_bytes())
    data[4096 : len(data)] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is damaged") as caught, State.open(directory) as state:
        state.deliveries()
    assert caught.value.where == str(path)
    assert "apply" in caught.value.way_out


def test_a_database_locked_by_another_program_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_tables, "BUSY", 0.01)
    other = sqlite3.connect(directory / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with State.open(directory) as state:
        assert len(state.deliveries()) == 1
        with pytest.raises(SourceError, match="is locked by another program") as caught, state.begin("records"):
            pass
        assert str(directory) in caught.value.way_out
        other.execute("ROLLBACK")
        other.close()
        with state.begin("records") as transaction:
            transaction.put_deliveries([delivery(Ref("payments", "stripe"))])
        assert len(state.deliveries()) == 2


def test_a_newer_schema_is_refused(directory: Path) -> None:
    with State.open(directory) as state, state.begin("records") as transaction:
        transaction.put_meta(schema=str(len(MIGRATIONS) + 2))
    for read_only in (False, True):
        with pytest.raises(SourceError, match="newer version"):
            State.open(directory, read_only=read_only)


def test_migrations_run_once_in_order(directory: Path) -> None:
    def second(connection: sa.Connection) -> None:
        connection.execute(sa.text("ALTER TABLE sources ADD COLUMN added TEXT NOT NULL DEFAULT ''"))

    def third(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE sources SET added = ''"))

    steps = (*MIGRATIONS, second, third)
    with pytest.raises(SourceError, match="older schema"):
        State.open(directory, read_only=True, migrations=steps)
    for _ in range(2):
        with State.open(directory, migrations=steps) as state:
            assert state.meta()["schema"] == str(len(MIGRATIONS) + 3)
            assert len(state.deliveries()) == 1


def test_a_state_of_schema_1_is_read_on(directory: Path) -> None:
    """As the first released tables were: deliveries without `on_delete`, intents without what they are about."""
    with State.open(directory) as state:
        before = state.deliveries()
    database = sqlite3.connect(directory / "state.db")
    database.executescript(
        "ALTER TABLE deliveries DROP COLUMN on_delete; DROP TABLE intents;"
        "CREATE TABLE intents (store TEXT NOT NULL, target TEXT NOT NULL, op TEXT, PRIMARY KEY (store, target));"
        "UPDATE meta SET value = '1' WHERE key = 'schema';"
    )
    database.close()
    with State.open(directory) as state:
        assert state.deliveries() == before
        planned = intent(Ref("payments", "db"))
        with state.begin("intents") as transaction:
            transaction.put_intents([planned])
        assert state.intents() == (planned,)


def test_a_migration_that_fails_changes_nothing(directory: Path) -> None:
    def second(connection: sa.Connection) -> None:
        connection.execute(sa.text("DROP TABLE sources"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        State.open(directory, migrations=(*MIGRATIONS, second))
    with State.open(directory) as state:
        assert state.sources() == ()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = state_files.database(tmp_path, create=True)
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs(a)")
    other.close()
    with pytest.raises(SourceError, match="is not a state database"):
        State.open(tmp_path)


MOUNTS = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:40 / /home rw,relatime shared:1 - nfs4 server:/home rw
41 40 0:41 / /home/alice\040b rw - tmpfs tmpfs rw
42 27 0:42 / /over rw - ext4 /dev/vdb rw
43 27 0:43 / /over rw - fuse.sshfs host:/ rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib", "ext4"),
        ("/home", "nfs4"),
        ("/home/bob", "nfs4"),
        ("/home/alice b/x", "tmpfs"),
        ("/homes", "ext4"),
        ("/over/x", "fuse.sshfs"),
    ],
)
def test_the_filesystem_of_a_path(path: str, kind: str) -> None:
    assert state_files.mounted(MOUNTS, path.encode()) == kind


def test_a_network_filesystem_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_bytes(b"40 27 0:40 / / rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(state_files, "_MOUNTS", table)
    with pytest.raises(Refused, match=r"network filesystem \(nfs4\)") as caught:
        State.open(tmp_path / "state")
    assert "--state" in caught.value.way_out


def test_without_the_extra_it_is_named() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from sealer.errors import MissingExtra\n"
        "try:\n    import controller.state\nexcept MissingExtra as error:\n    print(error.what, error.way_out)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "the state needs the extra `controller` pipx install --force '.[controller]' in a checkout; it is not on PyPI\n"
    )


def test_errors_quote_no_row(directory: Path) -> None:
    with State.open(directory) as state:
        value = delivery(Ref("payments", "db"))
        bad = delivery(Ref("payments", "db"), changed_at=2**63, fingerprint=value.fingerprint)
        with pytest.raises((SealerError, OverflowError)) as caught, state.begin("records") as transaction:
            transaction.put_deliveries([bad])
        assert value.fingerprint not in str(caught.value)
        assert len(state.deliveries()) == 1
