"""The store `local`: the contract, its versions, and what is left in the files of the database."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from controller.model import Target
from controller.state import State
from controller.state_tables import local_versions, sa
from controller.stores.base import Delete, Put, Store
from controller.stores.local import DELETED_DAYS, KEPT, REMEMBERED, LocalStore, Version
from sealer.errors import CannotOpen, NoKey
from sealer.secret import Ref, Secret
from tests.controller.samples import NOW, OWNER, Port, secret, state_key
from tests.controller.stores.contract import OTHER, REF, StoreContract, delete, mark, observe, put, read, run

_MONTH = DELETED_DAYS * 24 * 3600 * 1000


class Place:
    """A state with the store in it, a clock that a test moves, and a count of how often keys were asked for."""

    def __init__(self, directory: Path) -> None:
        self.port = Port()
        self.state = State.open(directory, effects=self.port)
        self.keys = [state_key()]
        self.asked = 0
        self.now = NOW
        self.store = self.reopened()

    def reopened(self) -> LocalStore:
        return LocalStore(self.state, self._state_keys, lambda: self.now)

    def rows(self) -> list[bytes]:
        found = self.state.rows(sa.select(local_versions.c.row).where(local_versions.c.destroyed_at == 0))
        return [row[0] for row in found]

    def files(self) -> bytes:
        """All bytes of the database, its log and its index."""
        return b"".join(path.read_bytes() for path in sorted(self.state.directory.glob("state.db*")))

    def _state_keys(self) -> Sequence[tuple[str, bytes]]:
        self.asked += 1
        return self.keys


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "state")
    yield place
    place.state.close()


class TestLocal(StoreContract):
    @pytest.fixture
    def store(self, place: Place) -> Store:
        return place.store

    @pytest.fixture
    def second(self, place: Place) -> Store:
        return place.reopened()


def test_versions_count_from_one_and_ten_are_kept(place: Place) -> None:
    for number in range(1, KEPT + 3):
        place.now = NOW + number
        assert put(place.store) == str(number)
    last = KEPT + 2
    assert place.store.history(REF) == tuple(
        Version(number, NOW + number, 0 if number > 2 else NOW + KEPT + number) for number in range(1, last + 1)
    )
    assert len(place.rows()) == KEPT


def test_versions_long_gone_are_forgotten(place: Place) -> None:
    for _ in range(REMEMBERED + KEPT + 5):
        put(place.store)
    numbers = [each.number for each in place.store.history(REF)]
    assert numbers[-1] == REMEMBERED + KEPT + 5
    assert len(numbers) == REMEMBERED + KEPT


def test_a_deleted_secret_keeps_its_last_version_for_thirty_days(place: Place) -> None:
    put(place.store)
    put(place.store)
    put(place.store, OTHER)
    delete(place.store)
    assert [each.destroyed_at for each in place.store.history(REF)] == [NOW, 0]
    place.now += _MONTH - 1
    assert place.store.expire() == 0
    place.now += 1
    commits = len(place.port.calls)
    assert place.store.expire() == 1
    assert len(place.port.calls) == commits + 1
    assert place.store.expire() == 0
    assert len(place.port.calls) == commits + 1
    assert all(each.destroyed_at for each in place.store.history(REF))
    assert read(place.store, OTHER)
    assert put(place.store) == "3"


def test_how_long_a_deleted_secret_is_kept_is_configured(place: Place) -> None:
    store = LocalStore(place.state, lambda: place.keys, lambda: place.now, deleted_days=2)
    put(store)
    delete(store)
    place.now += 2 * 24 * 3600 * 1000 - 1
    assert store.expire() == 0
    place.now += 1
    assert store.expire() == 1


def test_a_mark_by_itself_asks_for_no_key_and_writes_no_row(place: Place) -> None:
    version = put(place.store)
    rows, asked = place.rows(), place.asked
    assert put(place.reopened(), mark=mark(), mark_only=True) == version
    assert (place.rows(), place.asked) == (rows, asked)


def test_what_stands_here_is_listed(place: Place) -> None:
    put(place.store)
    put(place.store, OTHER)
    delete(place.store)
    assert place.store.refs() == (OTHER,)


def test_a_batch_is_one_commit_and_a_no_op_none(place: Place) -> None:
    refs = [Ref("many", f"n{number}") for number in range(place.store.caps.batch)]
    batch = [Put(place.store.target(ref), secret(ref), "", mark()) for ref in refs]
    run(place.store.put(batch))
    assert place.port.calls == [("state.commit", "local")]
    run(place.store.put(batch))
    run(place.store.observe([each.target for each in batch]))
    run(place.store.delete([Delete(Target("local", "no/such"), "", OWNER)]))
    assert len(place.port.calls) == 1
    run(place.store.delete([Delete(each.target, "", OWNER) for each in batch]))
    assert len(place.port.calls) == 2


def test_a_batch_that_ends_before_its_commit_wrote_nothing(place: Place) -> None:
    def fail(call: str) -> None:
        raise ZeroDivisionError(call)

    place.port.before = fail
    with pytest.raises(ZeroDivisionError):
        put(place.store)
    place.port.before = lambda call: None
    assert observe(place.store, place.store.target(REF)).presence == "absent"
    assert place.rows() == []


def test_keys_are_asked_for_once_and_only_for_a_value(place: Place) -> None:
    value, its_mark = secret(REF), mark()
    put(place.store, value=value, mark=its_mark)
    put(place.store, OTHER)
    read(place.store)
    assert place.asked == 1
    fresh = place.reopened()
    put(fresh, value=value, mark=its_mark)
    put(fresh, expect="no-such-version")
    delete(fresh, OTHER)
    fresh.history(REF)
    assert place.asked == 1


def test_rows_are_written_with_the_active_key_and_older_ones_still_read(place: Place) -> None:
    put(place.store)
    before = read(place.store)
    place.keys = [state_key(), *place.keys]
    fresh = place.reopened()
    assert read(fresh) == before
    put(fresh, OTHER)
    assert {row[1:9].hex() for row in place.rows()} == {key_id for key_id, _ in place.keys}
    place.keys = place.keys[:1]
    with pytest.raises(NoKey):
        read(place.reopened())


def test_rows_that_were_swapped_do_not_open(place: Place) -> None:
    put(place.store)
    put(place.store, OTHER)
    columns = local_versions.c
    first, second = place.rows()
    with place.state.begin("swap") as transaction:
        for old, new in ((first, b"x"), (second, first), (b"x", second)):
            statement = local_versions.update().where(columns.row == old).values(row=new)
            transaction.connection.execute(statement)
    for ref in (REF, OTHER):
        with pytest.raises(CannotOpen):
            read(place.store, ref)


def test_a_destroyed_row_can_not_be_read(place: Place) -> None:
    put(place.store)
    with place.state.begin("destroy") as transaction:
        transaction.connection.execute(local_versions.update().values(row=None))
    with pytest.raises(CannotOpen):
        read(place.store)


def test_no_value_ever_stands_in_a_file(place: Place) -> None:
    planted = secrets.token_hex(16).encode()
    replaced = secrets.token_hex(16).encode()
    value = Secret(REF.name, REF.namespace, {"password": planted, "b64": base64.b64encode(planted)})
    for each in (value, secret(REF, replaced), value):
        put(place.store, value=each)
        data = place.files()
        assert all(form not in data for form in forms(planted) | forms(replaced))
    delete(place.store)
    assert all(form not in place.files() for form in forms(planted) | forms(replaced))


def forms(value: bytes) -> set[bytes]:
    """A value as it could stand in a file; base64 at each of its three alignments."""
    found = {value, value.hex().encode(), value[::-1]}
    found |= {base64.b64encode(bytes(shift) + value)[4:-4] for shift in range(3)}
    return found


@pytest.mark.parametrize("how", ["eleventh version", "delete", "expire"])
def test_the_bytes_of_a_destroyed_row_are_in_no_file(place: Place, how: str) -> None:
    put(place.store)
    (row,) = place.rows()
    pieces = [row[start : start + 16] for start in range(0, len(row) - 16, 16)]
    assert any(piece in place.files() for piece in pieces)
    if how == "eleventh version":
        for _ in range(KEPT):
            put(place.store)
    elif how == "delete":
        put(place.store)
        delete(place.store)
    else:
        delete(place.store)
        place.now += _MONTH
        place.store.expire()
    assert not any(piece in place.files() for piece in pieces)
