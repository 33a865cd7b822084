"""`keys rotate-state`: every row under a new key, the former one gone, whatever happens on the way."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from controller import keyadmin, rotation, state_tables
from controller.commands.apply import Wanted, job
from controller.deliver import deliver
from controller.effects import Effects
from controller.fingerprint import derive, fingerprint
from controller.reencrypt import Rows, batches
from controller.settings import Options
from controller.state import State
from controller.state_tables import local_heads, local_versions, sa
from controller.statecrypt import key_of, open_row
from controller.stores.base import Mark, Put
from controller.stores.local import LocalStore
from sealer.formats import backup, passphrase
from sealer.keyrings import keyfiles, keyring, statekeys
from sealer.keyrings.keyring import Keyring, read_record
from sealer.secret import Ref, Secret
from tests.controller.faults import Deadly
from tests.controller.samples import NOW as MILLISECONDS
from tests.controller.stores.contract import run
from tests.sealer.rings import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from controller.model import Delivery
    from tests.controller.world import Counts, Ran, World

REFS = ["web/app", "web/db", "payments/stripe"]


@pytest.fixture
def place(world: World, fast: Path) -> World:
    """A world with one state key; its keyring and its state stand below one folder."""
    with keyring.changing(world.directory) as ring:
        statekeys.drop(ring)
    world.state = fast / "now/state"
    world.state.parent.mkdir()
    shutil.move(world.directory, fast / "now/keyring")
    world.directory = fast / "now/keyring"
    return world


@pytest.fixture(autouse=True)
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring of `place` is the one that every command means."""
    if "place" in request.fixturenames:
        monkeypatch.setenv(keyring.VARIABLE, str(request.getfixturevalue("place").directory))


def rotate(world: World, *arguments: object) -> Ran:
    return world.run("keys", "rotate-state", "--state", world.state, *arguments)


def delivered(world: World, *, versions: int = 2) -> dict[str, bytes]:
    """Deliver some secrets, several versions of each; the newest values."""
    found: dict[str, bytes] = {}
    for _ in range(versions):
        found = {ref: secrets.token_hex(20).encode() for ref in REFS}
        for ref, value in found.items():
            world.put(f"{ref}.yaml", {"k": value}, secret={"labels": {"app": "shop"}})
        assert world.apply().code == 0
    return found


def rows(directory: Path) -> dict[tuple[str, str, int], bytes]:
    """Every row that stands in a state."""
    columns = local_versions.c
    statement = sa.select(columns.namespace, columns.name, columns.version, columns.row)
    with State.open(directory, read_only=True) as state:
        return {row[:3]: row[3] for row in map(tuple, state.rows(statement.where(columns.row.is_not(None))))}


def written(directory: Path) -> bytes:
    """What stands in the files of a state, one after the other."""
    return b"".join(path.read_bytes() for path in sorted(directory.glob("state.db*")))


def assert_gone(directory: Path, old: Sequence[bytes]) -> None:
    """No file of a state holds a piece of a former row."""
    data = written(directory)
    pieces = {row[start : start + 16] for row in old for start in range(9, len(row) - 16, 16)}
    assert pieces
    if len(pieces) < 1000:
        assert not [piece for piece in pieces if piece in data]
    else:  # so many are looked up at each place of the files, which is read once and not once for each
        assert not [at for at in range(len(data) - 15) if data[at : at + 16] in pieces]


def state_files(world: World) -> list[str]:
    return [path.name for path in world.directory.iterdir() if "state-" in path.name]


def everything(*directories: Path) -> dict[str, bytes]:
    found = {path for directory in directories for path in directory.rglob("*") if path.is_file()}
    return {str(path): path.read_bytes() for path in found if path.name not in ("lock", "audit.lock", "state.db-shm")}


def assert_settled(world: World, values: dict[str, bytes], counts: Counts) -> None:
    """One key, one file of it, every value, and nothing to do for another apply."""
    record = read_record(world.directory)
    assert state_files(world) == [f"state-{record.state_key.id}.pem"]
    assert [entry.status for entry in record.state_keys] == ["active"]
    assert {key_of(row) for row in rows(world.state).values()} == {record.state_key.id}
    assert {ref: world.get(ref, "k") for ref in values} == values
    before = rows(world.state)
    counts.private = 0
    assert world.apply().summary == f"{len(values)} unchanged"
    assert counts.private == 0
    assert rows(world.state) == before
    assert {each.fingerprint[:8] for each in deliveries(world)} == {record.state_key.id[:8]}


def deliveries(world: World) -> Sequence[Delivery]:
    with State.open(world.state, read_only=True) as state:
        return state.deliveries()


# --- what is done


def test_every_value_is_under_a_new_key_and_the_former_one_is_gone(place: World, counts: Counts) -> None:
    values = delivered(place)
    old, before = read_record(place.directory).state_key, rows(place.state)
    ran = rotate(place)
    new = read_record(place.directory).state_key
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            f"made         {new.id[:8]}  state key",
            "6 versions of 3 secrets encrypted again",
            f"dropped      {old.id[:8]}  state key",
        ],
    )
    assert "older backups of the keyring hold the dropped key" in ran.err
    assert new.id != old.id
    assert set(rows(place.state)) == set(before)
    assert_gone(place.state, list(before.values()))
    assert_settled(place, values, counts)


def test_the_keys_sequence_stays_and_the_backup_is_older(place: World, fast: Path) -> None:
    """No bundle shows a state key: `keys fetch --check` has nothing to say."""
    delivered(place, versions=1)
    backup.make(place.directory, fast / "bk", "word", now=NOW)
    before = read_record(place.directory)
    assert backup.warning(before) == ""
    ran = rotate(place)
    after = read_record(place.directory)
    assert after.sequence == before.sequence
    assert f"is older than key {after.state_key.id[:8]}" in ran.err
    backup.make(place.directory, fast / "bk", "word", now=NOW)
    assert backup.warning(read_record(place.directory)) == ""
    rotate(place)
    assert read_record(place.directory).state_key.id[:8] in backup.warning(read_record(place.directory))


def test_fingerprints_are_those_of_the_values_under_the_new_key(place: World) -> None:
    delivered(place)
    rotate(place)
    new = derive(*Keyring.open(place.directory).state_keys()[0])
    ring = Keyring.open(place.directory)
    with State.open(place.state, read_only=True) as state:
        store = LocalStore(state, ring.state_keys, lambda: 0)
        for each in state.deliveries():
            value = run(store.read(each.target))
            assert each.fingerprint == fingerprint(new, "delivered", "local", each.ref, value)
            [head] = state.rows(sa.select(local_heads.c.fingerprint).where(local_heads.c.name == each.ref.name))
            assert head[0] == fingerprint(new, "mark", "local", each.ref, value)
        assert state.meta()["fingerprint_key"] == new.prefix


def test_a_value_sealed_again_is_known_after_a_rotation(place: World) -> None:
    values = delivered(place, versions=1)
    rotate(place)
    for ref, value in values.items():
        place.put(f"{ref}.yaml", {"k": value}, secret={"labels": {"app": "shop"}})
    assert place.apply().code == 0
    assert {version for _, version in place.states().values()} == {"1"}


def test_what_was_deleted_keeps_its_last_version_and_forgets_the_fingerprints_of_the_others(place: World) -> None:
    delivered(place, versions=2)
    for ref in REFS[1:]:
        (place.root / f"{ref}.yaml").unlink()
    assert place.apply("--allow-prune").code == 0
    assert len(rows(place.state)) == 4
    former = read_record(place.directory).state_key.id[:8].encode() + b":"  # what its fingerprints begin with
    assert former in written(place.state)
    assert rotate(place).code == 0
    assert len(rows(place.state)) == 4
    assert former not in written(place.state)
    for ref in REFS[1:]:
        place.put(f"{ref}.yaml", {"k": b"back"})
    assert place.apply().code == 0
    assert place.get(REFS[1], "k") == b"back"


def test_a_thousand_versions_and_no_byte_of_the_former_rows(fast: Path) -> None:
    directory, refs = fast / "keyring", [Ref("web", f"app-{number}") for number in range(100)]
    keyadmin.init(directory, "prod", now=NOW)
    ring = Keyring.open(directory)
    calls = Deadly()
    with State.open(fast / "state", effects=calls) as state:
        store = LocalStore(state, ring.state_keys, lambda: MILLISECONDS)
        values = {}
        for version in range(10):
            sizes = (3000 if number % 7 == 0 else 20 for number in range(100))
            values = {ref: secrets.token_bytes(size) for ref, size in zip(refs, sizes, strict=True)}
            puts = [_put(store, ref, value, str(version) if version else "") for ref, value in values.items()]
            assert set(run(store.put(puts)).values()) == {str(version + 1)}
        before = dict(_all(state))
        calls.calls.clear()
        done = rotation.rotate(directory, state, now=NOW)
        assert (done.encrypted.versions, done.encrypted.secrets) == (1000, 100)
        assert calls.calls == [("state.commit", "rotate")] * 5
        keys = dict(Keyring.open(directory).state_keys())
        assert len(keys) == 1
        for (namespace, name, version), row in _all(state):
            value = open_row(keys, Ref(namespace, name), version, row)
            assert version < 10 or value.items["k"] == values[Ref(namespace, name)]
    assert_gone(fast / "state", list(before.values()))


def test_what_another_program_deleted_is_in_no_file_either(place: World) -> None:
    """It had no `secure_delete`, and left the bytes in free pages."""
    place.put("web/big.yaml", {"k": secrets.token_bytes(20_000)})
    delivered(place, versions=1)
    row = rows(place.state)["web", "big", 1]
    with sqlite3.connect(place.state / "state.db") as other:
        other.execute("PRAGMA secure_delete=OFF")
        other.execute("UPDATE local_versions SET row = NULL WHERE name = 'big'")
    other.close()
    assert row[8000:8016] in (place.state / "state.db").read_bytes()
    assert rotate(place).code == 0
    assert_gone(place.state, [row])


def test_large_rows_are_taken_a_few_at_a_time() -> None:
    left = [(("web", "app", number), 20_000_000) for number in range(5)]
    assert [len(part) for part in batches(iter(left))] == [2, 2, 1]
    assert [len(part) for part in batches(iter([(place, 1) for place, _ in left] * 60))] == [256, 44]


# --- killed


def test_a_process_killed_at_every_step_and_run_again(place: World, fast: Path, counts: Counts) -> None:
    values = delivered(place)
    old, before = read_record(place.directory).state_key.id, list(rows(place.state).values())
    shutil.copytree(fast / "now", fast / "start")
    steps = 0
    seen: set[str] = set()
    while True:
        steps += 1
        shutil.rmtree(fast / "now")
        shutil.copytree(fast / "start", fast / "now")
        if not _killed_at(place, steps, seen):
            break
        assert {ref: place.get(ref, "k") for ref in values} == values
        active = read_record(place.directory).state_key.id
        ran = rotate(place)
        assert ran.code == 0, ran.err
        after = read_record(place.directory).state_key.id
        assert after != old
        if active != old and "unfinished" in ran.out:
            assert after == active  # what was begun is ended: no third key
        assert_gone(place.state, before)
        assert_settled(place, values, counts)
        _closed(place)
    assert steps > 20
    assert seen == {"write", "remove", "compact", "state.commit", "audit.append", "audit.sync"}


def _killed_at(world: World, number: int, seen: set[str]) -> bool:
    """A child that ends at this step, before or after an effect; False if it went to the end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            _deadly(number, writing)
            code = rotate(world).code
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as names:
        seen |= set(names.read().split())
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9)
    return code == 9


def _deadly(number: int, names: int) -> None:
    """In the child: every effect counts twice, before and after; at the chosen count the process is gone."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == number:
            os._exit(9)

    def around(name: str, effect: Callable[..., object]) -> Callable[..., object]:
        def stepped(*arguments: object, **named: object) -> object:
            os.write(names, f"{name}\n".encode())
            step()
            result = effect(*arguments, **named)
            step()
            return result

        return stepped

    class Port:
        def __init__(self, call: str) -> None:
            self.call = call

        def __enter__(self) -> None:
            os.write(names, f"{self.call}\n".encode())
            step()

        def __exit__(self, *error: object) -> None:
            step()

    write, compact = keyfiles.write, state_tables.compact
    keyfiles.write = around("write", write)  # type: ignore[assignment]
    keyfiles.remove = around("remove", keyfiles.remove)  # type: ignore[assignment]
    state_tables.compact = around("compact", compact)  # type: ignore[assignment]
    Effects.around = lambda self, call, what: Port(call)  # type: ignore[assignment,method-assign,return-value]


def _closed(world: World) -> None:
    """Each intent in the audit log has one outcome."""
    log = _log(world)
    begun = [line["sequence"] for line in log if line["phase"] == "intent"]
    assert Counter(line["intent"] for line in log if line["phase"] == "outcome") == Counter(begun)
    assert world.run("audit", "verify", "--state", world.state).code == 0


def _log(world: World) -> list[dict[str, object]]:
    files = sorted((world.state / "audit").iterdir())
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_a_delivery_killed_at_every_effect_is_recovered_after_a_rotation(place: World, fast: Path) -> None:
    values = delivered(place, versions=1)
    values[REFS[0]] = values["web/new"] = b"2"
    for ref in (REFS[0], "web/new"):
        place.put(f"{ref}.yaml", {"k": b"2"}, secret={"labels": {"app": "shop"}})
    shutil.copytree(fast / "now", fast / "start")
    for number in range(1, 100):
        shutil.rmtree(fast / "now")
        shutil.copytree(fast / "start", fast / "now")
        ended = _delivered_until(Wanted("."), place.state, number)
        assert rotate(place).code == 0
        assert place.apply().code == 0
        assert {ref: place.get(ref, "k") for ref in values} == values
        assert {name: version for name, (_, version) in place.states().items()} == {
            REFS[0]: "2", REFS[1]: "1", REFS[2]: "1", "web/new": "1",
        }  # fmt: skip
        _closed(place)
        if ended:
            break
    assert number > 8


# --- readers


def test_values_are_read_at_every_step_with_a_keyring_opened_before_it(
    place: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = delivered(place, versions=1)
    asked: list[int] = []

    def read(*_: object) -> None:
        for ring in (stale, Keyring.open(place.directory)):
            with State.open(place.state, read_only=True) as state:
                store = LocalStore(state, ring.state_keys, lambda: 0)
                for ref, value in values.items():
                    assert run(store.read(store.target(Ref(*ref.split("/"))))).items["k"] == value
        asked.append(len(stale.record.state_keys))

    def around(effect: Callable[..., object]) -> Callable[..., object]:
        def stepped(*arguments: object, **named: object) -> object:
            read()
            result = effect(*arguments, **named)
            read()
            return result

        return stepped

    stale = Keyring.open(place.directory)
    for module, name in ((keyfiles, "write"), (keyfiles, "remove"), (state_tables, "compact")):
        monkeypatch.setattr(module, name, around(getattr(module, name)))
    monkeypatch.setattr(Rows, "encrypt", around(Rows.encrypt))
    assert rotate(place).code == 0
    assert {1, 2} == set(asked)
    assert len(asked) > 9


def test_a_reader_that_is_overtaken_between_row_and_keys_reads_again(place: World) -> None:
    values = delivered(place, versions=1)
    ring = Keyring.open(place.directory)
    asked: list[int] = []

    def keys() -> Sequence[tuple[str, bytes]]:
        if not asked:
            assert rotate(place).code == 0
        asked.append(1)
        return ring.state_keys()

    with State.open(place.state, read_only=True) as state:
        store = LocalStore(state, keys, lambda: 0)
        assert run(store.read(store.target(Ref("web", "app")))).items["k"] == values["web/app"]
    assert len(asked) == 2


def test_a_reader_that_stays_keeps_the_former_key(
    place: World, monkeypatch: pytest.MonkeyPatch, counts: Counts
) -> None:
    monkeypatch.setattr(state_tables, "BUSY", 0.01)
    values, before = delivered(place), list(rows(place.state).values())
    reader = sqlite3.connect(place.state / "state.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM local_versions").fetchone()
    ran = rotate(place)
    assert ran.code == 2
    assert "is being read by another program" in ran.err
    record = read_record(place.directory)
    assert len(record.state_keys) == len(state_files(place)) == 2
    reader.execute("ROLLBACK")
    reader.close()
    ran = rotate(place)
    assert ran.out.splitlines()[0] == f"unfinished   {record.state_key.id[:8]}  state key, made before"
    assert "this ended what an earlier run began" in ran.err
    assert read_record(place.directory).state_keys == (record.state_key,)
    assert_gone(place.state, before)
    assert_settled(place, values, counts)


# --- refused, and not readable


@pytest.mark.usefixtures("cheap")
def test_a_wrong_passphrase_changes_nothing(world: World, fast: Path) -> None:
    shutil.rmtree(world.directory)
    word = fast / "pw"
    word.write_text("correct horse\n")
    keyadmin.init(world.directory, "prod", now=NOW, secret="correct horse")
    world.kem = Keyring.open(world.directory, passphrase=lambda: "correct horse").private(
        read_record(world.directory).keys[0].id
    )
    world.put("web/app.yaml", {"k": b"1"})
    assert world.apply("--passphrase-file", word).code == 0
    word.write_text("wrong\n")
    before = everything(world.directory, world.state)
    ran = rotate(world, "--passphrase-file", word)
    after = everything(world.directory, world.state)
    assert (ran.code, ran.out) == (2, "")
    assert "wrong passphrase" in ran.err
    assert {name for name in after if after[name] != before.get(name)} == {
        name for name in before if "/audit/" in name
    }  # fmt: skip
    word.write_text("correct horse\n")
    assert rotate(world, "--passphrase-file", word).code == 0
    [name] = state_files(world)
    assert passphrase.is_encrypted((world.directory / name).read_text())
    assert world.run("get", "web/app", "k", "--state", world.state, "--passphrase-file", word).out == "1"


def test_a_state_of_another_cluster_is_refused(place: World) -> None:
    delivered(place, versions=1)
    with State.open(place.state) as state, state.begin("records") as transaction:
        transaction.put_meta(owner="staging")
    before = everything(place.directory)
    ran = rotate(place)
    assert ran.code == 1
    assert "this state belongs to cluster staging, not to prod" in ran.err
    assert "--state DIR" in ran.err
    assert everything(place.directory) == before


def test_a_state_in_use_is_a_2(place: World) -> None:
    delivered(place, versions=1)
    before = everything(place.directory)
    with State.open(place.state):
        ran = rotate(place, "--lock-timeout", "0")
    assert ran.code == 2
    assert "the state is in use by process" in ran.err
    assert everything(place.directory) == before


def test_without_a_state_the_key_alone_is_replaced(place: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old = read_record(place.directory).state_key.id
    ran = place.run("keys", "rotate-state")
    assert ran.code == 0
    assert "nothing to encrypt again" in ran.err
    new = read_record(place.directory).state_key.id
    assert new != old
    assert state_files(place) == [f"state-{new}.pem"]
    assert len(Keyring.open(place.directory).state_keys()) == 1


def test_a_state_that_was_named_must_be_there(place: World) -> None:
    """A typo would drop the key of the state that was meant."""
    before = everything(place.directory)
    ran = rotate(place)
    assert ran.code == 2
    assert "there is no state here" in ran.err
    assert everything(place.directory) == before


@pytest.mark.parametrize("damage", ["value", "key", "short"])
def test_what_cannot_be_decrypted_is_named_and_keeps_the_key(place: World, damage: str) -> None:
    values = delivered(place)
    old = read_record(place.directory).state_key.id
    _damage(place.state, damage)
    ran = rotate(place)
    assert ran.code == 1
    assert "5 versions of 3 secrets encrypted again" in ran.out
    assert "unreadable   web/app  version 2: " in ran.out
    assert "dropped" not in ran.out
    assert f"until that is settled state key {old[:8]} is kept" in ran.err
    assert "rotate-state --give-up" in ran.err
    assert len(state_files(place)) == 2
    active = read_record(place.directory).state_key.id
    assert rotate(place).code == 1
    assert read_record(place.directory).state_key.id == active
    ran = rotate(place, "--give-up")
    assert ran.code == 0
    assert "given up     web/app  version 2: " in ran.out
    assert f"dropped      {old[:8]}  state key" in ran.out
    assert state_files(place) == [f"state-{active}.pem"]
    assert place.apply().summary == "1 updated, 2 unchanged"
    assert {ref: place.get(ref, "k") for ref in values} == values


def test_a_damaged_row_that_is_restored_ends_it(place: World, counts: Counts, fast: Path) -> None:
    values = delivered(place)
    row = rows(place.state)["web", "app", 2]
    _damage(place.state, "value")
    assert rotate(place).code == 1
    with State.open(place.state) as state, state.begin("records") as transaction:
        where = (local_versions.c.name == "app", local_versions.c.version == 2)
        transaction.connection.execute(local_versions.update().where(*where).values(row=row))
    assert rotate(place).code == 0
    assert_settled(place, values, counts)


def _damage(directory: Path, how: str) -> None:
    columns = local_versions.c
    where = (columns.name == "app", columns.version == 2)
    with State.open(directory) as state:
        [(row,)] = state.rows(sa.select(columns.row).where(*where))
        bad = {
            "value": row[:-1] + bytes([row[-1] ^ 1]),
            "key": row[:1] + secrets.token_bytes(8) + row[9:],
            "short": row[:5],
        }[how]
        with state.begin("records") as transaction:
            transaction.connection.execute(local_versions.update().where(*where).values(row=bad))


def test_a_row_that_changed_meanwhile_is_not_written_over(place: World, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered(place, versions=1)
    rows_again = Rows._again

    def late(self: Rows, *arguments: object) -> object:
        with sqlite3.connect(place.state / "state.db") as other:
            other.execute("UPDATE local_versions SET row = x'00'")
        return rows_again(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Rows, "_again", late)
    ran = rotate(place)
    assert ran.code == 2
    assert "another process wrote to the state" in ran.err
    assert set(rows(place.state).values()) == {b"\0"}
    assert len(state_files(place)) == 2


def test_a_log_that_was_cut_is_refused_before_anything_is_opened(place: World) -> None:
    delivered(place, versions=1)
    before = everything(place.directory)
    [file] = (place.state / "audit").iterdir()
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:1]))
    assert rotate(place).code == 1
    assert everything(place.directory) == before


@pytest.mark.parametrize("state", [True, False])
def test_the_extra_is_needed_only_where_there_is_a_state(place: World, state: bool) -> None:
    if state:
        delivered(place, versions=1)
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'sqlalchemy' else find(name, *a)\n"
        "from controller import main; from sealer.entry import start\n"
        "sys.exit(start(main.app, 'sealer-controller', sys.argv[1:]))"
    )
    arguments = ["keys", "rotate-state", *(["--state", str(place.state)] if state else [])]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if state else 0), done.stderr
    assert ("sealer[controller]" in done.stderr) == state


# --- the rest of the controller


def test_an_apply_that_waited_for_the_lock_delivers_nothing_again(
    place: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keyring was opened before the rotation, the state after it."""
    delivered(place, versions=1)
    opened = State.open

    def waited(*arguments: object, **named: object) -> State:
        monkeypatch.setattr(State, "open", opened)
        assert rotate(place).code == 0
        return opened(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(State, "open", waited)
    assert place.apply().summary == "3 unchanged"


@pytest.fixture
def folder(place: World, fast: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with a store `files` besides the built-in one; the folder that it fills."""
    configured = fast / "config"
    configured.mkdir()
    (configured / "vm.yaml").write_text(
        "apiVersion: sealer.dev/v1alpha1\nkind: Store\nmetadata: {name: vm}\n"
        f"spec: {{kind: files, root: {fast}/now/vm, namespaces: ['*'], allowDisk: true}}\n"
    )
    return configured


EVERYWHERE = {"sealer.dev/stores": "local,vm"}


def test_what_stands_in_another_store_is_left_alone(place: World, folder: Path, counts: Counts) -> None:
    place.put("web/app.yaml", {"k": b"1"}, annotations=EVERYWHERE)
    assert place.apply("--config", folder).code == 0
    before = {each.target: each for each in deliveries(place)}
    assert rotate(place).code == 0
    kept = {each.target.store: each.fingerprint == before[each.target].fingerprint for each in deliveries(place)}
    assert kept.pop("local") is False
    assert set(kept.values()) == {True}
    counts.private = 0
    assert place.apply("--config", folder).summary == "1 unchanged"
    assert counts.private == 0


@pytest.mark.parametrize("stores", ["vm", "local,vm"])
def test_a_value_in_another_store_is_read_once_and_compared(place: World, folder: Path, stores: str) -> None:
    place.put("web/app.yaml", {"k": b"1"}, annotations={"sealer.dev/stores": stores})
    assert place.apply("--config", folder).code == 0
    before = {each.target: each.version for each in deliveries(place)}
    assert rotate(place).code == 0
    place.put("web/app.yaml", {"k": b"1"}, annotations={"sealer.dev/stores": stores})
    assert place.apply("--config", folder).code == 0
    assert {each.target: each.version for each in deliveries(place)} == before
    assert len({each.fingerprint[:8] for each in deliveries(place)}) == 1


def test_a_delivery_to_another_store_killed_at_every_effect_has_the_right_values_after_a_rotation(
    place: World, folder: Path, fast: Path
) -> None:
    """Nor is it called failed in the log."""
    for _ in _killed_elsewhere(place, folder, fast):
        assert "failed" not in {line["outcome"] for line in _log(place)}
        assert place.get("web/app", "k") == b"2"
        assert (fast / "now/vm/current/web/app/k").read_bytes() == b"2"
        assert {each.version.partition("-")[0] for each in deliveries(place)} == {"2"}
        _closed(place)
        place.put("web/app.yaml", {"k": b"3"}, annotations=EVERYWHERE)
        assert place.apply("--config", folder).code == 0
        assert (fast / "now/vm/current/web/app/k").read_bytes() == b"3"
        place.put("web/app.yaml", {"k": b"2"}, annotations=EVERYWHERE)


def _killed_elsewhere(place: World, folder: Path, fast: Path) -> Iterator[int]:
    """An update of a secret in two stores, killed at each effect; then a rotation, then another apply."""
    place.put("web/app.yaml", {"k": b"1"}, annotations=EVERYWHERE)
    assert place.apply("--config", folder).code == 0
    place.put("web/app.yaml", {"k": b"2"}, annotations=EVERYWHERE)
    shutil.copytree(fast / "now", fast / "start", symlinks=True)
    number = 0
    ended = False
    while not ended:
        number += 1
        shutil.rmtree(fast / "now")
        shutil.copytree(fast / "start", fast / "now", symlinks=True)
        ended = _delivered_until(Wanted(".", config=folder), place.state, number)
        assert rotate(place).code == 0
        assert place.apply("--config", folder).code == 0
        yield number
    assert number > 20


def _delivered_until(wanted: Wanted, state: Path, number: int) -> bool:
    """A child that applies and is killed at this effect; whether it came to its end before."""
    child = os.fork()
    if child == 0:
        try:
            deliver(job(wanted, Options(state=state)), Deadly(number, process=True))
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _put(store: LocalStore, ref: Ref, value: bytes, expect: str) -> Put:
    secret = Secret(ref.name, ref.namespace, {"k": value})
    return Put(store.target(ref), secret, expect, Mark("prod/shop", secrets.token_hex(16), "", 1))


def _all(state: State) -> Iterator[tuple[tuple[str, str, int], bytes]]:
    c = local_versions.c
    for row in state.rows(sa.select(c.namespace, c.name, c.version, c.row)):
        yield row[:3], row[3]
